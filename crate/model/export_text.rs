//! The tokenizer of a published checkpoint as GGUF keys: `tokenizer.json` whole, and the arrays that other tools read.

use super::export::GgufPlan;
use crate::{
    error::Result,
    format::{Checkpoint, Metadata, Value},
};
use serde_json::Value as Json;
use std::collections::HashMap;

/// Kinds of tokens, as GGUF numbers them.
const NORMAL: i64 = 1;
const UNKNOWN: i64 = 2;
const CONTROL: i64 = 3;
const USER_DEFINED: i64 = 4;
const UNUSED: i64 = 5;
const BYTE: i64 = 6;

/// Regular expressions of byte-level pre-tokenizers, and the names that GGUF gives them.
const PRE: &[(&str, &str)] = &[
    (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        "llama-bpe",
    ),
    (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        "qwen2",
    ),
];

/// Of `tokenizer_config.json`, what travels with `tokenizer.json`: what changes it, and what chat templates name.
const SETTINGS: [&str; 8] = [
    "tokenizer_class",
    "added_tokens_decoder",
    "add_bos_token",
    "add_eos_token",
    "bos_token",
    "eos_token",
    "unk_token",
    "pad_token",
];

/// Classes that put BOS and EOS themselves, whatever `tokenizer.json` says.
const OWN_PROCESSOR: [&str; 4] = [
    "LlamaTokenizer",
    "CodeLlamaTokenizer",
    "GemmaTokenizer",
    "CohereTokenizer",
];

/// Adds what the files beside the weights say about text.
pub(super) fn write(plan: &mut GgufPlan, checkpoint: &Checkpoint, config: &Json, vocab: usize) -> Result<()> {
    let side = |name: &str| Ok(checkpoint.json(name)?.unwrap_or(Json::Null));
    let settings: Json = side("tokenizer_config.json")?;
    let generation = side("generation_config.json")?;
    let tokenizer = side("tokenizer.json")?;
    if let Some(bytes) = checkpoint.side.get("tokenizer.json") {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let vocabulary = Vocabulary::read(&tokenizer, &settings, vocab);
        match arrays(&mut plan.meta, &tokenizer, &vocabulary) {
            Ok(()) => {}
            Err(why) => plan.notes.push(format!(
                "tokenizer.json travels whole, but not as tokenizer.ggml arrays: {why}"
            )),
        }
        special(&mut plan.meta, &vocabulary, &settings, &generation, config);
        around(&mut plan.meta, &tokenizer, &settings);
        plan.meta.insert("tokenizer.huggingface.json".into(), Value::Str(text));
        let kept = SETTINGS.map(|key| (key.to_owned(), settings[key].clone())).into_iter();
        let kept: Json = kept.filter(|(_, value)| !value.is_null()).collect();
        plan.meta
            .insert("tokenizer.huggingface.config".into(), Value::Str(kept.to_string()));
    } else {
        plan.notes
            .push("no tokenizer.json: the file takes token ids only".into());
        special(&mut plan.meta, &Vocabulary::default(), &settings, &generation, config);
    }
    if let Some(template) = template(checkpoint, &settings) {
        plan.meta.insert("tokenizer.chat_template".into(), Value::Str(template));
    }
    sampling(&mut plan.meta, &generation);
    Ok(())
}

/// Tokens by id, and what `tokenizer.json` and its settings, which win, say of the added ones.
#[derive(Default)]
struct Vocabulary {
    tokens: Vec<Option<String>>,
    /// Ids of added tokens; `true` if special.
    added: HashMap<usize, bool>,
    ids: HashMap<String, usize>,
}

impl Vocabulary {
    fn read(tokenizer: &Json, settings: &Json, rows: usize) -> Self {
        let mut all = Self {
            tokens: vec![None; rows],
            ..Self::default()
        };
        let id = |value: &Json| value.as_u64().and_then(|id| usize::try_from(id).ok());
        if let Some(vocab) = tokenizer.pointer("/model/vocab").and_then(Json::as_object) {
            for (token, value) in vocab {
                if let Some(id) = id(value) {
                    all.put(id, token);
                }
            }
        }
        let added = tokenizer["added_tokens"].as_array().into_iter().flatten();
        let added = added.map(|token| (token.get("id").and_then(id), token));
        let decoder = settings["added_tokens_decoder"].as_object().into_iter().flatten();
        for (id, token) in added.chain(decoder.map(|(id, token)| (id.parse().ok(), token))) {
            if let (Some(id), Some(content)) = (id, token.get("content").and_then(Json::as_str)) {
                all.put(id, content);
                let special = token.get("special").and_then(Json::as_bool).unwrap_or(false);
                all.added.insert(id, special);
            }
        }
        all
    }

    fn put(&mut self, id: usize, token: &str) {
        // An id beyond the embedding can never be used.
        if let Some(place) = self.tokens.get_mut(id) {
            *place = Some(token.to_owned());
            self.ids.insert(token.to_owned(), id);
        }
    }
}

