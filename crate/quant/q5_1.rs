//! Q5_1: 32 codes of 5 bits, an f16 scale and an f16 minimum; value = scale * code + minimum. In a file the codes lie as in
//! Q5_0. On the GPU plane 0 has a packet of nibbles a block; plane 1 two words a block, the fifth bits and the scale (low) with
//! the minimum, padded to 16 bytes.

use super::{
    half::{self, f16},
    packets::{self, VALUES as BLOCK},
};
use crate::tensor::{Codes, Format, Ints, Lie, MAX_PLANES};

const BYTES: usize = 24;

/// The row of the table.
pub(super) static FORMAT: Format = Format {
    name: "Q5_1",
    ggml: Some(7),
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
    plane_words: |width| [width / BLOCK * 4, (width / BLOCK * 2).next_multiple_of(4)],
    pack,
    shader: "q5_1",
};

fn decode(bytes: &[u8], values: &mut [f32]) {
    let blocks = bytes.as_chunks::<BYTES>().0;
    for (block, values) in blocks.iter().zip(values.as_chunks_mut::<BLOCK>().0) {
        let [s, t, m, n, a, b, c, d, quants @ ..] = block;
        let (scale, least) = (f16([*s, *t]), f16([*m, *n]));
        let codes = packets::five_bits(quants, [*a, *b, *c, *d]);
        for (v, q) in values.iter_mut().zip(codes) {
            *v = scale * f32::from(q) + least;
        }
    }
}

fn split(bytes: &[u8], to: &mut Codes<'_>) {
    half::scales(bytes, BYTES, 0, to.factors);
    half::scales(bytes, BYTES, 2, to.leasts);
    packets::ints(bytes, BYTES, true, 0, to.codes);
}

fn pack(row: &[u8], [quants, side]: [&mut [u32]; MAX_PLANES]) {
    side.fill(0);
    let blocks = row.as_chunks::<BYTES>().0;
    let to = quants
        .as_chunks_mut::<4>()
        .0
        .iter_mut()
        .zip(side.as_chunks_mut::<2>().0);
    for ([s, t, m, n, a, b, c, d, quants @ ..], (packet, side)) in blocks.iter().zip(to) {
        let codes = packets::five_bits(quants, [*a, *b, *c, *d]);
        *packet = packets::nibbles(&codes);
        *side = [packets::ones(&codes, 4), u32::from_le_bytes([*s, *t, *m, *n])];
    }
}
