//! `tokenizer.json`: read, checked, and handed in parts to the `tokenizers` crate.
//!
//! The crate's own loader trusts the file: merges whose result is no token, templates naming absent tokens, or zero
//! lengths make it panic, and a panic ends a wasm module. So every part goes through here, also those that GGUF
//! vocabularies are translated into.

use super::{bpe, stages};
use crate::{
    error::{Error, Result, Unsupported},
    tensor::sort_by_numbers,
};
use serde_json::{Map, Value};
use std::collections::HashMap;
use tokenizers::{
    AddedToken, ModelWrapper, Tokenizer as Inner,
    models::{
        bpe::{Merges, Vocab},
        unigram::Unigram,
        wordlevel::WordLevel,
        wordpiece::WordPiece,
    },
};

/// Characters of a word that WordPiece may look at: its search is quadratic.
const LONGEST_WORD: u64 = 10_000;

/// A token beside the model's vocabulary.
#[derive(Debug, Clone)]
pub(crate) struct Added {
    pub(crate) id: u32,
    pub(crate) token: AddedToken,
}

/// A tokenizer in parts; the four stages are the objects of `tokenizer.json`, `null` for none.
pub(crate) struct Parts {
    pub(crate) model: Model,
    pub(crate) normalizer: Value,
    pub(crate) pre_tokenizer: Value,
    pub(crate) post_processor: Value,
    pub(crate) decoder: Value,
    pub(crate) added: Vec<Added>,
}

/// The model of a tokenizer.
pub(crate) enum Model {
    /// To be checked and built.
    Bpe {
        vocab: Vocab,
        merges: Merges,
        options: bpe::Options,
    },
    /// Checked already.
    Built(ModelWrapper),
}

/// Parses `tokenizer.json`.
pub(crate) fn parse(file: &str, bytes: &[u8]) -> Result<Parts> {
    let json: Value = serde_json::from_slice(bytes).map_err(|e| Error::bad(file, "json", "a JSON document", e))?;
    let Value::Object(mut json) = json else {
        return Err(Error::bad(file, "json", "an object", "another value"));
    };
    let mut take = |key: &str| json.remove(key).unwrap_or(Value::Null);
    let added = added_tokens(file, take("added_tokens"))?;
    let Value::Object(model) = take("model") else {
        return Err(Error::bad(file, "model", "an object", "none"));
    };
    Ok(Parts {
        model: read_model(file, model)?,
        normalizer: take("normalizer"),
        pre_tokenizer: take("pre_tokenizer"),
        post_processor: take("post_processor"),
        decoder: take("decoder"),
        added,
    })
}

fn added_tokens(file: &str, list: Value) -> Result<Vec<Added>> {
    let list = match list {
        Value::Null => Vec::new(),
        Value::Array(list) => list,
        _ => return Err(Error::bad(file, "added_tokens", "a list", "another value")),
    };
    list.iter()
        .map(|entry| {
            let id = entry.get("id").and_then(Value::as_u64);
            added_token(file, id, entry)
        })
        .collect()
}

/// One entry of `added_tokens`, or of `added_tokens_decoder` where the id is the key.
pub(crate) fn added_token(file: &str, id: Option<u64>, entry: &Value) -> Result<Added> {
    let (Some(id), Some(content)) = (id, entry.get("content").and_then(Value::as_str)) else {
        return Err(Error::bad(file, "added token", "an id and a content", entry));
    };
    let flag = |key: &str| entry.get(key).and_then(Value::as_bool);
    let special = flag("special").unwrap_or(false);
    Ok(Added {
        id: bpe::check_token(file, content, id)?,
        token: AddedToken::from(content, special)
            .single_word(flag("single_word").unwrap_or(false))
            .lstrip(flag("lstrip").unwrap_or(false))
            .rstrip(flag("rstrip").unwrap_or(false))
            .normalized(flag("normalized").unwrap_or(!special)),
    })
}

