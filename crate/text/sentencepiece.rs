//! SentencePiece vocabularies: the pieces that `tokenizer.model`, `spiece.model` and GGUF's kinds `llama` (BPE) and `t5`
//! (Unigram) hold, and the reader of the former (a protobuf message; fields as in SentencePiece's
//! `sentencepiece_model.proto`).

use super::{
    bpe, charsmap,
    tokenizer_json::{Added, Model, Parts, bos_eos_processor, stage},
};
use crate::error::{Error, Result, Unsupported};
use serde_json::Value;
use tokenizers::{
    AddedToken, ModelWrapper,
    models::{bpe::Vocab, unigram::Unigram},
};

/// A piece like any other.
pub(crate) const NORMAL: i64 = 1;
/// Stands for what the vocabulary lacks.
pub(crate) const UNKNOWN: i64 = 2;
/// Never comes from text (BOS, EOS, roles of a chat).
pub(crate) const CONTROL: i64 = 3;
/// Always cut out of the text as a whole.
pub(crate) const USER_DEFINED: i64 = 4;
/// One byte, written `<0x0A>`.
pub(crate) const BYTE: i64 = 6;

/// A vocabulary with scores.
pub(crate) struct Pieces {
    pub(crate) texts: Vec<String>,
    pub(crate) scores: Vec<f32>,
    pub(crate) kinds: Vec<i64>,
    /// Whether the likeliest pieces are sought, not merged.
    pub(crate) unigram: bool,
    /// A space is put before the text.
    pub(crate) space_prefix: bool,
    /// Spaces in a row are one, those at the ends none; read for Unigram only.
    pub(crate) single_spaces: bool,
    /// Replacements before anything else, for Unigram only; empty for none.
    pub(crate) charsmap: Vec<u8>,
    pub(crate) unk: Option<u32>,
    /// Added before a text.
    pub(crate) bos: Option<u32>,
    /// Added behind a text.
    pub(crate) eos: Option<u32>,
}

/// Tokens that are cut out of the text before anything else: control and unknown ones are special, user-defined ones
/// are ordinary text.
pub(crate) fn added(texts: &[String], kinds: &[i64], ends: &[u32]) -> Vec<Added> {
    let ids = 0u32..;
    ids.zip(texts.iter().zip(kinds))
        .filter(|(_, (_, kind))| matches!(**kind, UNKNOWN | CONTROL | USER_DEFINED))
        .map(|(id, (text, kind))| {
            let special = *kind != USER_DEFINED || ends.contains(&id);
            let token = AddedToken::from(text.as_str(), special).normalized(false);
            Added { id, token }
        })
        .collect()
}

/// The vocabulary as a map; two tokens of the same text are an error.
pub(crate) fn vocab(file: &str, texts: &[String]) -> Result<Vocab> {
    let mut vocab = Vocab::with_capacity(texts.len());
    for (id, text) in (0u32..).zip(texts) {
        if let Some(other) = vocab.insert(text.clone(), id) {
            let found = format!("{text:?} as {other} and {id}");
            return Err(Error::bad(file, "tokens", "distinct tokens", found));
        }
    }
    Ok(vocab)
}

/// Translates a vocabulary into the parts that Hugging Face's converter makes of it.
pub(crate) fn parts(file: &str, pieces: &Pieces, ends: &[u32]) -> Result<Parts> {
    let text = |id: Option<u32>| {
        let id = id?;
        Some((id, pieces.texts.get(id as usize)?.as_str()))
    };
    if pieces.unigram {
        return unigram(file, pieces, ends);
    }
    let kind = |id: usize| pieces.kinds.get(id).copied().unwrap_or(NORMAL);
    let byte_fallback = pieces.kinds.contains(&BYTE);
    let mergeable = |id| !matches!(kind(id), UNKNOWN | CONTROL | BYTE);
    let merges = bpe::merges_from_scores(&pieces.texts, &pieces.scores, mergeable);
    let options = bpe::Options {
        unk: text(pieces.unk).map(|(_, t)| t.to_owned()),
        fuse_unk: true,
        byte_fallback,
        ..bpe::Options::default()
    };
    let (normalizer, decoder) = stages(pieces.space_prefix);
    Ok(Parts {
        model: Model::Bpe {
            vocab: vocab(file, &pieces.texts)?,
            merges,
            options,
        },
        normalizer,
        pre_tokenizer: Value::Null,
        post_processor: bos_eos_processor(text(pieces.bos), text(pieces.eos)),
        decoder,
        added: added(&pieces.texts, &pieces.kinds, ends),
    })
}

