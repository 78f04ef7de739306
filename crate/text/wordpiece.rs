//! WordPiece vocabularies of BERT and its kind, from `vocab.txt` and from GGUF.

use super::tokenizer_json::{Added, Model, Parts, bos_eos_processor, stage};
use crate::error::{Error, Result};
use serde_json::Value;
use tokenizers::{
    ModelWrapper,
    models::{bpe::Vocab, wordpiece::WordPiece},
};

/// What begins a token that does not begin a word.
const INSIDE: &str = "##";
/// A longer word is unknown as a whole; no file states another number.
const LONGEST_WORD: usize = 100;

/// What there is besides the vocabulary.
pub(crate) struct Options<'a> {
    /// Stands for what the vocabulary lacks.
    pub(crate) unk: &'a str,
    /// Text is lowercased.
    pub(crate) lowercase: bool,
    /// Accents are taken away; by default where text is lowercased.
    pub(crate) strip_accents: Option<bool>,
    /// Each Han character is a word.
    pub(crate) han: bool,
    /// Added before a text.
    pub(crate) first: Option<(u32, &'a str)>,
    /// Added behind it.
    pub(crate) last: Option<(u32, &'a str)>,
}

/// The parts of a tokenizer of `vocab`.
pub(crate) fn parts(file: &str, vocab: Vocab, added: Vec<Added>, options: &Options) -> Result<Parts> {
    if !vocab.contains_key(options.unk) {
        return Err(Error::bad(
            file,
            "unknown token",
            "a token",
            format!("{:?}", options.unk),
        ));
    }
    let built = WordPiece::builder()
        .vocab(vocab)
        .unk_token(options.unk.to_owned())
        .continuing_subword_prefix(INSIDE.to_owned())
        .max_input_chars_per_word(LONGEST_WORD)
        .build();
    Ok(Parts {
        model: Model::Built(ModelWrapper::WordPiece(
            built.map_err(|e| Error::bad(file, "model", "a WordPiece model", e))?,
        )),
        normalizer: stage(&format!(
            r#"{{"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": {}, "strip_accents": {}, "lowercase": {}}}"#,
            options.han,
            options
                .strip_accents
                .map_or("null", |strip| if strip { "true" } else { "false" }),
            options.lowercase
        )),
        pre_tokenizer: stage(r#"{"type": "BertPreTokenizer"}"#),
        post_processor: bos_eos_processor(options.first, options.last),
        decoder: stage(r###"{"type": "WordPiece", "prefix": "##", "cleanup": true}"###),
        added,
    })
}

/// A token as WordPiece has it, from how GGUF writes it: `▁` begins a word and nothing else begins with it, `##` is gone,
/// and special tokens stand in brackets.
pub(crate) fn from_gguf(text: &str) -> String {
    match text.strip_prefix('▁') {
        Some(word) => word.to_owned(),
        None if text.starts_with('[') && text.ends_with(']') => text.to_owned(),
        None => format!("{INSIDE}{text}"),
    }
}

/// `vocab.txt`, a token a line, with what `tokenizer_config.json` says.
pub(crate) fn from_lines(file: &str, bytes: &[u8], config: &Value) -> Result<Parts> {
    let text = std::str::from_utf8(bytes).map_err(|e| Error::bad(file, "text", "UTF-8", e))?;
    let texts: Vec<String> = text.lines().map(str::to_owned).collect();
    let vocab = super::sentencepiece::vocab(file, &texts)?;
    let flag = |key: &str| config.get(key).and_then(Value::as_bool);
    let special = |key: &str, usual: &str| super::side::special(config, key).unwrap_or_else(|| usual.to_owned());
    let [unk, cls, sep, pad, mask] = [
        ("unk_token", "[UNK]"),
        ("cls_token", "[CLS]"),
        ("sep_token", "[SEP]"),
        ("pad_token", "[PAD]"),
        ("mask_token", "[MASK]"),
    ]
    .map(|(key, usual)| special(key, usual));
    let id = |text: &str| vocab.get(text).copied();
    let (first, last) = (
        id(&cls).map(|id| (id, cls.as_str())),
        id(&sep).map(|id| (id, sep.as_str())),
    );
    let added = [&unk, &cls, &sep, &pad, &mask].into_iter().filter_map(|text| {
        let token = tokenizers::AddedToken::from(text.as_str(), true).normalized(false);
        Some(Added { id: id(text)?, token })
    });
    let added = added.collect();
    let options = Options {
        unk: &unk,
        lowercase: flag("do_lower_case").unwrap_or(true),
        strip_accents: flag("strip_accents"),
        han: flag("tokenize_chinese_chars").unwrap_or(true),
        first,
        last,
    };
    parts(file, vocab.clone(), added, &options)
}