fn read_model(file: &str, mut model: Map<String, Value>) -> Result<Model> {
    // Files of the first years have no type: theirs are told apart by what they hold.
    let kind = match model.get("type").and_then(Value::as_str) {
        Some(kind) => kind.to_owned(),
        None if model.contains_key("merges") => "BPE".to_owned(),
        None => "WordPiece".to_owned(),
    };
    match kind.as_str() {
        "BPE" => read_bpe(file, &mut model),
        "WordPiece" => {
            let vocab = read_vocab(file, &mut model)?;
            let longest = model.get("max_input_chars_per_word").and_then(Value::as_u64);
            let Some(longest) = longest
                .filter(|n| *n <= LONGEST_WORD)
                .and_then(|n| usize::try_from(n).ok())
            else {
                let expected = format!("a count up to {LONGEST_WORD}");
                let found = longest.map_or("none".to_owned(), |n| n.to_string());
                return Err(Error::bad(file, "max_input_chars_per_word", expected, found));
            };
            let built = WordPiece::builder()
                .vocab(vocab)
                .unk_token(text(file, &model, "unk_token")?)
                .continuing_subword_prefix(text(file, &model, "continuing_subword_prefix")?)
                .max_input_chars_per_word(longest)
                .build();
            let model = built.map_err(|e| Error::bad(file, "model", "a WordPiece model", e))?;
            Ok(Model::Built(ModelWrapper::WordPiece(model)))
        }
        "WordLevel" => {
            let vocab = read_vocab(file, &mut model)?;
            let unk = text(file, &model, "unk_token")?;
            let built = WordLevel::builder().vocab(vocab).unk_token(unk).build();
            let model = built.map_err(|e| Error::bad(file, "model", "a WordLevel model", e))?;
            Ok(Model::Built(ModelWrapper::WordLevel(model)))
        }
        "Unigram" => read_unigram(file, &mut model),
        other => Err(Error::Unsupported {
            kind: Unsupported::Tokenizer,
            file: file.to_owned(),
            what: format!("model {other:?}"),
            supported: "BPE, WordPiece, WordLevel, Unigram".to_owned(),
        }),
    }
}

/// A vocabulary that gives each token its id.
fn read_vocab(file: &str, model: &mut Map<String, Value>) -> Result<Vocab> {
    numbered(file, model.remove("vocab").unwrap_or_default())
}

/// Tokens with their ids, as an object says them.
pub(crate) fn numbered(file: &str, json: Value) -> Result<Vocab> {
    let Value::Object(tokens) = json else {
        return Err(Error::bad(file, "vocab", "an object", "none"));
    };
    let mut vocab = Vocab::with_capacity(tokens.len());
    for (token, id) in tokens {
        let id = id
            .as_u64()
            .ok_or_else(|| Error::bad(file, format!("token {token:?}"), "an id", &id))?;
        let id = bpe::check_token(file, &token, id)?;
        vocab.insert(token, id);
    }
    Ok(vocab)
}

fn text(file: &str, model: &Map<String, Value>, key: &str) -> Result<String> {
    match model.get(key) {
        Some(Value::String(text)) => Ok(text.clone()),
        _ => Err(Error::bad(file, key, "text", "none")),
    }
}

