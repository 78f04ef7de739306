//! Bytes over HTTP: ranged requests with a window for small reads; where there are no ranges the whole file once, or of a
//! file whose header is all that may be read, its beginning.

use super::{
    blob::BlobSource,
    host::Host,
    wire::{self, Answer, Fault},
};
use crate::{
    error::{Error, Read, Result},
    format::source::{ByteSource, Folder, Pending},
};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

/// Reads below half of this are served from one request of this size: a header, or hundreds of small tensors.
const WINDOW: u64 = 4 << 20;
/// The most that is read of a file's beginning where there are no ranges: no header is longer.
const BEGINNING: u64 = 128 << 20;
/// Requests that bring nothing, one after another, before a read gives up.
const TRIES: u32 = 4;
/// The first wait before a request is sent again; it doubles.
const WAIT_MS: f64 = 250.0;

/// A file at an address whose host answers ranges.
struct Remote {
    url: String,
    name: String,
    size: u64,
    etag: Option<String>,
    window: RefCell<Window>,
    host: Rc<Host>,
}

/// A file at an address whose host sends nothing but whole files, of which only the beginning is read: every request
/// starts at the first byte and is broken off.
struct Beginning {
    url: String,
    name: String,
    size: u64,
    etag: Option<String>,
    bytes: RefCell<Vec<u8>>,
    host: Rc<Host>,
}

/// How much of the files may be read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// All: they are loaded.
    All,
    /// Headers only: nobody has agreed to download more.
    Header,
}

/// Of one request.
type Outcome<T> = std::result::Result<T, Fault>;

/// The bytes at hand.
#[derive(Default)]
struct Window {
    offset: u64,
    bytes: Vec<u8>,
}

impl Window {
    fn get(&self, offset: u64, len: usize) -> Option<Vec<u8>> {
        let start = usize::try_from(offset.checked_sub(self.offset)?).ok()?;
        Some(self.bytes.get(start..start.checked_add(len)?)?.to_vec())
    }
}

/// Opens an address: asks for its beginning, and learns from the answer how the rest can be read.
async fn open(url: &str, name: &str, extent: Extent, host: &Rc<Host>) -> Result<Rc<dyn ByteSource>> {
    let mut tries = Tries::default();
    loop {
        match begin(url, name, extent, host).await {
            Ok(source) => return Ok(source),
            Err(fault) => tries.again(fault).await?,
        }
    }
}

async fn begin(url: &str, name: &str, extent: Extent, host: &Rc<Host>) -> Outcome<Rc<dyn ByteSource>> {
    let Some(answer) = wire::get(url, name, Some((0, WINDOW - 1)), host).await? else {
        // no byte 0: the file is empty
        return Ok(Rc::new(crate::format::source::Bytes::new(name, Vec::new())));
    };
    if answer.status == 206
        && let Some(span) = &answer.span
        && span.start == 0
    {
        let size = span.total;
        let mut source = Remote {
            url: url.to_owned(),
            name: name.to_owned(),
            size,
            etag: answer.etag.clone(),
            window: RefCell::default(),
            host: Rc::clone(host),
        };
        let mut bytes = Vec::new();
        let want = usize::try_from(size.min(WINDOW)).unwrap_or(0);
        match answer.fill(&mut bytes, want, name).await {
            // what is missing is asked for when it is read
            Ok(()) | Err(Fault::Passing(_)) => {}
            Err(fault) => return Err(fault),
        }
        source.window = RefCell::new(Window { offset: 0, bytes });
        return Ok(Rc::new(source));
    }
    rangeless(url, name, extent, host, answer).await
}

/// The fall-back: the file is read once into a blob, which the browser keeps outside the module's memory; of one whose
/// weights may not be read, only the beginning comes.
async fn rangeless(
    url: &str,
    name: &str,
    extent: Extent,
    host: &Rc<Host>,
    answer: Answer,
) -> Outcome<Rc<dyn ByteSource>> {
    let answer = if answer.status == 200 {
        answer
    } else {
        answer.drop_body();
        let Some(answer) = wire::get(url, name, None, host).await? else {
            return Err(Fault::Lasting(lost(name, "the server refuses the whole file".into())));
        };
        answer
    };
    if extent == Extent::Header && answer.length.is_none_or(|length| length > WINDOW) {
        let (bytes, ended) = answer.beginning(usize::try_from(WINDOW).unwrap_or(0), name).await?;
        if ended && answer.length.is_none() {
            return Ok(Rc::new(crate::format::source::Bytes::new(name, bytes)));
        }
        let Some(size) = answer.length else {
            return Err(Fault::Lasting(no_range(name, "nor says how long it is")));
        };
        return Ok(Rc::new(Beginning {
            url: url.to_owned(),
            name: name.to_owned(),
            size,
            etag: answer.etag.clone(),
            bytes: RefCell::new(bytes),
            host: Rc::clone(host),
        }));
    }
    // small files are read whole anyway
    if answer.length.is_none_or(|length| length > WINDOW) {
        host.warn(
            "no-range",
            &format!("{name}: the server does not send parts of a file, so it is downloaded whole before it is read"),
        );
    }
    let blob = answer.blob(name, host).await?;
    Ok(Rc::new(BlobSource::new(name.to_owned(), blob)))
}