/// The vocabulary as `tokenizer.ggml.*`, or why it cannot be said that way.
fn arrays(meta: &mut Metadata, tokenizer: &Json, vocabulary: &Vocabulary) -> std::result::Result<(), String> {
    let model = &tokenizer["model"];
    // Older files leave the type out where there are merges.
    let kind = model["type"]
        .as_str()
        .unwrap_or(if model.get("merges").is_some() { "BPE" } else { "?" });
    if kind != "BPE" {
        return Err(format!("its kind is {kind}, not BPE"));
    }
    let merges = merges(model)?;
    let bytes = model["byte_fallback"].as_bool().unwrap_or(false);
    let unknown = model["unk_token"].as_str().and_then(|t| vocabulary.ids.get(t)).copied();
    let name = if bytes {
        "llama"
    } else if pieces(&tokenizer["pre_tokenizer"])
        .iter()
        .any(|p| p["type"] == "ByteLevel")
    {
        "gpt2"
    } else {
        return Err("it is neither byte-level nor has it byte tokens".into());
    };
    let pre = match name {
        "llama" => "default",
        _ => pre_tokenizer(tokenizer)?,
    };
    let is_byte = |t: &str| bytes && t.len() == 6 && t.starts_with("<0x") && t.ends_with('>');
    let mut tokens = Vec::with_capacity(vocabulary.tokens.len());
    let mut types = Vec::with_capacity(vocabulary.tokens.len());
    for (id, token) in vocabulary.tokens.iter().enumerate() {
        types.push(match (token, vocabulary.added.get(&id)) {
            (None, _) => UNUSED,
            _ if Some(id) == unknown => UNKNOWN,
            (_, Some(true)) => CONTROL,
            (_, Some(false)) => USER_DEFINED,
            (Some(t), None) if is_byte(t) => BYTE,
            _ => NORMAL,
        });
        tokens.push(token.clone().unwrap_or_else(|| format!("[PAD{id}]")));
    }
    meta.insert("tokenizer.ggml.model".into(), Value::Str(name.into()));
    meta.insert("tokenizer.ggml.pre".into(), Value::Str(pre.into()));
    if name == "llama" {
        let scores = scores(vocabulary, &merges);
        meta.insert("tokenizer.ggml.tokens".into(), Value::Strs(tokens));
        meta.insert("tokenizer.ggml.scores".into(), Value::Floats(scores));
        meta.insert("tokenizer.ggml.token_type".into(), Value::Ints(types));
        let prefix = pieces(&tokenizer["normalizer"]).iter().any(|p| p["type"] == "Prepend")
            || pieces(&tokenizer["pre_tokenizer"])
                .iter()
                .any(|p| p["type"] == "Metaspace" && p["prepend_scheme"] != "never");
        meta.insert("tokenizer.ggml.add_space_prefix".into(), Value::Bool(prefix));
    } else {
        let merges = merges.iter().map(|(a, b)| format!("{a} {b}")).collect();
        meta.insert("tokenizer.ggml.tokens".into(), Value::Strs(tokens));
        meta.insert("tokenizer.ggml.token_type".into(), Value::Ints(types));
        meta.insert("tokenizer.ggml.merges".into(), Value::Strs(merges));
    }
    if let Some(id) = unknown {
        meta.insert("tokenizer.ggml.unknown_token_id".into(), Value::Int(id as i128));
    }
    Ok(())
}

/// Merges as pairs; files have them as pairs or as one text with a space between.
fn merges(model: &Json) -> std::result::Result<Vec<(&str, &str)>, String> {
    let list = model["merges"].as_array().ok_or("it has no merges")?;
    list.iter()
        .map(|m| pair(m).ok_or_else(|| format!("a merge is {m}")))
        .collect()
}

fn pair(merge: &Json) -> Option<(&str, &str)> {
    match merge {
        Json::String(text) => text.split_once(' '),
        Json::Array(two) => Some((two.first()?.as_str()?, two.get(1)?.as_str()?)),
        _ => None,
    }
}

/// A score for each token so that joining the best first is joining in the order of the merges.
fn scores(vocabulary: &Vocabulary, merges: &[(&str, &str)]) -> Vec<f32> {
    let mut scores = vec![0.0; vocabulary.tokens.len()];
    for (rank, (a, b)) in merges.iter().enumerate().rev() {
        if let Some(place) = vocabulary
            .ids
            .get(&format!("{a}{b}"))
            .and_then(|id| scores.get_mut(*id))
        {
            *place = -(rank as f32) - 1.0;
        }
    }
    for id in vocabulary.added.keys() {
        if let Some(place) = scores.get_mut(*id) {
            *place = -1000.0;
        }
    }
    scores
}

/// The parts of a normalizer or pre-tokenizer: itself, or the members of a sequence.
fn pieces(part: &Json) -> Vec<&Json> {
    let members = part.get("normalizers").or_else(|| part.get("pretokenizers"));
    match members.and_then(Json::as_array) {
        Some(list) => list.iter().collect(),
        None if part.is_object() => vec![part],
        None => Vec::new(),
    }
}

