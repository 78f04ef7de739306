//! Tokenizers from `tokenizer.json` or from what a GGUF embeds, run by the `tokenizers` crate; streaming decoding.

use crate::{
    error::{Error, Result},
    format::Checkpoint,
};

/// A tokenizer with the special tokens of its model.
pub struct Tokenizer {}

impl Tokenizer {
    /// The tokenizer of a checkpoint; `None` if its files have none.
    ///
    /// # Errors
    /// `bad-file` if it is broken, `unsupported-tokenizer` naming a kind or pre-tokenizer that is not implemented.
    pub fn open(checkpoint: &Checkpoint) -> Result<Option<Self>> {
        let _ = checkpoint;
        Ok(None)
    }

    /// Ids of `text`. With `add_special`, the tokens that the tokenizer puts round a text (BOS …) are added. Special
    /// tokens written in the text are recognised.
    ///
    /// # Errors
    /// [`Error::Internal`] from the tokenizer.
    pub fn encode(&self, text: &str, add_special: bool) -> Result<Vec<u32>> {
        let _ = (text, add_special);
        Err(Error::internal("not written yet"))
    }

    /// Text of `ids`, without cleaning up spaces.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an id outside the vocabulary.
    pub fn decode(&self, ids: &[u32], skip_special: bool) -> Result<String> {
        let _ = (ids, skip_special);
        Err(Error::internal("not written yet"))
    }

    /// A decoder of a stream of new ids, after `prompt` (whose end decides on a leading space).
    pub fn stream(&self, prompt: &[u32]) -> Stream {
        let _ = prompt;
        Stream {}
    }

    /// Ids that end a generation, from the tokenizer's own files.
    pub fn eos(&self) -> &[u32] {
        &[]
    }

    /// The id that begins a text, if the model has one.
    pub fn bos(&self) -> Option<u32> {
        None
    }

    /// The text of a token as the vocabulary has it.
    pub fn token(&self, id: u32) -> Option<String> {
        let _ = id;
        None
    }
}

/// Turns ids into text as they come; never splits a UTF-8 character.
pub struct Stream {}

impl Stream {
    /// The text that `id` completes; empty while a character is incomplete.
    ///
    /// # Errors
    /// As [`Tokenizer::decode`].
    pub fn push(&mut self, tokenizer: &Tokenizer, id: u32) -> Result<String> {
        let _ = (tokenizer, id);
        Ok(String::new())
    }

    /// What is left at the end (an incomplete character becomes U+FFFD).
    ///
    /// # Errors
    /// As [`Tokenizer::decode`].
    pub fn finish(&mut self, tokenizer: &Tokenizer) -> Result<String> {
        let _ = tokenizer;
        Ok(String::new())
    }
}
