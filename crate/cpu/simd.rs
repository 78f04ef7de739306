//! The inner loops of the heavy operators: explicit SIMD for wasm, AVX2 where there is one, and a plain form elsewhere that is
//! what they are held to.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx2_split;
#[cfg(any(test, not(target_arch = "wasm32")))]
mod plain;
#[cfg(target_arch = "wasm32")]
#[macro_use]
mod wasm;
#[cfg(target_arch = "wasm32")]
mod wasm_cache;
#[cfg(target_arch = "wasm32")]
mod wasm_split;
#[cfg(target_arch = "wasm32")]
mod wasm_wide;

#[cfg(target_arch = "wasm32")]
pub(crate) use wasm::{RELAXED_MODULE, name, relax};

use super::ints::Split;
use crate::tensor::{Behind, Codes, Ints};

/// Values that lie together in packed rows: a vector.
pub(crate) const LANES: usize = if cfg!(target_arch = "wasm32") { 4 } else { 8 };
/// Rows of a weight that are taken together.
pub(crate) const ROWS: usize = 4;
/// Tokens that are taken together.
pub(crate) const TOKENS: usize = 2;

/// `ROWS` rows of codes, one after the other, with a factor and a minimum for each run of them.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub(crate) codes: &'a [i8],
    pub(crate) factors: &'a [f32],
    pub(crate) leasts: &'a [f32],
}

/// Rows of blocks as they lie in a file, one after the other.
#[derive(Clone, Copy)]
pub(crate) struct Blocks<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) behind: Behind,
}

/// Integers of 16 bits in a vector of theirs.
pub(crate) const WIDE: usize = 8;
/// Tokens of such integers that are taken together.
pub(crate) const QUAD: usize = 4;

/// Integers of rows or tokens that are taken together, and a factor for each block of them.
#[derive(Clone, Copy)]
#[cfg_attr(
    not(target_arch = "wasm32"),
    allow(dead_code, reason = "read by the loops of wasm only")
)]
pub(crate) struct Wide<'a> {
    pub(crate) codes: &'a [i16],
    pub(crate) factors: &'a [f32],
}

/// The loops of products by integers of 16 bits.
#[derive(Clone, Copy)]
pub(crate) struct Integers {
    /// Codes of rows of blocks, of which each has so many, two by two as `[N / 2, K / WIDE, 2, WIDE]`, and their factors as
    /// `[N / 2, K / 32, 2]`.
    pub(crate) widen: fn(Blocks<'_>, usize, &mut [i16], &mut [f32]),
    /// Dots `[T, N]` of such rows of a width with tokens, four by four as `[T / QUAD, K / WIDE, QUAD, WIDE]` and
    /// `[T / QUAD, K / 32, QUAD]`.
    pub(crate) wide: fn(usize, Wide<'_>, Wide<'_>, &mut [f32]),
}

/// Eight bytes of six bits, as `quant::pairs` has them: the lower six of four, then the lower four of the last ones with the upper
/// two of the first.
#[cfg_attr(
    not(any(target_arch = "wasm32", target_arch = "x86_64")),
    allow(dead_code, reason = "for loops with SIMD")
)]
#[inline(always)]
fn six(first: u32, last: u32) -> u64 {
    let last = last & 0x0f0f_0f0f | (first >> 6 & 0x0303_0303) << 4;
    u64::from(first & 0x3f3f_3f3f) | u64::from(last) << 32
}

/// Dots of some tokens with some rows.
pub(crate) type Tile = [[f32; ROWS]; TOKENS];

/// The inner loops of one instruction set.
#[derive(Clone, Copy)]
pub(crate) struct Loops {
    /// The values of f16 bits.
    pub(crate) halves: fn(&[u16], &mut [f32]),
    /// Codes, each a part of 127 of the largest magnitude of its block, of as many blocks as there are magnitudes.
    pub(crate) coded: fn(&[i8], &[f32], &mut [f32]),
    /// Dot of two slices of the same length.
    pub(crate) dot: fn(&[f32], &[f32]) -> f32,
    /// Dots of the first with rows that lie one after the other, as many as there is room for.
    pub(crate) dots: fn(&[f32], &[f32], &mut [f32]),
    /// The sum of rows that lie one after the other, each times its weight.
    pub(crate) mix: fn(&[f32], &[f32], &mut [f32]),
    /// Dots of `ROWS` rows, `[K / LANES, ROWS, LANES]`, with as many times `TOKENS` tokens, `[K / LANES, TOKENS, LANES]` each, as
    /// there is room for.
    pub(crate) tiles: fn(&[f32], &[f32], &mut [Tile]),
    /// Splits whole blocks, as `Ints::split`.
    pub(crate) split: fn(&Ints, &[u8], &mut Codes<'_>),
    /// Codes times factors plus minimums as `[K / LANES, ROWS, LANES]`.
    pub(crate) expand: fn(Rows<'_>, &mut [f32]),
    /// Values of up to `ROWS` rows of blocks as `[K / LANES, ROWS, LANES]`.
    pub(crate) unpack: fn(Blocks<'_>, &mut [f32]),
    /// Dots of `ROWS` rows with a split token, without what minimums take away.
    pub(crate) ints: fn(Rows<'_>, &Split) -> [f32; ROWS],
    /// Dots of rows of blocks with a split token, as many as there is room for. Of a factor that is no finite number they are none.
    pub(crate) blocks: fn(Blocks<'_>, &Split, &mut [f32]),
    /// Those of integers, where they are faster than f32: in wasm, not with AVX2.
    pub(crate) integers: Option<Integers>,
}

#[cfg(target_arch = "x86_64")]
fn avx2() -> bool {
    use std::arch::is_x86_feature_detected as has;
    has!("avx2") && has!("fma") && has!("f16c")
}

/// Those of this machine.
pub(crate) fn loops() -> Loops {
    #[cfg(target_arch = "wasm32")]
    return wasm::LOOPS;
    #[cfg(target_arch = "x86_64")]
    if avx2() {
        return avx2::LOOPS;
    }
    #[cfg(not(target_arch = "wasm32"))]
    PLAIN
}

/// Those that the others are held to.
#[cfg(any(test, not(target_arch = "wasm32")))]
pub(crate) const PLAIN: Loops = Loops {
    halves: crate::quant::half::values,
    coded: plain::coded,
    dot: plain::dot,
    dots: plain::dots,
    mix: plain::mix,
    tiles: plain::tiles,
    split: |ints, bytes, to| (ints.split)(bytes, to),
    expand: plain::expand,
    unpack: plain::unpack,
    ints: plain::ints,
    blocks: plain::blocks,
    integers: None,
};

/// What those of integers are held to.
#[cfg(test)]
pub(crate) const PLAIN_INTEGERS: Integers = Integers {
    widen: plain::widen,
    wide: plain::wide,
};
