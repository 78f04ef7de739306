//! IQ4_NL: 32 nibbles and an f16 scale; value = scale * LEVELS[nibble], levels that lie closer near zero, as weights do. In a
//! file and on the GPU as Q4_0.

use super::{
    half::{self, f16},
    packets::{self, VALUES as BLOCK},
};
use crate::tensor::{Codes, Format, Ints, Lie, MAX_PLANES};

const BYTES: usize = 18;

/// What the nibbles stand for (ggml-org/ggml: src/ggml-common.h, `kvalues_iq4nl`).
pub(super) const LEVELS: [i8; 16] = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

/// The row of the table.
pub(super) static FORMAT: Format = Format {
    name: "IQ4_NL",
    ggml: Some(20),
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
    plane_words: |width| [width / BLOCK * 4, (width / BLOCK).div_ceil(2).next_multiple_of(4)],
    pack,
    shader: "iq4_nl",
};

fn decode(bytes: &[u8], values: &mut [f32]) {
    let blocks = bytes.as_chunks::<BYTES>().0;
    for (block, values) in blocks.iter().zip(values.as_chunks_mut::<BLOCK>().0) {
        let [low, high, quants @ ..] = block;
        let (scale, codes) = (f16([*low, *high]), packets::codes(quants));
        for (v, q) in values.iter_mut().zip(codes) {
            *v = scale * f32::from(LEVELS[usize::from(q & 15)]);
        }
    }
}

fn split(bytes: &[u8], to: &mut Codes<'_>) {
    half::scales(bytes, BYTES, 0, to.factors);
    packets::levels(bytes, BYTES, &LEVELS, to.codes);
}

fn pack(row: &[u8], [quants, scales]: [&mut [u32]; MAX_PLANES]) {
    scales.fill(0);
    let packs = quants.as_chunks_mut::<4>().0;
    for (i, ([low, high, quants @ ..], packet)) in row.as_chunks::<BYTES>().0.iter().zip(packs).enumerate() {
        *packet = packets::nibbles(&packets::codes(quants));
        half::place(scales, i, [*low, *high]);
    }
}
