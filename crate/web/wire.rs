//! One HTTP request: sent, its answer classified, its body read piece by piece into memory or into a blob.

use super::{blob::words, float, host::Host};
use crate::error::{Error, Read};
use js_sys::{Array, Function, Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, Blob, Headers, ReadableStreamDefaultReader, RequestInit, RequestMode, Response};

#[wasm_bindgen]
extern "C" {
    fn fetch(url: &str, init: &RequestInit) -> Promise;
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(callback: &Function, ms: f64) -> JsValue;
    type AbortController;
    #[wasm_bindgen(constructor)]
    fn new() -> AbortController;
    #[wasm_bindgen(method, getter)]
    fn signal(this: &AbortController) -> AbortSignal;
    #[wasm_bindgen(method)]
    fn abort(this: &AbortController);
    #[wasm_bindgen(js_namespace = AbortSignal, js_name = any)]
    fn any_of(signals: &Array) -> AbortSignal;
    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(timer: &JsValue);
    #[wasm_bindgen(js_namespace = location, js_name = origin, thread_local_v2)]
    static ORIGIN: String;
}

/// Pieces of a body are gathered to this size before they become a blob, which the browser may keep on disk.
const GATHER: u64 = 8 << 20;

/// Milliseconds without a byte after which a request is given up, where the host does not say.
const PATIENCE_MS: f64 = 20_000.0;

/// Why a request did not give what it should.
pub(super) enum Fault {
    /// The same request may succeed if sent again.
    Passing(Error),
    /// It will not.
    Lasting(Error),
}

impl Fault {
    pub(super) fn into_error(self) -> Error {
        match self {
            Self::Passing(error) | Self::Lasting(error) => error,
        }
    }
}

/// What a `Content-Range` says.
pub(super) struct Span {
    /// First byte of the body.
    pub(super) start: u64,
    /// Length of the whole file.
    pub(super) total: u64,
}

/// An answer with a body.
pub(super) struct Answer {
    response: Response,
    /// Milliseconds to wait for each piece of the body.
    patience: f64,
    /// 200 or 206.
    pub(super) status: u16,
    /// From `Content-Range`, where the browser shows it.
    pub(super) span: Option<Span>,
    /// The version of the file, where the browser shows it.
    pub(super) etag: Option<String>,
    /// From `Content-Length`, if the body is not encoded on the way.
    pub(super) length: Option<u64>,
}

/// Sends a GET, with a simple range (which needs no preflight) if one is given. `None` is 416: no such range.
pub(super) async fn get(
    url: &str,
    name: &str,
    range: Option<(u64, u64)>,
    host: &Host,
) -> Result<Option<Answer>, Fault> {
    let failed = |kind, cause: String| Error::Read {
        kind,
        from: name.to_owned(),
        cause,
    };
    let broken = |e: JsValue| Fault::Lasting(failed(Read::Network, words(&e)));
    let (init, own) = (RequestInit::new(), AbortController::new());
    init.set_signal(Some(&any_of(&Array::of2(&host.signal(), &own.signal()))));
    if let Some((first, last)) = range {
        let headers = Headers::new().map_err(broken)?;
        headers.set("Range", &format!("bytes={first}-{last}")).map_err(broken)?;
        init.set_headers(&headers);
    }
    let patience = host.patience().unwrap_or(PATIENCE_MS);
    let response: Response = match within(fetch(url, &init), patience).await {
        Ok(Some(response)) => response.unchecked_into(),
        Ok(None) => {
            own.abort();
            return Err(Fault::Passing(failed(Read::Network, silent(patience))));
        }
        Err(e) if aborted(&e) => return Err(Fault::Lasting(Error::Aborted)),
        Err(e) => return Err(unreachable(url, &e, host, &failed).await),
    };
    let header = |key: &str| response.headers().get(key).ok().flatten();
    let status = response.status();
    match status {
        200 | 206 => {}
        416 => return Ok(None),
        401 | 403 => {
            return Err(Fault::Lasting(failed(
                Read::Gated,
                format!("the server asks for a permission (HTTP {status}): the model may be gated or private"),
            )));
        }
        404 | 410 => {
            return Err(Fault::Lasting(failed(
                Read::NotFound,
                format!("there is no such file (HTTP {status})"),
            )));
        }
        408 | 425 | 429 | 500.. => {
            return Err(Fault::Passing(failed(
                Read::Network,
                format!("the server answered HTTP {status}"),
            )));
        }
        _ => {
            return Err(Fault::Lasting(failed(
                Read::Network,
                format!("the server answered HTTP {status}"),
            )));
        }
    }
    // a host that answers every address with its start page has no such file
    if header("content-type").is_some_and(|t| t.starts_with("text/html")) && !name.ends_with(".html") {
        return Err(Fault::Lasting(failed(
            Read::NotFound,
            "the server answered with a web page instead of the file".into(),
        )));
    }
    Ok(Some(Answer {
        status,
        span: header("content-range").as_deref().and_then(span),
        etag: header("etag").or_else(|| header("last-modified")),
        length: match header("content-encoding").as_deref() {
            None | Some("identity") => header("content-length").and_then(|n| n.parse().ok()),
            Some(_) => None,
        },
        patience,
        response,
    }))
}

