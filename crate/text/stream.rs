//! Ids into text as they come: no split character, no lost or doubled space, constant work per token.
//!
//! The text after a prompt is what `decode(prompt + answer)` has beyond `decode(prompt)`. Bytes are collected until
//! they are characters; whatever else a token's text depends on (a space before it, a suffix of the one before) shows
//! when it is decoded behind the last visible token, the anchor.
//!
//! In harmony (gpt-oss) an answer is several messages, of which the channel `final` alone is for the user: the others, and
//! the headers, are no text of it.

use super::tokenizer::Tokenizer;
use crate::error::Result;
use serde_json::Value;
use std::collections::HashMap;

/// How many tokens of a prompt's end are looked at for an incomplete character: each has at least one of its bytes.
const CHARACTER: usize = 4;

/// How a tokenizer's tokens become text.
pub(crate) enum Writing {
    /// Each character of a token stands for one byte (GPT-2's alphabet).
    ByteLevel,
    /// Tokens are text; those in the map are single bytes.
    Pieces {
        /// The byte of each byte token.
        bytes: HashMap<u32, u8>,
    },
}

impl Writing {
    /// From the `decoder` of a `tokenizer.json`.
    pub(crate) fn of(decoder: &Value) -> Self {
        let kind = |stage: &Value| stage.get("type").and_then(Value::as_str).map(str::to_owned);
        let stages = decoder.get("decoders").and_then(Value::as_array);
        let kinds: Vec<String> = match stages {
            Some(stages) => stages.iter().filter_map(kind).collect(),
            None => kind(decoder).into_iter().collect(),
        };
        if kinds == ["ByteLevel"] {
            return Self::ByteLevel;
        }
        let mut bytes = HashMap::new();
        if kinds.iter().any(|k| k == "ByteFallback") {
            // Marks that bytes are wanted; `with_bytes` fills the map in.
            bytes.insert(u32::MAX, 0);
        }
        Self::Pieces { bytes }
    }

    /// Looks the byte tokens up.
    pub(crate) fn with_bytes(self, id: impl Fn(&str) -> Option<u32>) -> Self {
        match self {
            Self::Pieces { bytes } if !bytes.is_empty() => Self::Pieces {
                bytes: (0..=u8::MAX)
                    .filter_map(|byte| Some((id(&format!("<0x{byte:02X}>"))?, byte)))
                    .collect(),
            },
            other => other,
        }
    }
}

/// Turns ids into text as they come; never splits a UTF-8 character. Special tokens are no text.
#[derive(Debug, Clone)]
pub struct Stream {
    /// The last visible tokens, decoded before the next one to see how it joins.
    anchor: Vec<u32>,
    /// Bytes of an incomplete character.
    held: Vec<u8>,
    /// The tokens they came from.
    held_ids: Vec<u32>,
    /// Of an answer in harmony.
    channels: Option<Channels>,
}

impl Stream {
    /// Begins after `prompt`.
    pub(crate) fn after(tokenizer: &Tokenizer, prompt: &[u32]) -> Self {
        let mut stream = Self {
            anchor: Vec::new(),
            held: Vec::new(),
            held_ids: Vec::new(),
            channels: Channels::of(tokenizer, prompt),
        };
        let visible = |id: &&u32| !tokenizer.is_special(**id) && tokenizer.token(**id).is_some();
        let mut tail: Vec<u32> = prompt.iter().rev().filter(visible).take(CHARACTER).copied().collect();
        tail.reverse();
        for &id in &tail {
            match raw_bytes(tokenizer, id) {
                // Text of the prompt is not shown again, so only what is left over matters.
                Some(bytes) => {
                    stream.held.extend(bytes);
                    stream.held_ids.push(id);
                    drop(stream.complete(false));
                }
                None => {
                    stream.held.clear();
                    stream.held_ids.clear();
                    stream.anchor = vec![id];
                }
            }
        }
        if let Writing::Pieces { bytes } = tokenizer.writing() {
            // Behind a run of byte tokens, the anchor is the last token before it.
            let piece = prompt
                .iter()
                .rev()
                .filter(visible)
                .find(|id| bytes.get(id).is_none_or(u8::is_ascii));
            if let Some(&id) = piece {
                stream.anchor = vec![id];
            }
        }
        stream
    }

    /// The text that `id` completes; empty while a character is incomplete, for special tokens and ids that a model has
    /// beyond its tokenizer's vocabulary, and in channels of harmony but `final`.
    ///
    /// # Errors
    /// [`crate::Error::Internal`] from the tokenizer.
    pub fn push(&mut self, tokenizer: &Tokenizer, id: u32) -> Result<String> {
        let hidden = self.channels.as_mut().is_some_and(|c| c.hide(tokenizer, id));
        if hidden || tokenizer.is_special(id) || tokenizer.token(id).is_none() {
            return Ok(String::new());
        }
        if let Some(bytes) = raw_bytes(tokenizer, id) {
            self.held.extend(bytes);
            self.held_ids.push(id);
            return Ok(self.complete(false));
        }
        let mut text = self.complete(true);
        let before = tokenizer.text(&self.anchor, true)?;
        let mut joined = self.anchor.clone();
        joined.push(id);
        let after = tokenizer.text(&joined, true)?;
        let same = before.bytes().zip(after.bytes()).take_while(|(a, b)| a == b).count();
        // A decoder may rewrite its last token once another follows; the cut stays on a character.
        let same = (0..=same).rev().find(|at| after.is_char_boundary(*at)).unwrap_or(0);
        text.push_str(after.get(same..).unwrap_or(""));
        self.anchor = vec![id];
        Ok(text)
    }

