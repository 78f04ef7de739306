//! Writes GGUF (version 3): the header first, then the caller streams the tensors to the offsets it was told.

use super::{
    Metadata, Value,
    reader::{MAX_ARRAY, MAX_HEADER, MAX_STRING},
};
use crate::{
    error::{Error, Result},
    tensor::{Format, Shape},
};
use std::collections::HashSet;

/// Tensors begin at multiples of this.
pub const ALIGNMENT: u64 = 32;

/// Longest tensor name that other readers take.
const NAME: usize = 63;

/// Keys that describe the file they came from, not the model.
const OF_THE_FILE: [&str; 4] = ["general.alignment", "split.no", "split.count", "split.tensors.count"];

/// Arrays that readers expect as bytes or booleans, by the end of their key.
const BYTES: [&str; 1] = ["precompiled_charsmap"];
const BOOLS: [&str; 1] = ["sliding_window_pattern"];

/// The header of a GGUF file with these key-values and tensors, padded to [`ALIGNMENT`], and the offset of each tensor
/// from the start of the file. The caller writes the header, then each tensor in this order, each followed by
/// [`padding`] zero bytes. Keys about splits and alignment are left out: the file is one, aligned to 32.
///
/// # Errors
/// [`Error::Invalid`] for a name that is too long or twice there, rows that the blocks do not divide, and more than is read
/// again: a text, an array or a header that is too long.
pub fn write_header(meta: &Metadata, tensors: &[(String, Shape, &'static Format)]) -> Result<(Vec<u8>, Vec<u64>)> {
    let keys = || meta.iter().filter(|(key, _)| !OF_THE_FILE.contains(&key.as_str()));
    let mut out = Vec::new();
    out.extend(b"GGUF");
    out.extend(3u32.to_le_bytes());
    out.extend((tensors.len() as u64).to_le_bytes());
    out.extend((keys().count() as u64).to_le_bytes());
    for (key, value) in keys() {
        readable(key, value)?;
        text(&mut out, key);
        write_value(&mut out, key, value);
    }
    let mut offsets = Vec::with_capacity(tensors.len());
    let mut names = HashSet::new();
    let mut end = 0u64;
    for (name, shape, format) in tensors {
        let invalid = |expected: &str, found: String| Error::Invalid {
            field: format!("tensor {name}"),
            expected: expected.into(),
            found,
        };
        if name.len() > NAME {
            return Err(invalid("a name of at most 63 bytes", format!("{} bytes", name.len())));
        }
        if !names.insert(name.as_str()) {
            return Err(invalid("one tensor of that name", "two".into()));
        }
        if !shape.width().is_multiple_of(format.block) {
            let expected = format!("rows of whole {} blocks of {} values", format.name, format.block);
            return Err(invalid(&expected, format!("rows of {}", shape.width())));
        }
        let Some(kind) = format.ggml else {
            return Err(invalid("a format that GGUF has", format.name.into()));
        };
        let bytes = format
            .size(shape.count() as u64)
            .ok_or_else(|| invalid("a size within 64 bits", format!("{shape:?}")))?;
        text(&mut out, name);
        let dims = shape.dims();
        out.extend(u32::try_from(dims.len()).unwrap_or(0).to_le_bytes());
        for dim in dims.iter().rev() {
            out.extend((*dim as u64).to_le_bytes());
        }
        out.extend(kind.to_le_bytes());
        out.extend(end.to_le_bytes());
        offsets.push(end);
        end = end
            .checked_add(bytes)
            .and_then(|e| e.checked_next_multiple_of(ALIGNMENT))
            .ok_or_else(|| invalid("a file within 64 bits", format!("{shape:?}")))?;
    }
    within("header", out.len(), MAX_HEADER, "bytes")?;
    out.resize(out.len() + padding(out.len() as u64), 0);
    let start = out.len() as u64;
    for offset in &mut offsets {
        *offset += start;
    }
    Ok((out, offsets))
}

/// An error for a value that is not read again.
fn readable(key: &str, value: &Value) -> Result<()> {
    let (bytes, count) = match value {
        Value::Str(text) => (text.len(), 0),
        Value::Strs(texts) => (texts.iter().map(String::len).max().unwrap_or(0), texts.len()),
        Value::Ints(list) => (0, list.len()),
        Value::Floats(list) => (0, list.len()),
        Value::Int(_) | Value::Float(_) | Value::Bool(_) => (0, 0),
    };
    within(key, bytes, MAX_STRING, "bytes of text")?;
    within(key, count, MAX_ARRAY, "values")
}

/// An error for more than `most` of `what`.
fn within(field: &str, count: usize, most: u64, what: &str) -> Result<()> {
    if count as u64 <= most {
        return Ok(());
    }
    Err(Error::Invalid {
        field: field.into(),
        expected: format!("at most {most} {what}"),
        found: count.to_string(),
    })
}

/// How many zero bytes follow `bytes` bytes, so that the next tensor is aligned.
pub fn padding(bytes: u64) -> usize {
    let over = bytes % ALIGNMENT;
    usize::try_from((ALIGNMENT - over) % ALIGNMENT).unwrap_or(0)
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

/// The type number and the value, in the type that readers expect: the smallest of 32 and 64 bits, unsigned before
/// signed for one integer and signed before unsigned in arrays; 32 bits for floats.
fn write_value(out: &mut Vec<u8>, key: &str, value: &Value) {
    let ends = |list: &[&str]| list.iter().any(|end| key.ends_with(end));
    match value {
        Value::Int(v) => {
            if let Ok(v) = u32::try_from(*v) {
                out.extend(4u32.to_le_bytes());
                out.extend(v.to_le_bytes());
            } else if let Ok(v) = i32::try_from(*v) {
                out.extend(5u32.to_le_bytes());
                out.extend(v.to_le_bytes());
            } else if let Ok(v) = u64::try_from(*v) {
                out.extend(10u32.to_le_bytes());
                out.extend(v.to_le_bytes());
            } else {
                out.extend(11u32.to_le_bytes());
                out.extend(i64::try_from(*v).unwrap_or(i64::MIN).to_le_bytes());
            }
        }
        Value::Float(v) => {
            out.extend(6u32.to_le_bytes());
            #[allow(
                clippy::cast_possible_truncation,
                reason = "floats of GGUF keys are single precision"
            )]
            out.extend((*v as f32).to_le_bytes());
        }
        Value::Bool(v) => {
            out.extend(7u32.to_le_bytes());
            out.push(u8::from(*v));
        }
        Value::Str(v) => {
            out.extend(8u32.to_le_bytes());
            text(out, v);
        }
        Value::Ints(v) => {
            let bytes: Option<Vec<u8>> = v.iter().map(|&i| u8::try_from(i).ok()).collect();
            let narrow: Option<Vec<i32>> = v.iter().map(|&i| i32::try_from(i).ok()).collect();
            match (bytes, narrow) {
                (Some(bytes), _) if ends(&BYTES) => {
                    array(out, 0, v.len());
                    out.extend(bytes);
                }
                (Some(bytes), _) if ends(&BOOLS) && bytes.iter().all(|b| *b < 2) => {
                    array(out, 7, v.len());
                    out.extend(bytes);
                }
                (_, Some(narrow)) => {
                    array(out, 5, v.len());
                    out.extend(narrow.iter().flat_map(|i| i.to_le_bytes()));
                }
                _ => {
                    array(out, 11, v.len());
                    out.extend(v.iter().flat_map(|i| i.to_le_bytes()));
                }
            }
        }
        Value::Floats(v) => {
            array(out, 6, v.len());
            out.extend(v.iter().flat_map(|f| f.to_le_bytes()));
        }
        Value::Strs(v) => {
            array(out, 8, v.len());
            for s in v {
                text(out, s);
            }
        }
    }
}

fn array(out: &mut Vec<u8>, of: u32, len: usize) {
    out.extend(9u32.to_le_bytes());
    out.extend(of.to_le_bytes());
    out.extend((len as u64).to_le_bytes());
}
