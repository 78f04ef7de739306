//! safetensors: one file or an index over several, with `config.json` and the tokenizer beside. Accepts what the
//! reference implementation accepts, less headers in which a key stands twice.

use super::{
    Checkpoint, Container, Entry, Part, Skipped, Value, apart, bad, cursor::Cursor, found, not_found, side,
    source::Folder, split,
};
use crate::{
    error::Result,
    quant,
    tensor::{Shape, sort_by_numbers},
};
use indexmap::IndexMap;
use serde::{
    Deserialize, Deserializer,
    de::{
        Error as _, IntoDeserializer, MapAccess, SeqAccess, Unexpected, Visitor,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
};
use std::{collections::BTreeSet, fmt, marker::PhantomData};

/// How the name of an index ends.
pub(super) const INDEX: &str = ".safetensors.index.json";

const MAX_HEADER: u64 = 100_000_000;
const MAX_VALUES: u64 = 1 << 40;
const MAX_FILES: usize = 4096;

/// A folder: `config.json` first, then the index or the one file of weights.
pub(super) async fn open_folder(folder: &dyn Folder) -> Result<Checkpoint> {
    let mut model = Checkpoint::new(folder.name(), Container::Safetensors);
    let config = side::read(folder, "config.json").await?;
    let config = config.ok_or_else(|| not_found(folder, "config.json"))?;
    model.side.insert("config.json".into(), config);
    let index = format!("model{INDEX}");
    if let Some(bytes) = side::read(folder, &index).await? {
        add_index(&mut model, folder, &index, &bytes).await?;
    } else if let Some(source) = folder.open("model.safetensors").await? {
        add_file(&mut model, Cursor::new(source)).await?;
    } else {
        return Err(not_found(folder, &format!("{index} or model.safetensors")));
    }
    finish(folder, model).await
}

/// An index called `entry`, and the files beside it.
pub(super) async fn open_index(folder: &dyn Folder, entry: &str) -> Result<Checkpoint> {
    let mut model = Checkpoint::new(entry, Container::Safetensors);
    let bytes = side::read(folder, entry).await?;
    let bytes = bytes.ok_or_else(|| not_found(folder, entry))?;
    add_index(&mut model, folder, entry, &bytes).await?;
    finish(folder, model).await
}

/// A file called `entry`, already under `cursor`. If it is one of several, their index is asked for.
pub(super) async fn open_file(folder: &dyn Folder, entry: &str, cursor: Cursor) -> Result<Checkpoint> {
    if let Some((stem, _, of)) = split::shard_name(entry, ".safetensors")
        && of > 1
    {
        return open_index(folder, &format!("{stem}{INDEX}")).await;
    }
    let mut model = Checkpoint::new(entry, Container::Safetensors);
    add_file(&mut model, cursor).await?;
    finish(folder, model).await
}

async fn finish(folder: &dyn Folder, mut model: Checkpoint) -> Result<Checkpoint> {
    side::read_all(folder, &mut model).await?;
    apart::join(&mut model);
    Ok(model)
}

async fn add_index(model: &mut Checkpoint, folder: &dyn Folder, name: &str, bytes: &[u8]) -> Result<()> {
    let index: Plain<Index> =
        serde_json::from_slice(bytes).map_err(|e| bad(name, "weight_map", "tensor names with their files", e))?;
    let map = index.0.weight_map.0.0;
    let files: BTreeSet<&str> = map.values().map(String::as_str).collect();
    if files.is_empty() || files.len() > MAX_FILES {
        return Err(bad(name, "weight_map", format!("1 to {MAX_FILES} files"), files.len()));
    }
    for file in &files {
        let plain = file.ends_with(".safetensors") && !file.contains(['/', '\\', ':', '?', '#', '%', '\0']);
        if !plain {
            let expected = "names of .safetensors files in the same folder";
            return Err(bad(name, "weight_map", expected, format!("{file:?}")));
        }
    }
    for file in files {
        add_file(model, Cursor::short(found(folder, file).await?)).await?;
    }
    for tensor in map.keys() {
        if !model.tensors.contains_key(tensor) && !model.skipped.contains_key(tensor) {
            return Err(bad(
                name,
                format!("weight_map: {tensor}"),
                format!("a tensor in {}", map[tensor]),
                "none of that name",
            ));
        }
    }
    Ok(())
}

async fn add_file(model: &mut Checkpoint, mut cursor: Cursor) -> Result<()> {
    let part = read(&mut cursor, model.files.len()).await?;
    model.files.push(cursor.source().clone());
    model.add(part)
}

/// Reads the header of the file under `cursor`, which becomes number `file` of its checkpoint.
async fn read(cursor: &mut Cursor, file: usize) -> Result<Part> {
    let field = "header length";
    let len = cursor.take(8, field).await?;
    let len = u64::from_le_bytes(len.try_into().unwrap_or_default());
    if len > MAX_HEADER {
        return Err(bad(cursor.name(), field, format!("at most {MAX_HEADER}"), len));
    }
    cursor.require(len, field)?;
    let header = serde_json::from_slice(cursor.take(len, "header").await?);
    let wrong = |field: &str, expected: &str, found: &dyn fmt::Display| bad(cursor.name(), field, expected, found);
    let Plain(header): Plain<Header> = header.map_err(|e| wrong("header", "a JSON directory of tensors", &e))?;

    let (start, data) = (cursor.position(), cursor.left());
    let mut tensors: Vec<(String, Info)> = header.tensors.into_iter().map(|(name, info)| (name, info.0)).collect();
    sort_by_numbers(&mut tensors, |(_, info)| info.data_offsets().into());
    let mut part = Part {
        meta: (header.metadata.into_iter().map(|(key, text)| (key, Value::Str(text)))).collect(),
        ..Part::default()
    };
    let mut end = 0;
    for (name, info) in tensors {
        let field = format!("tensor {name}");
        let (from, to) = info.data_offsets();
        let shape: Vec<u64> = info.shape.0.iter().map(|dim| dim.0).collect();
        if from != end || to < from {
            let expected = format!("data_offsets from {end}, where the tensor before ends");
            return Err(wrong(&field, &expected, &format!("{from} to {to}")));
        }
        end = to;
        let bits = bits(&info.dtype).ok_or_else(|| wrong(&field, "a known dtype", &info.dtype))?;
        let values = shape.iter().try_fold(1u64, |all, dim| all.checked_mul(*dim));
        let bytes = values
            .and_then(|v| v.checked_mul(bits))
            .filter(|b| b.is_multiple_of(8))
            .map(|b| b / 8);
        if bytes != Some(to - from) {
            let expected = format!("the size of {} {:?}", info.dtype, shape);
            return Err(wrong(&field, &expected, &format!("{} bytes", to - from)));
        }
        let dims: Option<Vec<usize>> = shape.iter().map(|d| usize::try_from(*d).ok()).collect();
        let usable = values.is_some_and(|v| v > 0 && v < MAX_VALUES && usize::try_from(v).is_ok());
        let usable = dims.filter(|_| usable).and_then(|dims| Shape::new(&dims));
        // Within the file once the last end is known to be: checked below.
        let offset = start.saturating_add(from);
        match (quant::by_safetensors(&info.dtype), usable) {
            (Some(format), Some(shape)) => part.tensors.push(Entry {
                name,
                shape,
                format,
                file,
                offset,
                bytes: to - from,
                scales: None,
            }),
            (_, usable) => {
                // Narrow floats hold weights; other types hold tables and counters.
                let narrow = ["F8", "F6", "F4"].iter().any(|f| info.dtype.starts_with(f));
                let skipped = Skipped {
                    weight: narrow && usable.is_some(),
                    kind: info.dtype,
                    dims: shape,
                    file,
                    offset,
                    bytes: to - from,
                };
                part.skipped.push((name, skipped));
            }
        }
    }
    if end != data {
        let expected = format!("tensors over the {data} bytes behind the header");
        return Err(wrong("data_offsets", &expected, &end));
    }
    Ok(part)
}

/// Bits a value of every dtype of the container (huggingface/safetensors: safetensors/src/tensor.rs, `Dtype`).
fn bits(dtype: &str) -> Option<u64> {
    Some(match dtype {
        "F4" => 4,
        "F6_E2M3" | "F6_E3M2" => 6,
        "BOOL" | "U8" | "I8" | "F8_E5M2" | "F8_E4M3" | "F8_E8M0" | "F8_E4M3FNUZ" | "F8_E5M2FNUZ" => 8,
        "I16" | "U16" | "F16" | "BF16" => 16,
        "I32" | "U32" | "F32" => 32,
        "I64" | "U64" | "F64" | "C64" => 64,
        _ => return None,
    })
}

/// One tensor of a header.
#[derive(Deserialize)]
struct Info {
    dtype: String,
    shape: Plain<Vec<Plain<u64>>>,
    data_offsets: Plain<(Plain<u64>, Plain<u64>)>,
}

impl Info {
    fn data_offsets(&self) -> (u64, u64) {
        let (from, to) = &self.data_offsets.0;
        (from.0, to.0)
    }
}

#[derive(Deserialize)]
struct Index {
    weight_map: Plain<Unique<String>>,
}

/// Anything but a text. Where a text stands instead, the error does not quote it: it may be as long as the file.
struct Plain<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Plain<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct NoText<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for NoText<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, a list or an object")
            }

            fn visit_str<E: serde::de::Error>(self, _: &str) -> std::result::Result<T, E> {
                Err(E::invalid_type(Unexpected::Other("a text"), &self))
            }

            fn visit_unit<E: serde::de::Error>(self) -> std::result::Result<T, E> {
                T::deserialize(().into_deserializer())
            }

            fn visit_bool<E: serde::de::Error>(self, value: bool) -> std::result::Result<T, E> {
                T::deserialize(value.into_deserializer())
            }

            fn visit_i64<E: serde::de::Error>(self, value: i64) -> std::result::Result<T, E> {
                T::deserialize(value.into_deserializer())
            }

            fn visit_u64<E: serde::de::Error>(self, value: u64) -> std::result::Result<T, E> {
                T::deserialize(value.into_deserializer())
            }

            fn visit_f64<E: serde::de::Error>(self, value: f64) -> std::result::Result<T, E> {
                T::deserialize(value.into_deserializer())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> std::result::Result<T, A::Error> {
                T::deserialize(SeqAccessDeserializer::new(list))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> std::result::Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map))
            }
        }
        deserializer.deserialize_any(NoText(PhantomData)).map(Self)
    }
}