/// Why a header cannot be read without its file.
fn no_range(name: &str, more: &str) -> Error {
    Error::Read {
        kind: Read::NoRange,
        from: name.to_owned(),
        cause: format!(
            "the server does not send parts of a file, {more}: what it takes is only known when it is downloaded"
        ),
    }
}

fn lost(name: &str, cause: String) -> Error {
    Error::Read {
        kind: Read::Network,
        from: name.to_owned(),
        cause,
    }
}

/// Counts requests that brought nothing.
#[derive(Default)]
struct Tries {
    failed: u32,
}

impl Tries {
    /// Waits if the request may be sent again, else gives the error.
    async fn again(&mut self, fault: Fault) -> Result<()> {
        self.failed += 1;
        if matches!(fault, Fault::Lasting(_)) || self.failed >= TRIES {
            return Err(fault.into_error());
        }
        wire::wait(WAIT_MS * f64::from(1u32 << (self.failed - 1))).await;
        Ok(())
    }
}

impl Remote {
    /// Brings exactly `len` bytes at `offset`, going on at the byte where an answer broke off.
    async fn fetch(&self, offset: u64, len: usize) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(len).map_err(|_| Error::TooBig {
            what: format!("a part of {}", self.name),
            needed: len as u64,
            available: 0,
        })?;
        let mut tries = Tries::default();
        while bytes.len() < len {
            let before = bytes.len();
            if let Err(fault) = self.part(offset, len, &mut bytes).await {
                if bytes.len() > before {
                    tries = Tries::default();
                }
                tries.again(fault).await?;
            }
        }
        Ok(bytes)
    }

    /// One request for what `bytes` still lacks.
    async fn part(&self, offset: u64, len: usize, bytes: &mut Vec<u8>) -> Outcome<()> {
        let lasting = |cause: &str| Fault::Lasting(lost(&self.name, cause.into()));
        let first = offset + bytes.len() as u64;
        let last = offset + len as u64 - 1;
        let Some(answer) = wire::get(&self.url, &self.name, Some((first, last)), &self.host).await? else {
            return Err(lasting("the file has become shorter while it was being read"));
        };
        let Some(span) = answer.span.as_ref().filter(|_| answer.status == 206) else {
            answer.drop_body();
            return Err(lasting("the server has stopped answering with parts of the file"));
        };
        if span.total != self.size || (answer.etag.is_some() && self.etag.is_some() && answer.etag != self.etag) {
            answer.drop_body();
            return Err(lasting(
                "the file was changed on the server while it was being read: load it again",
            ));
        }
        if span.start != first {
            answer.drop_body();
            return Err(lasting("the server sent another part of the file than was asked for"));
        }
        answer.fill(bytes, len, &self.name).await
    }

    async fn range(&self, offset: u64, len: usize) -> Result<Vec<u8>> {
        let outside = || Error::Read {
            kind: Read::Io,
            from: self.name.clone(),
            cause: format!("{len} bytes at {offset} are outside the file of {} bytes", self.size),
        };
        let end = offset
            .checked_add(len as u64)
            .filter(|end| *end <= self.size)
            .ok_or_else(outside)?;
        if len == 0 {
            return Ok(Vec::new());
        }
        if let Some(bytes) = self.window.borrow().get(offset, len) {
            return Ok(bytes);
        }
        if end - offset > WINDOW / 2 {
            return self.fetch(offset, len).await;
        }
        let ahead = usize::try_from(WINDOW.min(self.size - offset)).map_err(|_| outside())?;
        let bytes = self.fetch(offset, ahead).await?;
        let asked = bytes[..len].to_vec();
        self.window.replace(Window { offset, bytes });
        Ok(asked)
    }
}

impl ByteSource for Remote {
    fn name(&self) -> &str {
        &self.name
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn read(&self, offset: u64, len: usize) -> Pending<'_, Vec<u8>> {
        Box::pin(self.range(offset, len))
    }
}

impl Beginning {
    fn get(&self, offset: u64, len: usize) -> Option<Vec<u8>> {
        let start = usize::try_from(offset).ok()?;
        Some(self.bytes.borrow().get(start..start.checked_add(len)?)?.to_vec())
    }

