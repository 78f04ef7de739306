//! GGUF versions 2 and 3: one file's key-values and tensor directory. Every length is checked against the bytes that are
//! there before anything is allocated for it.

use super::{Entry, Metadata, Part, Skipped, Value, cursor::Cursor, reader::Reader};
use crate::{
    error::{Error, Result},
    quant,
    tensor::{Shape, sort_by_numbers},
};
use indexmap::map::Entry as Slot;

const MAX_KEYS: u64 = 1 << 16;
const MAX_TENSORS: u64 = 1 << 16;
const MAX_NAME: u64 = 1 << 16;
const MAX_VALUES: u64 = 1 << 40;
const MAX_ALIGNMENT: i128 = 1 << 20;

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
    sort_by_numbers(&mut directory, |t| [t.offset, 0]);
    for pair in directory.windows(2) {
        if let [before, after] = pair
            && before.offset + before.bytes > after.offset
        {
            let field = format!("tensor {}", after.name);
            let expected = format!("an offset behind tensor {}", before.name);
            return Err(reader.bad(&field, &expected, "an overlap"));
        }
    }
    let mut end = size;
    for tensor in directory.iter_mut().rev() {
        if tensor.format.is_err_and(|other| other.weight) {
            tensor.bytes = end - tensor.offset;
        }
        end = tensor.offset;
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
                scales: None,
            }),
            Err(Other { name, weight }) => {
                let skipped = Skipped {
                    kind: name.into(),
                    dims: tensor.shape.dims().iter().map(|d| *d as u64).collect(),
                    file,
                    offset: tensor.offset,
                    bytes: tensor.bytes,
                    weight,
                };
                part.skipped.push((tensor.name, skipped));
            }
        }
    }
    Ok(part)
}

/// One line of the tensor directory.
struct Tensor {
    name: String,
    shape: Shape,
    format: std::result::Result<&'static crate::tensor::Format, Other>,
    offset: u64,
    /// Of a format that is not known: 1, the least there can be, until its neighbours are known.
    bytes: u64,
}

/// A type that is not in the table of formats.
#[derive(Clone, Copy)]
struct Other {
    name: &'static str,
    /// A block format; else a plain type that is no weight.
    weight: bool,
}

impl Reader<'_> {
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
            (None, Some((name, size))) => (Err(Other { name, weight: false }), values.checked_mul(size)),
            (None, None) => {
                let name = ggml_name(number).ok_or_else(|| self.bad(&field, "a known tensor type", number))?;
                (Err(Other { name, weight: true }), Some(1))
            }
        };
        let bytes = bytes.ok_or_else(|| {
            let (name, block) = format.map_or(("", 1), |f| (f.name, f.block));
            self.bad(&field, &format!("rows of whole {name} blocks of {block} values"), width)
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
