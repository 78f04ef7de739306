//! Activations as integers, for products with weights whose codes are: a factor for each 32 values, and two integers of 16 bits
//! that together are as exact as an f32 is. One alone is not: by its rounding, the normalised error on the cases of `matmul` would
//! be above the 1e-9 that they allow.

/// Values that share a factor.
pub(crate) const BLOCK: usize = 32;
/// The largest size of the first integer. Times 128, the largest of a code, the sum of a block is exact in f32 by eight.
const LARGEST: f32 = 16_384.0;
/// What one of the second integer counts; its size is 2048 at most.
pub(crate) const LOW: f32 = 1.0 / 4096.0;

/// In f32 the next number is one more.
const ROUND: f32 = 12_582_912.0;

/// A row of activations: value = factor of its block * (high + LOW * low).
#[derive(Default)]
pub(crate) struct Split {
    /// Codes of a weight that share a factor and a minimum: 16 or 32.
    pub(crate) run: usize,
    pub(crate) high: Vec<i16>,
    pub(crate) low: Vec<i16>,
    /// A block each; NaN where a value is no finite number.
    pub(crate) factors: Vec<f32>,
    /// Sums of values, a run each.
    pub(crate) sums: Vec<f32>,
}

/// Splits a row, whose length is a multiple of `BLOCK`, for codes in runs of so many.
pub(crate) fn split(x: &[f32], run: usize) -> Split {
    let (high, low) = (vec![0; x.len()], vec![0; x.len()]);
    let (factors, sums) = (vec![0.0; x.len() / BLOCK], vec![0.0; x.len() / run]);
    let mut out = Split {
        run,
        high,
        low,
        factors,
        sums,
    };
    let halves = out.high.as_chunks_mut::<BLOCK>().0.iter_mut();
    let halves = halves.zip(out.low.as_chunks_mut::<BLOCK>().0);
    let sides = out.factors.iter_mut().zip(out.sums.chunks_exact_mut(BLOCK / run));
    for ((x, (high, low)), (factor, sums)) in x.as_chunks::<BLOCK>().0.iter().zip(halves).zip(sides) {
        *factor = block(x, high, low);
        for (sum, x) in sums.iter_mut().zip(x.chunks_exact(run)) {
            *sum = x.iter().sum();
        }
    }
    out
}

/// Splits a block; its factor.
fn block(x: &[f32; BLOCK], high: &mut [i16; BLOCK], low: &mut [i16; BLOCK]) -> f32 {
    // As integers, sizes are in the order of the numbers, with infinity and what is no number at the end.
    let largest = x.iter().fold(0, |most, v| most.max(v.to_bits() & 0x7fff_ffff));
    if largest >= f32::INFINITY.to_bits() {
        return f32::NAN;
    }
    // The smallest sizes would have no inverse.
    let largest = f32::from_bits(largest).max(1e-20);
    let inverse = LARGEST / largest;
    for ((v, high), low) in x.iter().zip(high).zip(low) {
        let v = v * inverse;
        let whole = (v + ROUND) - ROUND;
        (*high, *low) = (integer(whole), integer((v - whole) / LOW));
    }
    largest / LARGEST
}

/// The nearest integer to a value within 16 bits: the sum rounds to it, and its lower bits are it.
#[inline(always)]
#[allow(clippy::cast_possible_truncation, reason = "the lower bits are what is wanted")]
fn integer(v: f32) -> i16 {
    (v + ROUND).to_bits() as i16
}

/// The dot of a run of codes with an integer of each value.
#[allow(clippy::cast_precision_loss, reason = "at most 2^26, and exact by less")]
#[cfg_attr(target_family = "wasm", allow(dead_code, reason = "there is SIMD for it"))]
pub(crate) fn dot(codes: &[i8], with: &[i16]) -> f32 {
    let sum: i32 = codes.iter().zip(with).map(|(c, x)| i32::from(*c) * i32::from(*x)).sum();
    sum as f32
}
