//! BPE models, checked before the `tokenizers` crate sees them: it indexes by lengths that a broken file can make wrong.

use crate::{
    error::{Error, Result},
    tensor::{rank, sort_by_numbers},
};
use std::collections::HashMap;
use tokenizers::models::bpe::{BPE, BpeBuilder, Merges, Vocab};

/// More tokens than any published vocabulary has (the largest are below 2^19).
pub(crate) const MAX_TOKENS: usize = 1 << 22;
/// Longest token in bytes; real ones are runs of a few hundred spaces at most.
const MAX_TOKEN_BYTES: usize = 1 << 14;

/// What a BPE model is besides its vocabulary and merges.
#[derive(Debug, Default)]
pub(crate) struct Options {
    /// Token for what the vocabulary lacks.
    pub(crate) unk: Option<String>,
    /// Neighbouring unknown characters become one token.
    pub(crate) fuse_unk: bool,
    /// Unknown characters become their bytes (`<0x0A>`).
    pub(crate) byte_fallback: bool,
    /// A whole word that is in the vocabulary is taken as it is.
    pub(crate) ignore_merges: bool,
    /// Written before each symbol that does not begin a word.
    pub(crate) prefix: Option<String>,
    /// Written after the last symbol of a word.
    pub(crate) suffix: Option<String>,
}

/// A BPE model of `vocab` and `merges` (pairs, best first).
pub(crate) fn model(file: &str, vocab: Vocab, merges: Merges, options: Options) -> Result<BPE> {
    check_vocab(file, &vocab)?;
    let prefix = options.prefix.as_deref().unwrap_or("");
    let mut joined = String::new();
    for (rank, (left, right)) in merges.iter().enumerate() {
        joined.clear();
        joined.push_str(left);
        joined.push_str(right.strip_prefix(prefix).unwrap_or(right));
        if let Some(token) = [left, right, &joined].into_iter().find(|t| !vocab.contains_key(*t)) {
            let found = format!("{left:?} + {right:?}, of which {token:?} is none");
            return Err(Error::bad(
                file,
                format!("merge {rank}"),
                "tokens of the vocabulary",
                found,
            ));
        }
        if !right.starts_with(prefix) {
            return Err(Error::bad(
                file,
                format!("merge {rank}"),
                format!("a token that begins with {prefix:?}"),
                format!("{right:?}"),
            ));
        }
    }
    if let Some(unk) = options.unk.as_deref().filter(|t| !vocab.contains_key(*t)) {
        return Err(Error::bad(
            file,
            "unk_token",
            "a token of the vocabulary",
            format!("{unk:?}"),
        ));
    }
    let mut builder = BpeBuilder::new()
        .vocab_and_merges(vocab, merges)
        .fuse_unk(options.fuse_unk)
        .byte_fallback(options.byte_fallback)
        .ignore_merges(options.ignore_merges);
    if let Some(unk) = options.unk {
        builder = builder.unk_token(unk);
    }
    if let Some(prefix) = options.prefix {
        builder = builder.continuing_subword_prefix(prefix);
    }
    if let Some(suffix) = options.suffix {
        builder = builder.end_of_word_suffix(suffix);
    }
    builder.build().map_err(|e| Error::bad(file, "model", "a BPE model", e))
}

fn check_vocab(file: &str, vocab: &Vocab) -> Result<()> {
    if vocab.is_empty() || vocab.len() > MAX_TOKENS {
        return Err(Error::bad(
            file,
            "vocab",
            format!("1 to {MAX_TOKENS} tokens"),
            vocab.len(),
        ));
    }
    for (token, &id) in vocab {
        check_token(file, token, u64::from(id))?;
    }
    Ok(())
}

/// Whether a token and its id are within the limits.
pub(crate) fn check_token(file: &str, token: &str, id: u64) -> Result<u32> {
    if token.len() > MAX_TOKEN_BYTES {
        let found = format!("{} bytes", token.len());
        return Err(Error::bad(
            file,
            format!("token {id}"),
            format!("at most {MAX_TOKEN_BYTES} bytes"),
            found,
        ));
    }
    match u32::try_from(id) {
        Ok(id) if (id as usize) < MAX_TOKENS => Ok(id),
        _ => Err(Error::bad(
            file,
            format!("token {token:?}"),
            format!("an id below {MAX_TOKENS}"),
            id,
        )),
    }
}

/// Merges of a SentencePiece BPE vocabulary, best first. A piece of higher score is made first, and can be made from
/// every pair of pieces that it consists of; `mergeable` says which pieces come about by merging at all. On equal
/// scores the order is that of Hugging Face's converter, so that both give the same ids: the longer left part first.
pub(crate) fn merges_from_scores(pieces: &[String], scores: &[f32], mergeable: impl Fn(usize) -> bool) -> Merges {
    let ids: HashMap<&str, usize> = pieces.iter().enumerate().map(|(id, p)| (p.as_str(), id)).collect();
    let mut found: Vec<(f32, usize, usize, &str, &str)> = Vec::new();
    let mut own: Vec<(usize, usize, usize)> = Vec::new();
    for (id, piece) in pieces.iter().enumerate().filter(|(id, _)| mergeable(*id)) {
        own.clear();
        for (at, _) in piece.char_indices().skip(1) {
            let (left, right) = piece.split_at(at);
            if let (Some(&l), Some(&r)) = (ids.get(left), ids.get(right)) {
                own.push((l, r, at));
            }
        }
        sort_by_numbers(&mut own, |(l, r, _)| [*l as u64, *r as u64]);
        let score = scores.get(id).copied().unwrap_or(0.0);
        for &(_, _, at) in &own {
            let (left, right) = piece.split_at(at);
            found.push((score, left.chars().count(), right.chars().count(), left, right));
        }
    }
    // All three falling; there are less than 2^32 characters in a piece.
    sort_by_numbers(&mut found, |(score, left, right, ..)| {
        let lengths = (*left as u64) << 32 | *right as u64;
        [u64::MAX - u64::from(rank(*score)), u64::MAX - lengths]
    });
    found
        .into_iter()
        .map(|(_, _, _, l, r)| (l.to_owned(), r.to_owned()))
        .collect()
}
