//! The loops in AVX2, FMA and F16C.

#![allow(
    unsafe_code,
    reason = "loads of vectors, and calls of what the machine was asked for"
)]

use super::{Behind, Blocks, LANES, Loops, ROWS, Rows, Split, TOKENS, Tile, avx2_split};
use crate::cpu::ints::{BLOCK, LOW};
use std::arch::x86_64::*;

/// Only where AVX2, FMA and F16C were found.
pub(super) const LOOPS: Loops = Loops {
    // SAFETY: the instructions are there.
    halves: |bits, to| unsafe { halves(bits, to) },
    // SAFETY: as above.
    coded: |codes, most, to| unsafe { coded(codes, most, to) },
    // SAFETY: as above.
    dot: |a, b| unsafe { dot(a, b) },
    // SAFETY: as above.
    dots: |q, rows, out| unsafe { dots(q, rows, out) },
    // SAFETY: as above.
    mix: |weights, rows, out| unsafe { mix(weights, rows, out) },
    // SAFETY: as above.
    tiles: |w, x, out| unsafe { tiles(w, x, out) },
    // SAFETY: as above.
    split: |ints, bytes, to| unsafe { avx2_split::split(ints, bytes, to) },
    // SAFETY: as above.
    expand: |rows, to| unsafe { expand(rows, to) },
    // SAFETY: as above.
    unpack: |of, to| unsafe { unpack(of, to) },
    // SAFETY: as above.
    ints: |rows, x| unsafe { ints(rows, x) },
    // SAFETY: as above.
    blocks: |of, x, y| unsafe { blocks(of, x, y) },
    integers: None,
};

#[target_feature(enable = "avx2,f16c")]
fn halves(bits: &[u16], to: &mut [f32]) {
    let (eights, rest) = bits.as_chunks();
    let (to, last) = to.as_chunks_mut();
    for (bits, to) in eights.iter().zip(to) {
        // SAFETY: eight halves, of any alignment.
        put(
            to,
            _mm256_cvtph_ps(unsafe { _mm_loadu_si128(<*const [u16; LANES]>::cast(bits)) }),
        );
    }
    crate::quant::half::values(rest, last);
}

/// Whole vectors, which blocks of 8 and more are.
#[target_feature(enable = "avx2,fma")]
fn coded(codes: &[i8], most: &[f32], to: &mut [f32]) {
    super::plain::coded(codes, most, to);
}

