//! The stages round a tokenizer's model (normaliser, pre-tokenizer, post-processor, decoder), built from their objects in
//! `tokenizer.json`.
//!
//! By hand, not by the crate's `Deserialize`: that is a tenth of the module's code, panics on some files, and takes a stage
//! that it does not know for another whose fields happen to fit.

use super::{bpe, charsmap};
use crate::error::{Error, Result, Unsupported};
use serde_json::{Value, json};
use tokenizers::{
    DecoderWrapper, NormalizerWrapper, PostProcessorWrapper, PreTokenizerWrapper, SplitDelimiterBehavior, decoders,
    normalizers::{self, replace::ReplacePattern},
    pre_tokenizers::{
        self, byte_level::ByteLevel, delimiter::CharDelimiterSplit, metaspace::Metaspace, metaspace::PrependScheme,
        split::SplitPattern,
    },
    processors::{self, template},
};

/// How deep sequences may be nested.
const MAX_DEPTH: usize = 8;

/// One object, with where it stands.
#[derive(Clone, Copy)]
struct Stage<'a> {
    file: &'a str,
    json: &'a Value,
    depth: usize,
}

/// The normaliser, if there is one.
pub(super) fn normalizer(file: &str, json: &Value) -> Result<Option<NormalizerWrapper>> {
    Stage::first(file, json).map(Stage::normalizer).transpose()
}

/// The pre-tokenizer, if there is one.
pub(super) fn pre_tokenizer(file: &str, json: &Value) -> Result<Option<PreTokenizerWrapper>> {
    Stage::first(file, json).map(Stage::pre_tokenizer).transpose()
}

/// The post-processor, if there is one.
pub(super) fn post_processor(file: &str, json: &Value) -> Result<Option<PostProcessorWrapper>> {
    Stage::first(file, json).map(Stage::post_processor).transpose()
}

/// The decoder, if there is one.
pub(super) fn decoder(file: &str, json: &Value) -> Result<Option<DecoderWrapper>> {
    Stage::first(file, json).map(Stage::decoder).transpose()
}

impl<'a> Stage<'a> {
    fn first(file: &'a str, json: &'a Value) -> Option<Self> {
        let depth = 0;
        (!json.is_null()).then_some(Self { file, json, depth })
    }

    fn normalizer(self) -> Result<NormalizerWrapper> {
        use NormalizerWrapper as N;
        Ok(match self.kind() {
            "Bert" | "BertNormalizer" => N::BertNormalizer(normalizers::BertNormalizer::new(
                self.flag("clean_text")?,
                self.flag("handle_chinese_chars")?,
                self.optional_flag("strip_accents")?,
                self.flag("lowercase")?,
            )),
            "Strip" => N::StripNormalizer(normalizers::Strip::new(
                self.flag("strip_left")?,
                self.flag("strip_right")?,
            )),
            "StripAccents" => N::StripAccents(normalizers::StripAccents),
            "NFC" => N::NFC(normalizers::NFC),
            "NFD" => N::NFD(normalizers::NFD),
            "NFKC" => N::NFKC(normalizers::NFKC),
            "NFKD" => N::NFKD(normalizers::NFKD),
            "Sequence" => N::Sequence(normalizers::Sequence::new(
                self.stages("normalizers", Self::normalizer)?,
            )),
            "Lowercase" => N::Lowercase(normalizers::Lowercase),
            "Nmt" => N::Nmt(normalizers::Nmt),
            "Precompiled" => {
                let map = charsmap::from_base64(self.file, self.text("precompiled_charsmap")?)?;
                let map = normalizers::Precompiled::from(&map);
                N::Precompiled(map.map_err(|e| self.bad("precompiled_charsmap", "a character map", e))?)
            }
            "Replace" => N::Replace(self.replace()?),
            "Prepend" => N::Prepend(normalizers::Prepend::new(self.text("prepend")?.to_owned())),
            "ByteLevel" => N::ByteLevel(normalizers::ByteLevel::new()),
            _ => return Err(self.unknown("normalizer")),
        })
    }

