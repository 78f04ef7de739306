//! Q4_1: 32 nibbles, an f16 scale and an f16 minimum; value = scale * nibble + minimum. In a file as Q4_0. On the GPU plane 0
//! has a packet of nibbles a block, plane 1 a word with scale (low) and minimum, padded to 16 bytes.

use super::{
    half::{self, f16},
    packets::{self, VALUES as BLOCK},
};
use crate::tensor::{Codes, Format, Ints, Lie, MAX_PLANES};

const BYTES: usize = 20;

/// The row of the table.
pub(super) static FORMAT: Format = Format {
    name: "Q4_1",
    ggml: Some(3),
    safetensors: None,
    block: BLOCK,
    bytes: BYTES,
    decode,
    encoding: None,
    ints: Some(Ints {
        run: BLOCK,
        least: true,
        lie: Lie::Other,
        split,
    }),
    plane_words: |width| [width / BLOCK * 4, (width / BLOCK).next_multiple_of(4)],
    pack,
    shader: "q4_1",
};

fn decode(bytes: &[u8], values: &mut [f32]) {
    let blocks = bytes.as_chunks::<BYTES>().0;
    for (block, values) in blocks.iter().zip(values.as_chunks_mut::<BLOCK>().0) {
        let [a, b, c, d, quants @ ..] = block;
        let (scale, least) = (f16([*a, *b]), f16([*c, *d]));
        let codes = packets::codes(quants);
        for (v, q) in values.iter_mut().zip(codes) {
            *v = scale * f32::from(q) + least;
        }
    }
}

fn split(bytes: &[u8], to: &mut Codes<'_>) {
    half::scales(bytes, BYTES, 0, to.factors);
    half::scales(bytes, BYTES, 2, to.leasts);
    packets::ints(bytes, BYTES, false, 0, to.codes);
}

fn pack(row: &[u8], [quants, pairs]: [&mut [u32]; MAX_PLANES]) {
    pairs.fill(0);
    let blocks = row.as_chunks::<BYTES>().0;
    let to = quants.as_chunks_mut::<4>().0.iter_mut().zip(pairs);
    for ([a, b, c, d, quants @ ..], (packet, pair)) in blocks.iter().zip(to) {
        *packet = packets::nibbles(&packets::codes(quants));
        *pair = u32::from_le_bytes([*a, *b, *c, *d]);
    }
}
