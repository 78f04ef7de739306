//! Exponentials of many values in f32, to about its last bit: no branch and no call, so that compilers turn them into SIMD.

use super::simd::LANES;

/// Where the exponential is next to the ends of f32: beyond, it stays what it is there.
const LEAST: f32 = -87.0;
const MOST: f32 = 88.0;
/// Sums with it round to whole numbers, which their lower bits then are.
const ROUND: f32 = 12_582_912.0;
/// ln 2 in two parts, the first of which has few bits.
const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];

/// Twos to the whole part, times the series of the rest. What is no number stays none.
#[inline(always)]
fn exp(x: f32) -> f32 {
    let x = if x < LEAST { LEAST } else { x };
    let x = if x > MOST { MOST } else { x };
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * LN_2[0]) - n * LN_2[1];
    let series = 1.0 / 720.0 + r * (1.0 / 5040.0);
    let series = 1.0 / 24.0 + r * (1.0 / 120.0 + r * series);
    let series = 1.0 + r * (1.0 + r * (0.5 + r * (1.0 / 6.0 + r * series)));
    series * f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23))
}

/// The largest of scores and `least`; what is no number is none.
pub(crate) fn top(scores: &[f32], least: f32) -> f32 {
    // Not `f32::max`, which is a call in wasm.
    let more = |top: f32, score: f32| if score > top { score } else { top };
    let mut tops = [least; LANES];
    let (scores, rest) = scores.as_chunks::<LANES>();
    for scores in scores {
        for (top, score) in tops.iter_mut().zip(scores) {
            *top = more(*top, *score);
        }
    }
    tops.into_iter().chain(rest.iter().copied()).fold(least, more)
}

/// Makes of scores weights, the exponentials of what they are above `top`; their sum.
pub(crate) fn weigh(scores: &mut [f32], top: f32) -> f32 {
    // Loops of nothing else become SIMD.
    for score in &mut *scores {
        *score = exp(*score - top);
    }
    let mut sums = [0.0; LANES];
    let (weights, rest) = scores.as_chunks::<LANES>();
    for weights in weights {
        for (sum, weight) in sums.iter_mut().zip(weights) {
            *sum += weight;
        }
    }
    sums.iter().chain(rest).sum()
}

/// `y = x * sigmoid(x * (a + b * x * x)) * up`.
pub(crate) fn gate(x: &[f32], up: &[f32], [a, b]: [f32; 2], y: &mut [f32]) {
    for ((y, x), up) in y.iter_mut().zip(x).zip(up) {
        *y = x / (1.0 + exp(-x * (a + b * x * x))) * up;
    }
}
