//! The next tokens: chosen on the device, as many in a submission as its time allows, or one by one by the host, where that
//! depends on more than the logits.

use super::{
    device::{Batch, Output, Want},
    session::{Generation, Model, finite},
};
#[cfg(feature = "text")]
use crate::text::sample::sample;
use crate::{
    cpu::Sampler,
    error::{Error, Result},
    model::Head,
};

/// Milliseconds that a submission should take, and tokens that it makes at most.
const TOGETHER_MS: f64 = 12.0;
const TOGETHER: usize = 16;

/// How many tokens a submission makes.
pub(super) struct Together {
    wanted: Option<usize>,
    now: usize,
    /// Whether a submission is short enough to have another one behind it, which may turn out to be for nothing.
    short: bool,
    /// When the last one was done, if another one was behind it.
    done: Option<f64>,
}

impl Together {
    pub(super) fn new(wanted: Option<usize>) -> Self {
        Self {
            wanted,
            now: 1,
            short: wanted.is_some_and(|n| n > 1),
            done: None,
        }
    }

    fn count(&self) -> usize {
        self.wanted.unwrap_or(self.now).max(1)
    }

    /// Chooses the next number by how long the last submission took: twice as many at most.
    #[allow(clippy::cast_precision_loss, reason = "counts are small")]
    fn took(&mut self, ms: f64, count: usize) {
        if self.wanted.is_none() {
            self.short = ms <= 2.0 * TOGETHER_MS;
        }
        if count < self.now {
            return;
        }
        let within = |n: &usize| ms / count as f64 * *n as f64 <= TOGETHER_MS;
        let most = (2 * count).min(TOGETHER);
        self.now = (1..=most).rev().find(within).unwrap_or(1);
    }
}

impl Model {
    /// Runs what is not in the cache yet and chooses the next token.
    pub(super) async fn choose(&mut self, generation: &mut Generation) -> Result<u32> {
        let done = self.cached.len();
        let tokens: Vec<u32> = generation
            .prompt
            .iter()
            .chain(&generation.answer)
            .skip(done)
            .copied()
            .collect();
        let sampler = self.sampler(generation);
        let alone = match &sampler {
            Some(sampler) => !self.runner.choose_by(sampler)?,
            None => true,
        };
        if alone {
            // The kernel chooses too, and is not to stop at what it chose.
            self.runner.choose_by(&Sampler::default())?;
            let Output::Logits(mut logits) = self.step(&tokens, Head::Last, Want::Logits).await? else {
                return Err(Error::internal("a step gave no logits"));
            };
            finite(&logits)?;
            return Ok(drawn(&mut logits, generation));
        }
        let left = generation.request.max_tokens - generation.answer.len();
        // What a recurrent layer keeps cannot go back to where the answer turns out to end.
        let alone = !self.network.hyper.pasts.is_empty();
        let count = if alone { 1 } else { self.together.count() };
        let batch = Batch {
            // The first token is shown as soon as it is there.
            now: if tokens.len() > 1 || generation.answer.is_empty() {
                1
            } else {
                count
            },
            next: if alone || !self.together.short { 0 } else { count },
            room: (self.capacity + 1 - done - tokens.len()).min(left),
        };
        let begun = self.together.done.take().unwrap_or_else(self.clock);
        let Output::Tokens(made) = self.step(&tokens, Head::Last, Want::Tokens(batch)).await? else {
            return Err(Error::internal("a step gave no tokens"));
        };
        let Some((first, rest)) = made.split_first() else {
            return Err(Error::NotFinite { place: "logits".into() });
        };
        let now = (self.clock)();
        if tokens.len() == 1 {
            self.together.took(now - begun, made.len());
        }
        self.together.done = (self.runner.flying() > 0).then_some(now);
        // Each of them but the last was read to make the next.
        self.cached.extend_from_slice(&made[..made.len() - 1]);
        generation.ahead.extend(rest);
        Ok(*first)
    }

    /// How the next token is chosen, if that depends on its logits alone.
    #[cfg(feature = "text")]
    fn sampler(&self, generation: &Generation) -> Option<Sampler> {
        let request = &generation.request;
        let stops = if request.ignore_eos {
            vec![]
        } else {
            self.text.eos.clone()
        };
        let draw = request.sampling.draw();
        request.sampling.is_plain().then_some(Sampler { draw, stops })
    }

    #[cfg(not(feature = "text"))]
    fn sampler(&self, _: &Generation) -> Option<Sampler> {
        Some(Sampler::default())
    }
}

/// The token that the host draws.
#[cfg(feature = "text")]
fn drawn(logits: &mut [f32], generation: &Generation) -> u32 {
    let (prompt, answer) = (&generation.prompt, &generation.answer);
    let position = (prompt.len() + answer.len()) as u64;
    sample(logits, prompt, answer, position, &generation.request.sampling)
}

#[cfg(not(feature = "text"))]
fn drawn(logits: &mut [f32], _: &Generation) -> u32 {
    crate::cpu::draw::argmax(logits)
}