fn read_unigram(file: &str, model: &mut Map<String, Value>) -> Result<Model> {
    let list = match model.remove("vocab") {
        Some(Value::Array(list)) if (1..=bpe::MAX_TOKENS).contains(&list.len()) => list,
        other => {
            let found = other.as_ref().and_then(Value::as_array).map_or(0, Vec::len);
            let expected = format!("1 to {} pieces", bpe::MAX_TOKENS);
            return Err(Error::bad(file, "vocab", expected, found));
        }
    };
    let unk = match model.get("unk_id") {
        None | Some(Value::Null) => None,
        Some(id) => {
            let small = id.as_u64().and_then(|id| usize::try_from(id).ok());
            let Some(known) = small.filter(|id| *id < list.len()) else {
                return Err(Error::bad(file, "unk_id", format!("below {}", list.len()), id));
            };
            Some(known)
        }
    };
    let mut pieces = Vec::with_capacity(list.len());
    for (id, piece) in list.into_iter().enumerate() {
        match piece.as_array().map(Vec::as_slice) {
            Some([Value::String(text), Value::Number(score)]) => {
                pieces.push((text.clone(), score.as_f64().unwrap_or(0.0)));
            }
            _ => return Err(Error::bad(file, format!("piece {id}"), "a text and a score", piece)),
        }
    }
    let byte_fallback = model.get("byte_fallback").and_then(Value::as_bool).unwrap_or(false);
    let built = Unigram::from(pieces, unk, byte_fallback);
    let model = built.map_err(|e| Error::bad(file, "model", "a Unigram model", e))?;
    Ok(Model::Built(ModelWrapper::Unigram(model)))
}

fn read_bpe(file: &str, model: &mut Map<String, Value>) -> Result<Model> {
    let vocab = read_vocab(file, model)?;
    let Some(Value::Array(list)) = model.remove("merges") else {
        return Err(Error::bad(file, "merges", "a list", "none"));
    };
    let mut merges = Merges::with_capacity(list.len());
    for (rank, merge) in list.into_iter().enumerate() {
        match read_merge(merge) {
            Ok(pair) => merges.push(pair),
            Err(found) => return Err(Error::bad(file, format!("merge {rank}"), "two tokens", found)),
        }
    }
    let text = |key: &str| model.get(key).and_then(Value::as_str).map(str::to_owned);
    let flag = |key: &str| model.get(key).and_then(Value::as_bool).unwrap_or(false);
    let affix = |key: &str| text(key).filter(|t| !t.is_empty());
    let options = bpe::Options {
        unk: text("unk_token"),
        fuse_unk: flag("fuse_unk"),
        byte_fallback: flag("byte_fallback"),
        ignore_merges: flag("ignore_merges"),
        prefix: affix("continuing_subword_prefix"),
        suffix: affix("end_of_word_suffix"),
    };
    Ok(Model::Bpe { vocab, merges, options })
}

/// A merge as a pair or, in older files, as text with a space between; the refused value on failure.
fn read_merge(merge: Value) -> std::result::Result<(String, String), Value> {
    match merge {
        Value::String(text) => match text.split_once(' ') {
            Some((left, right)) if !right.contains(' ') => Ok((left.to_owned(), right.to_owned())),
            _ => Err(Value::String(text)),
        },
        Value::Array(mut pair) if pair.len() == 2 => match (pair.pop(), pair.pop()) {
            (Some(Value::String(right)), Some(Value::String(left))) => Ok((left, right)),
            _ => Err(Value::Array(pair)),
        },
        other => Err(other),
    }
}

/// Puts the parts together.
pub(crate) fn assemble(file: &str, parts: Parts) -> Result<Inner> {
    let normalizer = stages::normalizer(file, &parts.normalizer)?;
    let pre_tokenizer = stages::pre_tokenizer(file, &parts.pre_tokenizer)?;
    let post_processor = stages::post_processor(file, &parts.post_processor)?;
    let decoder = stages::decoder(file, &parts.decoder)?;
    let mut added = parts.added;
    sort_by_numbers(&mut added, |a| [a.id.into(), 0]);
    check_stripping(file, &added)?;
    let model = match parts.model {
        Model::Built(model) => model,
        Model::Bpe {
            mut vocab,
            merges,
            options,
        } => {
            place_added(file, &mut vocab, &added)?;
            ModelWrapper::BPE(bpe::model(file, vocab, merges, options)?)
        }
    };
    let mut inner = Inner::new(model);
    inner
        .with_normalizer(normalizer)
        .map_err(|e| Error::bad(file, "normalizer", "a normalizer", e))?;
    inner.with_pre_tokenizer(pre_tokenizer);
    inner.with_post_processor(post_processor);
    inner.with_decoder(decoder);
    inner
        .add_tokens(added.iter().map(|a| a.token.clone()))
        .map_err(|e| Error::bad(file, "added_tokens", "distinct tokens", e))?;
    for a in &added {
        let given = inner.token_to_id(&a.token.content);
        if given != Some(a.id) && inner.id_to_token(a.id).as_ref() != Some(&a.token.content) {
            return Err(Error::bad(
                file,
                format!("added token {:?}", a.token.content),
                format!("id {}", a.id),
                format!("{given:?}"),
            ));
        }
    }
    Ok(inner)
}

