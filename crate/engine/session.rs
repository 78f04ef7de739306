//! A loaded model and its one cache: requests go in, events come out, one at a time.

use super::{Clock, Info, LoadOptions, OnProgress, Stats};
#[cfg(feature = "text")]
use crate::text::{chat::Template, sample::Sampling, tokenizer::Tokenizer};
use crate::{
    error::{Error, Result},
    format::source::Folder,
};

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

/// What one call of [`Model::next`] did.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A part of the prompt was read.
    Prefill {
        /// Prompt tokens in the cache.
        done: usize,
        /// Prompt tokens in all.
        total: usize,
    },
    /// A token was made. `text` is what it completes: empty while a character or a possible stop string is open.
    Token {
        /// Its id.
        id: u32,
        /// New text.
        text: String,
    },
    /// The generation is over.
    End {
        /// Why.
        reason: Finish,
        /// Text that was held back and is now known to belong to the answer.
        text: String,
    },
}

/// A generation under way. Belongs to the model that began it; a newer one takes its place.
pub struct Generation {}

/// A loaded model.
pub struct Model {}

impl Model {
    /// Loads the model called `entry` in `folder` (see [`crate::format::open`]).
    ///
    /// # Errors
    /// Whatever reading, the device or the family says; [`Error::Aborted`] if `progress` answered `false`.
    pub async fn load(
        folder: &dyn Folder,
        entry: &str,
        options: &LoadOptions,
        clock: Clock,
        progress: OnProgress<'_>,
    ) -> Result<Self> {
        let _ = (folder, entry, options, clock, progress);
        Err(Error::internal("not written yet"))
    }

    /// What is known of it.
    pub fn info(&self) -> &Info {
        unimplemented!()
    }

    /// Figures of the last request.
    pub fn stats(&self) -> Stats {
        Stats::default()
    }

    /// Its tokenizer.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the files have none: such a model takes ids only.
    #[cfg(feature = "text")]
    pub fn tokenizer(&self) -> Result<&Tokenizer> {
        Err(Error::internal("not written yet"))
    }

    /// Its chat template; `None` for a base model.
    #[cfg(feature = "text")]
    pub fn template(&self) -> Option<&Template> {
        None
    }

    /// Sampling defaults: the model's generation_config over the contract's.
    #[cfg(feature = "text")]
    pub fn sampling(&self) -> Sampling {
        Sampling::default()
    }

    /// Begins to generate after `prompt`; what of it is a prefix of the cache is not computed again.
    ///
    /// # Errors
    /// [`Error::ContextFull`] if the prompt leaves no room, [`Error::Invalid`] for an empty prompt or an id outside
    /// the vocabulary.
    pub fn begin(&mut self, prompt: &[u32], request: Request) -> Result<Generation> {
        let _ = (prompt, request);
        Err(Error::internal("not written yet"))
    }

    /// Goes one step: a chunk of the prompt, or one token. After [`Event::End`] it keeps answering the same.
    ///
    /// # Errors
    /// Of the device; [`Error::NotFinite`] if the logits are not numbers.
    pub async fn next(&mut self, generation: &mut Generation) -> Result<Event> {
        let _ = generation;
        Err(Error::internal("not written yet"))
    }

    /// Ends a generation early: what is held back is dropped, the cache is cut to what was shown.
    pub fn stop(&mut self, generation: &mut Generation) {
        let _ = generation;
    }

    /// Logits after `ids`: of the last position, or with `all` a row for each. `ids` are taken as they are.
    ///
    /// # Errors
    /// As [`Model::begin`] and [`Model::next`].
    pub async fn logits(&mut self, ids: &[u32], all: bool) -> Result<Vec<Vec<f32>>> {
        let _ = (ids, all);
        Err(Error::internal("not written yet"))
    }
}
