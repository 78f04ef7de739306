//! Tokenizers from `tokenizer.json`, `tokenizer.model` or what a GGUF embeds, run by the `tokenizers` crate.

use super::{
    bpe, gguf_vocab, pretokenizer, sentencepiece, side,
    stream::{Stream, Writing},
    tokenizer_json::{self, Added, Model, Parts},
    wordpiece,
};
use crate::{
    error::{Error, Result, Unsupported},
    format::{Checkpoint, Container},
};
use serde_json::Value;
use std::collections::HashSet;
use tokenizers::{
    AddedToken, Encoding, Model as _, OffsetType, PostProcessor as _, PreTokenizer as _, Tokenizer as Inner,
    models::bpe::Merges,
};

/// Classes of `tokenizer_config.json` that put BOS and EOS themselves, whatever `tokenizer.json` says.
const OWN_PROCESSOR: [&str; 4] = [
    "LlamaTokenizer",
    "CodeLlamaTokenizer",
    "GemmaTokenizer",
    "CohereTokenizer",
];

/// A tokenizer with the special tokens of its model.
pub struct Tokenizer {
    inner: Inner,
    special: HashSet<u32>,
    writing: Writing,
    bos: Option<u32>,
    eos: Vec<u32>,
}

impl Tokenizer {
    /// The tokenizer of a checkpoint; `None` if its files have none. A GGUF's own comes first: an embedded
    /// `tokenizer.json`, then its vocabulary; else the files beside the weights in the order of the contract.
    ///
    /// # Errors
    /// `bad-file` if it is broken, `unsupported-tokenizer` naming a kind or pre-tokenizer that is not implemented.
    pub fn open(checkpoint: &Checkpoint) -> Result<Option<Self>> {
        if checkpoint.container == Container::Gguf {
            let meta = &checkpoint.meta;
            if let Some(text) = side::text(meta, "tokenizer.huggingface.json") {
                let file = format!("{}: tokenizer.huggingface.json", checkpoint.name);
                let mut parts = tokenizer_json::parse(&file, text.as_bytes())?;
                if let Some(text) = side::text(meta, "tokenizer.huggingface.config") {
                    let file = format!("{}: tokenizer.huggingface.config", checkpoint.name);
                    let config = serde_json::from_str(text);
                    let config = config.map_err(|e| Error::bad(&file, "json", "a JSON document", e))?;
                    apply_config(&file, &config, &mut parts, false)?;
                }
                return Self::build(checkpoint, &file, parts).map(Some);
            }
            if let Some(kind) = side::text(meta, "tokenizer.ggml.model").filter(|kind| *kind != "no_vocab") {
                let parts = gguf_vocab::parts(&checkpoint.name, meta, kind)?;
                return Self::build(checkpoint, &checkpoint.name, parts).map(Some);
            }
        }
        let Some((name, mut parts)) = from_side_files(checkpoint)? else {
            return Ok(None);
        };
        let file = side::place(checkpoint, name);
        let config = side::json(checkpoint, "tokenizer_config.json")?.unwrap_or_default();
        if name != "tokenizer.json" && config.get("added_tokens_decoder").is_none() {
            add_listed(checkpoint, &mut parts)?;
        }
        apply_config(&file, &config, &mut parts, name == "vocab.json")?;
        Self::build(checkpoint, &file, parts).map(Some)
    }

    fn build(checkpoint: &Checkpoint, file: &str, parts: Parts) -> Result<Self> {
        let writing = Writing::of(&parts.decoder);
        let inner = tokenizer_json::assemble(file, parts)?;
        let special = inner
            .get_added_tokens_decoder()
            .iter()
            .filter(|(_, token)| token.special)
            .map(|(id, _)| *id)
            .collect();
        let mut tokenizer = Self {
            writing: writing.with_bytes(|text| inner.token_to_id(text)),
            inner,
            special,
            bos: None,
            eos: Vec::new(),
        };
        tokenizer.find_ends(checkpoint)?;
        Ok(tokenizer)
    }

