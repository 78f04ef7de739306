//! The small files beside the weights: configuration, tokenizer, chat template, model card. All but `config.json` are optional.

use super::{Checkpoint, source::Folder};
use crate::error::{Error, Result};

/// The most bytes of one.
pub(super) const MAX: u64 = 64 << 20;

/// Tokenizers by preference: the first group of which a file is there ends the asking.
const TOKENIZERS: [&[&str]; 5] = [
    &["tokenizer.json"],
    &["tokenizer.model"],
    &["spiece.model"],
    &["vocab.json", "merges.txt"],
    &["vocab.txt"],
];

/// Whether a file of this name is read for its words only: it may be large, and what a model takes does not depend on it.
pub fn is_vocabulary(name: &str) -> bool {
    name == "added_tokens.json" || TOKENIZERS.iter().any(|group| group.contains(&name))
}

/// Asked for in any case.
const ALWAYS: [&str; 6] = [
    "config.json",
    "tokenizer_config.json",
    "generation_config.json",
    "chat_template.jinja",
    "special_tokens_map.json",
    "README.md",
];

/// Reads what is there into `model.side`.
pub(super) async fn read_all(folder: &dyn Folder, model: &mut Checkpoint) -> Result<()> {
    for name in ALWAYS {
        add(folder, model, name).await?;
    }
    for group in TOKENIZERS {
        let mut any = false;
        for name in group {
            any |= add(folder, model, name).await?;
        }
        if any {
            break;
        }
    }
    if !model.side.contains_key("tokenizer.json") {
        add(folder, model, "added_tokens.json").await?;
    }
    Ok(())
}

async fn add(folder: &dyn Folder, model: &mut Checkpoint, name: &str) -> Result<bool> {
    if model.side.contains_key(name) {
        return Ok(true);
    }
    let bytes = read(folder, name).await?;
    let there = bytes.is_some();
    model.side.extend(bytes.map(|bytes| (name.to_owned(), bytes)));
    Ok(there)
}

/// The whole of a small file, if it is there.
pub(super) async fn read(folder: &dyn Folder, name: &str) -> Result<Option<Vec<u8>>> {
    let Some(source) = folder.open(name).await? else {
        return Ok(None);
    };
    let size = source.size();
    match usize::try_from(size) {
        Ok(len) if size <= MAX => Ok(Some(source.read(0, len).await?)),
        _ => Err(Error::bad(source.name(), "size", format!("at most {MAX} bytes"), size)),
    }
}

/// A small file as JSON, if it is there.
///
/// # Errors
/// `bad-file` if it is no JSON.
pub(crate) async fn json(folder: &dyn Folder, name: &str) -> Result<Option<serde_json::Value>> {
    let Some(bytes) = read(folder, name).await? else {
        return Ok(None);
    };
    let parsed = serde_json::from_slice(&bytes);
    parsed.map(Some).map_err(|e| Error::bad(name, "text", "JSON", e))
}
