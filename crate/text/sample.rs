//! From logits to a token: penalties, bias, temperature, top-k, top-p, min-p, draw (`CONTRACT.md`, 4).

/// How to choose the next token. The default is the contract's.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampling {
    /// 0 is argmax, lowest id on a tie.
    pub temperature: f32,
    /// Keep this many most likely tokens; 0 keeps all.
    pub top_k: usize,
    /// Keep the most likely tokens up to this share of probability; 1 keeps all.
    pub top_p: f32,
    /// Keep tokens at least this likely relative to the most likely; 0 keeps all.
    pub min_p: f32,
    /// Divides positive and multiplies negative logits of tokens seen; 1 is none.
    pub repetition_penalty: f32,
    /// Subtracted once from tokens in the answer; 0 is none.
    pub presence_penalty: f32,
    /// Subtracted as often as a token is in the answer; 0 is none.
    pub frequency_penalty: f32,
    /// Added to the logits of these ids.
    pub logit_bias: Vec<(u32, f32)>,
    /// Same seed, same tokens.
    pub seed: u64,
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            temperature: 0.7,
            top_k: 40,
            top_p: 0.95,
            min_p: 0.05,
            repetition_penalty: 1.0,
            presence_penalty: 0.0,
            frequency_penalty: 0.0,
            logit_bias: Vec::new(),
            seed: 0,
        }
    }
}

impl Sampling {
    /// Argmax, nothing else.
    pub fn greedy() -> Self {
        Self {
            temperature: 0.0,
            top_k: 0,
            top_p: 1.0,
            min_p: 0.0,
            ..Self::default()
        }
    }

    /// Whether the argmax of the raw logits is the answer, so that no logits need to reach the host.
    pub fn is_plain_argmax(&self) -> bool {
        self.temperature == 0.0
            && self.repetition_penalty == 1.0
            && self.presence_penalty == 0.0
            && self.frequency_penalty == 0.0
            && self.logit_bias.is_empty()
    }
}

/// The next token. `prompt` and `answer` are the ids so far (repetition looks at both, presence and frequency at the
/// answer); `position` is that of the new token, which selects its random numbers.
pub fn sample(logits: &mut [f32], prompt: &[u32], answer: &[u32], position: u64, how: &Sampling) -> u32 {
    let _ = (logits, prompt, answer, position, how);
    0
}