    /// Collects BOS and the ids that end a generation from every file that names them.
    fn find_ends(&mut self, checkpoint: &Checkpoint) -> Result<()> {
        let Ends { bos, mut eos } = ends(checkpoint, &|text| self.inner.token_to_id(text))?;
        if checkpoint.container == Container::Gguf {
            // In harmony `<|end|>` ends a message, after which the assistant goes on.
            let goes_on = self.id("<|return|>").and(self.id("<|end|>"));
            let turn_ends = gguf_vocab::TURN_ENDS.iter().filter_map(|text| self.id(text));
            let turn_ends: Vec<u32> = turn_ends.filter(|id| goes_on != Some(*id)).collect();
            self.special.extend(&turn_ends);
            eos.extend(turn_ends);
        }
        self.bos = bos.into_iter().find(|id| self.inner.id_to_token(*id).is_some());
        for id in eos {
            if !self.eos.contains(&id) {
                self.eos.push(id);
            }
        }
        Ok(())
    }

    /// Ids of `text`. With `add_special`, the tokens that the tokenizer puts round a text (BOS …) are added. Special
    /// tokens written in the text are recognised.
    ///
    /// # Errors
    /// [`Error::Internal`] from the tokenizer.
    pub fn encode(&self, text: &str, add_special: bool) -> Result<Vec<u32>> {
        match self.steps(text, add_special) {
            Ok(encoding) => Ok(encoding.get_ids().to_vec()),
            Err(e) => Err(Error::internal(format!("tokenizer: {e}"))),
        }
    }

    /// What `encode_fast` does, one after the other: it would also cut and pad, and for that bring threads into the module.
    fn steps(&self, text: &str, add_special: bool) -> tokenizers::Result<Encoding> {
        let inner = &self.inner;
        let mut text = inner
            .get_added_vocabulary()
            .extract_and_normalize(inner.get_normalizer(), text);
        if let Some(stage) = inner.get_pre_tokenizer() {
            stage.pre_tokenize(&mut text)?;
        }
        inner.get_model().tokenize_in_pretokenized(&mut text, None)?;
        let encoding = text.into_encoding(None, 0, OffsetType::None)?;
        match inner.get_post_processor() {
            Some(stage) => stage.process(encoding, None, add_special),
            None => Ok(encoding),
        }
    }

    /// Ids of a text that the model is to go on from: as [`Self::encode`] with special tokens, but a text that begins
    /// with BOS, or with all that would be added, gets no second one, and none that would end it.
    ///
    /// # Errors
    /// As [`Self::encode`].
    pub fn prompt(&self, text: &str) -> Result<Vec<u32>> {
        let (plain, mut ids) = (self.encode(text, false)?, self.encode(text, true)?);
        let added = self.encode("", true)?;
        let begun = |with: &[u32]| !with.is_empty() && plain.starts_with(with);
        // Behind white space, too, where a template begins with some.
        let first = self.bos.and_then(|id| self.inner.id_to_token(id));
        let written = first.is_some_and(|bos| !bos.is_empty() && text.trim_start().starts_with(&bos));
        if written || begun(self.bos.as_slice()) || begun(&added) {
            return Ok(plain);
        }
        if ids.last().is_some_and(|id| self.eos().contains(id)) && ids.last() != plain.last() {
            ids.pop();
        }
        Ok(ids)
    }

    /// Text of `ids`, without cleaning up spaces.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an id outside the vocabulary.
    pub fn decode(&self, ids: &[u32], skip_special: bool) -> Result<String> {
        if let Some(id) = ids.iter().find(|id| self.inner.id_to_token(**id).is_none()) {
            return Err(Error::Invalid {
                field: "token".to_owned(),
                expected: format!("an id of the vocabulary of {}", self.inner.get_vocab_size(true)),
                found: id.to_string(),
            });
        }
        self.text(ids, skip_special)
    }

    /// As [`Self::decode`], ids outside the vocabulary being nothing. Special tokens are left out by id: the crate goes by
    /// their text, and misses those that it normalises.
    pub(crate) fn text(&self, ids: &[u32], skip_special: bool) -> Result<String> {
        let shown = ids.iter().filter(|id| !(skip_special && self.is_special(**id)));
        let ids: Vec<u32> = shown.copied().collect();
        self.inner
            .decode(&ids, false)
            .map_err(|e| Error::internal(format!("tokenizer: {e}")))
    }

    /// A decoder of a stream of new ids, after `prompt` (whose end decides on a leading space).
    pub fn stream(&self, prompt: &[u32]) -> Stream {
        Stream::after(self, prompt)
    }

    /// Ids that end a generation, from the tokenizer's own files.
    pub fn eos(&self) -> &[u32] {
        &self.eos
    }

    /// The id that begins a text, if the model has one.
    pub fn bos(&self) -> Option<u32> {
        self.bos
    }

    /// The id of a token by its text.
    pub fn id(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }

