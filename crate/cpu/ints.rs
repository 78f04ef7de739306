//! Activations as integers, for products with weights whose codes are: a factor for each 32 values, and an integer of 16 bits a
//! value. The largest of a block becomes 32767, so rounding adds a normalised error of about 4e-10 to a product (of values that
//! are distributed normally: the mean square of the largest of 32 is 5.5 times that of all, over 12 * 32767^2); 8 bits, which
//! other engines take, add 3e-5. Where nothing may be rounded there is a second integer for the rest, at twice the cost: together
//! they are as exact as an f32 is.

/// Values that share a factor.
pub(crate) const BLOCK: usize = 32;
/// The largest size of an integer. Times 128, the largest of a code, a block's sum is less than 2^31.
const LARGEST: f32 = 32_767.0;
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
    /// Nothing where values are rounded.
    pub(crate) low: Vec<i16>,
    /// A block each; NaN where a value is no finite number.
    pub(crate) factors: Vec<f32>,
    /// Sums of what the integers stand for, a run each.
    pub(crate) sums: Vec<f32>,
}

/// Splits a row, whose length is a multiple of `BLOCK`, for codes in runs of so many; unless it is to be exact its values are rounded.
pub(crate) fn split(x: &[f32], run: usize, exact: bool) -> Split {
    let mut out = Split {
        run,
        high: vec![0; x.len()],
        low: vec![0; if exact { x.len() } else { 0 }],
        factors: vec![0.0; x.len() / BLOCK],
        sums: vec![0.0; x.len() / run],
    };
    let high = out.high.as_chunks_mut::<BLOCK>().0;
    let mut low = out.low.as_chunks_mut::<BLOCK>().0.iter_mut();
    let sides = out.factors.iter_mut().zip(out.sums.chunks_exact_mut(BLOCK / run));
    for ((x, high), (factor, sums)) in x.as_chunks::<BLOCK>().0.iter().zip(high).zip(sides) {
        let mut low = low.next();
        *factor = block(x, high, low.as_deref_mut());
        for (i, sum) in sums.iter_mut().enumerate() {
            let run = i * run..(i + 1) * run;
            let low = low.as_ref().map_or(0.0, |low| LOW * whole(&low[run.clone()]));
            *sum = (whole(&high[run]) + low) * *factor;
        }
    }
    out
}

/// Splits a block; its factor.
fn block(x: &[f32; BLOCK], high: &mut [i16; BLOCK], low: Option<&mut [i16; BLOCK]>) -> f32 {
    // As integers, sizes are in the order of the numbers, with infinity and what is no number at the end.
    let largest = x.iter().fold(0, |most, v| most.max(v.to_bits() & 0x7fff_ffff));
    if largest >= f32::INFINITY.to_bits() {
        return f32::NAN;
    }
    // The smallest sizes would have no inverse.
    let largest = f32::from_bits(largest).max(1e-20);
    let inverse = LARGEST / largest;
    for (v, high) in x.iter().zip(&mut *high) {
        *high = integer(v * inverse);
    }
    for ((v, high), low) in x.iter().zip(high).zip(low.into_iter().flatten()) {
        *low = integer((v * inverse - f32::from(*high)) / LOW);
    }
    largest / LARGEST
}

/// The sum of up to 32 integers.
#[allow(clippy::cast_precision_loss, reason = "below 2^20")]
fn whole(integers: &[i16]) -> f32 {
    integers.iter().map(|n| i32::from(*n)).sum::<i32>() as f32
}

/// The nearest integer to a value within 16 bits: the sum rounds to it, and its lower bits are it.
#[inline(always)]
#[allow(clippy::cast_possible_truncation, reason = "the lower bits are what is wanted")]
fn integer(v: f32) -> i16 {
    (v + ROUND).to_bits() as i16
}

/// The dot of a run of codes with an integer of each value.
#[allow(clippy::cast_precision_loss, reason = "below 2^28, and rounded as sums of f32 are")]
#[cfg_attr(target_family = "wasm", allow(dead_code, reason = "there is SIMD for it"))]
pub(crate) fn dot(codes: &[i8], with: &[i16]) -> f32 {
    let sum: i32 = codes.iter().zip(with).map(|(c, x)| i32::from(*c) * i32::from(*x)).sum();
    sum as f32
}