/// Gives added tokens the ids of the file, also where those leave gaps: the crate would number them on.
fn place_added(file: &str, vocab: &mut Vocab, added: &[Added]) -> Result<()> {
    let mut taken: HashMap<u32, &str> = HashMap::new();
    for a in added {
        let content = a.token.content.as_str();
        if let Some(other) = taken.insert(a.id, content).filter(|other| *other != content) {
            let found = format!("{other:?} and {content:?}");
            return Err(Error::bad(file, format!("added token {}", a.id), "one text", found));
        }
    }
    let clash = vocab
        .iter()
        .find(|(token, id)| taken.get(id).is_some_and(|t| t != token) && !taken.values().any(|t| t == token));
    if let Some((token, id)) = clash {
        let found = format!("{token:?} and {:?}", taken.get(id));
        return Err(Error::bad(file, format!("token {id}"), "one text", found));
    }
    for a in added {
        vocab.entry(a.token.content.clone()).or_insert(a.id);
    }
    Ok(())
}

/// Refuses a combination on which the crate's splitter panics: a token of white space only that strips on its left can
/// lie inside what the token before it has stripped on its right.
fn check_stripping(file: &str, added: &[Added]) -> Result<()> {
    let blank = |t: &AddedToken| t.lstrip && t.content.chars().all(char::is_whitespace);
    if added.iter().any(|a| a.token.rstrip)
        && let Some(a) = added.iter().find(|a| blank(&a.token))
    {
        return Err(Error::bad(
            file,
            format!("added token {}", a.id),
            "a token with visible text",
            format!("{:?}", a.token.content),
        ));
    }
    Ok(())
}

/// A stage written as in `tokenizer.json`: read, since `json!` takes more of the module than its words do.
pub(crate) fn stage(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_default()
}

/// A post-processor that puts BOS before a text and EOS behind it, as far as given; `null` if neither.
pub(crate) fn bos_eos_processor(bos: Option<(u32, &str)>, eos: Option<(u32, &str)>) -> Value {
    if bos.is_none() && eos.is_none() {
        return Value::Null;
    }
    let (mut single, mut special) = (Vec::new(), Vec::new());
    for (at, token) in [bos, None, eos].into_iter().enumerate() {
        if at == 1 {
            single.push(r#"{"Sequence": {"id": "A"}}"#.to_owned());
        }
        if let Some((id, text)) = token {
            let text = Value::from(text);
            single.push(format!(r#"{{"SpecialToken": {{"id": {text}}}}}"#));
            special.push(format!(r#"{text}: {{"ids": [{id}], "tokens": [{text}]}}"#));
        }
    }
    let (single, special) = (single.join(", "), special.join(", "));
    stage(&format!(
        r#"{{"type": "TemplateProcessing", "single": [{single}], "special_tokens": {{{special}}}}}"#
    ))
}

impl Parts {
    /// The id of a token, added or of the model.
    pub(crate) fn id(&self, text: &str) -> Option<u32> {
        let added = self.added.iter().find(|a| a.token.content == text).map(|a| a.id);
        added.or_else(|| match &self.model {
            Model::Bpe { vocab, .. } => vocab.get(text).copied(),
            Model::Built(model) => tokenizers::Model::token_to_id(model, text),
        })
    }
}
