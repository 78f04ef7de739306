//! Chat templates: Jinja from the model's files, run by `minijinja` with fuel and size limits.

use crate::{
    error::{Error, Result},
    format::Checkpoint,
};

/// One message of a conversation, as templates see it: `role`, `content` and whatever else was given.
pub type Message = serde_json::Map<String, serde_json::Value>;

/// A compiled chat template with the special tokens it may use.
pub struct Template {}

impl Template {
    /// The chat template of a checkpoint; `None` if its files have none (a base model).
    ///
    /// # Errors
    /// `bad-file` if it does not compile.
    pub fn open(checkpoint: &Checkpoint) -> Result<Option<Self>> {
        let _ = checkpoint;
        Ok(None)
    }

    /// The prompt for `messages`; with `generation_prompt`, up to where the assistant writes.
    ///
    /// # Errors
    /// `bad-file` with the template's own words if it refuses the messages, runs out of fuel or writes too much.
    pub fn render(&self, messages: &[Message], generation_prompt: bool) -> Result<String> {
        let _ = (messages, generation_prompt);
        Err(Error::internal("not written yet"))
    }
}
