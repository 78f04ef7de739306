//! Q8_0: 32 signed bytes and an f16 scale; value = scale * byte. On the GPU plane 0 holds the bytes in order (8 words a
//! block), plane 1 the scales, two a word (even block low), padded to 16 bytes.

use super::half;
use crate::tensor::{Behind, Codes, Encoding, Format, Ints, Lie, MAX_PLANES};

const BLOCK: usize = 32;
const BYTES: usize = 34;

/// The row of the table.
pub(super) static FORMAT: Format = Format {
    name: "Q8_0",
    ggml: Some(8),
    safetensors: None,
    block: BLOCK,
    bytes: BYTES,
    decode,
    encoding: Some(Encoding { encode, file_type: 7 }),
    ints: Some(Ints {
        run: BLOCK,
        least: false,
        lie: Lie::Behind(Behind::Bytes),
        split,
    }),
    plane_words: |width| {
        let blocks = width / BLOCK;
        [blocks * 8, blocks.div_ceil(2).next_multiple_of(4)]
    },
    pack,
    shader: "q8_0",
};

fn decode(bytes: &[u8], values: &mut [f32]) {
    let blocks = bytes.as_chunks::<BYTES>().0;
    for ([low, high, quants @ ..], values) in blocks.iter().zip(values.as_chunks_mut::<BLOCK>().0) {
        let scale = half::f16_to_f32(u16::from_le_bytes([*low, *high]));
        for (v, q) in values.iter_mut().zip(quants) {
            *v = scale * f32::from(q.cast_signed());
        }
    }
}

#[allow(clippy::cast_possible_truncation, reason = "rounded values are within -127..=127")]
fn encode(values: &[f32], bytes: &mut [u8]) {
    let blocks = bytes.as_chunks_mut::<BYTES>().0;
    for (values, [low, high, quants @ ..]) in values.as_chunks::<BLOCK>().0.iter().zip(blocks) {
        let largest = values.iter().fold(0f32, |a, v| a.max(v.abs()));
        let scale = largest / 127.0;
        let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
        [*low, *high] = half::f32_to_f16(scale).to_le_bytes();
        for (q, v) in quants.iter_mut().zip(values) {
            *q = ((v * inverse).round() as i8).cast_unsigned();
        }
    }
}

fn split(bytes: &[u8], to: &mut Codes<'_>) {
    let blocks = bytes.as_chunks::<BYTES>().0;
    half::firsts(blocks, to.factors);
    for ([_, _, quants @ ..], codes) in blocks.iter().zip(to.codes.as_chunks_mut::<BLOCK>().0) {
        for (code, q) in codes.iter_mut().zip(quants) {
            *code = q.cast_signed();
        }
    }
}

fn pack(row: &[u8], [quants, scales]: [&mut [u32]; MAX_PLANES]) {
    quants.fill(0);
    scales.fill(0);
    let words = quants.as_chunks_mut::<8>().0;
    for (i, ([low, high, block @ ..], words)) in row.as_chunks::<BYTES>().0.iter().zip(words).enumerate() {
        for (w, b) in words.iter_mut().zip(block.as_chunks::<4>().0) {
            *w = u32::from_le_bytes(*b);
        }
        half::place(scales, i, [*low, *high]);
    }
}
