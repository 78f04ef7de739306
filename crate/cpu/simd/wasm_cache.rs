//! What a cache keeps as floats, in simd128.

#![allow(unsafe_code, reason = "loads of vectors")]

use super::wasm::of_bits;
use crate::{cpu::cache::MOST, quant::half};
use std::arch::wasm32::*;

pub(super) fn halves(bits: &[u16], to: &mut [f32]) {
    let mut special = i32x4_splat(0);
    let (eights, rest) = bits.as_chunks::<8>();
    let (whole, last) = to.as_chunks_mut::<8>();
    for (bits, to) in eights.iter().zip(whole) {
        // SAFETY: eight halves, of any alignment.
        let bits = unsafe { v128_load(bits.as_ptr().cast()) };
        let (low, of_low) = of_bits(u32x4_extend_low_u16x8(bits));
        let (high, of_high) = of_bits(u32x4_extend_high_u16x8(bits));
        special = v128_or(special, v128_or(of_low, of_high));
        put(to, low, high);
    }
    half::values(rest, last);
    if v128_any_true(special) {
        for (to, bits) in to.iter_mut().zip(bits) {
            *to = half::f16_to_f32(*bits);
        }
    }
}

pub(super) fn coded(codes: &[i8], most: &[f32], to: &mut [f32]) {
    let block = (codes.len() / most.len().max(1)).max(1);
    let blocks = codes.chunks_exact(block).zip(to.chunks_exact_mut(block));
    for ((codes, to), most) in blocks.zip(most) {
        let unit = most / MOST;
        let (eights, rest) = codes.as_chunks::<8>();
        let (whole, last) = to.as_chunks_mut::<8>();
        for (codes, to) in eights.iter().zip(whole) {
            // SAFETY: eight codes, of any alignment.
            let codes = unsafe { i16x8_load_extend_i8x8(codes.as_ptr()) };
            let low = f32x4_convert_i32x4(i32x4_extend_low_i16x8(codes));
            let high = f32x4_convert_i32x4(i32x4_extend_high_i16x8(codes));
            put(
                to,
                f32x4_mul(f32x4_splat(unit), low),
                f32x4_mul(f32x4_splat(unit), high),
            );
        }
        for (to, code) in last.iter_mut().zip(rest) {
            *to = f32::from(*code) * unit;
        }
    }
}

#[inline(always)]
fn put(to: &mut [f32; 8], low: v128, high: v128) {
    // SAFETY: eight floats, of any alignment.
    unsafe {
        v128_store(to.as_mut_ptr().cast(), low);
        v128_store(to.as_mut_ptr().add(4).cast(), high);
    }
}
