//! GGUF versions 2 and 3: one file's key-values and tensor directory. Every length is checked against the bytes that are
//! there before anything is allocated for it.

use super::{Entry, Metadata, Part, Value, cursor::Cursor};
use crate::{
    error::{Error, Result, Unsupported},
    quant,
    tensor::Shape,
};
use indexmap::map::Entry as Slot;

const MAX_HEADER: u64 = 64 << 20;
const MAX_KEYS: u64 = 1 << 16;
const MAX_TENSORS: u64 = 1 << 16;
const MAX_NAME: u64 = 1 << 16;
const MAX_STRING: u64 = 16 << 20;
const MAX_ARRAY: u64 = 8 << 20;
const MAX_VALUES: u64 = 1 << 40;
const MAX_ALIGNMENT: i128 = 1 << 20;

/// Elements of an array that are decoded at a time.
const CHUNK: u64 = 1 << 16;

/// What the type number of a key's value means.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Unsigned(u64),
    Signed(u64),
    F32,
    F64,
    Bool,
    Str,
    Array,
}

impl Kind {
    fn new(number: u32) -> Option<Self> {
        Some(match number {
            0 => Self::Unsigned(1),
            1 => Self::Signed(1),
            2 => Self::Unsigned(2),
            3 => Self::Signed(2),
            4 => Self::Unsigned(4),
            5 => Self::Signed(4),
            6 => Self::F32,
            7 => Self::Bool,
            8 => Self::Str,
            9 => Self::Array,
            10 => Self::Unsigned(8),
            11 => Self::Signed(8),
            12 => Self::F64,
            _ => return None,
        })
    }

    /// Bytes of one in a file; at least, for text and arrays.
    fn bytes(self) -> u64 {
        match self {
            Self::Unsigned(n) | Self::Signed(n) => n,
            Self::F32 => 4,
            Self::Bool => 1,
            Self::F64 | Self::Str => 8,
            Self::Array => 12,
        }
    }

    /// Any integer or boolean from its bytes.
    fn int(self, bytes: &[u8]) -> i128 {
        let mut wide = [0; 16];
        wide[..bytes.len()].copy_from_slice(bytes);
        let value = i128::from_le_bytes(wide);
        let over = 128 - 8 * bytes.len();
        if matches!(self, Self::Signed(_)) {
            value << over >> over
        } else {
            value
        }
    }
}

/// Reads the header of the file under `cursor`, which becomes number `file` of its checkpoint.
pub(super) async fn read(cursor: &mut Cursor, file: usize) -> Result<Part> {
    let mut reader = Reader { cursor };
    let (tensors, keys) = reader.counts().await?;
    let mut part = Part::default();
    for i in 0..keys {
        let key = reader.text(MAX_NAME, &format!("key {i}")).await?;
        let value = reader.value(&key).await?;
        match part.meta.entry(key) {
            Slot::Vacant(slot) => drop(slot.insert(value)),
            Slot::Occupied(slot) => return Err(reader.bad(slot.key(), "one value", "two")),
        }
    }
    let alignment = reader.alignment(&part.meta)?;
    let mut directory = Vec::new();
    for i in 0..tensors {
        directory.push(reader.tensor(i).await?);
    }
    let start = reader.cursor.position().next_multiple_of(alignment);
    let size = reader.cursor.source().size();
    for tensor in &mut directory {
        let field = format!("tensor {}", tensor.name);
        if !tensor.offset.is_multiple_of(alignment) {
            let expected = format!("an offset that is a multiple of {alignment}");
            return Err(reader.bad(&field, &expected, tensor.offset));
        }
        let range = start
            .checked_add(tensor.offset)
            .and_then(|begin| Some((begin, begin.checked_add(tensor.bytes)?)))
            .filter(|(_, end)| *end <= size);
        let Some((begin, _)) = range else {
            let expected = format!("an end within the file of {size} bytes");
            let found = format!("{} bytes at {start} + {}", tensor.bytes, tensor.offset);
            return Err(reader.bad(&field, &expected, found));
        };
        tensor.offset = begin;
    }
    directory.sort_by_key(|t| t.offset);
    for pair in directory.windows(2) {
        if let [before, after] = pair
            && before.offset + before.bytes > after.offset
        {
            let field = format!("tensor {}", after.name);
            let expected = format!("an offset behind tensor {}", before.name);
            return Err(reader.bad(&field, &expected, "an overlap"));
        }
    }
    for tensor in directory {
        match tensor.format {
            Ok(format) => part.tensors.push(Entry {
                name: tensor.name,
                shape: tensor.shape,
                format,
                file,
                offset: tensor.offset,
                bytes: tensor.bytes,
            }),
            Err(plain) => part.skipped.push((tensor.name, format!("{plain} {:?}", tensor.shape))),
        }
    }
    Ok(part)
}