impl Answer {
    fn reader(&self) -> Option<ReadableStreamDefaultReader> {
        Some(self.response.body()?.get_reader().unchecked_into())
    }

    /// Appends the body to `bytes` until there are `want` of them. What came stays there if it ends early.
    pub(super) async fn fill(&self, bytes: &mut Vec<u8>, want: usize, name: &str) -> Result<(), Fault> {
        let Some(reader) = self.reader() else {
            return Err(cut_short(name, "there is no body"));
        };
        while bytes.len() < want {
            let Some(piece) = next(&reader, name, self.patience).await? else {
                return Err(cut_short(name, &format!("{} of {want} bytes came", bytes.len())));
            };
            let room = u32::try_from(want - bytes.len()).unwrap_or(u32::MAX);
            let piece = piece.subarray(0, piece.length().min(room));
            let start = bytes.len();
            bytes.resize(start + piece.length() as usize, 0);
            piece.copy_to(&mut bytes[start..]);
        }
        // the rest of an answer longer than asked for is not wanted, nor whether it could be cancelled
        let _ = reader.cancel();
        Ok(())
    }

    /// The body's first `want` bytes, or all of a shorter one, and whether it ended; the rest is not read.
    pub(super) async fn beginning(&self, want: usize, name: &str) -> Result<(Vec<u8>, bool), Fault> {
        let mut bytes = Vec::new();
        let Some(reader) = self.reader() else {
            return Ok((bytes, true));
        };
        while bytes.len() < want {
            let Some(piece) = next(&reader, name, self.patience).await? else {
                return Ok((bytes, true));
            };
            let start = bytes.len();
            bytes.resize(start + piece.length() as usize, 0);
            piece.copy_to(&mut bytes[start..]);
        }
        // nobody waits for the connection to be given back
        let _ = reader.cancel();
        Ok((bytes, false))
    }

    /// The whole body as a blob, reporting as the phase `download`.
    pub(super) async fn blob(&self, name: &str, host: &Host) -> Result<Blob, Fault> {
        let blobs = Array::new();
        let mut pieces = Array::new();
        let (mut done, mut gathered) = (0u64, 0u64);
        let total = self.length.unwrap_or(0);
        let refused = |e: JsValue| {
            Fault::Lasting(Error::Read {
                kind: Read::Io,
                from: name.to_owned(),
                cause: format!("the browser cannot keep it: {}", words(&e)),
            })
        };
        if let Some(reader) = self.reader() {
            while let Some(piece) = next(&reader, name, self.patience).await? {
                done += u64::from(piece.length());
                gathered += u64::from(piece.length());
                pieces.push(&piece);
                if gathered >= GATHER {
                    blobs.push(&Blob::new_with_u8_array_sequence(&pieces).map_err(refused)?.into());
                    pieces = Array::new();
                    gathered = 0;
                    if !host.progress("download", float(done), float(total.max(done))) {
                        return Err(Fault::Lasting(Error::Aborted));
                    }
                }
            }
        }
        if self.length.is_some_and(|length| length != done) {
            return Err(cut_short(name, &format!("{done} of {total} bytes came")));
        }
        blobs.push(&Blob::new_with_u8_array_sequence(&pieces).map_err(refused)?.into());
        Blob::new_with_blob_sequence(&blobs).map_err(refused)
    }

