//! From logits to a token: penalties, bias, temperature, top-k, top-p, min-p, draw (`CONTRACT.md`, 4).

use super::side;
pub use crate::cpu::draw::{argmax, gumbel};
use crate::{
    cpu::draw::{Draw, pick},
    error::{Error, Result},
    format::{Checkpoint, Value as Meta},
};
use serde_json::Value;
use std::collections::BTreeMap;

/// How to choose the next token. The default is the contract's.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampling {
    /// 0, or nearly, is argmax, lowest id on a tie.
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

    /// The contract's defaults overlaid with what the model's files recommend: `generation_config.json`, or the
    /// `general.sampling.*` keys of a GGUF. A value out of its range leaves the default; the list says so.
    ///
    /// # Errors
    /// `bad-file` if the file is no JSON.
    pub fn from_generation_config(checkpoint: &Checkpoint) -> Result<(Self, Vec<String>)> {
        let (mut how, mut notes) = (Self::default(), Vec::new());
        for (key, field) in [
            ("temp", "temperature"),
            ("top_k", "top_k"),
            ("top_p", "top_p"),
            ("min_p", "min_p"),
            ("penalty_repeat", "repetition_penalty"),
        ] {
            let key = format!("general.sampling.{key}");
            let number = match checkpoint.meta.get(&key) {
                Some(Meta::Float(number)) => *number,
                // Only small whole numbers make sense here, and those f64 holds exactly.
                Some(Meta::Int(number)) => i32::try_from(*number).map_or(f64::NAN, f64::from),
                _ => continue,
            };
            notes.extend(how.overlay(&checkpoint.name, field, number));
        }
        if let Some(config) = side::json(checkpoint, "generation_config.json")? {
            let file = side::place(checkpoint, "generation_config.json");
            for field in ["temperature", "top_k", "top_p", "min_p", "repetition_penalty"] {
                if let Some(number) = config.get(field).and_then(Value::as_f64) {
                    notes.extend(how.overlay(&file, field, number));
                }
            }
        }
        Ok((how, notes))
    }

    /// Takes a number over, or says why not.
    fn overlay(&mut self, file: &str, field: &str, number: f64) -> Option<String> {
        let range = match field {
            "temperature" => 0.0..=100.0,
            "top_k" => 0.0..=f64::from(u32::MAX),
            "repetition_penalty" => f64::MIN_POSITIVE..=100.0,
            _ => 0.0..=1.0,
        };
        if !range.contains(&number) {
            let expected = format!("{} to {}", range.start(), range.end());
            let error = Error::bad(file, field, expected, number);
            return Some(format!("{error}: the default is used"));
        }
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "in range, see above"
        )]
        match field {
            "temperature" => self.temperature = number as f32,
            "top_k" => self.top_k = number as usize,
            "top_p" => self.top_p = number as f32,
            "min_p" => self.min_p = number as f32,
            _ => self.repetition_penalty = number as f32,
        }
        None
    }

    /// Whether the logits are taken as they are: nothing depends on the tokens so far or on their ids.
    pub(crate) fn is_plain(&self) -> bool {
        self.repetition_penalty == 1.0
            && self.presence_penalty == 0.0
            && self.frequency_penalty == 0.0
            && self.logit_bias.is_empty()
    }

    /// What is left of it then.
    pub(crate) fn draw(&self) -> Draw {
        Draw {
            temperature: self.temperature,
            top_k: self.top_k,
            top_p: self.top_p,
            min_p: self.min_p,
            seed: self.seed,
        }
    }
}

/// The next token. `prompt` and `answer` are the ids so far (repetition looks at both, presence and frequency at the
/// answer); `position` is that of the new token, which selects its random numbers. `logits` are changed in place. A
/// logit that is not a number counts as minus infinity.
pub fn sample(logits: &mut [f32], prompt: &[u32], answer: &[u32], position: u64, how: &Sampling) -> u32 {
    for logit in &mut *logits {
        *logit = if logit.is_nan() {
            f32::NEG_INFINITY
        } else {
            logit.min(f32::MAX)
        };
    }
    penalise(logits, prompt, answer, how);
    for &(id, bias) in &how.logit_bias {
        if let Some(logit) = logits.get_mut(id as usize).filter(|_| !bias.is_nan()) {
            *logit = (*logit + bias).min(f32::MAX);
        }
    }
    pick(logits, position, &how.draw())
}

fn penalise(logits: &mut [f32], prompt: &[u32], answer: &[u32], how: &Sampling) {
    // How often each token is in the answer; tokens of the prompt alone count 0.
    let mut seen: BTreeMap<u32, f32> = BTreeMap::new();
    if how.repetition_penalty != 1.0 {
        seen.extend(prompt.iter().map(|id| (*id, 0.0)));
    }
    for id in answer {
        *seen.entry(*id).or_default() += 1.0;
    }
    for (id, count) in seen {
        let Some(logit) = logits.get_mut(id as usize) else {
            continue;
        };
        if how.repetition_penalty > 0.0 && how.repetition_penalty != 1.0 {
            *logit = if *logit > 0.0 {
                *logit / how.repetition_penalty
            } else {
                *logit * how.repetition_penalty
            };
        }
        if count > 0.0 {
            let less = how.presence_penalty + how.frequency_penalty * count;
            if less.is_finite() {
                *logit -= less;
            }
        }
        if logit.is_nan() {
            *logit = f32::NEG_INFINITY;
        }
    }
}
