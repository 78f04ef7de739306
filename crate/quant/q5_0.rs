//! Q5_0: 32 codes of 5 bits and an f16 scale; value = scale * (code - 16). In a file the lower four bits lie as in Q4_0, the
//! fifth ones in a word before them. On the GPU plane 0 has a packet of nibbles a block; plane 1 a word of fifth bits a block,
//! then the scales, two a word (even block low), padded to 16 bytes.

use super::{
    half::{self, f16},
    packets::{self, VALUES as BLOCK},
};
use crate::tensor::{Codes, Format, Ints, Lie, MAX_PLANES};

const BYTES: usize = 22;

/// The row of the table.
pub(super) static FORMAT: Format = Format {
    name: "Q5_0",
    ggml: Some(6),
    safetensors: None,
    block: BLOCK,
    bytes: BYTES,
    decode,
    encoding: None,
    ints: Some(Ints {
        run: BLOCK,
        least: false,
        lie: Lie::Other,
        split,
    }),
    plane_words: |width| {
        let blocks = width / BLOCK;
        [blocks * 4, (blocks + blocks.div_ceil(2)).next_multiple_of(4)]
    },
    pack,
    shader: "q5_0",
};

fn decode(bytes: &[u8], values: &mut [f32]) {
    let blocks = bytes.as_chunks::<BYTES>().0;
    for (block, values) in blocks.iter().zip(values.as_chunks_mut::<BLOCK>().0) {
        let [low, high, a, b, c, d, quants @ ..] = block;
        let scale = f16([*low, *high]);
        let codes = packets::five_bits(quants, [*a, *b, *c, *d]);
        for (v, q) in values.iter_mut().zip(codes) {
            *v = scale * (f32::from(q) - 16.0);
        }
    }
}

fn split(bytes: &[u8], to: &mut Codes<'_>) {
    half::scales(bytes, BYTES, 0, to.factors);
    packets::ints(bytes, BYTES, true, 16, to.codes);
}

fn pack(row: &[u8], [quants, side]: [&mut [u32]; MAX_PLANES]) {
    side.fill(0);
    let blocks = row.as_chunks::<BYTES>().0;
    let (fifths, scales) = side.split_at_mut(blocks.len());
    let to = quants.as_chunks_mut::<4>().0.iter_mut().zip(fifths);
    for (i, ([low, high, a, b, c, d, quants @ ..], (packet, fifth))) in blocks.iter().zip(to).enumerate() {
        let codes = packets::five_bits(quants, [*a, *b, *c, *d]);
        (*packet, *fifth) = (packets::nibbles(&codes), packets::ones(&codes, 4));
        half::place(scales, i, [*low, *high]);
    }
}
