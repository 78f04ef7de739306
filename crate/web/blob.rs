//! Bytes from files that the user gave: blobs stay with the browser and are read in ranges.

use super::float;
use crate::{
    error::{Error, Read, Result},
    format::source::{ByteSource, Folder, Pending},
};
use js_sys::{Array, ArrayBuffer, Reflect, Uint8Array};
use std::{collections::BTreeMap, rc::Rc};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::Blob;

/// A blob under a name.
pub(super) struct BlobSource {
    name: String,
    blob: Blob,
    size: u64,
}

impl BlobSource {
    pub(super) fn new(name: String, blob: Blob) -> Self {
        let size = whole(blob.size());
        Self { name, blob, size }
    }

    fn failed(&self, cause: impl Into<String>) -> Error {
        Error::Read {
            kind: Read::Io,
            from: self.name.clone(),
            cause: cause.into(),
        }
    }

    async fn range(&self, offset: u64, len: usize) -> Result<Vec<u8>> {
        let end = u64::try_from(len)
            .ok()
            .and_then(|len| offset.checked_add(len))
            .filter(|end| *end <= self.size)
            .ok_or_else(|| {
                self.failed(format!(
                    "{len} bytes at {offset} are outside the file of {} bytes",
                    self.size
                ))
            })?;
        let unreadable = |e: JsValue| {
            self.failed(format!(
                "the browser cannot read it ({}); it may have been changed or moved: choose it again",
                words(&e)
            ))
        };
        let slice = self
            .blob
            .slice_with_f64_and_f64(float(offset), float(end))
            .map_err(unreadable)?;
        let buffer = JsFuture::from(slice.array_buffer()).await.map_err(unreadable)?;
        let bytes = Uint8Array::new(buffer.unchecked_ref::<ArrayBuffer>()).to_vec();
        if bytes.len() == len {
            Ok(bytes)
        } else {
            Err(self.failed(format!("{len} bytes wanted at {offset}, {} came", bytes.len())))
        }
    }
}

impl ByteSource for BlobSource {
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

/// The files of one choice or drop, by name.
pub(super) struct FilesFolder {
    name: String,
    files: BTreeMap<String, Blob>,
}

impl FilesFolder {
    /// From an array of `{ name, blob }`; also says which of them is the model.
    pub(super) fn new(source: &JsValue) -> Result<(Self, String)> {
        let wrong = |found: &str| Error::Invalid {
            field: "source".into(),
            expected: "an address or files".into(),
            found: found.into(),
        };
        let array = source
            .dyn_ref::<Array>()
            .ok_or_else(|| wrong("something that is neither"))?;
        let mut files = BTreeMap::new();
        for item in array.iter() {
            let get = |key: &str| Reflect::get(&item, &key.into()).unwrap_or(JsValue::UNDEFINED);
            let name = get("name").as_string().ok_or_else(|| wrong("a file without a name"))?;
            let blob = get("blob").dyn_into().map_err(|_| wrong("a file without bytes"))?;
            files.entry(name).or_insert(blob);
        }
        let entry = entry(&files).ok_or_else(|| Error::Read {
            kind: Read::NotFound,
            from: list(&files),
            cause: "no model among the files: expected a .gguf, a .safetensors, or a folder with config.json".into(),
        })?;
        let name = if entry.is_empty() { list(&files) } else { entry.clone() };
        Ok((Self { name, files }, entry))
    }
}

/// The first files by name, for messages.
fn list(files: &BTreeMap<String, Blob>) -> String {
    let mut names: Vec<&str> = files.keys().map(String::as_str).take(3).collect();
    if files.is_empty() {
        names.push("no file");
    } else if files.len() > names.len() {
        names.push("…");
    }
    names.join(", ")
}

/// Which file is the model; the empty name is the folder itself. A checkpoint with its config goes before a GGUF
/// that lies beside it, the first of a split GGUF before the others (they sort that way). One file alone is the model
/// whatever its name: an address need not end in one.
fn entry(files: &BTreeMap<String, Blob>) -> Option<String> {
    let with = |end: &str| files.keys().find(|name| name.to_ascii_lowercase().ends_with(end));
    let has = |name: &str| files.contains_key(name);
    if has("config.json") && (has("model.safetensors") || has("model.safetensors.index.json")) {
        return Some(String::new());
    }
    with(".gguf")
        .or_else(|| with(".safetensors.index.json"))
        .or_else(|| with(".safetensors"))
        .or_else(|| files.keys().next().filter(|_| files.len() == 1))
        .cloned()
}

impl Folder for FilesFolder {
    fn name(&self) -> &str {
        &self.name
    }

    fn open<'a>(&'a self, name: &'a str) -> Pending<'a, Option<Rc<dyn ByteSource>>> {
        let file = self
            .files
            .get(name)
            .map(|blob| Rc::new(BlobSource::new(name.to_owned(), blob.clone())) as Rc<dyn ByteSource>);
        Box::pin(std::future::ready(Ok(file)))
    }
}

/// The words of something that JavaScript threw.
pub(super) fn words(error: &JsValue) -> String {
    error.dyn_ref::<js_sys::Error>().map_or_else(
        || error.as_string().unwrap_or_else(|| "unknown cause".into()),
        |e| String::from(e.message()),
    )
}

/// A size that JavaScript gave as a float.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sizes are whole, positive and below 2^53; anything else becomes 0 or the largest by Rust's saturating cast"
)]
pub(super) fn whole(size: f64) -> u64 {
    size as u64
}