/// GGUF's name for a byte-level pre-tokenizer.
fn pre_tokenizer(tokenizer: &Json) -> std::result::Result<&'static str, String> {
    let parts = pieces(&tokenizer["pre_tokenizer"]);
    let split = parts
        .iter()
        .find_map(|p| p.pointer("/pattern/Regex"))
        .and_then(Json::as_str);
    let digits = parts
        .iter()
        .any(|p| p["type"] == "Digits" && p["individual_digits"] == true);
    match split {
        Some(regex) => PRE
            .iter()
            .find(|(known, _)| *known == regex)
            .map(|(_, name)| *name)
            .ok_or_else(|| "its pre-tokenizer has no name in GGUF".into()),
        None if digits => Ok("smollm"),
        None => Ok("gpt-2"),
    }
}

/// The ids of special tokens, and which of them are put round a text.
fn special(meta: &mut Metadata, vocabulary: &Vocabulary, settings: &Json, generation: &Json, config: &Json) {
    let named = |key: &str| -> Option<i64> {
        let token = &settings[key];
        let text = token.as_str().or_else(|| token["content"].as_str())?;
        i64::try_from(*vocabulary.ids.get(text)?).ok()
    };
    let listed = |key: &str| -> Vec<i64> {
        let value = [generation, config].map(|j| &j[key]).into_iter().find(|v| !v.is_null());
        match value {
            Some(Json::Array(ids)) => ids.iter().filter_map(Json::as_i64).collect(),
            Some(id) => id.as_i64().into_iter().collect(),
            None => Vec::new(),
        }
    };
    let mut put = |key: &str, id: Option<i64>| {
        if let Some(id) = id {
            meta.insert(format!("tokenizer.ggml.{key}"), Value::Int(id.into()));
        }
    };
    put(
        "bos_token_id",
        named("bos_token").or_else(|| listed("bos_token_id").first().copied()),
    );
    put(
        "padding_token_id",
        named("pad_token").or_else(|| listed("pad_token_id").first().copied()),
    );
    // GGUF has three places for ids that end a generation; the first is the tokenizer's own.
    let mut ends = listed("eos_token_id");
    if let Some(eos) = named("eos_token") {
        ends.retain(|id| *id != eos);
        ends.insert(0, eos);
    }
    for (key, id) in ["eos_token_id", "eot_token_id", "eom_token_id"].into_iter().zip(ends) {
        put(key, Some(id));
    }
}

/// Whether a token is put before and after a text: as the tokenizer does, else as its settings say.
fn around(meta: &mut Metadata, tokenizer: &Json, settings: &Json) {
    let post = &tokenizer["post_processor"];
    let members = post["processors"]
        .as_array()
        .map_or_else(|| vec![post], |list| list.iter().collect());
    let single = members
        .iter()
        .find(|p| p["type"] == "TemplateProcessing")
        .and_then(|p| p["single"].as_array());
    let is_special = |item: Option<&Json>| item.is_some_and(|item| item.get("SpecialToken").is_some());
    let told = ["add_bos_token", "add_eos_token"].map(|key| settings[key].as_bool());
    let class = settings["tokenizer_class"].as_str().unwrap_or_default();
    let found = match (single, told) {
        (_, [bos, eos]) if told != [None; 2] && OWN_PROCESSOR.contains(&class.trim_end_matches("Fast")) => {
            [bos.or(Some(true)), eos.or(Some(false))]
        }
        (Some(items), _) => [Some(is_special(items.first())), Some(is_special(items.last()))],
        (None, told) => told,
    };
    for (key, yes) in ["add_bos_token", "add_eos_token"].into_iter().zip(found) {
        if let Some(yes) = yes {
            meta.insert(format!("tokenizer.ggml.{key}"), Value::Bool(yes));
        }
    }
}

/// The chat template: the file beside the weights, else the one in `tokenizer_config.json`.
fn template(checkpoint: &Checkpoint, settings: &Json) -> Option<String> {
    if let Some(bytes) = checkpoint.side.get("chat_template.jinja") {
        return Some(String::from_utf8_lossy(bytes).into_owned());
    }
    match &settings["chat_template"] {
        Json::String(text) => Some(text.clone()),
        Json::Array(list) => {
            // The only one is used whatever it is called.
            let only = list.first().filter(|_| list.len() == 1);
            let chosen = list.iter().find(|t| t["name"] == "default").or(only);
            chosen.and_then(|t| t["template"].as_str()).map(str::to_owned)
        }
        _ => None,
    }
}

/// Sampling defaults of the publisher.
fn sampling(meta: &mut Metadata, generation: &Json) {
    let mut put = |key: &str, value: Value| meta.insert(format!("general.sampling.{key}"), value);
    for (from, to) in [
        ("temperature", "temp"),
        ("top_p", "top_p"),
        ("min_p", "min_p"),
        ("repetition_penalty", "penalty_repeat"),
    ] {
        if let Some(value) = generation[from].as_f64() {
            put(to, Value::Float(value));
        }
    }
    if let Some(k) = generation["top_k"].as_i64() {
        put("top_k", Value::Int(k.into()));
    }
}