    async fn range(&self, offset: u64, len: usize) -> Result<Vec<u8>> {
        if let Some(bytes) = self.get(offset, len) {
            return Ok(bytes);
        }
        let end = offset.saturating_add(len as u64);
        if end > self.size {
            return Err(lost(&self.name, format!("the file of {} bytes ends early", self.size)));
        }
        if end > BEGINNING {
            return Err(no_range(&self.name, "and its header is not at its beginning"));
        }
        // each request begins anew: twice as much, so that together they bring little more than the last
        let had = self.bytes.borrow().len() as u64;
        let want = end.max(2 * had).min(self.size).min(BEGINNING);
        let want = usize::try_from(want).unwrap_or(usize::MAX);
        let mut tries = Tries::default();
        loop {
            match self.again(want).await {
                Ok(bytes) => {
                    self.bytes.replace(bytes);
                    break;
                }
                Err(fault) => tries.again(fault).await?,
            }
        }
        self.get(offset, len)
            .ok_or_else(|| lost(&self.name, "the file has become shorter while it was being read".into()))
    }

    async fn again(&self, want: usize) -> Outcome<Vec<u8>> {
        let changed = || Fault::Lasting(lost(&self.name, "the file was changed on the server: ask again".into()));
        let answer = wire::get(&self.url, &self.name, None, &self.host)
            .await?
            .ok_or_else(changed)?;
        let other = answer.etag.is_some() && self.etag.is_some() && answer.etag != self.etag;
        if other || answer.length != Some(self.size) {
            answer.drop_body();
            return Err(changed());
        }
        Ok(answer.beginning(want, &self.name).await?.0)
    }
}

impl ByteSource for Beginning {
    fn name(&self) -> &str {
        &self.name
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn read(&self, offset: u64, len: usize) -> Pending<'_, Vec<u8>> {
        Box::pin(self.range(offset, len))
    }
}

/// The directory of an address.
pub(super) struct UrlFolder {
    /// The address up to its last `/`, without query.
    base: String,
    /// The name of the file that was asked for, and its address as given (it may be signed).
    entry: String,
    entry_url: String,
    /// Whether anything could be read here: then a refusal means that the file is not there, as object stores say it.
    readable: Cell<bool>,
    extent: Extent,
    host: Rc<Host>,
}

impl UrlFolder {
    /// From the address of a file, or of a folder if it ends in `/`; also gives the name of the file.
    pub(super) fn new(address: &str, extent: Extent, host: &Rc<Host>) -> Result<(Self, String)> {
        let wrong = || Error::Invalid {
            field: "source".into(),
            expected: "an absolute address".into(),
            found: address.to_owned(),
        };
        let url = web_sys::Url::new(address).map_err(|_| wrong())?;
        url.set_hash("");
        let entry_url = url.href();
        url.set_search("");
        let href = url.href();
        let (base, last) = href.rsplit_once('/').ok_or_else(wrong)?;
        let entry = js_sys::decode_uri_component(last)
            .map(String::from)
            .unwrap_or_else(|_| last.to_owned());
        let folder = Self {
            base: format!("{base}/"),
            entry: entry.clone(),
            entry_url,
            readable: Cell::new(false),
            extent,
            host: Rc::clone(host),
        };
        Ok((folder, entry))
    }

    async fn file(&self, name: &str) -> Result<Option<Rc<dyn ByteSource>>> {
        // names come from files too (an index of shards), so none may lead out of the folder, whatever it says
        let encoded = |part: &str| String::from(js_sys::encode_uri_component(part));
        let shown = match name.split_once('/') {
            Some((folder, file)) if !folder.starts_with('.') => {
                format!("{}{}/{}", self.base, encoded(folder), encoded(file))
            }
            _ => format!("{}{}", self.base, encoded(name)),
        };
        let url = if name == self.entry { &self.entry_url } else { &shown };
        match open(url, &shown, self.extent, &self.host).await {
            Ok(source) => {
                self.readable.set(true);
                Ok(Some(source))
            }
            Err(Error::Read {
                kind: Read::NotFound, ..
            }) => Ok(None),
            // Once a file of the folder was read, one that is refused is one that is not there: some hosts say so of what
            // is missing, and some leave the permission to read out of such answers.
            Err(Error::Read {
                kind: Read::Gated | Read::Cors,
                ..
            }) if self.readable.get() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Folder for UrlFolder {
    fn name(&self) -> &str {
        &self.base
    }

    fn open<'a>(&'a self, name: &'a str) -> Pending<'a, Option<Rc<dyn ByteSource>>> {
        Box::pin(self.file(name))
    }
}
