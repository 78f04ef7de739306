//! The primitives of GGUF: numbers, text and typed values, each bounded before it is taken.

use super::{Value, clip, cursor::Cursor, side};
use crate::error::{Error, Result, Unsupported};

/// A text may be a whole file from beside the weights, which goes into the header with all the rest.
pub(super) const MAX_STRING: u64 = side::MAX;
pub(super) const MAX_HEADER: u64 = 2 * MAX_STRING;
pub(super) const MAX_ARRAY: u64 = 8 << 20;

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

/// A cursor that knows GGUF's primitives.
pub(super) struct Reader<'a> {
    pub(super) cursor: &'a mut Cursor,
}

impl Reader<'_> {
    pub(super) fn bad(&self, field: &str, expected: &str, found: impl std::fmt::Display) -> Error {
        super::bad(self.cursor.name(), field, expected, found)
    }

    pub(super) fn unsupported(&self, what: String, supported: String) -> Error {
        Error::Unsupported {
            kind: Unsupported::Format,
            file: self.cursor.name().into(),
            what: clip(&what),
            supported,
        }
    }

    /// Takes the next bytes, which belong to the header.
    pub(super) async fn take(&mut self, len: u64, field: &str) -> Result<&[u8]> {
        self.cursor.require(len, field)?;
        let end = self.cursor.position() + len;
        if end > MAX_HEADER {
            return Err(self.bad(field, &format!("a header of at most {MAX_HEADER} bytes"), end));
        }
        self.cursor.take(len, field).await
    }

    pub(super) async fn u32(&mut self, field: &str) -> Result<u32> {
        let bytes = self.take(4, field).await?;
        Ok(u32::from_le_bytes(bytes.try_into().unwrap_or_default()))
    }

    pub(super) async fn u64(&mut self, field: &str) -> Result<u64> {
        let bytes = self.take(8, field).await?;
        Ok(u64::from_le_bytes(bytes.try_into().unwrap_or_default()))
    }

    /// A count that is within `max` and whose elements, of at least `each` bytes, can still follow.
    pub(super) async fn count(&mut self, max: u64, each: u64, field: &str) -> Result<u64> {
        let count = self.u64(field).await?;
        if count > max {
            return Err(self.bad(field, &format!("at most {max}"), count));
        }
        self.cursor.require(count * each, field)?;
        Ok(count)
    }

    pub(super) async fn text(&mut self, max: u64, field: &str) -> Result<String> {
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

    async fn kind(&mut self, key: &str) -> Result<Kind> {
        let number = self.u32(key).await?;
        Kind::new(number).ok_or_else(|| self.bad(key, "a value type from 0 to 12", number))
    }

    pub(super) async fn value(&mut self, key: &str) -> Result<Value> {
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
}
