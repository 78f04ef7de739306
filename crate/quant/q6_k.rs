//! Q6_K: 256 codes of 6 bits in sixteen runs of 16, each with a signed byte as scale, and an f16 scale of those; value = d *
//! scale * (code - 32). In a file each 128 values have 64 bytes of nibbles (values `k` and `k + 64` of a byte) and 32 bytes with
//! the two upper bits of `k`, `k + 32`, `k + 64` and `k + 96`; all nibbles come first, then all upper bits, the scales, d. On the
//! GPU plane 0 has a packet of nibbles for 32 values; plane 1 four words of scales a block, then two words of upper bits for 32
//! values, then d, two a word (even block low), padded to 16 bytes.

use super::{
    half::{self, f16, f32_to_f16},
    nearest, packets,
};
use crate::tensor::{Codes, Encoding, Format, Ints, Lie, MAX_PLANES};

const BLOCK: usize = 256;
const RUN: usize = 16;
const BYTES: usize = 210;
/// Codes stand for themselves less this.
const HALF: f32 = 32.0;

/// The row of the table.
pub(super) static FORMAT: Format = Format {
    name: "Q6_K",
    ggml: Some(14),
    safetensors: None,
    block: BLOCK,
    bytes: BYTES,
    decode,
    encoding: Some(Encoding { encode, file_type: 18 }),
    ints: Some(Ints {
        run: RUN,
        least: false,
        lie: Lie::Sixes,
        split,
    }),
    plane_words: |width| {
        let blocks = width / BLOCK;
        [width / 8, (blocks * 20 + blocks.div_ceil(2)).next_multiple_of(4)]
    },
    pack,
    shader: "q6_k",
};

/// The parts of a block: codes, scales, d.
fn parts(block: &[u8; BYTES]) -> ([u8; BLOCK], &[u8], [u8; 2]) {
    let mut codes = [0; BLOCK];
    let (low, rest) = block.split_at(BLOCK / 2);
    let (upper, rest) = rest.split_at(BLOCK / 4);
    let halves = codes.as_chunks_mut::<128>().0.iter_mut();
    for ((codes, low), upper) in halves.zip(low.as_chunks::<64>().0).zip(upper.as_chunks::<32>().0) {
        packets::split(low, codes);
        for (r, run) in codes.as_chunks_mut::<32>().0.iter_mut().enumerate() {
            for (code, bits) in run.iter_mut().zip(upper) {
                *code |= (bits >> (2 * r) & 3) << 4;
            }
        }
    }
    (codes, &rest[..RUN], [rest[RUN], rest[RUN + 1]])
}

fn decode(bytes: &[u8], values: &mut [f32]) {
    let blocks = bytes.as_chunks::<BYTES>().0;
    for (block, values) in blocks.iter().zip(values.as_chunks_mut::<BLOCK>().0) {
        let (codes, scales, d) = parts(block);
        let runs = values
            .as_chunks_mut::<RUN>()
            .0
            .iter_mut()
            .zip(codes.as_chunks::<RUN>().0);
        for ((values, codes), scale) in runs.zip(scales) {
            let scale = f16(d) * f32::from(scale.cast_signed());
            for (v, q) in values.iter_mut().zip(codes) {
                *v = scale * (f32::from(*q) - 32.0);
            }
        }
    }
}

fn split(bytes: &[u8], to: &mut Codes<'_>) {
    let blocks = bytes.as_chunks::<BYTES>().0.iter();
    let to = to
        .codes
        .as_chunks_mut::<BLOCK>()
        .0
        .iter_mut()
        .zip(to.factors.as_chunks_mut::<RUN>().0);
    for (block, (to, factors)) in blocks.zip(to) {
        let (codes, scales, d) = parts(block);
        let d = f16(d);
        for (factor, scale) in factors.iter_mut().zip(scales) {
            *factor = d * f32::from(scale.cast_signed());
        }
        for (to, code) in to.iter_mut().zip(codes) {
            *to = code.cast_signed() - 32;
        }
    }
}

