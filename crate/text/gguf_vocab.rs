//! The vocabulary that a GGUF embeds, translated into the parts of a `tokenizer.json`.

use super::{
    bpe, pretokenizer,
    sentencepiece::{self, Pieces},
    side,
    tokenizer_json::{Added, Model, Parts, bos_eos_processor},
    wordpiece,
};
use crate::{
    error::{Error, Result, Unsupported},
    format::{Metadata, Value as Meta},
};
use tokenizers::models::bpe::Merges;

/// Keys of the ids that end a generation.
pub(crate) const END_KEYS: [&str; 3] = [
    "tokenizer.ggml.eos_token_id",
    "tokenizer.ggml.eot_token_id",
    "tokenizer.ggml.eom_token_id",
];

/// Texts of tokens that end a turn. Files name only some of them, or none, and do not always say that they are special;
/// so they are looked for, as llama.cpp does.
pub(crate) const TURN_ENDS: [&str; 16] = [
    "<|eot_id|>",
    "<|im_end|>",
    "<|end|>",
    "<end_of_turn>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<|eom_id|>",
    "<｜end▁of▁sentence｜>",
    "<EOT>",
    "_<EOT>",
    "[EOT]",
    "[EOS]",
    "<end_of_utterance>",
    "<turn|>",
    "<|return|>",
    "<|call|>",
];

/// Translates the vocabulary of `meta`; `kind` is its `tokenizer.ggml.model`.
pub(crate) fn parts(file: &str, meta: &Metadata, kind: &str) -> Result<Parts> {
    match kind {
        "llama" => pieces(file, meta, false),
        "t5" => pieces(file, meta, true),
        "gpt2" => merged(file, meta, false),
        "gemma4" => merged(file, meta, true),
        "bert" => bert(file, meta),
        other => Err(Error::Unsupported {
            kind: Unsupported::Tokenizer,
            file: file.to_owned(),
            what: format!("{other:?}"),
            supported: "llama, gpt2, gemma4, bert, t5, an embedded tokenizer.json".to_owned(),
        }),
    }
}

fn strings<'a>(file: &str, meta: &'a Metadata, key: &str) -> Result<&'a [String]> {
    match meta.get(key) {
        Some(Meta::Strs(list)) => Ok(list),
        // An empty array has no element type worth the name.
        Some(Meta::Ints(list)) if list.is_empty() => Ok(&[]),
        Some(_) => Err(Error::bad(file, key, "an array of text", "another type")),
        None => Err(Error::bad(file, key, "an array of text", "none")),
    }
}

/// The texts and types of all tokens, of equal number.
fn tokens(file: &str, meta: &Metadata) -> Result<(Vec<String>, Vec<i64>)> {
    let texts = strings(file, meta, "tokenizer.ggml.tokens")?;
    if texts.is_empty() || texts.len() > bpe::MAX_TOKENS {
        let limit = format!("1 to {} tokens", bpe::MAX_TOKENS);
        return Err(Error::bad(file, "tokenizer.ggml.tokens", limit, texts.len()));
    }
    let mut kinds = match meta.get("tokenizer.ggml.token_type") {
        Some(Meta::Ints(kinds)) if kinds.len() == texts.len() => kinds.clone(),
        Some(Meta::Ints(kinds)) => {
            let expected = format!("{} types", texts.len());
            return Err(Error::bad(file, "tokenizer.ggml.token_type", expected, kinds.len()));
        }
        Some(_) => {
            return Err(Error::bad(
                file,
                "tokenizer.ggml.token_type",
                "an array of numbers",
                "another type",
            ));
        }
        None => vec![sentencepiece::NORMAL; texts.len()],
    };
    for (text, kind) in texts.iter().zip(&mut kinds) {
        if TURN_ENDS.contains(&text.as_str()) {
            *kind = sentencepiece::CONTROL;
        }
    }
    // An empty text can be no token; its id stays taken, as llama.cpp has it.
    let texts = texts.iter().enumerate().map(|(id, text)| {
        if text.is_empty() {
            format!("[EMPTY_{id}]")
        } else {
            text.clone()
        }
    });
    Ok((texts.collect(), kinds))
}

/// The id under `key` if it is one of `len` tokens.
fn known(meta: &Metadata, key: &str, len: usize) -> Option<u32> {
    side::id(meta, key).filter(|id| (*id as usize) < len)
}

fn ends(meta: &Metadata) -> Vec<u32> {
    END_KEYS.iter().filter_map(|key| side::id(meta, key)).collect()
}

/// BOS and EOS where they are to be added.
fn added_ids(meta: &Metadata, len: usize, add_bos: bool, add_eos: bool) -> (Option<u32>, Option<u32>) {
    let wanted = |key: &str, default: bool| side::flag(meta, key).unwrap_or(default);
    let bos = known(meta, "tokenizer.ggml.bos_token_id", len);
    let eos = known(meta, "tokenizer.ggml.eos_token_id", len);
    (
        bos.filter(|_| wanted("tokenizer.ggml.add_bos_token", add_bos)),
        eos.filter(|_| wanted("tokenizer.ggml.add_eos_token", add_eos)),
    )
}

