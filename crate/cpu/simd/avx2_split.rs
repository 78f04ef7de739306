//! Blocks of 256 codes taken apart in AVX2: those of the formats that most files have.

#![allow(unsafe_code, reason = "loads and stores of vectors")]

use super::six;
use crate::{
    quant::half::f16_to_f32,
    tensor::{Codes, Ints, Lie},
};
use std::arch::x86_64::*;

/// Codes of a block.
const BLOCK: usize = 256;

#[target_feature(enable = "avx2")]
pub(super) fn split(ints: &Ints, bytes: &[u8], to: &mut Codes<'_>) {
    match ints.lie {
        Lie::Fours => pairs::<144>(bytes, to),
        Lie::Fives => pairs::<176>(bytes, to),
        Lie::Sixes => sixes(bytes, to),
        _ => (ints.split)(bytes, to),
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn load(bytes: &[u8; 32]) -> __m256i {
    // SAFETY: 32 bytes, of any alignment.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store(codes: __m256i, to: &mut [i8; 32]) {
    // SAFETY: 32 bytes, of any alignment.
    unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), codes) }
}

/// Bytes under a mask.
#[inline]
#[target_feature(enable = "avx2")]
fn of(bytes: __m256i, mask: i8) -> __m256i {
    _mm256_and_si256(bytes, _mm256_set1_epi8(mask))
}

/// Puts integers times a factor.
#[inline]
#[target_feature(enable = "avx2")]
fn scaled(integers: __m256i, factor: f32, to: &mut [f32; 8]) {
    let values = _mm256_mul_ps(_mm256_cvtepi32_ps(integers), _mm256_set1_ps(factor));
    // SAFETY: eight values, of any alignment.
    unsafe { _mm256_storeu_ps(to.as_mut_ptr(), values) }
}

/// Blocks of `N` bytes as `quant::pairs` has them; in those of 176 there are 32 bytes of fifth bits before the nibbles.
#[target_feature(enable = "avx2")]
fn pairs<const N: usize>(bytes: &[u8], to: &mut Codes<'_>) {
    let sides = to.factors.as_chunks_mut().0.iter_mut().zip(to.leasts.as_chunks_mut().0);
    let to = to.codes.as_chunks_mut::<BLOCK>().0.iter_mut().zip(sides);
    for (block, (to, (factors, leasts))) in bytes.as_chunks::<N>().0.iter().zip(to) {
        let (head, rest) = block.split_at(16);
        let words = head.as_chunks().0;
        let word = |i: usize| u32::from_le_bytes(words[i]);
        let eight = |bytes: u64| _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(bytes.cast_signed()));
        let half = |at: usize| f16_to_f32(u16::from_le_bytes([head[at], head[at + 1]]));
        scaled(eight(six(word(1), word(3))), half(0), factors);
        scaled(eight(six(word(2), word(3) >> 4)), -half(2), leasts);
        let rest = rest.as_chunks().0;
        let fifths = load(&rest[0]);
        let runs = to.as_chunks_mut().0.as_chunks_mut::<2>().0.iter_mut();
        for ((nibbles, [even, odd]), i) in rest[rest.len() - 4..].iter().zip(runs).zip([0, 2, 4, 6]) {
            let nibbles = load(nibbles);
            let (mut low, mut high) = (of(nibbles, 15), of(_mm256_srli_epi16::<4>(nibbles), 15));
            if N == 176 {
                let bits = _mm256_srl_epi16(fifths, _mm_cvtsi32_si128(i));
                low = _mm256_or_si256(low, of(_mm256_slli_epi16::<4>(bits), 16));
                high = _mm256_or_si256(high, of(_mm256_slli_epi16::<3>(bits), 16));
            }
            store(low, even);
            store(high, odd);
        }
    }
}

/// Blocks of Q6_K.
#[target_feature(enable = "avx2")]
fn sixes(bytes: &[u8], to: &mut Codes<'_>) {
    let factors = to.factors.as_chunks_mut::<16>().0.iter_mut();
    let to = to.codes.as_chunks_mut::<BLOCK>().0.iter_mut().zip(factors);
    for (block, (to, factors)) in bytes.as_chunks::<210>().0.iter().zip(to) {
        let d = f16_to_f32(u16::from_le_bytes([block[208], block[209]]));
        let scales = block[192..208].as_chunks::<8>().0;
        for (scales, to) in scales.iter().zip(factors.as_chunks_mut().0) {
            let eight = _mm256_cvtepi8_epi32(_mm_cvtsi64_si128(i64::from_le_bytes(*scales)));
            scaled(eight, d, to);
        }
        // Of each half 64 bytes of nibbles, and behind those of both 32 of upper bits.
        let parts = block.as_chunks().0;
        let to = to.as_chunks_mut().0.as_chunks_mut::<4>().0;
        for (half, to) in to.iter_mut().enumerate() {
            let (a, b, bits) = (
                load(&parts[2 * half]),
                load(&parts[2 * half + 1]),
                load(&parts[4 + half]),
            );
            let code = |nibbles, bits| {
                let code = _mm256_or_si256(of(nibbles, 15), of(bits, 48));
                _mm256_sub_epi8(code, _mm256_set1_epi8(32))
            };
            store(code(a, _mm256_slli_epi16::<4>(bits)), &mut to[0]);
            store(code(b, _mm256_slli_epi16::<2>(bits)), &mut to[1]);
            store(code(_mm256_srli_epi16::<4>(a), bits), &mut to[2]);
            store(
                code(_mm256_srli_epi16::<4>(b), _mm256_srli_epi16::<2>(bits)),
                &mut to[3],
            );
        }
    }
}