/// The same for a vocabulary of Unigram.
fn unigram(file: &str, pieces: &Pieces, ends: &[u32]) -> Result<Parts> {
    let text = |id: Option<u32>| {
        let id = id?;
        Some((id, pieces.texts.get(id as usize)?.as_str()))
    };
    // for its check
    vocab(file, &pieces.texts)?;
    let scored = pieces.texts.iter().zip(&pieces.scores);
    let list = scored.map(|(text, score)| (text.clone(), f64::from(*score))).collect();
    let unk = pieces.unk.and_then(|id| usize::try_from(id).ok());
    let built = Unigram::from(list, unk, pieces.kinds.contains(&BYTE));
    let model = built.map_err(|e| Error::bad(file, "model", "a Unigram model", e))?;
    let mut normalizers = Vec::new();
    if !pieces.charsmap.is_empty() {
        let map = charsmap::to_base64(&pieces.charsmap);
        normalizers.push(format!(r#"{{"type": "Precompiled", "precompiled_charsmap": "{map}"}}"#));
    }
    if pieces.single_spaces {
        normalizers.push(r#"{"type": "Strip", "strip_left": false, "strip_right": true}"#.to_owned());
        normalizers.push(r#"{"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "▁"}"#.to_owned());
    }
    let normalizers = normalizers.join(", ");
    let scheme = if pieces.space_prefix { "always" } else { "never" };
    let spaces = stage(&format!(
        r#"{{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "{scheme}", "split": true}}"#
    ));
    Ok(Parts {
        model: Model::Built(ModelWrapper::Unigram(model)),
        normalizer: stage(&format!(r#"{{"type": "Sequence", "normalizers": [{normalizers}]}}"#)),
        pre_tokenizer: spaces.clone(),
        post_processor: bos_eos_processor(text(pieces.bos), text(pieces.eos)),
        decoder: spaces,
        added: added(&pieces.texts, &pieces.kinds, ends),
    })
}

/// Spaces are `▁` inside; the space put before the text is taken away again.
pub(crate) fn stages(space_prefix: bool) -> (Value, Value) {
    let (before, after) = if space_prefix {
        (
            r#"{"type": "Prepend", "prepend": "▁"}, "#,
            r#", {"type": "Strip", "content": " ", "start": 1, "stop": 0}"#,
        )
    } else {
        ("", "")
    };
    let inside = r#"{"type": "Replace", "pattern": {"String": " "}, "content": "▁"}"#;
    let outside = r#"{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}"#;
    let bytes = r#"{"type": "ByteFallback"}, {"type": "Fuse"}"#;
    (
        stage(&format!(r#"{{"type": "Sequence", "normalizers": [{before}{inside}]}}"#)),
        stage(&format!(
            r#"{{"type": "Sequence", "decoders": [{outside}, {bytes}{after}]}}"#
        )),
    )
}

/// What `tokenizer.model` says.
pub(crate) struct File {
    pub(crate) pieces: Pieces,
    pub(crate) bos: Option<u32>,
    pub(crate) eos: Option<u32>,
}

/// Reads `tokenizer.model` or `spiece.model`.
pub(crate) fn read(file: &str, bytes: &[u8]) -> Result<File> {
    let mut pieces = Pieces {
        texts: Vec::new(),
        scores: Vec::new(),
        kinds: Vec::new(),
        unigram: false,
        space_prefix: true,
        single_spaces: true,
        charsmap: Vec::new(),
        unk: None,
        bos: None,
        eos: None,
    };
    let mut kind = 1;
    // Ids of the trainer, -1 for none; the values are the message's defaults.
    let (mut unk, mut bos, mut eos) = (0, 1, 2);
    let mut message = Message::new(file, bytes);
    while let Some((field, value)) = message.next()? {
        match (field, value) {
            (1, Field::Bytes(piece)) => {
                let (text, score, kind) = read_piece(file, piece)?;
                pieces.texts.push(text);
                pieces.scores.push(score);
                pieces.kinds.push(kind);
            }
            (2, Field::Bytes(trainer)) => {
                let mut trainer = Message::new(file, trainer);
                while let Some((field, value)) = trainer.next()? {
                    match (field, value) {
                        (3, Field::Int(v)) => kind = v,
                        (40, Field::Int(v)) => unk = v,
                        (41, Field::Int(v)) => bos = v,
                        (42, Field::Int(v)) => eos = v,
                        _ => {}
                    }
                }
            }
            (3, Field::Bytes(normalizer)) => {
                let mut normalizer = Message::new(file, normalizer);
                while let Some((field, value)) = normalizer.next()? {
                    match (field, value) {
                        (2, Field::Bytes(map)) => pieces.charsmap = map.to_vec(),
                        (3, Field::Int(v)) => pieces.space_prefix = v != 0,
                        (4, Field::Int(v)) => pieces.single_spaces = v != 0,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    if pieces.texts.is_empty() || pieces.texts.len() > bpe::MAX_TOKENS {
        let limit = format!("1 to {} pieces", bpe::MAX_TOKENS);
        return Err(Error::bad(file, "pieces", limit, pieces.texts.len()));
    }
    pieces.unigram = kind == 1;
    if !pieces.unigram && (kind != 2 || !pieces.charsmap.is_empty()) {
        return Err(Error::Unsupported {
            kind: Unsupported::Tokenizer,
            file: file.to_owned(),
            what: match kind {
                2 => "SentencePiece BPE with a character map without a tokenizer.json".to_owned(),
                other => format!("SentencePiece model {other}"),
            },
            supported: "SentencePiece Unigram, SentencePiece BPE without a character map, tokenizer.json".to_owned(),
        });
    }
    let known = |id: i64| u32::try_from(id).ok().filter(|id| (*id as usize) < pieces.texts.len());
    let (bos, eos) = (known(bos), known(eos));
    pieces.unk = known(unk);
    Ok(File { pieces, bos, eos })
}

fn read_piece(file: &str, bytes: &[u8]) -> Result<(String, f32, i64)> {
    let (mut text, mut score, mut kind) = (String::new(), 0.0, NORMAL);
    let mut message = Message::new(file, bytes);
    while let Some((field, value)) = message.next()? {
        match (field, value) {
            (1, Field::Bytes(piece)) => {
                let piece = std::str::from_utf8(piece).map_err(|e| Error::bad(file, "piece", "UTF-8", e))?;
                piece.clone_into(&mut text);
            }
            (2, Field::Fixed32(bits)) => score = f32::from_bits(bits),
            (3, Field::Int(v)) => kind = v,
            _ => {}
        }
    }
    Ok((text, score, kind))
}

/// A field's value; 64-bit ones and groups do not occur in this message and are passed over or refused.
enum Field<'a> {
    Int(i64),
    Fixed32(u32),
    Fixed64,
    Bytes(&'a [u8]),
}

/// A protobuf message being read; every length is checked against what is left.
struct Message<'a> {
    file: &'a str,
    rest: &'a [u8],
}

impl<'a> Message<'a> {
    fn new(file: &'a str, rest: &'a [u8]) -> Self {
        Self { file, rest }
    }

    fn next(&mut self) -> Result<Option<(u64, Field<'a>)>> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let key = self.varint()?;
        let value = match key & 7 {
            // Negative numbers are stored as their 64-bit two's complement.
            0 => Field::Int(self.varint()?.cast_signed()),
            1 => {
                self.take(8)?;
                Field::Fixed64
            }
            2 => {
                let len = self.varint()?;
                Field::Bytes(self.take(len)?)
            }
            5 => {
                let bytes = self.take(4)?;
                Field::Fixed32(bytes.iter().rev().fold(0, |bits, b| bits << 8 | u32::from(*b)))
            }
            other => return Err(Error::bad(self.file, "protobuf", "wire type 0, 1, 2 or 5", other)),
        };
        Ok(Some((key >> 3, value)))
    }

    fn take(&mut self, len: u64) -> Result<&'a [u8]> {
        let split = usize::try_from(len)
            .ok()
            .and_then(|len| self.rest.split_at_checked(len));
        let Some((head, tail)) = split else {
            let expected = format!("{len} bytes");
            return Err(Error::bad(self.file, "protobuf", expected, self.rest.len()));
        };
        self.rest = tail;
        Ok(head)
    }

    fn varint(&mut self) -> Result<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?.first().copied().unwrap_or(0);
            value |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Error::bad(
            self.file,
            "protobuf",
            "a number of at most 10 bytes",
            "a longer one",
        ))
    }
}