/// One line of the tensor directory.
struct Tensor {
    name: String,
    shape: Shape,
    /// The block format, or the name of a plain type that is no weight.
    format: std::result::Result<&'static crate::tensor::Format, &'static str>,
    offset: u64,
    bytes: u64,
}

/// A cursor that knows GGUF's primitives.
struct Reader<'a> {
    cursor: &'a mut Cursor,
}

impl Reader<'_> {
    fn bad(&self, field: &str, expected: &str, found: impl std::fmt::Display) -> Error {
        Error::bad(self.cursor.name(), field, expected, found)
    }

    fn unsupported(&self, what: String, supported: String) -> Error {
        Error::Unsupported {
            kind: Unsupported::Format,
            file: self.cursor.name().into(),
            what,
            supported,
        }
    }

    /// Takes the next bytes, which belong to the header.
    async fn take(&mut self, len: u64, field: &str) -> Result<&[u8]> {
        self.cursor.require(len, field)?;
        let end = self.cursor.position() + len;
        if end > MAX_HEADER {
            return Err(self.bad(field, &format!("a header of at most {MAX_HEADER} bytes"), end));
        }
        self.cursor.take(len, field).await
    }

    async fn u32(&mut self, field: &str) -> Result<u32> {
        let bytes = self.take(4, field).await?;
        Ok(u32::from_le_bytes(bytes.try_into().unwrap_or_default()))
    }

    async fn u64(&mut self, field: &str) -> Result<u64> {
        let bytes = self.take(8, field).await?;
        Ok(u64::from_le_bytes(bytes.try_into().unwrap_or_default()))
    }

    /// A count that is within `max` and whose elements, of at least `each` bytes, can still follow.
    async fn count(&mut self, max: u64, each: u64, field: &str) -> Result<u64> {
        let count = self.u64(field).await?;
        if count > max {
            return Err(self.bad(field, &format!("at most {max}"), count));
        }
        self.cursor.require(count * each, field)?;
        Ok(count)
    }

    async fn text(&mut self, max: u64, field: &str) -> Result<String> {
        let len = self.u64(field).await?;
        if len > max {
            return Err(self.bad(field, &format!("text of at most {max} bytes"), len));
        }
        let bytes = self.take(len, field).await?;
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.into()),
            Err(error) => Err(self.bad(field, "UTF-8 text", error)),
        }
    }

    /// Magic and version are checked; the numbers of tensors and of keys are returned.
    async fn counts(&mut self) -> Result<(u64, u64)> {
        let magic = self.take(4, "magic").await?.to_vec();
        if magic != b"GGUF" {
            return Err(self.bad("magic", "GGUF", magic.escape_ascii()));
        }
        let supported = || "GGUF versions 2 and 3, little-endian".to_owned();
        match self.u32("version").await? {
            2 | 3 => {}
            1 => return Err(self.unsupported("GGUF version 1".into(), supported())),
            v if (1..=3).contains(&v.swap_bytes()) => {
                return Err(self.unsupported("big-endian GGUF".into(), supported()));
            }
            v => return Err(self.unsupported(format!("GGUF version {v}"), supported())),
        }
        // A tensor takes at least its name's length, one dimension, type and offset.
        let tensors = self.count(MAX_TENSORS, 8 + 4 + 8 + 4 + 8, "tensor count").await?;
        let keys = self.count(MAX_KEYS, 8 + 4 + 1, "key count").await?;
        Ok((tensors, keys))
    }

    async fn kind(&mut self, key: &str) -> Result<Kind> {
        let number = self.u32(key).await?;
        Kind::new(number).ok_or_else(|| self.bad(key, "a value type from 0 to 12", number))
    }

    async fn value(&mut self, key: &str) -> Result<Value> {
        let kind = self.kind(key).await?;
        Ok(match kind {
            Kind::Unsigned(n) | Kind::Signed(n) => Value::Int(kind.int(self.take(n, key).await?)),
            Kind::F32 | Kind::F64 => {
                let bytes = self.take(kind.bytes(), key).await?;
                Value::Float(match (bytes.try_into(), bytes.try_into()) {
                    (Ok(single), _) => f64::from(f32::from_le_bytes(single)),
                    (_, Ok(double)) => f64::from_le_bytes(double),
                    _ => f64::NAN,
                })
            }
            Kind::Bool => match self.take(1, key).await? {
                [0] => Value::Bool(false),
                [1] => Value::Bool(true),
                other => {
                    let found = format!("{other:?}");
                    return Err(self.bad(key, "a boolean of 0 or 1", found));
                }
            },
            Kind::Str => Value::Str(self.text(MAX_STRING, key).await?),
            Kind::Array => self.array(key).await?,
        })
    }

    async fn array(&mut self, key: &str) -> Result<Value> {
        let kind = self.kind(key).await?;
        let count = self.count(MAX_ARRAY, kind.bytes(), key).await?;
        if kind == Kind::Array {
            return Err(self.bad(key, "an array of plain values", "an array of arrays"));
        }
        if kind == Kind::Str {
            let mut texts = Vec::new();
            for _ in 0..count {
                texts.push(self.text(MAX_STRING, key).await?);
            }
            return Ok(Value::Strs(texts));
        }
        let (mut ints, mut floats) = (Vec::new(), Vec::new());
        let mut left = count;
        while left > 0 {
            let now = left.min(CHUNK);
            let bytes = self.take(now * kind.bytes(), key).await?;
            let mut wrong = None;
            match kind {
                Kind::F32 => floats.extend(bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b))),
                #[allow(
                    clippy::cast_possible_truncation,
                    reason = "arrays of floats are kept in single precision"
                )]
                Kind::F64 => floats.extend(bytes.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b) as f32)),
                Kind::Unsigned(n) | Kind::Signed(n) => {
                    for b in bytes.chunks_exact(usize::try_from(n).unwrap_or(8)) {
                        match i64::try_from(kind.int(b)) {
                            Ok(int) => ints.push(int),
                            Err(_) => wrong = Some(("integers of at most 63 bits", kind.int(b))),
                        }
                    }
                }
                _ => {
                    ints.extend(bytes.iter().map(|b| i64::from(*b)));
                    wrong = (bytes.iter().find(|b| **b > 1)).map(|b| ("booleans of 0 or 1", i128::from(*b)));
                }
            }
            if let Some((expected, found)) = wrong {
                return Err(self.bad(key, expected, found));
            }
            left -= now;
        }
        Ok(match kind {
            Kind::F32 | Kind::F64 => Value::Floats(floats),
            _ => Value::Ints(ints),
        })
    }

    fn alignment(&self, meta: &Metadata) -> Result<u64> {
        let key = "general.alignment";
        let expected = "a power of two up to 1048576";
        match meta.get(key) {
            None => Ok(super::write::ALIGNMENT),
            Some(Value::Int(a)) if (1..=MAX_ALIGNMENT).contains(a) && a.count_ones() == 1 => {
                u64::try_from(*a).map_err(|_| self.bad(key, expected, a))
            }
            Some(Value::Int(a)) => Err(self.bad(key, expected, a)),
            Some(_) => Err(self.bad(key, expected, "another type")),
        }
    }

    /// Line `i` of the directory; `offset` is still relative to the start of the data.
    async fn tensor(&mut self, i: u64) -> Result<Tensor> {
        let name = self.text(MAX_NAME, &format!("name of tensor {i}")).await?;
        let field = format!("tensor {name}");
        let rank = self.u32(&field).await?;
        if !(1..=4).contains(&rank) {
            return Err(self.bad(&field, "1 to 4 dimensions", rank));
        }
        let (mut dims, mut values) = (Vec::new(), 1u64);
        for _ in 0..rank {
            let dim = self.u64(&field).await?;
            values = match values.checked_mul(dim) {
                Some(0) => return Err(self.bad(&field, "dimensions above 0", dim)),
                Some(values) if values < MAX_VALUES => values,
                _ => return Err(self.bad(&field, "fewer than 2^40 values", format!("{dims:?} times {dim}"))),
            };
            dims.push(dim);
        }
        let number = self.u32(&field).await?;
        let offset = self.u64(&field).await?;
        let width = dims[0];
        dims.reverse();
        let (format, bytes) = match (quant::by_ggml(number), plain(number)) {
            (Some(format), _) => (
                Ok(format),
                format.size(width).and_then(|row| row.checked_mul(values / width)),
            ),
            (None, Some((name, size))) => (Err(name), values.checked_mul(size)),
            (None, None) => {
                let kind = ggml_name(number).ok_or_else(|| self.bad(&field, "a known tensor type", number))?;
                return Err(self.unsupported(format!("{kind} (tensor {name})"), quant::names()));
            }
        };
        let bytes = bytes.ok_or_else(|| {
            let block = format.map_or(1, |f| f.block);
            self.bad(&field, &format!("rows of whole blocks of {block}"), width)
        })?;
        let too_big = || Error::TooBig {
            what: field.clone(),
            needed: bytes,
            available: usize::MAX as u64,
        };
        usize::try_from(values).map_err(|_| too_big())?;
        let dims: Vec<usize> = dims.iter().filter_map(|d| usize::try_from(*d).ok()).collect();
        let shape = Shape::new(&dims).ok_or_else(too_big)?;
        Ok(Tensor {
            name,
            shape,
            format,
            offset,
            bytes,
        })
    }
}