    fn pre_tokenizer(self) -> Result<PreTokenizerWrapper> {
        use PreTokenizerWrapper as P;
        Ok(match self.kind() {
            "BertPreTokenizer" => P::BertPreTokenizer(pre_tokenizers::bert::BertPreTokenizer),
            "ByteLevel" => P::ByteLevel(self.byte_level()?),
            "Delimiter" | "CharDelimiterSplit" => P::Delimiter(CharDelimiterSplit::new(self.character("delimiter")?)),
            "Metaspace" => P::Metaspace(self.metaspace()?),
            "Whitespace" => P::Whitespace(pre_tokenizers::whitespace::Whitespace),
            "WhitespaceSplit" => P::WhitespaceSplit(pre_tokenizers::whitespace::WhitespaceSplit),
            "Sequence" => {
                let list = self.stages("pretokenizers", Self::pre_tokenizer)?;
                P::Sequence(pre_tokenizers::sequence::Sequence::new(list))
            }
            "Split" => {
                let pattern = match self.pattern()? {
                    (text, true) => SplitPattern::Regex(text),
                    (text, false) => SplitPattern::String(text),
                };
                let split = pre_tokenizers::split::Split::new(pattern, self.behavior()?, self.flag("invert")?);
                P::Split(split.map_err(|e| self.bad("pattern", "a regular expression", e))?)
            }
            "Punctuation" => {
                let behavior = match self.json.get("behavior") {
                    None => SplitDelimiterBehavior::Isolated,
                    Some(_) => self.behavior()?,
                };
                P::Punctuation(pre_tokenizers::punctuation::Punctuation::new(behavior))
            }
            "Digits" => P::Digits(pre_tokenizers::digits::Digits::new(self.flag("individual_digits")?)),
            "UnicodeScripts" => P::UnicodeScripts(pre_tokenizers::unicode_scripts::UnicodeScripts::new()),
            "FixedLength" => {
                let length = match self.json.get("length") {
                    None => 5,
                    Some(_) => self.count("length")?,
                };
                if length == 0 {
                    return Err(self.bad("length", "at least 1", 0));
                }
                P::FixedLength(pre_tokenizers::fixed_length::FixedLength::new(length))
            }
            _ => return Err(self.unknown("pre-tokenizer")),
        })
    }

    fn post_processor(self) -> Result<PostProcessorWrapper> {
        use PostProcessorWrapper as P;
        Ok(match self.kind() {
            "RobertaProcessing" => {
                let roberta = processors::roberta::RobertaProcessing::new(self.token("sep")?, self.token("cls")?)
                    .trim_offsets(self.flag("trim_offsets")?)
                    .add_prefix_space(self.flag("add_prefix_space")?);
                P::Roberta(roberta)
            }
            "BertProcessing" => {
                let bert = processors::bert::BertProcessing::new(self.token("sep")?, self.token("cls")?);
                P::Bert(bert)
            }
            "ByteLevel" => P::ByteLevel(self.byte_level()?),
            "TemplateProcessing" => P::Template(self.template()?),
            "Sequence" => {
                let list = self.stages("processors", Self::post_processor)?;
                P::Sequence(processors::sequence::Sequence::new(list))
            }
            _ => return Err(self.unknown("post-processor")),
        })
    }

    fn decoder(self) -> Result<DecoderWrapper> {
        use DecoderWrapper as D;
        let owned = |key| self.text(key).map(str::to_owned);
        Ok(match self.kind() {
            "BPEDecoder" => D::BPE(decoders::bpe::BPEDecoder::new(owned("suffix")?)),
            "ByteLevel" => D::ByteLevel(self.byte_level()?),
            "WordPiece" => D::WordPiece(decoders::wordpiece::WordPiece::new(
                owned("prefix")?,
                self.flag("cleanup")?,
            )),
            "Metaspace" => D::Metaspace(self.metaspace()?),
            "CTC" => D::CTC(decoders::ctc::CTC::new(
                owned("pad_token")?,
                owned("word_delimiter_token")?,
                self.flag("cleanup")?,
            )),
            "Sequence" => D::Sequence(decoders::sequence::Sequence::new(
                self.stages("decoders", Self::decoder)?,
            )),
            "Replace" => D::Replace(self.replace()?),
            "Fuse" => D::Fuse(decoders::fuse::Fuse::new()),
            "Strip" => {
                // The crate counts back from the end of a token without looking at its length.
                let stop = self.count("stop")?;
                if stop > 0 {
                    return Err(self.bad("stop", "0", stop));
                }
                D::Strip(decoders::strip::Strip::new(
                    self.character("content")?,
                    self.count("start")?,
                    stop,
                ))
            }
            "ByteFallback" => D::ByteFallback(decoders::byte_fallback::ByteFallback::new()),
            _ => return Err(self.unknown("decoder")),
        })
    }

