//! A GGUF model in one file, or split over several (`name-00001-of-00003.gguf`), each with its own header.

use super::{Checkpoint, Container, Value, bad, cursor::Cursor, found, gguf, source::Folder};
use crate::error::Result;

/// Opens the model whose first file is `entry`, already under `cursor`.
pub(super) async fn open(folder: &dyn Folder, entry: &str, mut cursor: Cursor) -> Result<Checkpoint> {
    let mut model = Checkpoint::new(entry, Container::Gguf);
    let part = gguf::read(&mut cursor, 0).await?;
    model.files.push(cursor.source().clone());
    model.add(part)?;
    let file = cursor.name().to_owned();
    let count = int(&model, &file, "split.count")?.unwrap_or(0);
    if count <= 1 {
        return Ok(model);
    }
    let (stem, number, of) = shard_name(entry, ".gguf").ok_or_else(|| {
        bad(
            &file,
            "split.count",
            "a file named like model-00001-of-00003.gguf",
            format!("{count} files"),
        )
    })?;
    if of != count {
        return Err(bad(&file, "split.count", format!("{of}, as in its name"), count));
    }
    let first = int(&model, &file, "split.no")?.unwrap_or(0);
    if first != 0 || number != 1 {
        let expected = format!("the first of the files, {stem}-00001-of-{of:05}.gguf");
        return Err(bad(&file, "split.no", expected, first));
    }
    for number in 2..=count {
        let name = format!("{stem}-{number:05}-of-{of:05}.gguf");
        let mut cursor = Cursor::new(found(folder, &name).await?);
        let part = gguf::read(&mut cursor, model.files.len()).await?;
        let expected = [("split.no", number - 1), ("split.count", count)];
        for (key, value) in expected {
            if part.meta.get(key) != Some(&Value::Int(value.into())) {
                let found = part.meta.get(key).map_or("nothing".into(), |v| format!("{v:?}"));
                return Err(bad(cursor.name(), key, value.to_string(), found));
            }
        }
        model.files.push(cursor.source().clone());
        // Only the first file's keys describe the model.
        model.add(super::Part {
            meta: super::Metadata::new(),
            ..part
        })?;
    }
    let tensors = (model.tensors.len() + model.skipped.len()) as u64;
    match int(&model, &file, "split.tensors.count")? {
        Some(count) if count != tensors => Err(bad(&file, "split.tensors.count", tensors.to_string(), count)),
        _ => Ok(model),
    }
}

fn int(model: &Checkpoint, file: &str, key: &str) -> Result<Option<u64>> {
    match model.meta.get(key) {
        None => Ok(None),
        Some(Value::Int(v)) => u64::try_from(*v)
            .map(Some)
            .map_err(|_| bad(file, key, "a number from 0", v)),
        Some(_) => Err(bad(file, key, "an integer", "another type")),
    }
}

/// `model-00002-of-00003.gguf` as (`model`, 2, 3).
pub(super) fn shard_name<'a>(name: &'a str, ending: &str) -> Option<(&'a str, u64, u64)> {
    let (rest, of) = name.strip_suffix(ending)?.rsplit_once("-of-")?;
    let (stem, number) = rest.rsplit_once('-')?;
    let digits = |text: &str| text.len() == 5 && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(number) || !digits(of) {
        return None;
    }
    Some((stem, number.parse().ok()?, of.parse().ok()?))
}