/// Types that are no weights: index tables and the like. They are checked and left out.
fn plain(number: u32) -> Option<(&'static str, u64)> {
    Some(match number {
        24 => ("I8", 1),
        25 => ("I16", 2),
        26 => ("I32", 4),
        27 => ("I64", 8),
        28 => ("F64", 8),
        _ => return None,
    })
}

/// Names of all types that ggml has or had, for messages (ggml-org/ggml: include/ggml.h, `ggml_type`).
fn ggml_name(number: u32) -> Option<&'static str> {
    const NAMES: [&str; 43] = [
        "F32",
        "F16",
        "Q4_0",
        "Q4_1",
        "Q4_2",
        "Q4_3",
        "Q5_0",
        "Q5_1",
        "Q8_0",
        "Q8_1",
        "Q2_K",
        "Q3_K",
        "Q4_K",
        "Q5_K",
        "Q6_K",
        "Q8_K",
        "IQ2_XXS",
        "IQ2_XS",
        "IQ3_XXS",
        "IQ1_S",
        "IQ4_NL",
        "IQ3_S",
        "IQ2_S",
        "IQ4_XS",
        "I8",
        "I16",
        "I32",
        "I64",
        "F64",
        "IQ1_M",
        "BF16",
        "Q4_0_4_4",
        "Q4_0_4_8",
        "Q4_0_8_8",
        "TQ1_0",
        "TQ2_0",
        "IQ4_NL_4_4",
        "IQ4_NL_4_8",
        "IQ4_NL_8_8",
        "MXFP4",
        "NVFP4",
        "Q1_0",
        "Q2_0",
    ];
    NAMES.get(usize::try_from(number).ok()?).copied()
}
