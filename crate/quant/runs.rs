//! What formats share whose 256 values are levels that codes choose, times a small whole number for each run of 16, times d:
//! value = d * scale * level. Each product is exact in f32. What a file has as indices into a grid of vectors is on the GPU
//! their codes, so that a kernel knows no grids and these formats have three layouts between them:
//!
//! * `TERNARY`, codes of 2 bits that stand for -1, 0, 1 and 2, moved by an eighth either way or not at all for each eight
//!   values; 2.625 bits a weight. Plane 0 has two words of codes for 32 values (`packets::twos`); plane 1 four words a block, a
//!   byte a run with the scale (low four bits) and the moves, two bits each; then d a block (f32, since that of a file is times
//!   a power of two here).
//! * `THREES`, codes of 3 bits, 3.625 bits a weight. Plane 0 has two words of their lower bits for 32 values
//!   (`packets::twos`); plane 1 four words of scales a block, a signed byte a run, then d a block, then a word of third bits for 32 values (`packets::ones`).
//! * `FOURS`, codes of 4 bits where two runs have the same scale, 4.375 bits a weight. Plane 0 has a packet of nibbles for 32
//!   values; plane 1 two words of scales a block, a signed byte for 32 values, then d a block.
//!
//! Plane 1 is padded to 16 bytes.

use super::packets;
use crate::tensor::{Codes, MAX_PLANES};

/// Values of a block.
pub(super) const BLOCK: usize = 256;
/// Values that share a scale.
pub(super) const RUN: usize = 16;

/// A block, whatever its bytes were.
pub(super) struct Parts {
    pub(super) d: f32,
    pub(super) scales: [i8; BLOCK / RUN],
    pub(super) codes: [u8; BLOCK],
}

/// How blocks lie on the GPU.
pub(super) struct Layout {
    /// Words of a row of so many values in each plane.
    pub(super) words: fn(width: usize) -> [usize; MAX_PLANES],
    /// Puts block `i` of `count` into a row's planes, of which the second was zero.
    place: fn(block: &Parts, quants: &mut [u32], side: &mut [u32], at: [usize; 2]),
}

pub(super) const TERNARY: Layout = Layout {
    words: |width| [width / 16, (width / BLOCK * 5).next_multiple_of(4)],
    place: |block, quants, side, [i, count]| {
        low_twos(block, &mut quants[16 * i..]);
        let runs = block.codes.as_chunks::<RUN>().0;
        let moves = |r: usize| (runs[r][0] >> 2) << 4 | (runs[r][8] >> 2) << 6;
        let scales: [u8; BLOCK / RUN] = std::array::from_fn(|r| block.scales[r].cast_unsigned() | moves(r));
        bytes(&scales, &mut side[4 * i..]);
        side[4 * count + i] = block.d.to_bits();
    },
};

/// What codes of `TERNARY` stand for, in eighths: two bits, and above them one more than they are moved.
pub(super) const TERNARY_LEVELS: [i8; 12] = [-9, -1, 7, 15, -8, 0, 8, 16, -7, 1, 9, 17];

/// Of a code of `TERNARY` that is not moved.
pub(super) const STILL: u8 = 1 << 2;

pub(super) const THREES: Layout = Layout {
    words: |width| [width / 16, (width / BLOCK * 13).next_multiple_of(4)],
    place: |block, quants, side, [i, count]| {
        low_twos(block, &mut quants[16 * i..]);
        bytes(&block.scales.map(i8::cast_unsigned), &mut side[4 * i..]);
        side[4 * count + i] = block.d.to_bits();
        let packs = block.codes.as_chunks().0.iter();
        for (word, codes) in side[5 * count + 8 * i..].iter_mut().zip(packs) {
            *word = packets::ones(codes, 2);
        }
    },
};

pub(super) const FOURS: Layout = Layout {
    words: |width| [width / 8, (width / BLOCK * 3).next_multiple_of(4)],
    place: |block, quants, side, [i, count]| {
        let packs = quants[32 * i..].as_chunks_mut().0.iter_mut();
        for (packet, codes) in packs.zip(block.codes.as_chunks().0) {
            *packet = packets::nibbles(codes);
        }
        let scales: [u8; 8] = std::array::from_fn(|r| block.scales[2 * r].cast_unsigned());
        bytes(&scales, &mut side[2 * i..]);
        side[2 * count + i] = block.d.to_bits();
    },
};

fn low_twos(block: &Parts, quants: &mut [u32]) {
    let packs = quants.as_chunks_mut().0.iter_mut();
    for (words, codes) in packs.zip(block.codes.as_chunks().0) {
        *words = packets::twos(codes, 0);
    }
}

fn bytes(bytes: &[u8], words: &mut [u32]) {
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
        *word = u32::from_le_bytes(*bytes);
    }
}

/// Decodes whole blocks of `N` bytes.
pub(super) fn decode<const N: usize>(bytes: &[u8], values: &mut [f32], parts: fn(&[u8; N]) -> Parts, levels: &[i8]) {
    let blocks = bytes.as_chunks().0;
    for (block, values) in blocks.iter().zip(values.as_chunks_mut().0) {
        values_of(&parts(block), levels, values);
    }
}

#[inline(never)]
fn values_of(block: &Parts, levels: &[i8], values: &mut [f32; BLOCK]) {
    let runs = values.as_chunks_mut::<RUN>().0.iter_mut();
    let runs = runs.zip(block.codes.as_chunks::<RUN>().0);
    for ((values, codes), scale) in runs.zip(block.scales) {
        let scale = block.d * f32::from(scale);
        for (v, q) in values.iter_mut().zip(codes) {
            *v = scale * f32::from(levels[usize::from(*q)]);
        }
    }
}

/// Splits whole blocks of `N` bytes.
pub(super) fn split<const N: usize>(bytes: &[u8], to: &mut Codes<'_>, parts: fn(&[u8; N]) -> Parts, levels: &[i8]) {
    let to = to.codes.as_chunks_mut().0.iter_mut().zip(to.factors.as_chunks_mut().0);
    for (block, (codes, factors)) in bytes.as_chunks().0.iter().zip(to) {
        split_into(&parts(block), levels, codes, factors);
    }
}

#[inline(never)]
fn split_into(block: &Parts, levels: &[i8], codes: &mut [i8; BLOCK], factors: &mut [f32; BLOCK / RUN]) {
    for (code, q) in codes.iter_mut().zip(block.codes) {
        *code = levels[usize::from(q)];
    }
    for (factor, scale) in factors.iter_mut().zip(block.scales) {
        *factor = block.d * f32::from(scale);
    }
}

/// Packs a row of blocks of `N` bytes.
pub(super) fn pack<const N: usize>(
    row: &[u8],
    [quants, side]: [&mut [u32]; MAX_PLANES],
    parts: fn(&[u8; N]) -> Parts,
    layout: &Layout,
) {
    side.fill(0);
    let blocks = row.as_chunks().0;
    for (i, block) in blocks.iter().enumerate() {
        (layout.place)(&parts(block), quants, side, [i, blocks.len()]);
    }
}