#[inline]
#[target_feature(enable = "avx2")]
fn eight(x: &[f32; LANES]) -> __m256 {
    // SAFETY: eight values, of any alignment.
    unsafe { _mm256_loadu_ps(x.as_ptr()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn put(to: &mut [f32; LANES], values: __m256) {
    // SAFETY: eight values, of any alignment.
    unsafe { _mm256_storeu_ps(to.as_mut_ptr(), values) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn sixteen(x: &[i16; 16]) -> __m256i {
    // SAFETY: 32 bytes, of any alignment.
    unsafe { _mm256_loadu_si256(x.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn codes(x: &[i8; 16]) -> __m256i {
    // SAFETY: 16 bytes, of any alignment.
    _mm256_cvtepi8_epi16(unsafe { _mm_loadu_si128(x.as_ptr().cast()) })
}

#[inline]
#[target_feature(enable = "avx2")]
fn sum(x: __m256) -> f32 {
    let four = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps::<1>(x));
    let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
}

#[target_feature(enable = "avx2,fma")]
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [_mm256_setzero_ps(); 4];
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    let ((a, a_last), (b, b_last)) = (a.as_chunks::<4>(), b.as_chunks::<4>());
    for (a, b) in a.iter().zip(b) {
        for i in 0..4 {
            sums[i] = _mm256_fmadd_ps(eight(&a[i]), eight(&b[i]), sums[i]);
        }
    }
    for (a, b) in a_last.iter().zip(b_last) {
        sums[0] = _mm256_fmadd_ps(eight(a), eight(b), sums[0]);
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    let [s, t, u, v] = sums;
    sum(_mm256_add_ps(_mm256_add_ps(s, t), _mm256_add_ps(u, v))) + rest
}

#[target_feature(enable = "avx2,fma")]
fn dots(q: &[f32], rows: &[f32], out: &mut [f32]) {
    for (out, row) in out.iter_mut().zip(rows.chunks_exact(q.len())) {
        *out = dot(q, row);
    }
}

#[target_feature(enable = "avx2,fma")]
fn mix(weights: &[f32], rows: &[f32], out: &mut [f32]) {
    let width = out.len();
    let (lanes, rest) = out.as_chunks_mut::<LANES>();
    for (i, out) in lanes.iter_mut().enumerate() {
        let mut sums = _mm256_setzero_ps();
        for (weight, row) in weights.iter().zip(rows.chunks_exact(width)) {
            sums = _mm256_fmadd_ps(eight(&row.as_chunks().0[i]), _mm256_set1_ps(*weight), sums);
        }
        put(out, sums);
    }
    for (i, out) in rest.iter_mut().rev().enumerate() {
        let values = weights.iter().zip(rows.chunks_exact(width));
        *out = values.map(|(weight, row)| weight * row[width - 1 - i]).sum();
    }
}

#[target_feature(enable = "avx2,fma")]
fn tiles(w: &[f32], x: &[f32], out: &mut [Tile]) {
    for (out, x) in out.iter_mut().zip(x.chunks_exact(w.len() / ROWS * TOKENS)) {
        *out = tile(w, x);
    }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn tile(w: &[f32], x: &[f32]) -> Tile {
    let mut sums = [[_mm256_setzero_ps(); ROWS]; TOKENS];
    let w = w.as_chunks::<LANES>().0.as_chunks::<ROWS>().0;
    let x = x.as_chunks::<LANES>().0.as_chunks::<TOKENS>().0;
    for (w, x) in w.iter().zip(x) {
        let x = [eight(&x[0]), eight(&x[1])];
        for r in 0..ROWS {
            let w = eight(&w[r]);
            for t in 0..TOKENS {
                sums[t][r] = _mm256_fmadd_ps(w, x[t], sums[t][r]);
            }
        }
    }
    let mut out = [[0.0; ROWS]; TOKENS];
    for (out, sums) in out.iter_mut().flatten().zip(sums.iter().flatten()) {
        *out = sum(*sums);
    }
    out
}

#[target_feature(enable = "avx2,fma")]
fn expand(rows: Rows<'_>, to: &mut [f32]) {
    let width = rows.codes.len() / ROWS;
    let run = rows.codes.len() / rows.factors.len().max(1);
    let to = to.as_chunks_mut::<LANES>().0.as_chunks_mut::<ROWS>().0;
    let mut sides = rows.factors.iter().zip(rows.leasts);
    for (r, codes) in rows.codes.chunks_exact(width).enumerate() {
        let runs = codes.chunks_exact(run).zip(to.chunks_exact_mut(run / LANES));
        for ((codes, to), (factor, least)) in runs.zip(&mut sides) {
            let (factor, least) = (_mm256_set1_ps(*factor), _mm256_set1_ps(*least));
            for (codes, to) in codes.as_chunks::<LANES>().0.iter().zip(to) {
                // SAFETY: eight codes.
                let codes = _mm256_cvtepi8_epi32(unsafe { _mm_loadl_epi64(codes.as_ptr().cast()) });
                put(&mut to[r], _mm256_fmadd_ps(_mm256_cvtepi32_ps(codes), factor, least));
            }
        }
    }
}

#[target_feature(enable = "avx2,fma,f16c")]
fn unpack(of: Blocks<'_>, to: &mut [f32]) {
    match of.behind {
        Behind::Bytes => unpack_rows::<34>(of.bytes, to),
        Behind::Nibbles => unpack_rows::<18>(of.bytes, to),
    }
}

#[target_feature(enable = "avx2,fma,f16c")]
fn unpack_rows<const N: usize>(bytes: &[u8], to: &mut [f32]) {
    let to = to.as_chunks_mut::<LANES>().0.as_chunks_mut::<ROWS>().0;
    for (r, row) in bytes.as_chunks::<N>().0.chunks_exact(to.len() / 4).enumerate() {
        for (block, to) in row.iter().zip(to.as_chunks_mut::<2>().0.as_chunks_mut::<2>().0) {
            let (factor, codes) = parts(block);
            for (codes, to) in codes.into_iter().zip(to) {
                let halves = [_mm256_castsi256_si128(codes), _mm256_extracti128_si256::<1>(codes)];
                for (half, to) in halves.into_iter().zip(to) {
                    let values = _mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(half));
                    put(&mut to[r], _mm256_mul_ps(values, factor));
                }
            }
        }
    }
}

/// The factor and the codes of a block of `N` bytes.
#[inline]
#[target_feature(enable = "avx2,f16c")]
fn parts<const N: usize>(block: &[u8; N]) -> (__m256, [__m256i; 2]) {
    let (bits, behind) = block.split_at(2);
    let behind = bytemuck::cast_slice::<u8, i8>(behind).as_chunks().0;
    let of = if N == 34 {
        [codes(&behind[0]), codes(&behind[1])]
    } else {
        nibbles(&behind[0])
    };
    let factor = _mm_cvtph_ps(_mm_cvtsi32_si128(i32::from(i16::from_le_bytes([bits[0], bits[1]]))));
    (_mm256_broadcastss_ps(factor), of)
}

#[target_feature(enable = "avx2,fma")]
fn ints(rows: Rows<'_>, x: &Split) -> [f32; ROWS] {
    match (x.run, x.low.is_empty()) {
        (16, true) => runs::<1, false>(rows, x),
        (16, false) => runs::<1, true>(rows, x),
        (_, true) => runs::<2, false>(rows, x),
        (_, false) => runs::<2, true>(rows, x),
    }
}

/// Runs of `N` times 16 codes, with one integer a value or two.
#[target_feature(enable = "avx2,fma")]
fn runs<const N: usize, const EXACT: bool>(rows: Rows<'_>, x: &Split) -> [f32; ROWS] {
    let width = x.high.len();
    let mut out = [0.0; ROWS];
    let sides = rows
        .codes
        .chunks_exact(width)
        .zip(rows.factors.chunks_exact(width / (16 * N)));
    for (out, (row, factors)) in out.iter_mut().zip(sides) {
        let mut sums = _mm256_setzero_ps();
        for (i, (run, factor)) in row.as_chunks::<16>().0.chunks_exact(N).zip(factors).enumerate() {
            let of = [codes(&run[0]), codes(&run[N - 1])];
            let factor = _mm256_set1_ps(factor * x.factors[i * N / 2]);
            sums = _mm256_fmadd_ps(products::<N, EXACT>(of, x, i * N), factor, sums);
        }
        *out = sum(sums);
    }
    out
}

/// Products of `N` times 16 codes with those of a token from number `at` of its sixteens on, in eight sums.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn products<const N: usize, const EXACT: bool>(codes: [__m256i; 2], x: &Split, at: usize) -> __m256 {
    let high = sums::<N>(codes, &x.high, at);
    if EXACT {
        _mm256_fmadd_ps(sums::<N>(codes, &x.low, at), _mm256_set1_ps(LOW), high)
    } else {
        high
    }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn sums<const N: usize>(codes: [__m256i; 2], x: &[i16], at: usize) -> __m256 {
    let x = &x.as_chunks().0[at..at + N];
    let mut sums = _mm256_madd_epi16(codes[0], sixteen(&x[0]));
    if N == 2 {
        sums = _mm256_add_epi32(sums, _mm256_madd_epi16(codes[1], sixteen(&x[1])));
    }
    _mm256_cvtepi32_ps(sums)
}

#[target_feature(enable = "avx2,fma,f16c")]
fn blocks(of: Blocks<'_>, x: &Split, y: &mut [f32]) {
    match (of.behind, x.low.is_empty()) {
        (Behind::Bytes, true) => rows::<34, false>(of.bytes, x, y),
        (Behind::Bytes, false) => rows::<34, true>(of.bytes, x, y),
        (Behind::Nibbles, true) => rows::<18, false>(of.bytes, x, y),
        (Behind::Nibbles, false) => rows::<18, true>(of.bytes, x, y),
    }
}

/// Rows of blocks of `N` bytes.
#[target_feature(enable = "avx2,fma,f16c")]
fn rows<const N: usize, const EXACT: bool>(bytes: &[u8], x: &Split, y: &mut [f32]) {
    let blocks = bytes.as_chunks::<N>().0.chunks_exact(x.high.len() / BLOCK);
    for (y, row) in y.iter_mut().zip(blocks) {
        let mut sums = _mm256_setzero_ps();
        for (b, (block, of_x)) in row.iter().zip(&x.factors).enumerate() {
            let (factor, of) = parts(block);
            let factor = _mm256_mul_ps(factor, _mm256_set1_ps(*of_x));
            sums = _mm256_fmadd_ps(products::<2, EXACT>(of, x, 2 * b), factor, sums);
        }
        *y = sum(sums);
    }
}

/// Codes of nibbles, which are 8 more: the low ones, and the high ones.
#[inline]
#[target_feature(enable = "avx2")]
fn nibbles(bytes: &[i8; 16]) -> [__m256i; 2] {
    // SAFETY: 16 bytes, of any alignment.
    let bytes = unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) };
    let (mask, less) = (_mm_set1_epi8(15), _mm256_set1_epi16(8));
    let code = |nibbles| _mm256_sub_epi16(_mm256_cvtepu8_epi16(_mm_and_si128(nibbles, mask)), less);
    [code(bytes), code(_mm_srli_epi16::<4>(bytes))]
}