/// The kinds `llama` (BPE) and `t5` (Unigram).
fn pieces(file: &str, meta: &Metadata, unigram: bool) -> Result<Parts> {
    let (texts, kinds) = tokens(file, meta)?;
    let scores = match meta.get("tokenizer.ggml.scores") {
        Some(Meta::Floats(scores)) if scores.len() == texts.len() => scores.clone(),
        Some(Meta::Floats(scores)) => {
            let expected = format!("{} scores", texts.len());
            return Err(Error::bad(file, "tokenizer.ggml.scores", expected, scores.len()));
        }
        _ => return Err(Error::bad(file, "tokenizer.ggml.scores", "an array of numbers", "none")),
    };
    let (bos, eos) = added_ids(meta, texts.len(), !unigram, unigram);
    let map = match meta.get("tokenizer.ggml.precompiled_charsmap") {
        Some(Meta::Ints(bytes)) if unigram => bytes.iter().filter_map(|b| u8::try_from(*b & 0xFF).ok()).collect(),
        _ => Vec::new(),
    };
    let unknown = kinds.iter().position(|kind| *kind == sentencepiece::UNKNOWN);
    let unk = known(meta, "tokenizer.ggml.unknown_token_id", texts.len())
        .or_else(|| unknown.and_then(|id| u32::try_from(id).ok()));
    let pieces = Pieces {
        unigram,
        space_prefix: side::flag(meta, "tokenizer.ggml.add_space_prefix").unwrap_or(true),
        single_spaces: side::flag(meta, "tokenizer.ggml.remove_extra_whitespaces").unwrap_or(true),
        charsmap: map,
        texts,
        scores,
        kinds,
        unk,
        bos,
        eos,
    };
    let mut parts = sentencepiece::parts(file, &pieces, &ends(meta))?;
    // GGUF has no place for it: behind the special tokens of Phi 3, white space is nothing.
    if side::text(meta, "general.architecture") == Some("phi3") && parts.id("<|end|>").is_some() {
        for Added { token, .. } in &mut parts.added {
            token.rstrip = !["<unk>", "<s>", "<|endoftext|>"].contains(&token.content.as_str());
        }
    }
    Ok(parts)
}

/// The kinds that list their merges: `gpt2`, of bytes, and `gemma4`, of characters, with the spaces and the byte tokens
/// of SentencePiece.
fn merged(file: &str, meta: &Metadata, characters: bool) -> Result<Parts> {
    let (texts, kinds) = tokens(file, meta)?;
    let mut merges = Merges::new();
    for (rank, merge) in strings(file, meta, "tokenizer.ggml.merges")?.iter().enumerate() {
        // Tokens never begin with the space that parts them, unless they are it.
        let gap = merge.char_indices().skip(1).find(|(_, c)| *c == ' ');
        let Some((left, right)) = gap.and_then(|(at, _)| Some((merge.get(..at)?, merge.get(at + 1..)?))) else {
            return Err(Error::bad(
                file,
                format!("merge {rank}"),
                "two tokens",
                format!("{merge:?}"),
            ));
        };
        merges.push((left.to_owned(), right.to_owned()));
    }
    let name = side::text(meta, "tokenizer.ggml.pre").unwrap_or("default");
    let cut = if characters {
        pretokenizer::lines()
    } else {
        pretokenizer::cut(file, name)?
    };
    let (mut bos, eos) = added_ids(meta, texts.len(), cut.add_bos, false);
    let token = |id: Option<u32>| {
        let id = id?;
        Some((id, texts.get(id as usize)?.as_str()))
    };
    let mut options = bpe::Options {
        ignore_merges: cut.ignore_merges,
        ..bpe::Options::default()
    };
    let (mut normalizer, mut decoder) = (cut.normalizer(), pretokenizer::byte_level(false));
    if characters {
        // Some files say that it is not added.
        bos = known(meta, "tokenizer.ggml.bos_token_id", texts.len());
        options.unk = token(side::id(meta, "tokenizer.ggml.unknown_token_id")).map(|(_, text)| text.to_owned());
        options.fuse_unk = true;
        options.byte_fallback = true;
        (normalizer, decoder) = sentencepiece::stages(false);
    }
    Ok(Parts {
        model: Model::Bpe {
            vocab: sentencepiece::vocab(file, &texts)?,
            merges,
            options,
        },
        normalizer,
        pre_tokenizer: cut.json,
        post_processor: bos_eos_processor(token(bos), token(eos)),
        decoder,
        added: sentencepiece::added(&texts, &kinds, &ends(meta)),
    })
}

/// WordPiece. The tokens round a text are called CLS and SEP, or BOS and EOS.
fn bert(file: &str, meta: &Metadata) -> Result<Parts> {
    let (written, kinds) = tokens(file, meta)?;
    let texts: Vec<String> = written.iter().map(|text| wordpiece::from_gguf(text)).collect();
    let flag = |key: &str| side::flag(meta, key);
    let token = |keys: [&str; 2]| {
        let id = keys.into_iter().find_map(|key| known(meta, key, texts.len()))?;
        Some((id, texts.get(id as usize)?.as_str()))
    };
    let first = token(["tokenizer.ggml.cls_token_id", "tokenizer.ggml.bos_token_id"]);
    let last = token(["tokenizer.ggml.seperator_token_id", "tokenizer.ggml.eos_token_id"]); // sic: GGUF's spelling
    let unk = token(["tokenizer.ggml.unknown_token_id", "tokenizer.ggml.unk_token_id"]);
    let options = wordpiece::Options {
        unk: unk.map_or("[UNK]", |(_, text)| text),
        lowercase: flag("tokenizer.ggml.normalizer.lowercase").unwrap_or(true),
        strip_accents: flag("tokenizer.ggml.normalizer.strip_accents"),
        han: true,
        first: first.filter(|_| flag("tokenizer.ggml.add_bos_token").unwrap_or(true)),
        last: last.filter(|_| flag("tokenizer.ggml.add_eos_token").unwrap_or(true)),
    };
    let added = sentencepiece::added(&texts, &kinds, &ends(meta));
    wordpiece::parts(file, sentencepiece::vocab(file, &texts)?, added, &options)
}
