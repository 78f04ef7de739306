//! `tokenizer.json`: read, checked, and handed in parts to the `tokenizers` crate.
//!
//! The crate's own loader trusts the file: merges whose result is no token, templates naming absent tokens, or zero
//! lengths make it panic, and a panic ends a wasm module. So every part goes through here, also those that GGUF
//! vocabularies are translated into.

use super::{bpe, charsmap};
use crate::error::{Error, Result, Unsupported};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use tokenizers::{
    AddedToken, DecoderWrapper, ModelWrapper, NormalizerWrapper, PostProcessorWrapper, PreTokenizerWrapper,
    Tokenizer as Inner,
    models::{
        bpe::{Merges, Vocab},
        unigram::Unigram,
        wordlevel::WordLevel,
        wordpiece::WordPiece,
    },
};

/// How deep sequences of normalisers and the like may be nested.
const MAX_DEPTH: usize = 8;

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
            check_vocab_object(file, &model)?;
            let model: WordPiece = part(file, "model", &Value::Object(model))?;
            Ok(Model::Built(ModelWrapper::WordPiece(model)))
        }
        "WordLevel" => {
            check_vocab_object(file, &model)?;
            let model: WordLevel = part(file, "model", &Value::Object(model))?;
            Ok(Model::Built(ModelWrapper::WordLevel(model)))
        }
        "Unigram" => {
            let pieces = model.get("vocab").and_then(Value::as_array).map_or(0, Vec::len);
            let unk = model.get("unk_id").and_then(Value::as_u64);
            if pieces == 0 || pieces > bpe::MAX_TOKENS {
                return Err(Error::bad(
                    file,
                    "vocab",
                    format!("1 to {} pieces", bpe::MAX_TOKENS),
                    pieces,
                ));
            }
            if let Some(unk) = unk.filter(|unk| *unk >= pieces as u64) {
                return Err(Error::bad(file, "unk_id", format!("below {pieces}"), unk));
            }
            let model: Unigram = part(file, "model", &Value::Object(model))?;
            Ok(Model::Built(ModelWrapper::Unigram(model)))
        }
        other => Err(Error::Unsupported {
            kind: Unsupported::Tokenizer,
            file: file.to_owned(),
            what: format!("model {other:?}"),
            supported: "BPE, WordPiece, WordLevel, Unigram".to_owned(),
        }),
    }
}

fn check_vocab_object(file: &str, model: &Map<String, Value>) -> Result<()> {
    let Some(Value::Object(vocab)) = model.get("vocab") else {
        return Err(Error::bad(file, "vocab", "an object", "none"));
    };
    for (token, id) in vocab {
        let id = id
            .as_u64()
            .ok_or_else(|| Error::bad(file, format!("token {token:?}"), "an id", id))?;
        bpe::check_token(file, token, id)?;
    }
    Ok(())
}

