//! What Q4_K and Q5_K share: 256 codes in eight runs of 32, each run with a pair of 6-bit codes, scale and minimum; value =
//! d * scale * code - dmin * minimum. A block begins with d and dmin in f16 and the pairs in 12 bytes.

use super::{
    half::{f16, f32_to_f16},
    nearest,
};
use crate::tensor::Codes;

/// Values that share a pair.
pub(super) const RUN: usize = 32;
/// Values of a block, which has eight pairs.
pub(super) const BLOCK: usize = 8 * RUN;

/// Bytes of d, dmin and the pairs.
pub(super) const HEAD: usize = 16;

/// d, dmin and the pairs. The first four pairs lie in the lower six bits of four bytes (scales) and the next four (minima);
/// of the others the last four bytes have the lower four bits (minima high), and the upper two bits of the first eight the rest.
fn head(block: &[u8]) -> (f32, f32, [[u8; 2]; 8]) {
    let (first, last) = block[4..HEAD].split_at(8);
    let pairs = std::array::from_fn(|i| match i.checked_sub(4) {
        None => [first[i] & 63, first[i + 4] & 63],
        Some(j) => [last[j] & 15 | first[j] >> 6 << 4, last[j] >> 4 | first[j + 4] >> 6 << 4],
    });
    (f16([block[0], block[1]]), f16([block[2], block[3]]), pairs)
}

/// Decodes a block, whose codes are given.
pub(super) fn decode(block: &[u8], codes: &[u8; BLOCK], values: &mut [f32; BLOCK]) {
    let (d, dmin, pairs) = head(block);
    let runs = values
        .as_chunks_mut::<RUN>()
        .0
        .iter_mut()
        .zip(codes.as_chunks::<RUN>().0);
    for ((values, codes), [scale, least]) in runs.zip(pairs) {
        let (scale, least) = (d * f32::from(scale), dmin * f32::from(least));
        for (v, q) in values.iter_mut().zip(codes) {
            *v = scale * f32::from(*q) - least;
        }
    }
}

/// Splits block `i`, whose codes are given.
pub(super) fn split(block: &[u8], codes: &[u8; BLOCK], i: usize, to: &mut Codes<'_>) {
    let (d, dmin, pairs) = head(block);
    let runs = 8 * i..8 * (i + 1);
    let sides = to.factors[runs.clone()].iter_mut().zip(&mut to.leasts[runs]);
    for ((factor, least), pair) in sides.zip(pairs) {
        (*factor, *least) = (d * f32::from(pair[0]), -dmin * f32::from(pair[1]));
    }
    for (to, code) in to.codes[BLOCK * i..BLOCK * (i + 1)].iter_mut().zip(codes) {
        *to = code.cast_signed();
    }
}

/// Packs a block's head: four words of pairs, two a word and the scale in the lower byte; and a word with d (low) and dmin.
pub(super) fn pack(block: &[u8], pairs: &mut [u32; 4], d: &mut u32) {
    let bytes = head(block).2.concat();
    for (word, bytes) in pairs.iter_mut().zip(bytes.as_chunks::<4>().0) {
        *word = u32::from_le_bytes(*bytes);
    }
    *d = u32::from_le_bytes([block[0], block[1], block[2], block[3]]);
}

/// Encodes a block with codes of 0 to `most`: writes its head and gives the codes.
pub(super) fn encode(values: &[f32; BLOCK], most: f32, block: &mut [u8]) -> [u8; BLOCK] {
    let runs = values.as_chunks::<RUN>().0;
    let weights: [_; 8] = std::array::from_fn(|i| nearest::importance(&runs[i]));
    let lines: [_; 8] = std::array::from_fn(|i| nearest::line(&runs[i], &weights[i], most));
    let largest = |of: fn(&(f32, f32)) -> f32| lines.iter().map(of).fold(0f32, f32::max) / 63.0;
    let (d, dmin) = (f32_to_f16(largest(|l| l.0)), f32_to_f16(largest(|l| -l.1)));
    let (low, high) = (d.to_le_bytes(), dmin.to_le_bytes());
    block[..4].copy_from_slice(&[low[0], low[1], high[0], high[1]]);
    let (d, dmin) = (f16(low), f16(high));
    let mut codes = [0; BLOCK];
    let mut pairs = [[0; 2]; 8];
    for (i, out) in codes.as_chunks_mut::<RUN>().0.iter_mut().enumerate() {
        // Both codes were rounded, and one can make up for the other.
        let near = |v: f32, d: f32| {
            let code = if d > 0.0 { nearest::code(v / d, 63.0) } else { 0 };
            code.saturating_sub(1)..=(code + 1).min(63)
        };
        let (scales, leasts) = (near(lines[i].0, d), near(-lines[i].1, dmin));
        let line = |[scale, least]: [u8; 2]| (d * f32::from(scale), -dmin * f32::from(least));
        let all = scales.flat_map(|scale| leasts.clone().map(move |least| [scale, least]));
        let error = |pair| {
            let (scale, offset) = line(pair);
            nearest::error(&runs[i], &weights[i], scale, offset, most)
        };
        pairs[i] = nearest::least(all, error).unwrap_or_default();
        let (scale, offset) = line(pairs[i]);
        for (q, x) in out.iter_mut().zip(&runs[i]) {
            *q = if scale > 0.0 {
                nearest::code((x - offset) / scale, most)
            } else {
                0
            };
        }
    }
    for i in 0..4 {
        let ([s, m], [t, n]) = (pairs[i], pairs[i + 4]);
        (block[4 + i], block[8 + i]) = (s | t >> 4 << 6, m | n >> 4 << 6);
        block[12 + i] = t & 15 | n << 4;
    }
    codes
}
