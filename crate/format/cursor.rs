//! Reads the head of a file front to back, in growing steps, and never more than the file has.

use super::source::ByteSource;
use crate::error::{Error, Result};
use std::rc::Rc;

/// Size of the first read; each later one is twice as large as the one before, up to `MAX_STEP`.
const STEP: u64 = 1 << 20;
const MAX_STEP: u64 = 4 << 20;

/// The first read of a file whose header is known to be short, so that many of them cost little.
const SHORT: u64 = 1 << 17;

/// A place in a file, with some bytes read ahead.
pub(super) struct Cursor {
    source: Rc<dyn ByteSource>,
    buffer: Vec<u8>,
    /// Where the next byte lies in `buffer`.
    at: usize,
    /// Where `buffer` ends in the file.
    end: u64,
    step: u64,
}

impl Cursor {
    pub(super) fn new(source: Rc<dyn ByteSource>) -> Self {
        Self {
            source,
            buffer: Vec::new(),
            at: 0,
            end: 0,
            step: STEP,
        }
    }

    /// For a file that is one of many, with a part of the header each.
    pub(super) fn short(source: Rc<dyn ByteSource>) -> Self {
        Self {
            step: SHORT,
            ..Self::new(source)
        }
    }

    pub(super) fn name(&self) -> &str {
        self.source.name()
    }

    pub(super) fn source(&self) -> &Rc<dyn ByteSource> {
        &self.source
    }

    /// Offset of the next byte from the start of the file.
    pub(super) fn position(&self) -> u64 {
        self.end - (self.buffer.len() - self.at) as u64
    }

    /// Bytes from here to the end of the file.
    pub(super) fn left(&self) -> u64 {
        self.source.size() - self.position()
    }

    /// The next `len` bytes, or as many as there are, without going on.
    pub(super) async fn peek(&mut self, len: u64) -> Result<&[u8]> {
        let len = self.fill(len.min(self.left())).await?;
        Ok(&self.buffer[self.at..self.at + len])
    }

    /// The next `len` bytes of `field`.
    pub(super) async fn take(&mut self, len: u64, field: &str) -> Result<&[u8]> {
        self.require(len, field)?;
        let len = self.fill(len).await?;
        self.at += len;
        Ok(&self.buffer[self.at - len..self.at])
    }

    /// An error if there are fewer than `len` bytes left.
    pub(super) fn require(&self, len: u64, field: &str) -> Result<()> {
        if len <= self.left() {
            return Ok(());
        }
        let expected = format!("{len} bytes at {}", self.position());
        let found = format!("{} to the end of the file", self.left());
        Err(super::bad(self.name(), field, &expected, found))
    }

    /// Reads on until `len` bytes are ahead; the caller knows that the file has them.
    async fn fill(&mut self, len: u64) -> Result<usize> {
        let wanted = usize::try_from(len).map_err(|_| Error::TooBig {
            what: self.name().into(),
            needed: len,
            available: usize::MAX as u64,
        })?;
        let ahead = self.buffer.len() - self.at;
        if ahead >= wanted {
            return Ok(wanted);
        }
        let more = (len - ahead as u64).max(self.step).min(self.source.size() - self.end);
        let more = usize::try_from(more).unwrap_or(wanted - ahead);
        let read = self.source.read(self.end, more).await?;
        if read.len() != more {
            return Err(Error::internal(format!(
                "{}: {} bytes instead of {more} were read",
                self.source.name(),
                read.len()
            )));
        }
        self.step = (self.step * 2).min(MAX_STEP);
        self.end += more as u64;
        if ahead == 0 {
            self.buffer = read;
        } else {
            self.buffer.drain(..self.at);
            self.buffer.extend(read);
        }
        self.at = 0;
        Ok(wanted)
    }
}
