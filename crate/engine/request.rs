//! What is asked of a model, and how it ended.

#[cfg(feature = "text")]
use crate::text::sample::Sampling;

/// What to generate after a prompt of ids.
#[derive(Debug, Clone)]
pub struct Request {
    /// At most this many new tokens.
    pub max_tokens: usize,
    /// How to choose tokens.
    #[cfg(feature = "text")]
    pub sampling: Sampling,
    /// Texts that end the answer; never shown.
    pub stop: Vec<String>,
    /// Go on after an end-of-sequence id.
    pub ignore_eos: bool,
    /// What the decoder of an encoder-decoder model goes on from; nothing: from where its files say.
    pub decoder: Vec<u32>,
}

/// Why a generation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// An end-of-sequence id or a stop string.
    Stop,
    /// `max_tokens` were made.
    Length,
    /// The context is full.
    Context,
    /// The caller stopped it.
    Abort,
}

impl Finish {
    /// The `finish_reason` of the contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::Context => "context",
            Self::Abort => "abort",
        }
    }
}
