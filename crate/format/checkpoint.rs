//! What can be asked of an opened checkpoint: typed metadata, side files, tensors and their bytes.

use super::{Checkpoint, Container, Entry, Metadata, Part, Skipped, Value, bad, clip};
use crate::{
    error::{Error, Result, Unsupported},
    quant,
    tensor::{Format, Shape},
};
use indexmap::IndexMap;

impl Entry {
    /// Bytes of one row in the file.
    pub fn row_bytes(&self) -> u64 {
        self.bytes / (self.shape.rows() as u64).max(1)
    }

    /// How many whole rows fit into `bytes`; at least one.
    pub fn rows_within(&self, bytes: usize) -> usize {
        let rows = bytes as u64 / self.row_bytes().max(1);
        usize::try_from(rows)
            .unwrap_or(usize::MAX)
            .clamp(1, self.shape.rows().max(1))
    }
}

impl std::fmt::Display for Skipped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?}", self.kind, self.dims)
    }
}

impl Value {
    /// What kind of value it is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Int(_) => "an integer",
            Self::Float(_) => "a float",
            Self::Bool(_) => "a boolean",
            Self::Str(_) => "text",
            Self::Ints(_) => "an array of integers",
            Self::Floats(_) => "an array of floats",
            Self::Strs(_) => "an array of text",
        }
    }
}

/// The typed getters answer `None` for a key that is not there, and an error for a value of another type.
impl Checkpoint {
    /// A checkpoint of no files.
    pub fn new(name: impl Into<String>, container: Container) -> Self {
        Self {
            name: name.into(),
            container,
            files: Vec::new(),
            meta: Metadata::new(),
            tensors: IndexMap::new(),
            skipped: IndexMap::new(),
            quantize: None,
            side: IndexMap::new(),
        }
    }

    /// Adds what a file holds; a tensor may stand in one file only.
    pub(super) fn add(&mut self, part: Part) -> Result<()> {
        for (key, value) in part.meta {
            self.meta.entry(key).or_insert(value);
        }
        for entry in part.tensors {
            let file = self.files.get(entry.file).map_or("", |f| f.name()).to_owned();
            self.once(&entry.name, file)?;
            self.tensors.insert(entry.name.clone(), entry);
        }
        for (name, skipped) in part.skipped {
            self.once(&name, self.name.clone())?;
            self.skipped.insert(name, skipped);
        }
        Ok(())
    }