    /// What more than one kind of stage has.
    fn byte_level(self) -> Result<ByteLevel> {
        let cut = self.optional_flag("use_regex")?.unwrap_or(true);
        Ok(ByteLevel::new(
            self.flag("add_prefix_space")?,
            self.flag("trim_offsets")?,
            cut,
        ))
    }

    fn metaspace(self) -> Result<Metaspace> {
        let prefix = self.optional_flag("add_prefix_space")?;
        let scheme = match self.json.get("prepend_scheme").map(Value::as_str) {
            None if prefix == Some(false) => PrependScheme::Never,
            None | Some(Some("always")) => PrependScheme::Always,
            Some(Some("first")) => PrependScheme::First,
            Some(Some("never")) => PrependScheme::Never,
            Some(_) => return Err(self.wrong("prepend_scheme", "always, first or never")),
        };
        if prefix == Some(false) && scheme != PrependScheme::Never {
            return Err(self.bad("add_prefix_space", "what prepend_scheme says", false));
        }
        let split = self.optional_flag("split")?.unwrap_or(true);
        Ok(Metaspace::new(self.character("replacement")?, scheme, split))
    }

    fn replace(self) -> Result<normalizers::Replace> {
        let pattern = match self.pattern()? {
            (text, true) => ReplacePattern::Regex(text),
            (text, false) => ReplacePattern::String(text),
        };
        normalizers::Replace::new(pattern, self.text("content")?)
            .map_err(|e| self.bad("pattern", "a regular expression", e))
    }

    /// The pattern, and whether it is a regular expression.
    fn pattern(self) -> Result<(String, bool)> {
        let Some(pattern) = self.json.get("pattern") else {
            return Err(self.wrong("pattern", "an object"));
        };
        let text = |key| pattern.get(key).and_then(Value::as_str).map(str::to_owned);
        match (text("String"), text("Regex")) {
            (Some(text), None) => Ok((text, false)),
            (None, Some(text)) => Ok((text, true)),
            _ => Err(self.wrong("pattern", "a String or a Regex")),
        }
    }

    fn behavior(self) -> Result<SplitDelimiterBehavior> {
        Ok(match self.text("behavior")? {
            "Removed" => SplitDelimiterBehavior::Removed,
            "Isolated" => SplitDelimiterBehavior::Isolated,
            "MergedWithPrevious" => SplitDelimiterBehavior::MergedWithPrevious,
            "MergedWithNext" => SplitDelimiterBehavior::MergedWithNext,
            "Contiguous" => SplitDelimiterBehavior::Contiguous,
            _ => return Err(self.wrong("behavior", "a known one")),
        })
    }

