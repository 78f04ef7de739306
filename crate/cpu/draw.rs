//! Which of the likeliest tokens comes next: temperature, top-k, top-p, min-p and the draw (`CONTRACT.md`, 4).
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

use super::philox::{high_word, low_word, philox4x32};
use std::cmp::Ordering;

/// How to draw. The default takes the likeliest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Draw {
    /// 0, or nearly, is argmax, lowest id on a tie.
    pub(crate) temperature: f32,
    /// Keep this many most likely tokens; 0 keeps all.
    pub(crate) top_k: usize,
    /// Keep the most likely tokens up to this share of probability; 1 keeps all.
    pub(crate) top_p: f32,
    /// Keep tokens at least this likely relative to the most likely; 0 keeps all.
    pub(crate) min_p: f32,
    /// Same seed, same tokens.
    pub(crate) seed: u64,
}

impl Default for Draw {
    fn default() -> Self {
        Self {
            temperature: 0.0,
            top_k: 0,
            top_p: 1.0,
            min_p: 0.0,
            seed: 0,
        }
    }
}

impl Draw {
    /// Whether the likeliest token is taken, whatever else is asked for. Logits over a temperature that is nearly 0 would
    /// all be the largest number.
    pub(crate) fn is_cold(&self) -> bool {
        self.temperature.is_nan() || self.temperature < 1e-30 || self.top_k == 1
    }
}

/// The token for `position`, whose random numbers it takes, after logits all of which are numbers; these are divided by
/// the temperature in place.
pub(crate) fn pick(logits: &mut [f32], position: u64, how: &Draw) -> u32 {
    if how.is_cold() {
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

/// A token that may be drawn, with its logit over the temperature.
type Kept = (u32, f32);

/// Most likely first, the lower id on a tie.
fn by_likelihood(a: &Kept, b: &Kept) -> Ordering {
    b.1.total_cmp(&a.1).then(a.0.cmp(&b.0))
}

/// The tokens that top-k, top-p and min-p leave, at least one if there is any; in no particular order.
fn keep(logits: &[f32], how: &Draw) -> Vec<Kept> {
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
