//! Blocks of 256 codes taken apart in simd128: those of the formats that most files have.

#![allow(unsafe_code, reason = "loads and stores of vectors")]

use super::six;
use crate::{
    quant::half::f16_to_f32,
    tensor::{Codes, Ints, Lie},
};
use std::arch::wasm32::*;

/// Codes of a block.
const BLOCK: usize = 256;

pub(super) fn split(ints: &Ints, bytes: &[u8], to: &mut Codes<'_>) {
    match ints.lie {
        Lie::Fours => pairs::<144>(bytes, to),
        Lie::Fives => pairs::<176>(bytes, to),
        Lie::Sixes => sixes(bytes, to),
        _ => (ints.split)(bytes, to),
    }
}

/// Bytes under a mask.
#[inline(always)]
fn of(bytes: v128, mask: u8) -> v128 {
    v128_and(bytes, u8x16_splat(mask))
}

/// Puts eight integers of 16 bits times a factor.
///
/// # Safety
/// There is room for them.
#[inline(always)]
unsafe fn scaled(integers: v128, factor: f32, to: *mut f32) {
    let by = |four| f32x4_mul(f32x4_convert_i32x4(four), f32x4_splat(factor));
    // SAFETY: the caller's.
    unsafe {
        v128_store(to.cast(), by(i32x4_extend_low_i16x8(integers)));
        v128_store(to.add(4).cast(), by(i32x4_extend_high_i16x8(integers)));
    }
}

/// Blocks of `N` bytes as `quant::pairs` has them; in those of 176 there are 32 bytes of fifth bits before the nibbles.
fn pairs<const N: usize>(bytes: &[u8], to: &mut Codes<'_>) {
    let blocks = bytes.as_chunks::<N>().0;
    assert!(to.codes.len() >= BLOCK * blocks.len() && to.factors.len().min(to.leasts.len()) >= 8 * blocks.len());
    let (mut to, mut sides) = (to.codes.as_mut_ptr(), (to.factors.as_mut_ptr(), to.leasts.as_mut_ptr()));
    for block in blocks {
        let from = block.as_ptr();
        // SAFETY: a whole block, which ends with 128 bytes of nibbles, and room for what it has.
        unsafe {
            let word = |at: usize| from.add(at).cast::<u32>().read_unaligned();
            let (first, next, last) = (word(4), word(8), word(12));
            let half = |at: usize| f16_to_f32(u16::from_le_bytes([block[at], block[at + 1]]));
            let codes = u64x2(six(first, last), six(next, last >> 4));
            scaled(u16x8_extend_low_u8x16(codes), half(0), sides.0);
            scaled(u16x8_extend_high_u8x16(codes), -half(2), sides.1);
            let fifths = from.add(16);
            let from = from.add(N - BLOCK / 2);
            rows!(I => {
                pair::<N, I>(from.add(32 * I), fifths, to.add(64 * I));
                pair::<N, I>(from.add(32 * I + 16), fifths.add(16), to.add(64 * I + 16));
            });
            (to, sides) = (to.add(BLOCK), (sides.0.add(8), sides.1.add(8)));
        }
    }
}

/// Sixteen bytes of nibbles: codes of run `2 * I` and of the next.
///
/// # Safety
/// They are there, the fifth bits too where there are some, and room for codes.
#[inline(always)]
unsafe fn pair<const N: usize, const I: usize>(from: *const u8, fifths: *const u8, to: *mut i8) {
    // SAFETY: the caller's.
    unsafe {
        let nibbles = v128_load(from.cast());
        let (mut low, mut high) = (of(nibbles, 15), of(u16x8_shr(nibbles, 4), 15));
        if N == 176 {
            let bits = u16x8_shr(v128_load(fifths.cast()), [0, 2, 4, 6][I]);
            low = v128_or(low, of(u16x8_shl(bits, 4), 16));
            high = v128_or(high, of(u16x8_shl(bits, 3), 16));
        }
        v128_store(to.cast(), low);
        v128_store(to.add(32).cast(), high);
    }
}

/// Blocks of Q6_K.
fn sixes(bytes: &[u8], to: &mut Codes<'_>) {
    let blocks = bytes.as_chunks::<210>().0;
    assert!(to.codes.len() >= BLOCK * blocks.len() && to.factors.len() >= 16 * blocks.len());
    let (mut to, mut factors) = (to.codes.as_mut_ptr(), to.factors.as_mut_ptr());
    for block in blocks {
        let from = block.as_ptr();
        let d = f16_to_f32(u16::from_le_bytes([block[208], block[209]]));
        // SAFETY: a whole block, and room for what it has.
        unsafe {
            let scales = v128_load(from.add(192).cast());
            scaled(i16x8_extend_low_i8x16(scales), d, factors);
            scaled(i16x8_extend_high_i8x16(scales), d, factors.add(8));
            // Of each half 64 bytes of nibbles, and behind those of both 32 of upper bits.
            rows!(I => {
                const HALF: usize = I / 2;
                const AT: usize = I % 2 * 16;
                four(from.add(64 * HALF + AT), from.add(128 + 32 * HALF + AT), to.add(128 * HALF + AT));
            });
            (to, factors) = (to.add(BLOCK), factors.add(16));
        }
    }
}

/// Sixteen bytes of nibbles, those 32 behind, and the upper bits of both: codes of four runs.
///
/// # Safety
/// They are there, and room for the codes.
#[inline(always)]
unsafe fn four(from: *const u8, upper: *const u8, to: *mut i8) {
    // SAFETY: the caller's.
    unsafe {
        let (a, b, bits) = (
            v128_load(from.cast()),
            v128_load(from.add(32).cast()),
            v128_load(upper.cast()),
        );
        let put = |r: usize, nibbles, bits| {
            let code = i8x16_sub(v128_or(of(nibbles, 15), of(bits, 48)), i8x16_splat(32));
            v128_store(to.add(32 * r).cast(), code);
        };
        put(0, a, u16x8_shl(bits, 4));
        put(1, b, u16x8_shl(bits, 2));
        put(2, u16x8_shr(a, 4), bits);
        put(3, u16x8_shr(b, 4), u16x8_shr(bits, 2));
    }
}