    /// The template of a single text; pairs are never encoded here.
    fn template(self) -> Result<template::TemplateProcessing> {
        let Some(Value::Object(special)) = self.json.get("special_tokens") else {
            return Err(self.wrong("special_tokens", "an object"));
        };
        let mut tokens = Vec::with_capacity(special.len());
        for (i, token) in special.values().enumerate() {
            let list = |key| token.get(key).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            let id = |id: &Value| {
                let small = id.as_u64().filter(|id| *id < bpe::MAX_TOKENS as u64);
                small.and_then(|id| u32::try_from(id).ok())
            };
            let ids: Option<Vec<u32>> = list("ids").iter().map(id).collect();
            let texts: Option<Vec<String>> = list("tokens").iter().map(|t| t.as_str().map(str::to_owned)).collect();
            let token = match (ids, texts) {
                (Some(ids), Some(texts)) => template::SpecialToken::new(name(i), ids, texts).ok(),
                _ => None,
            };
            let expected = format!("ids below {} and as many tokens", bpe::MAX_TOKENS);
            tokens.push(token.ok_or_else(|| self.wrong("special_tokens", &expected))?);
        }
        let mut added = 0;
        let mut pieces = Vec::new();
        for piece in self.list("single")? {
            let (token, text) = (piece.get("SpecialToken"), piece.get("Sequence"));
            let inner = token.or(text).unwrap_or(&Value::Null);
            let id = inner.get("id").and_then(Value::as_str).unwrap_or("");
            let kind = inner.get("type_id").and_then(Value::as_u64).unwrap_or(0);
            if token.is_some() {
                let Some(i) = special.keys().position(|key| key == id) else {
                    return Err(self.bad("single", "tokens listed in special_tokens", piece));
                };
                added += special[id].get("ids").and_then(Value::as_array).map_or(0, Vec::len);
                pieces.push(format!("{}:{kind}", name(i)));
            } else if id == "A" {
                pieces.push(format!("$A:{kind}"));
            } else {
                return Err(self.bad("single", "tokens and sequence A", piece));
            }
        }
        let single = template::Template::try_from(pieces).map_err(|e| self.bad("single", "a template", e))?;
        let mut out = template::TemplateProcessing::default();
        out.set_single(single);
        out.set_special_tokens(tokens.into());
        out.set_added_single(added);
        Ok(out)
    }

    fn stages<T>(self, key: &str, read: impl Fn(Self) -> Result<T>) -> Result<Vec<T>> {
        let depth = self.depth + 1;
        if depth > MAX_DEPTH {
            return Err(self.bad(key, format!("at most {MAX_DEPTH} levels"), "more"));
        }
        let (file, list) = (self.file, self.list(key)?);
        list.iter().map(|json| read(Stage { file, json, depth })).collect()
    }

    fn kind(self) -> &'a str {
        self.json.get("type").and_then(Value::as_str).unwrap_or("")
    }

    fn text(self, key: &str) -> Result<&'a str> {
        let text = self.json.get(key).and_then(Value::as_str);
        text.ok_or_else(|| self.wrong(key, "text"))
    }

    fn character(self, key: &str) -> Result<char> {
        let mut chars = self.text(key)?.chars();
        match (chars.next(), chars.next()) {
            (Some(c), None) => Ok(c),
            _ => Err(self.wrong(key, "one character")),
        }
    }

    fn flag(self, key: &str) -> Result<bool> {
        let flag = self.optional_flag(key)?;
        flag.ok_or_else(|| self.wrong(key, "true or false"))
    }

    fn optional_flag(self, key: &str) -> Result<Option<bool>> {
        match self.json.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(_) => Err(self.wrong(key, "true or false")),
        }
    }

    fn count(self, key: &str) -> Result<usize> {
        let count = self.json.get(key).and_then(Value::as_u64);
        let count = count.and_then(|count| usize::try_from(count).ok());
        count.ok_or_else(|| self.wrong(key, "a count"))
    }

    fn list(self, key: &str) -> Result<&'a [Value]> {
        let list = self.json.get(key).and_then(Value::as_array);
        list.map(Vec::as_slice).ok_or_else(|| self.wrong(key, "a list"))
    }

    /// A token as `[text, id]`.
    fn token(self, key: &str) -> Result<(String, u32)> {
        if let [text, id] = self.list(key)?
            && let (Some(text), Some(id)) = (text.as_str(), id.as_u64())
        {
            return Ok((text.to_owned(), bpe::check_token(self.file, text, id)?));
        }
        Err(self.wrong(key, "a text and an id"))
    }

    fn wrong(self, key: &str, expected: &str) -> Error {
        self.bad(key, expected, self.json.get(key).unwrap_or(&json!("nothing")))
    }

    fn bad(self, key: &str, expected: impl Into<String>, found: impl std::fmt::Display) -> Error {
        Error::bad(self.file, format!("{}: {key}", self.kind()), expected, found)
    }

    fn unknown(self, what: &str) -> Error {
        Error::Unsupported {
            kind: Unsupported::Tokenizer,
            file: self.file.to_owned(),
            what: format!("{what} {:?}", self.kind()),
            supported: "those of Hugging Face tokenizers 0.23".to_owned(),
        }
    }
}

/// A special token's name in a template: ours, since the crate reads `$` and `:` in names as more than letters.
fn name(index: usize) -> String {
    format!("token{index}")
}