    /// Gives the connection back without reading the body.
    pub(super) fn drop_body(&self) {
        if let Some(body) = self.response.body() {
            let _ = body.cancel();
        }
    }
}

/// Waits, for a request to be sent again.
pub(super) async fn wait(ms: f64) {
    let promise = Promise::new(&mut |resolve, _| {
        set_timeout(&resolve, ms);
    });
    // this promise is never rejected
    let _ = JsFuture::from(promise).await;
}

/// What a promise brings, which is not nothing; `None` if it takes longer than so many milliseconds.
async fn within(promise: Promise, ms: f64) -> Result<Option<JsValue>, JsValue> {
    let mut timer = JsValue::UNDEFINED;
    let late = Promise::new(&mut |resolve, _| timer = set_timeout(&resolve, ms));
    let first = JsFuture::from(Promise::race(&Array::of2(&promise, &late))).await;
    clear_timeout(&timer);
    first.map(|value| (!value.is_undefined()).then_some(value))
}

fn silent(ms: f64) -> String {
    format!("nothing came for {ms} ms")
}

/// The next piece of a body.
async fn next(reader: &ReadableStreamDefaultReader, name: &str, patience: f64) -> Result<Option<Uint8Array>, Fault> {
    let step = match within(reader.read(), patience).await {
        Ok(Some(step)) => step,
        Ok(None) => {
            // nobody waits for the connection to be given back
            let _ = reader.cancel();
            return Err(cut_short(name, &silent(patience)));
        }
        Err(e) if aborted(&e) => return Err(Fault::Lasting(Error::Aborted)),
        Err(e) => return Err(cut_short(name, &words(&e))),
    };
    let get = |key: &str| Reflect::get(&step, &key.into()).unwrap_or(JsValue::UNDEFINED);
    Ok((!get("done").is_truthy()).then(|| get("value").unchecked_into()))
}

fn cut_short(name: &str, how: &str) -> Fault {
    Fault::Passing(Error::Read {
        kind: Read::Network,
        from: name.to_owned(),
        cause: format!("the answer ended early: {how}"),
    })
}

fn aborted(error: &JsValue) -> bool {
    error
        .dyn_ref::<js_sys::Error>()
        .is_some_and(|e| e.name() == "AbortError")
        || Reflect::get(error, &"name".into()).is_ok_and(|name| name == "AbortError")
}

/// `fetch` says the same for a host that forbids pages to read as for one that is down. An opaque request tells them
/// apart: it succeeds only if the host is there.
async fn unreachable(url: &str, error: &JsValue, host: &Host, failed: &dyn Fn(Read, String) -> Error) -> Fault {
    let foreign = web_sys::Url::new(url).is_ok_and(|url| ORIGIN.with(|here| url.origin() != *here));
    if foreign {
        let init = RequestInit::new();
        init.set_method("HEAD");
        init.set_mode(RequestMode::NoCors);
        init.set_signal(Some(&host.signal()));
        if JsFuture::from(fetch(url, &init)).await.is_ok() {
            return Fault::Lasting(failed(
                Read::Cors,
                "that site does not let pages read from it (no CORS headers); download the file and drop it here"
                    .into(),
            ));
        }
    }
    Fault::Passing(failed(
        Read::Network,
        format!("the host cannot be reached ({})", words(error)),
    ))
}

/// `bytes 0-99/1000`.
fn span(header: &str) -> Option<Span> {
    let (range, total) = header.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (start, _) = range.split_once('-')?;
    Some(Span {
        start: start.trim().parse().ok()?,
        total: total.trim().parse().ok()?,
    })
}
