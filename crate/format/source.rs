//! Where bytes come from: the one trait behind files, blobs, memory and ranged HTTP.

use crate::error::{Error, Read, Result};
use std::{future::Future, pin::Pin, rc::Rc};

/// A future that need not be `Send`: the browser has one thread for it.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + 'a>>;

/// A file of known length that can be read in ranges.
pub trait ByteSource {
    /// Name for messages: a path, an address, a file name.
    fn name(&self) -> &str;
    /// Length in bytes.
    fn size(&self) -> u64;
    /// Reads exactly `len` bytes at `offset`.
    ///
    /// # Errors
    /// [`Error::Read`] if the bytes are not there. Callers stay inside `size`.
    fn read(&self, offset: u64, len: usize) -> Pending<'_, Vec<u8>>;
}

/// A place that holds files by name: a directory, an address ending in `/`, the files a user dropped.
pub trait Folder {
    /// Name for messages.
    fn name(&self) -> &str;
    /// Opens a file, or says `None` if there is none of that name. `name` is one path component, or two: of
    /// a folder in it.
    ///
    /// # Errors
    /// [`Error::Read`] if it is unclear whether there is one, or it cannot be opened.
    fn open<'a>(&'a self, name: &'a str) -> Pending<'a, Option<Rc<dyn ByteSource>>>;
}

/// Bytes in memory.
pub struct Bytes {
    name: String,
    bytes: Vec<u8>,
}

impl Bytes {
    /// A source named `name` over `bytes`.
    pub fn new(name: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self {
            name: name.into(),
            bytes,
        }
    }
}

impl ByteSource for Bytes {
    fn name(&self) -> &str {
        &self.name
    }

    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read(&self, offset: u64, len: usize) -> Pending<'_, Vec<u8>> {
        let range = usize::try_from(offset)
            .ok()
            .and_then(|start| Some(start..start.checked_add(len)?));
        let bytes = range.and_then(|r| self.bytes.get(r)).map(<[u8]>::to_vec);
        Box::pin(std::future::ready(bytes.ok_or_else(|| Error::Read {
            kind: Read::Io,
            from: self.name.clone(),
            cause: format!(
                "{len} bytes at {offset} are outside the file of {} bytes",
                self.bytes.len()
            ),
        })))
    }
}