fn encode(values: &[f32], bytes: &mut [u8]) {
    let blocks = bytes.as_chunks_mut::<BYTES>().0;
    for (values, block) in values.as_chunks::<BLOCK>().0.iter().zip(blocks) {
        let runs = values.as_chunks::<RUN>().0;
        // With so many steps a small value is near enough to one anyway: errors count by the square of their values.
        let weights: [_; RUN] = std::array::from_fn(|i| runs[i].map(|v| v * v));
        let best: [_; RUN] = std::array::from_fn(|i| nearest::even(&runs[i], &weights[i], HALF));
        // The scale of the largest size is at the longer end of a signed byte.
        let largest = best.iter().fold(0f32, |a, v| if v.abs() > a.abs() { *v } else { a });
        let d = f32_to_f16(largest / -128.0).to_le_bytes();
        let step = f16(d);
        let inverse = if step == 0.0 { 0.0 } else { 1.0 / step };
        let mut codes = [0; BLOCK];
        let mut scales = [0; RUN];
        for (i, codes) in codes.as_chunks_mut::<RUN>().0.iter_mut().enumerate() {
            let code = nearest::code(best[i] * inverse + 128.0, 255.0);
            let error = |code: u8| {
                let scale = step * (f32::from(code) - 128.0);
                nearest::error(&runs[i], &weights[i], scale, -HALF * scale, 2.0 * HALF - 1.0)
            };
            let code = nearest::least(code.saturating_sub(1)..=code.saturating_add(1), error).unwrap_or(128);
            let scale = step * (f32::from(code) - 128.0);
            for (q, x) in codes.iter_mut().zip(&runs[i]) {
                let v = if scale == 0.0 { 0.0 } else { x / scale };
                *q = nearest::code(v + HALF, 2.0 * HALF - 1.0);
            }
            scales[i] = code.wrapping_sub(128);
        }
        let (low, rest) = block.split_at_mut(BLOCK / 2);
        let (upper, rest) = rest.split_at_mut(BLOCK / 4);
        upper.fill(0);
        let halves = low
            .as_chunks_mut::<64>()
            .0
            .iter_mut()
            .zip(upper.as_chunks_mut::<32>().0);
        for ((low, upper), codes) in halves.zip(codes.as_chunks::<128>().0) {
            packets::join(codes, low);
            for (r, run) in codes.as_chunks::<32>().0.iter().enumerate() {
                for (bits, code) in upper.iter_mut().zip(run) {
                    *bits |= (code >> 4) << (2 * r);
                }
            }
        }
        rest[..RUN].copy_from_slice(&scales);
        rest[RUN..].copy_from_slice(&d);
    }
}

fn pack(row: &[u8], [quants, side]: [&mut [u32]; MAX_PLANES]) {
    side.fill(0);
    let blocks = row.as_chunks::<BYTES>().0;
    let (words, rest) = side.split_at_mut(4 * blocks.len());
    let (uppers, ds) = rest.split_at_mut(16 * blocks.len());
    let to = quants
        .as_chunks_mut::<32>()
        .0
        .iter_mut()
        .zip(uppers.as_chunks_mut::<16>().0);
    let to = to.zip(words.as_chunks_mut::<4>().0);
    for (i, (block, ((quants, uppers), words))) in blocks.iter().zip(to).enumerate() {
        let (codes, scales, d) = parts(block);
        let packs = quants.as_chunks_mut::<4>().0.iter_mut().zip(uppers.as_chunks_mut().0);
        for ((packet, upper), codes) in packs.zip(codes.as_chunks().0) {
            (*packet, *upper) = (packets::nibbles(codes), packets::twos(codes, 4));
        }
        for (word, bytes) in words.iter_mut().zip(scales.as_chunks().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        half::place(ds, i, d);
    }
}