    /// The format on the device of the weight of this GGUF name that is stored in `format`. Vectors are F32 there.
    pub(crate) fn on_device(&self, name: &str, format: &'static Format, shape: Shape) -> &'static Format {
        match self.quantize {
            _ if shape.dims().len() == 1 => quant::F32,
            _ if quant::stays(name) => format,
            Some(wanted) if format.block == 1 && shape.width().is_multiple_of(wanted.block) => wanted,
            _ => format,
        }
    }

    fn once(&self, name: &str, file: String) -> Result<()> {
        if self.tensors.contains_key(name) || self.skipped.contains_key(name) {
            return Err(bad(&file, format!("tensor {name}"), "one of that name", "two"));
        }
        Ok(())
    }

    /// The error of a key that a model needs and that is not there.
    pub fn missing(&self, key: &str) -> Error {
        Error::bad(&self.name, key, "a value", "nothing")
    }

    fn get<'a, T>(&'a self, key: &str, expected: &str, convert: impl Fn(&'a Value) -> Option<T>) -> Result<Option<T>> {
        let Some(value) = self.meta.get(key) else {
            return Ok(None);
        };
        let found = || match value {
            Value::Int(v) => v.to_string(),
            other => other.kind().into(),
        };
        match convert(value) {
            Some(converted) => Ok(Some(converted)),
            None => Err(Error::bad(&self.name, key, expected, found())),
        }
    }

    /// The text under `key`.
    ///
    /// # Errors
    /// `bad-file` if it is no text.
    pub fn str(&self, key: &str) -> Result<Option<&str>> {
        self.get(key, "text", |v| match v {
            Value::Str(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// The number from 0 under `key`.
    ///
    /// # Errors
    /// `bad-file` if it is none.
    pub fn u64(&self, key: &str) -> Result<Option<u64>> {
        self.get(key, "an integer from 0", |v| match v {
            Value::Int(int) => u64::try_from(*int).ok(),
            _ => None,
        })
    }

    /// The size under `key`.
    ///
    /// # Errors
    /// `bad-file` if it is none, or no more than 32 bits.
    pub fn usize(&self, key: &str) -> Result<Option<usize>> {
        self.get(key, "an integer from 0 within 32 bits", |v| match v {
            Value::Int(int) => u32::try_from(*int).ok().and_then(|v| usize::try_from(v).ok()),
            _ => None,
        })
    }

    /// The number under `key`, integers included.
    ///
    /// # Errors
    /// `bad-file` if it is none.
    pub fn f64(&self, key: &str) -> Result<Option<f64>> {
        self.get(key, "a number", |v| match v {
            Value::Float(float) => Some(*float),
            Value::Int(int) => i32::try_from(*int).ok().map(f64::from),
            _ => None,
        })
    }

    /// The boolean under `key`.
    ///
    /// # Errors
    /// `bad-file` if it is none.
    pub fn bool(&self, key: &str) -> Result<Option<bool>> {
        self.get(key, "a boolean", |v| match v {
            Value::Bool(is) => Some(*is),
            _ => None,
        })
    }

    /// The array of integers or booleans under `key`.
    ///
    /// # Errors
    /// `bad-file` if it is none.
    pub fn ints(&self, key: &str) -> Result<Option<&[i64]>> {
        self.get(key, "an array of integers", |v| match v {
            Value::Ints(ints) => Some(ints.as_slice()),
            _ => None,
        })
    }

    /// The array of floats under `key`.
    ///
    /// # Errors
    /// `bad-file` if it is none.
    pub fn floats(&self, key: &str) -> Result<Option<&[f32]>> {
        self.get(key, "an array of floats", |v| match v {
            Value::Floats(floats) => Some(floats.as_slice()),
            _ => None,
        })
    }

    /// The array of text under `key`.
    ///
    /// # Errors
    /// `bad-file` if it is none.
    pub fn strs(&self, key: &str) -> Result<Option<&[String]>> {
        self.get(key, "an array of text", |v| match v {
            Value::Strs(texts) => Some(texts.as_slice()),
            _ => None,
        })
    }

    /// A side file parsed as JSON.
    ///
    /// # Errors
    /// `bad-file` if it is no JSON.
    pub fn json(&self, name: &str) -> Result<Option<serde_json::Value>> {
        let Some(bytes) = self.side.get(name) else {
            return Ok(None);
        };
        serde_json::from_slice(bytes)
            .map(Some)
            .map_err(|e| bad(name, "JSON", "a JSON document", e))
    }

    /// `config.json`.
    ///
    /// # Errors
    /// `not-found` if it is not there, `bad-file` if it is no JSON object.
    pub fn config(&self) -> Result<serde_json::Value> {
        match self.json("config.json")? {
            Some(config) if config.is_object() => Ok(config),
            Some(_) => Err(Error::bad("config.json", "JSON", "an object", "another value")),
            None => Err(Error::Read {
                kind: crate::error::Read::NotFound,
                from: "config.json".into(),
                cause: format!("there is no such file beside {}", self.name),
            }),
        }
    }

    /// The tensor called `name`.
    ///
    /// # Errors
    /// `bad-file` if there is none, `unsupported-format` if it is stored in a way that is no weight.
    pub fn tensor(&self, name: &str) -> Result<&Entry> {
        if let Some(entry) = self.tensors.get(name) {
            return Ok(entry);
        }
        Err(match self.skipped.get(name) {
            Some(skipped) => self.unreadable(name, skipped),
            None => Error::bad(&self.name, format!("tensor {name}"), "a tensor", "nothing"),
        })
    }

    /// Whether every weight can be read.
    ///
    /// # Errors
    /// `unsupported-format` naming the first weight that cannot, and its format.
    pub fn whole(&self) -> Result<()> {
        match self.skipped.iter().find(|(_, s)| s.weight) {
            Some((name, skipped)) => Err(self.unreadable(name, skipped)),
            None => Ok(()),
        }
    }

    fn unreadable(&self, name: &str, skipped: &Skipped) -> Error {
        let known = quant::by_name(&skipped.kind).is_some();
        let alone = if known { " without scales that fit it" } else { "" };
        Error::Unsupported {
            kind: Unsupported::Format,
            file: self.name.clone(),
            what: clip(&format!("{skipped} (tensor {name}){alone}")),
            supported: quant::names(),
        }
    }

    /// The bytes of `rows` rows of a tensor from row `first`, as they are in the file; blocks with their scales.
    ///
    /// # Errors
    /// [`Error::Shape`] for rows that the tensor does not have; [`Error::Read`] from the source.
    pub async fn read(&self, entry: &Entry, first: usize, rows: usize) -> Result<Vec<u8>> {
        let Some(scales) = entry.scales else {
            let at = (entry.file, entry.offset, entry.row_bytes());
            return self.rows(entry, at, first, rows).await;
        };
        let width = entry.shape.width();
        let blocks = width / entry.format.block;
        let [tall, wide] = scales.block;
        let scale = scales.format.map_or(1, |f| f.bytes);
        let inside = scales.format.map_or(1, |_| size_of::<f32>());
        let values = (entry.format.bytes - inside) * blocks;
        let values = (entry.file, entry.offset, values as u64);
        let values = self.rows(entry, values, first, rows).await?;
        let row = width.div_ceil(wide);
        let from = first / tall;
        let to = (first + rows).div_ceil(tall);
        let at = (scales.file, scales.offset, (row * scale) as u64);
        let read = self.rows(entry, at, from, to - from).await?;
        let Some(format) = scales.format else {
            return Ok(quant::join_mxfp4(&values, &read));
        };
        let read = format.decode(&read);
        let of = |block: usize| {
            let (r, b) = (block / blocks, block % blocks);
            read[((first + r) / tall - from) * row + b * entry.format.block / wide]
        };
        quant::join_f8_e4m3(&values, (0..rows * blocks).map(of)).map_err(|found| {
            let field = format!("tensor {}", entry.name);
            bad(&self.name, field, "finite values", found)
        })
    }

    /// Rows that lie in a file, from a byte on and with so many bytes each.
    async fn rows(
        &self,
        entry: &Entry,
        (file, offset, row): (usize, u64, u64),
        first: usize,
        rows: usize,
    ) -> Result<Vec<u8>> {
        let all = entry.shape.rows();
        let (Some(file), true) = (
            self.files.get(file),
            first.checked_add(rows).is_some_and(|end| end <= all),
        ) else {
            return Err(Error::shape(
                "read",
                &entry.name,
                format!("rows within {all}"),
                (first, rows),
            ));
        };
        // No overflow: the rows are within the tensor, and the tensor within the file.
        let bytes = row * rows as u64;
        let len = usize::try_from(bytes).map_err(|_| Error::TooBig {
            what: format!("tensor {}", entry.name),
            needed: bytes,
            available: usize::MAX as u64,
        })?;
        let read = file.read(offset + row * first as u64, len).await?;
        if read.len() != len {
            let what = format!("{}: {} bytes instead of {len} were read", file.name(), read.len());
            return Err(Error::internal(what));
        }
        Ok(read)
    }
}
