//! SentencePiece's precompiled character map: a double-array trie of replacements. The crate that runs it does not
//! check its indices, so they are checked here once.

use crate::error::{Error, Result};

/// Units of the trie come in blocks of this many; a step never leaves the block it jumped to.
const BLOCK: usize = 256;

/// Decodes the map from the base64 of `tokenizer.json` and checks it.
pub(crate) fn from_base64(file: &str, text: &str) -> Result<Vec<u8>> {
    let Some(bytes) = decode_base64(text) else {
        return Err(Error::bad(file, "precompiled_charsmap", "base64", "other characters"));
    };
    check(file, &bytes)?;
    Ok(bytes)
}

/// Checks that no step through the trie leaves it, and that each replacement lies in the text behind it.
pub(crate) fn check(file: &str, bytes: &[u8]) -> Result<()> {
    let bad = |found: &str| Err(Error::bad(file, "precompiled_charsmap", "a trie and its texts", found));
    let Some((size, rest)) = bytes.split_first_chunk::<4>() else {
        return bad("fewer than 4 bytes");
    };
    let size = u32::from_le_bytes(*size) as usize;
    if size > rest.len() || size == 0 || !size.is_multiple_of(4 * BLOCK) {
        return bad("a trie of another size");
    }
    let (trie, texts) = rest.split_at(size);
    let Ok(texts) = std::str::from_utf8(texts) else {
        return bad("texts that are not UTF-8");
    };
    let units: Vec<u32> = trie.as_chunks::<4>().0.iter().map(|u| u32::from_le_bytes(*u)).collect();
    for (at, &unit) in units.iter().enumerate() {
        if unit >> 31 == 1 {
            continue; // a value, never stepped through
        }
        let offset = ((unit >> 10) as usize) << ((unit & (1 << 9)) >> 6);
        let Some(&target) = units.get(at ^ offset) else {
            return bad("a step out of the trie");
        };
        let text = (target & !(1 << 31)) as usize;
        if (unit >> 8) & 1 == 1 && !texts.is_char_boundary(text) {
            return bad("a replacement outside the texts");
        }
    }
    Ok(())
}

/// The base64 that `tokenizer.json` would have.
pub(crate) fn to_base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len() / 3 * 4 + 4);
    for three in bytes.chunks(3) {
        let held = (0..3).fold(0, |held, i| held << 8 | usize::from(three.get(i).copied().unwrap_or(0)));
        for i in 0..=three.len() {
            text.push(DIGITS[(held >> (18 - 6 * i)) & 63].into());
        }
    }
    text
}

fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut held, mut bits) = (0u32, 0u32);
    for c in text.bytes() {
        let digit = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        held = (held << 6 | u32::from(digit)) & 0xFFFF;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.extend(u8::try_from((held >> bits) & 0xFF));
        }
    }
    Some(bytes)
}