    /// The text of a token as the vocabulary has it.
    pub fn token(&self, id: u32) -> Option<String> {
        self.inner.id_to_token(id)
    }

    /// Number of tokens, added ones included. A model's own vocabulary may be padded beyond it.
    pub fn vocab_size(&self) -> usize {
        self.inner.get_vocab_size(true)
    }

    /// Whether a token is special: it never shows in the text that a user sees.
    pub fn is_special(&self, id: u32) -> bool {
        self.special.contains(&id)
    }

    /// How tokens become text.
    pub(crate) fn writing(&self) -> &Writing {
        &self.writing
    }
}

/// The tokenizer files beside the weights, best first; the name says which it was.
fn from_side_files(checkpoint: &Checkpoint) -> Result<Option<(&'static str, Parts)>> {
    if let Some(bytes) = checkpoint.side.get("tokenizer.json") {
        let parts = tokenizer_json::parse(&side::place(checkpoint, "tokenizer.json"), bytes)?;
        return Ok(Some(("tokenizer.json", parts)));
    }
    let model = ["tokenizer.model", "spiece.model"].into_iter();
    if let Some((name, bytes)) = model.filter_map(|name| Some((name, checkpoint.side.get(name)?))).next() {
        let file = side::place(checkpoint, name);
        let mut read = sentencepiece::read(&file, bytes)?;
        let config = side::json(checkpoint, "tokenizer_config.json")?.unwrap_or(Value::Null);
        let wanted = |key: &str, default| config.get(key).and_then(Value::as_bool).unwrap_or(default);
        read.pieces.bos = read.bos.filter(|_| wanted("add_bos_token", true));
        // Of the families whose pieces are a Unigram, T5 is the one that ends every text.
        let class = config
            .get("tokenizer_class")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let ends_text = read.pieces.unigram && class.starts_with("T5");
        read.pieces.eos = read.eos.filter(|_| wanted("add_eos_token", ends_text));
        let ends: Vec<u32> = read.eos.into_iter().collect();
        let parts = sentencepiece::parts(&file, &read.pieces, &ends)?;
        return Ok(Some((name, parts)));
    }
    if let Some(merges) = checkpoint.side.get("merges.txt")
        && let Some(vocab) = side::json(checkpoint, "vocab.json")?
    {
        let parts = from_vocab_and_merges(checkpoint, vocab, merges)?;
        return Ok(Some(("vocab.json", parts)));
    }
    if let Some(bytes) = checkpoint.side.get("vocab.txt") {
        let config = side::json(checkpoint, "tokenizer_config.json")?.unwrap_or(Value::Null);
        let parts = wordpiece::from_lines(&side::place(checkpoint, "vocab.txt"), bytes, &config)?;
        return Ok(Some(("vocab.txt", parts)));
    }
    Ok(None)
}

/// `vocab.json` and `merges.txt`: a byte-level BPE, which the class in `tokenizer_config.json` cuts into words.
fn from_vocab_and_merges(checkpoint: &Checkpoint, vocab: Value, merges: &[u8]) -> Result<Parts> {
    let file = side::place(checkpoint, "vocab.json");
    let config = side::json(checkpoint, "tokenizer_config.json")?.unwrap_or_default();
    let name = match class(&config) {
        "" | "GPT2Tokenizer" | "CodeGenTokenizer" => "gpt-2",
        "Qwen2Tokenizer" => "qwen2",
        other => {
            return Err(Error::Unsupported {
                kind: Unsupported::Tokenizer,
                file,
                what: format!("{other} without a tokenizer.json"),
                supported: "GPT2Tokenizer, CodeGenTokenizer, Qwen2Tokenizer".to_owned(),
            });
        }
    };
    let cut = pretokenizer::cut(&file, name)?;
    let vocab = tokenizer_json::numbered(&file, vocab)?;
    let special = side::named(checkpoint)?.into_iter().filter_map(|text| {
        let token = AddedToken::from(text.as_str(), true).normalized(false);
        let id = *vocab.get(&text)?;
        Some(Added { id, token })
    });
    let added = special.collect();
    let file = side::place(checkpoint, "merges.txt");
    let text = std::str::from_utf8(merges).map_err(|e| Error::bad(&file, "text", "UTF-8", e))?;
    let mut list = Merges::new();
    for line in text
        .lines()
        .filter(|line| !line.starts_with("#version") && !line.is_empty())
    {
        match line.split_once(' ') {
            Some((left, right)) => list.push((left.to_owned(), right.to_owned())),
            None => return Err(Error::bad(&file, "line", "two tokens", format!("{line:?}"))),
        }
    }
    Ok(Parts {
        model: Model::Bpe {
            vocab,
            merges: list,
            options: bpe::Options::default(),
        },
        normalizer: cut.normalizer(),
        pre_tokenizer: cut.json,
        post_processor: Value::Null,
        decoder: pretokenizer::byte_level(true),
        added,
    })
}

