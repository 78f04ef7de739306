//! Containers: a directory of tensors (name, shape, block format, byte range) and metadata from a folder of files.

mod apart;
mod checkpoint;
mod cursor;
mod gguf;
mod reader;
mod safetensors;
mod side;
pub mod source;
mod split;
pub mod write;

use crate::{
    error::{Error, Read, Result, Unsupported},
    tensor::{Format, Shape},
};
use cursor::Cursor;
use indexmap::IndexMap;
pub use side::is_vocabulary;
pub(crate) use side::json;
use source::{ByteSource, Folder};
use std::rc::Rc;

/// A value of GGUF metadata. Arrays are kept typed: a vocabulary has a few hundred thousand entries.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Any integer type.
    Int(i128),
    /// Either float type.
    Float(f64),
    /// A boolean.
    Bool(bool),
    /// UTF-8 text.
    Str(String),
    /// An array of any integer or boolean type.
    Ints(Vec<i64>),
    /// An array of either float type.
    Floats(Vec<f32>),
    /// An array of text.
    Strs(Vec<String>),
}

/// Metadata by key, in the order of the file.
pub type Metadata = IndexMap<String, Value>;

/// Where one tensor lies.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Name in the file.
    pub name: String,
    /// Row-major, outermost first (GGUF's order is reversed on reading).
    pub shape: Shape,
    /// Block format.
    pub format: &'static Format,
    /// Index into [`Checkpoint::files`].
    pub file: usize,
    /// First byte, from the start of the file.
    pub offset: u64,
    /// Length in bytes, as [`Checkpoint::read`] gives them.
    pub bytes: u64,
    /// Where the scales lie, if they lie apart.
    pub scales: Option<Scales>,
}

/// Scales of a tensor that lie apart from its values.
#[derive(Debug, Clone, Copy)]
pub struct Scales {
    /// Index into [`Checkpoint::files`].
    pub file: usize,
    /// First byte, from the start of the file.
    pub offset: u64,
    /// How many rows and columns share one.
    pub block: [usize; 2],
    /// Their format; `None` if they are the bytes that blocks begin with.
    pub format: Option<&'static Format>,
}

/// Which container the tensors came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    /// GGUF; `meta` has its key-values, tensor names are canonical.
    Gguf,
    /// safetensors; `config` has `config.json`, tensor names are those of the family's published checkpoints.
    Safetensors,
}

/// A tensor that is well formed but cannot be read as a weight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Its type, as the container calls it.
    pub kind: String,
    /// Dimensions, outermost first.
    pub dims: Vec<u64>,
    /// Index into [`Checkpoint::files`].
    pub file: usize,
    /// First byte, from the start of the file.
    pub offset: u64,
    /// Length in bytes; where the format is not known, up to the next tensor.
    pub bytes: u64,
    /// Whether it is a weight, in a format that `quant::FORMATS` lacks; the others are of no use as weights (integers,
    /// scalars, more than four dimensions).
    pub weight: bool,
}

/// A model as files: metadata read, tensors located, nothing loaded.
pub struct Checkpoint {
    /// Name for messages: the file or folder as the user gave it.
    pub name: String,
    /// Which container.
    pub container: Container,
    /// The files that hold tensors.
    pub files: Vec<Rc<dyn ByteSource>>,
    /// GGUF key-values, or safetensors `__metadata__`.
    pub meta: Metadata,
    /// Tensors by name, in file order.
    pub tensors: IndexMap<String, Entry>,
    /// Tensors that are well formed but cannot be read as weights, by name.
    pub skipped: IndexMap<String, Skipped>,
    /// The format that weights which the files hold as floats get on the device; by default they keep theirs.
    pub quantize: Option<&'static Format>,
    /// Small files beside the weights by name (`config.json`, `tokenizer.json`, `chat_template.jinja` …).
    pub side: IndexMap<String, Vec<u8>>,
}

/// Opens the model called `entry` in `folder`: a `.gguf` file (or the first of a split), a `.safetensors` file, or, if
/// `entry` is empty, the folder itself (`config.json`, then the weights; `CONTRACT.md`, 4).
///
/// # Errors
/// [`crate::Error`] naming file, field and what was expected.
pub async fn open(folder: &dyn Folder, entry: &str) -> Result<Checkpoint> {
    if entry.is_empty() || entry == "config.json" {
        return safetensors::open_folder(folder).await;
    }
    if entry.ends_with(safetensors::INDEX) {
        return safetensors::open_index(folder, entry).await;
    }
    let mut cursor = Cursor::new(found(folder, entry).await?);
    let start = cursor.peek(9).await?.to_vec();
    let ends = |ending: &str| entry.to_ascii_lowercase().ends_with(ending);
    let begins = format!("\"{}\"", start[..start.len().min(4)].escape_ascii());
    match start[..] {
        [b'G', b'G', b'U', b'F', ..] => split::open(folder, entry, cursor).await,
        _ if ends(".gguf") => Err(bad(cursor.name(), "magic", "GGUF", begins)),
        [_, _, _, _, _, 0, 0, 0, b'{'] => safetensors::open_file(folder, entry, cursor).await,
        _ if ends(".safetensors") => safetensors::open_file(folder, entry, cursor).await,
        _ => Err(Error::Unsupported {
            kind: Unsupported::Format,
            file: cursor.name().into(),
            what: format!("of a file that begins with {begins}"),
            supported: "GGUF, safetensors".into(),
        }),
    }
}

/// The file of this name, which has to be there.
async fn found(folder: &dyn Folder, name: &str) -> Result<Rc<dyn ByteSource>> {
    folder.open(name).await?.ok_or_else(|| not_found(folder, name))
}

fn not_found(folder: &dyn Folder, name: &str) -> Error {
    Error::Read {
        kind: Read::NotFound,
        from: name.into(),
        cause: format!("there is no such file in {}", folder.name()),
    }
}

/// A malformed field; its words may come from a hostile file, so they are kept to one short line.
fn bad(file: &str, field: impl AsRef<str>, expected: impl AsRef<str>, found: impl std::fmt::Display) -> Error {
    Error::bad(
        file,
        clip(field.as_ref()),
        clip(expected.as_ref()),
        clip(&found.to_string()),
    )
}

/// The beginning of a text from a file, without control characters.
fn clip(text: &str) -> String {
    const MOST: usize = 120;
    let mut out = String::new();
    for c in text.chars() {
        if out.len() >= MOST {
            out.push('…');
            break;
        }
        match c {
            '"' | '\'' | '\\' => out.push(c),
            _ => out.extend(c.escape_debug()),
        }
    }
    out
}

/// What one file adds to a checkpoint.
#[derive(Default)]
struct Part {
    meta: Metadata,
    tensors: Vec<Entry>,
    skipped: Vec<(String, Skipped)>,
}