    /// What is left at the end (an incomplete character becomes U+FFFD).
    ///
    /// # Errors
    /// None today; a decoder that holds text back could have some.
    pub fn finish(&mut self, tokenizer: &Tokenizer) -> Result<String> {
        let _ = tokenizer;
        Ok(self.complete(true))
    }

    /// Takes the complete characters out of the held bytes; with `all`, also what will never be one.
    fn complete(&mut self, all: bool) -> String {
        let mut text = String::new();
        let mut rest = self.held.as_slice();
        loop {
            match std::str::from_utf8(rest) {
                Ok(valid) => {
                    text.push_str(valid);
                    rest = &[];
                    break;
                }
                Err(e) => {
                    let (valid, tail) = rest.split_at_checked(e.valid_up_to()).unwrap_or((&[], rest));
                    text.push_str(std::str::from_utf8(valid).unwrap_or(""));
                    rest = tail;
                    let Some(invalid) = e.error_len() else { break };
                    text.push(char::REPLACEMENT_CHARACTER);
                    rest = rest.get(invalid..).unwrap_or(&[]);
                }
            }
        }
        if all && !rest.is_empty() {
            text.push(char::REPLACEMENT_CHARACTER);
            rest = &[];
        }
        self.held = rest.to_vec();
        if !text.is_empty() && self.anchor.is_empty() {
            // Nothing but bytes so far: they show that text has begun.
            self.anchor = self.held_ids.clone();
        }
        if self.held.is_empty() {
            self.held_ids.clear();
        }
        text
    }
}

/// Where an answer in harmony stands: `<|channel|>analysis<|message|>…<|end|><|start|>assistant<|channel|>final<|message|>…`.
/// What comes before any channel is shown.
#[derive(Debug, Clone)]
struct Channels {
    start: Option<u32>,
    channel: u32,
    message: u32,
    /// The header of a message, as far as it is there; none within the message.
    header: Option<String>,
    hidden: bool,
}

impl Channels {
    /// `None` for a tokenizer that has no channels.
    fn of(tokenizer: &Tokenizer, prompt: &[u32]) -> Option<Self> {
        let mut channels = Self {
            start: tokenizer.id("<|start|>"),
            channel: tokenizer.id("<|channel|>")?,
            message: tokenizer.id("<|message|>")?,
            header: None,
            hidden: false,
        };
        // A prompt may end within a message.
        let begun = prompt.rsplit(|id| channels.start == Some(*id)).next();
        for id in begun.unwrap_or_default() {
            channels.hide(tokenizer, *id);
        }
        Some(channels)
    }

    /// Takes the next token; says whether it is none that is shown.
    fn hide(&mut self, tokenizer: &Tokenizer, id: u32) -> bool {
        if id == self.channel || Some(id) == self.start {
            self.header = Some(String::new());
        } else if id == self.message {
            self.hidden = self.header.take().map_or(self.hidden, |h| !h.starts_with("final"));
        } else if let Some(header) = &mut self.header {
            header.extend(tokenizer.token(id));
        } else {
            return self.hidden;
        }
        true
    }
}

/// The bytes of a token that need not be whole characters; `None` if the token is text.
fn raw_bytes(tokenizer: &Tokenizer, id: u32) -> Option<Vec<u8>> {
    match tokenizer.writing() {
        Writing::ByteLevel => {
            let token = tokenizer.token(id)?;
            let bytes: Option<Vec<u8>> = token.chars().map(byte_of).collect();
            // Added tokens are plain text, and may have characters that stand for no byte.
            Some(bytes.unwrap_or_else(|| token.into_bytes()))
        }
        // An ASCII byte is a character of its own and may be the space that is stripped.
        Writing::Pieces { bytes } => bytes.get(&id).filter(|b| !b.is_ascii()).map(|b| vec![*b]),
    }
}

/// The byte that a character of GPT-2's alphabet stands for: visible Latin-1 characters for themselves, the other
/// bytes, in order, for those from U+0100.
fn byte_of(c: char) -> Option<u8> {
    let code = u32::from(c);
    match code {
        0x21..=0x7E | 0xA1..=0xAC | 0xAE..=0xFF => u8::try_from(code).ok(),
        0x100..=0x120 => u8::try_from(code - 0x100).ok(),
        0x121..=0x142 => u8::try_from(code - 0x121 + 0x7F).ok(),
        0x143 => Some(0xAD),
        _ => None,
    }
}
