//! Containers: a directory of tensors (name, shape, block format, byte range) and metadata from a folder of files.

pub mod source;
pub mod write;

use crate::{
    error::Result,
    tensor::{Format, Shape},
};
use indexmap::IndexMap;
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
    /// Length in bytes.
    pub bytes: u64,
}

/// Which container the tensors came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    /// GGUF; `meta` has its key-values, tensor names are canonical.
    Gguf,
    /// safetensors; `config` has `config.json`, tensor names are those of the family's published checkpoints.
    Safetensors,
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
    /// Small files beside the weights by name (`config.json`, `tokenizer.json`, `chat_template.jinja` …).
    pub side: IndexMap<String, Vec<u8>>,
}

/// Opens the model called `entry` in `folder`: a `.gguf` file (or the first of a split), a `.safetensors` file, or, if
/// `entry` is empty, the folder itself (`config.json`, then the weights; `CONTRACT.md`, 4).
///
/// # Errors
/// [`crate::Error`] naming file, field and what was expected.
pub async fn open(folder: &dyn Folder, entry: &str) -> Result<Checkpoint> {
    let _ = (folder, entry);
    Err(crate::Error::internal("not written yet"))
}
