//! From logits to a token: penalties, bias, temperature, top-k, top-p, min-p, draw (`CONTRACT.md`, 4).
//!
//! # The draw
//!
//! Every kept token gets its own random number, so that a kernel and the host, which keep the same tokens, draw the
//! same one whatever the order of the work:
//!
//! 1. `x = philox4x32([id, 0, low(position), high(position)], [low(seed), high(seed)])[0]`, ten rounds.
//! 2. `w = (f32(x >> 9) + 0.5) * 2^-23`: exact in f32, in `[2^-24, 1 - 2^-24]`.
//! 3. `e = -ln(1 - w)`, an exponential variable: for `w < 0.25` as `w * (1 + w * (1/2 + w * (1/3 + … + w * 1/11)))`,
//!    else as `-log(1 - w)`. The series is needed because WGSL's `log` is only good to an absolute 2^-21 near 1,
//!    where the winners are.
//! 4. `g = -log(e)`, Gumbel noise. The token of the largest `logit / temperature + g` wins, the lowest id on a tie.
//!
//! A token's chance is then its softmax probability among the kept ones.

use super::{
    philox::{high_word, low_word, philox4x32},
    side,
};
use crate::{
    error::{Error, Result},
    format::{Checkpoint, Value as Meta},
};
use serde_json::Value;
use std::{cmp::Ordering, collections::BTreeMap};

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

    /// The contract's defaults overlaid with what the model's files recommend: `generation_config.json`, or the
    /// `general.sampling.*` keys of a GGUF.
    ///
    /// # Errors
    /// `bad-file` if a value is out of its range.
    pub fn from_generation_config(checkpoint: &Checkpoint) -> Result<Self> {
        let mut how = Self::default();
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
            how.overlay(&checkpoint.name, field, number)?;
        }
        if let Some(config) = side::json(checkpoint, "generation_config.json")? {
            let file = side::place(checkpoint, "generation_config.json");
            for field in ["temperature", "top_k", "top_p", "min_p", "repetition_penalty"] {
                if let Some(number) = config.get(field).and_then(Value::as_f64) {
                    how.overlay(&file, field, number)?;
                }
            }
        }
        Ok(how)
    }

    fn overlay(&mut self, file: &str, field: &str, number: f64) -> Result<()> {
        let range = match field {
            "temperature" => 0.0..=100.0,
            "top_k" => 0.0..=f64::from(u32::MAX),
            "repetition_penalty" => f64::MIN_POSITIVE..=100.0,
            _ => 0.0..=1.0,
        };
        if !range.contains(&number) {
            let expected = format!("{} to {}", range.start(), range.end());
            return Err(Error::bad(file, field, expected, number));
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
        Ok(())
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
    let cold = how.temperature.is_nan() || how.temperature <= 0.0;
    if cold || how.top_k == 1 {
        return argmax(logits);
    }
    for logit in &mut *logits {
        *logit = (*logit / how.temperature).clamp(f32::NEG_INFINITY, f32::MAX);
    }
    draw(&keep(logits, how), position, how.seed)
}

/// The id of the largest logit, the lowest on a tie; 0 if there are none.
pub fn argmax(logits: &[f32]) -> u32 {
    let ids = 0u32..;
    let best = ids.zip(logits).fold(
        (0, f32::NEG_INFINITY),
        |best, (id, &logit)| {
            if logit > best.1 { (id, logit) } else { best }
        },
    );
    best.0
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

/// A token that may be drawn, with its logit over the temperature.
type Kept = (u32, f32);

/// Most likely first, the lower id on a tie.
fn by_likelihood(a: &Kept, b: &Kept) -> Ordering {
    b.1.total_cmp(&a.1).then(a.0.cmp(&b.0))
}

/// The tokens that top-k, top-p and min-p leave, at least one if there is any; in no particular order.
fn keep(logits: &[f32], how: &Sampling) -> Vec<Kept> {
    let ids = 0u32..;
    let mut kept: Vec<Kept> = ids.zip(logits.iter().copied()).collect();
    if how.top_k > 0 && how.top_k < kept.len() {
        kept.select_nth_unstable_by(how.top_k, by_likelihood);
        kept.truncate(how.top_k);
    }
    if how.top_p < 1.0 {
        keep_top_p(&mut kept, how.top_p);
    }
    if how.min_p > 0.0 {
        let best = kept.iter().map(|k| k.1).fold(f32::NEG_INFINITY, f32::max);
        let least = best + how.min_p.min(1.0).ln();
        kept.retain(|k| k.1 >= least);
    }
    kept
}

/// Keeps the most likely tokens until their probabilities reach `share`. They are sorted in growing steps: a share is
/// mostly reached within a few hundred of a vocabulary of a hundred thousand.
fn keep_top_p(kept: &mut Vec<Kept>, share: f32) {
    let best = kept.iter().map(|k| k.1).fold(f32::NEG_INFINITY, f32::max);
    if best == f32::NEG_INFINITY {
        return;
    }
    let mass = |k: &Kept| f64::from(k.1 - best).exp();
    let wanted = f64::from(share.max(0.0)) * kept.iter().map(mass).sum::<f64>();
    let (mut sorted, mut reached) = (0, 0.0);
    while sorted < kept.len() {
        let step = (sorted * 7).max(256).min(kept.len() - sorted);
        let Some(tail) = kept.get_mut(sorted..) else { return };
        if step < tail.len() {
            tail.select_nth_unstable_by(step, by_likelihood);
        }
        let Some(next) = tail.get_mut(..step) else { return };
        next.sort_unstable_by(by_likelihood);
        for (at, k) in next.iter().enumerate() {
            reached += mass(k);
            if reached >= wanted {
                kept.truncate(sorted + at + 1);
                return;
            }
        }
        sorted += step;
    }
}

fn draw(kept: &[Kept], position: u64, seed: u64) -> u32 {
    let noisy = kept.iter().map(|&(id, logit)| (id, logit + gumbel(id, position, seed)));
    let best = noisy.reduce(|a, b| if by_likelihood(&b, &a) == Ordering::Less { b } else { a });
    best.map_or(0, |(id, _)| id)
}

/// The noise of a token at a position (see above).
pub fn gumbel(id: u32, position: u64, seed: u64) -> f32 {
    let counter = [id, 0, low_word(position), high_word(position)];
    let [x, ..] = philox4x32(counter, [low_word(seed), high_word(seed)]);
    #[allow(clippy::cast_precision_loss, reason = "23 bits are exact in f32")]
    let w = ((x >> 9) as f32 + 0.5) * (1.0 / 8_388_608.0);
    let e = if w < 0.25 {
        let series = (1..=11u8).rev().fold(0.0, |sum, n| sum * w + 1.0 / f32::from(n));
        w * series
    } else {
        -(1.0 - w).ln()
    };
    -e.ln()
}