/// The class in `tokenizer_config.json`, without its suffix; empty for none.
fn class(config: &Value) -> &str {
    let class = config.get("tokenizer_class").and_then(Value::as_str);
    class.unwrap_or_default().trim_end_matches("Fast")
}

/// `added_tokens.json`, of the years before `added_tokens_decoder`: special are those that other files name so.
fn add_listed(checkpoint: &Checkpoint, parts: &mut Parts) -> Result<()> {
    let name = "added_tokens.json";
    let Some(list) = side::json(checkpoint, name)? else {
        return Ok(());
    };
    let special = side::named(checkpoint)?;
    for (text, id) in tokenizer_json::numbered(&side::place(checkpoint, name), list)? {
        if parts.added.iter().all(|a| a.token.content != text) {
            let token = AddedToken::from(text.as_str(), special.contains(&text)).normalized(false);
            parts.added.push(Added { id, token });
        }
    }
    Ok(())
}

/// What `tokenizer_config.json` adds: tokens of its own, and for some classes BOS and EOS; for a `bare` vocabulary BOS,
/// where it asks for that.
fn apply_config(file: &str, config: &Value, parts: &mut Parts, bare: bool) -> Result<()> {
    if let Some(tokens) = config.get("added_tokens_decoder").and_then(Value::as_object) {
        for (id, entry) in tokens {
            let added = tokenizer_json::added_token(file, id.parse().ok(), entry)?;
            // The config wins over tokenizer.json, as it does in transformers.
            match parts.added.iter_mut().find(|a| a.token.content == added.token.content) {
                Some(known) => known.token = added.token,
                None => parts.added.push(added),
            }
        }
    }
    let flag = |key: &str| config.get(key).and_then(Value::as_bool);
    let (bos, eos) = (flag("add_bos_token"), flag("add_eos_token"));
    let own = OWN_PROCESSOR.contains(&class(config)) && (bos.is_some() || eos.is_some());
    if own || bare && bos == Some(true) {
        let find = |key: &str| {
            let text = side::special(config, key)?;
            Some((parts.id(&text)?, text))
        };
        let bos = find("bos_token").filter(|_| bos.unwrap_or(true));
        let eos = find("eos_token").filter(|_| eos.unwrap_or(false));
        parts.post_processor = tokenizer_json::bos_eos_processor(
            bos.as_ref().map(|(id, t)| (*id, t.as_str())),
            eos.as_ref().map(|(id, t)| (*id, t.as_str())),
        );
    }
    Ok(())
}

/// Ids that begin and end a text, as the files state them; numbers are known without a tokenizer too.
pub(crate) struct Ends {
    /// The first is the one in use.
    pub(crate) bos: Vec<u32>,
    /// Each ends a generation.
    pub(crate) eos: Vec<u32>,
}

/// Reads [`Ends`] from GGUF metadata, `tokenizer_config.json` (whose tokens `named` numbers), `generation_config.json`
/// and `config.json`, in this order.
///
/// # Errors
/// `bad-file` for a side file that is no JSON.
pub(crate) fn ends(checkpoint: &Checkpoint, named: &dyn Fn(&str) -> Option<u32>) -> Result<Ends> {
    let meta = &checkpoint.meta;
    let mut ends = Ends {
        bos: side::id(meta, "tokenizer.ggml.bos_token_id").into_iter().collect(),
        eos: gguf_vocab::END_KEYS
            .iter()
            .filter_map(|key| side::id(meta, key))
            .collect(),
    };
    if let Some(config) = side::json(checkpoint, "tokenizer_config.json")? {
        let id = |key: &str| side::special(&config, key).and_then(|text| named(&text));
        ends.bos.extend(id("bos_token"));
        ends.eos.extend(id("eos_token"));
    }
    for name in ["generation_config.json", "config.json"] {
        if let Some(config) = side::json(checkpoint, name)? {
            for scope in side::scopes(&config) {
                ends.bos.extend(side::ids(scope, "bos_token_id"));
                ends.eos.extend(side::ids(scope, "eos_token_id"));
            }
        }
    }
    Ok(ends)
}
