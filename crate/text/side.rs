//! The small JSON files beside the weights, and what they and GGUF metadata say about special tokens.

use crate::{
    error::{Error, Result},
    format::{Checkpoint, Metadata, Value as Meta},
};
use serde_json::Value;

/// Parses the side file `name`; `None` if there is none.
pub(crate) fn json(checkpoint: &Checkpoint, name: &str) -> Result<Option<Value>> {
    let Some(bytes) = checkpoint.side.get(name) else {
        return Ok(None);
    };
    match serde_json::from_slice(bytes) {
        Ok(value) => Ok(Some(value)),
        Err(e) => Err(Error::bad(place(checkpoint, name), "json", "a JSON document", e)),
    }
}

/// The name of a side file in messages.
pub(crate) fn place(checkpoint: &Checkpoint, name: &str) -> String {
    format!("{}: {name}", checkpoint.name)
}

/// A text value of GGUF metadata.
pub(crate) fn text<'a>(meta: &'a Metadata, key: &str) -> Option<&'a str> {
    match meta.get(key) {
        Some(Meta::Str(s)) => Some(s),
        _ => None,
    }
}

/// A token id of GGUF metadata; negative and oversized values are none (old files write -1 for "no such token").
pub(crate) fn id(meta: &Metadata, key: &str) -> Option<u32> {
    match meta.get(key) {
        Some(Meta::Int(i)) => u32::try_from(*i).ok(),
        _ => None,
    }
}

/// A boolean of GGUF metadata.
pub(crate) fn flag(meta: &Metadata, key: &str) -> Option<bool> {
    match meta.get(key) {
        Some(Meta::Bool(b)) => Some(*b),
        _ => None,
    }
}

/// The text of a special token such as `bos_token`.
pub(crate) fn special(config: &Value, key: &str) -> Option<String> {
    config.get(key).and_then(content)
}

/// What a token is written as: a string, or an object with `content`.
fn content(token: &Value) -> Option<String> {
    let text = token.as_str().or_else(|| token.get("content")?.as_str())?;
    Some(text.to_owned())
}

/// Texts of all tokens that the files beside a vocabulary name as special.
pub(crate) fn named(checkpoint: &Checkpoint) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    for file in ["tokenizer_config.json", "special_tokens_map.json"] {
        let Some(Value::Object(config)) = json(checkpoint, file)? else {
            continue;
        };
        for (key, value) in &config {
            let tokens = match value {
                Value::Array(list) if key == "additional_special_tokens" => list.as_slice(),
                one if key.ends_with("_token") => std::slice::from_ref(one),
                _ => &[],
            };
            for text in tokens.iter().filter_map(content) {
                if !texts.contains(&text) {
                    texts.push(text);
                }
            }
        }
    }
    Ok(texts)
}

/// The ids under `key`: one number or a list of them.
pub(crate) fn ids(config: &Value, key: &str) -> Vec<u32> {
    let one = |v: &Value| v.as_u64().and_then(|n| u32::try_from(n).ok());
    match config.get(key) {
        Some(Value::Array(list)) => list.iter().filter_map(one).collect(),
        Some(value) => one(value).into_iter().collect(),
        None => Vec::new(),
    }
}

/// Parts of a configuration that may name special tokens: the file itself and, in multimodal models, its text part.
pub(crate) fn scopes(config: &Value) -> impl Iterator<Item = &Value> {
    std::iter::once(config).chain(config.get("text_config"))
}
