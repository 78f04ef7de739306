//! Q4_0: 32 nibbles and an f16 scale; value = scale * (nibble - 8). In a file byte `j` holds value `j` low and value
//! `j + 16` high. On the GPU plane 0 has a packet of nibbles a block, plane 1 the scales, two a word (even block low), padded
//! to 16 bytes.

use super::{half, packets};
use crate::tensor::{Behind, Codes, Encoding, Format, Ints, Lie, MAX_PLANES};

const BLOCK: usize = 32;
const BYTES: usize = 18;

/// The row of the table.
pub(super) static FORMAT: Format = Format {
    name: "Q4_0",
    ggml: Some(2),
    safetensors: None,
    block: BLOCK,
    bytes: BYTES,
    decode,
    encoding: Some(Encoding { encode, file_type: 2 }),
    ints: Some(Ints {
        run: BLOCK,
        least: false,
        lie: Lie::Behind(Behind::Nibbles),
        split,
    }),
    plane_words: |width| {
        let blocks = width / BLOCK;
        [blocks * 4, blocks.div_ceil(2).next_multiple_of(4)]
    },
    pack,
    shader: "q4_0",
};

fn decode(bytes: &[u8], values: &mut [f32]) {
    let blocks = bytes.as_chunks::<BYTES>().0;
    for ([low, high, quants @ ..], values) in blocks.iter().zip(values.as_chunks_mut::<BLOCK>().0) {
        let scale = half::f16([*low, *high]);
        for (v, q) in values.iter_mut().zip(packets::codes(quants)) {
            *v = scale * (f32::from(q) - 8.0);
        }
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a quotient is within 0..=16.5; what is not a number becomes 0"
)]
fn encode(values: &[f32], bytes: &mut [u8]) {
    let blocks = bytes.as_chunks_mut::<BYTES>().0;
    for (values, [low, high, quants @ ..]) in values.as_chunks::<BLOCK>().0.iter().zip(blocks) {
        // The value of the largest size gets -8, the end of the range that is one step longer.
        let largest = values.iter().fold(0f32, |a, v| if v.abs() > a.abs() { *v } else { a });
        let scale = largest / -8.0;
        let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
        [*low, *high] = half::f32_to_f16(scale).to_le_bytes();
        let nibble = |v: f32| ((v * inverse + 8.5) as u8).min(15);
        for (j, q) in quants.iter_mut().enumerate() {
            *q = nibble(values[j]) | nibble(values[j + BLOCK / 2]) << 4;
        }
    }
}

fn split(bytes: &[u8], to: &mut Codes<'_>) {
    half::firsts(bytes.as_chunks::<BYTES>().0, to.factors);
    packets::ints(bytes, BYTES, false, 8, to.codes);
}

fn pack(row: &[u8], [quants, scales]: [&mut [u32]; MAX_PLANES]) {
    scales.fill(0);
    let packs = quants.as_chunks_mut::<4>().0;
    for (i, ([low, high, block @ ..], packet)) in row.as_chunks::<BYTES>().0.iter().zip(packs).enumerate() {
        *packet = packets::nibbles(&packets::codes(block));
        half::place(scales, i, [*low, *high]);
    }
}