struct Header {
    metadata: IndexMap<String, String>,
    tensors: IndexMap<String, Plain<Info>>,
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Directory;
        impl<'de> Visitor<'de> for Directory {
            type Value = Header;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Header, A::Error> {
                let (mut metadata, mut tensors) = (None, IndexMap::<String, Plain<Info>>::new());
                while let Some(key) = map.next_key::<String>()? {
                    if key == "__metadata__" {
                        let texts: Option<Plain<Unique<String>>> = map.next_value()?;
                        if metadata.replace(texts).is_some() {
                            return Err(A::Error::duplicate_field("__metadata__"));
                        }
                    } else {
                        insert(&mut tensors, key, &mut map)?;
                    }
                }
                Ok(Header {
                    metadata: metadata.flatten().map(|m| m.0.0).unwrap_or_default(),
                    tensors,
                })
            }
        }
        deserializer.deserialize_map(Directory)
    }
}

/// A map in which no key stands twice.
struct Unique<T>(IndexMap<String, T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Unique<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Once<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Once<T> {
            type Value = Unique<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Unique<T>, A::Error> {
                let mut all = IndexMap::new();
                while let Some(key) = map.next_key::<String>()? {
                    insert(&mut all, key, &mut map)?;
                }
                Ok(Unique(all))
            }
        }
        deserializer.deserialize_map(Once(PhantomData))
    }
}

fn insert<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
    all: &mut IndexMap<String, T>,
    key: String,
    map: &mut A,
) -> std::result::Result<(), A::Error> {
    if all.contains_key(&key) {
        let start: String = key.chars().take(100).collect();
        return Err(A::Error::custom(format_args!("duplicate key {start:?}")));
    }
    all.insert(key, map.next_value()?);
    Ok(())
}