fn read_bpe(file: &str, model: &mut Map<String, Value>) -> Result<Model> {
    let Some(Value::Object(tokens)) = model.remove("vocab") else {
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

/// Deserialises one part. By reference: some of the crate's types only read borrowed text.
fn part<T: DeserializeOwned>(file: &str, field: &str, value: &Value) -> Result<T> {
    T::deserialize(value).map_err(|e| Error::bad(file, field, "a part that tokenizers knows", e))
}

/// Puts the parts together.
pub(crate) fn assemble(file: &str, parts: Parts) -> Result<Inner> {
    for stage in [
        &parts.normalizer,
        &parts.pre_tokenizer,
        &parts.post_processor,
        &parts.decoder,
    ] {
        check_stage(file, stage, 0)?;
    }
    let mut added = parts.added;
    added.sort_by_key(|a| a.id);
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
    let normalizer: Option<NormalizerWrapper> = part(file, "normalizer", &parts.normalizer)?;
    inner
        .with_normalizer(normalizer)
        .map_err(|e| Error::bad(file, "normalizer", "a normalizer", e))?;
    inner.with_pre_tokenizer(part::<Option<PreTokenizerWrapper>>(
        file,
        "pre_tokenizer",
        &parts.pre_tokenizer,
    )?);
    inner.with_post_processor(part::<Option<PostProcessorWrapper>>(
        file,
        "post_processor",
        &parts.post_processor,
    )?);
    inner.with_decoder(part::<Option<DecoderWrapper>>(file, "decoder", &parts.decoder)?);
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

/// Refuses what the crate would panic on later.
fn check_stage(file: &str, stage: &Value, depth: usize) -> Result<()> {
    let kind = stage.get("type").and_then(Value::as_str).unwrap_or("");
    if depth > MAX_DEPTH {
        return Err(Error::bad(file, kind, format!("at most {MAX_DEPTH} levels"), "more"));
    }
    let number = |key: &str| stage.get(key).and_then(Value::as_u64).unwrap_or(0);
    match kind {
        "Sequence" => {
            for key in ["normalizers", "pretokenizers", "processors", "decoders"] {
                for inner in stage.get(key).and_then(Value::as_array).into_iter().flatten() {
                    check_stage(file, inner, depth + 1)?;
                }
            }
            Ok(())
        }
        // The decoder counts back from the end of a token without looking at its length.
        "Strip" if number("stop") > 0 => Err(Error::bad(file, "Strip: stop", "0", number("stop"))),
        "FixedLength" if stage.get("length").is_some() && number("length") == 0 => {
            Err(Error::bad(file, "FixedLength: length", "at least 1", 0))
        }
        "TemplateProcessing" => check_template(file, stage),
        "Precompiled" => check_charsmap(file, stage),
        _ => Ok(()),
    }
}

fn check_template(file: &str, stage: &Value) -> Result<()> {
    for key in ["single", "pair"] {
        for piece in stage.get(key).and_then(Value::as_array).into_iter().flatten() {
            let Some(token) = piece.get("SpecialToken").and_then(|t| t.get("id")) else {
                continue;
            };
            let known = token
                .as_str()
                .and_then(|id| stage.get("special_tokens")?.get(id))
                .is_some();
            if !known {
                return Err(Error::bad(
                    file,
                    "post_processor",
                    "tokens listed in special_tokens",
                    token,
                ));
            }
        }
    }
    for token in stage
        .get("special_tokens")
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(Map::values)
    {
        for id in token.get("ids").and_then(Value::as_array).into_iter().flatten() {
            if id.as_u64().is_none_or(|id| id >= bpe::MAX_TOKENS as u64) {
                return Err(Error::bad(
                    file,
                    "post_processor",
                    format!("ids below {}", bpe::MAX_TOKENS),
                    id,
                ));
            }
        }
    }
    Ok(())
}

fn check_charsmap(file: &str, stage: &Value) -> Result<()> {
    match stage.get("precompiled_charsmap").and_then(Value::as_str) {
        Some(text) => charsmap::check_base64(file, text),
        None => Err(Error::bad(file, "precompiled_charsmap", "base64 text", "none")),
    }
}

/// A post-processor that puts BOS before a text and EOS behind it, as far as given; `null` if neither.
pub(crate) fn bos_eos_processor(bos: Option<(u32, &str)>, eos: Option<(u32, &str)>) -> Value {
    if bos.is_none() && eos.is_none() {
        return Value::Null;
    }
    let mut special = Map::new();
    for (id, token) in bos.iter().chain(&eos) {
        special.insert(
            (*token).to_owned(),
            json!({"id": token, "ids": [id], "tokens": [token]}),
        );
    }
    let side = |sequence: &str, type_id: u32| {
        let token = |t: &Option<(u32, &str)>| t.map(|(_, t)| json!({"SpecialToken": {"id": t, "type_id": type_id}}));
        let text = json!({"Sequence": {"id": sequence, "type_id": type_id}});
        token(&bos).into_iter().chain([text]).chain(token(&eos))
    };
    let single: Vec<Value> = side("A", 0).collect();
    let pair: Vec<Value> = side("A", 0).chain(side("B", 1)).collect();
    json!({"type": "TemplateProcessing", "single": single, "pair": pair, "special_tokens": special})
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
