//! MXFP4: 32 floats of 4 bits (sign, two bits of exponent, one of mantissa) and a power of two; value = 2^(e - 128) *
//! LEVELS[nibble], the levels being doubled to be whole. In a file the power is a byte, and the nibbles lie as in Q4_0. On the
//! GPU plane 0 has a packet of nibbles a block, plane 1 the powers, four a word, padded to 16 bytes.

use super::packets::{self, VALUES as BLOCK};
use crate::tensor::{Codes, Format, Ints, Lie, MAX_PLANES};

const BYTES: usize = 17;

/// Twice what the nibbles stand for (OCP Microscaling Formats 1.0, E2M1).
const LEVELS: [i8; 16] = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12];

/// The row of the table.
pub(super) static FORMAT: Format = Format {
    name: "MXFP4",
    ggml: Some(39),
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
    plane_words: |width| [width / BLOCK * 4, (width / BLOCK).div_ceil(4).next_multiple_of(4)],
    pack,
    shader: "mxfp4",
};

/// 2^(e - 128); the two least powers are subnormal.
fn power(e: u8) -> f32 {
    f32::from_bits(match e {
        0 | 1 => 0x0020_0000 << e,
        e => (u32::from(e) - 1) << 23,
    })
}

fn decode(bytes: &[u8], values: &mut [f32]) {
    let blocks = bytes.as_chunks::<BYTES>().0;
    for (block, values) in blocks.iter().zip(values.as_chunks_mut::<BLOCK>().0) {
        let [e, quants @ ..] = block;
        let (scale, codes) = (power(*e), packets::codes(quants));
        for (v, q) in values.iter_mut().zip(codes) {
            *v = scale * f32::from(LEVELS[usize::from(q & 15)]);
        }
    }
}

fn split(bytes: &[u8], to: &mut Codes<'_>) {
    for (factor, block) in to.factors.iter_mut().zip(bytes.as_chunks::<BYTES>().0) {
        *factor = power(block[0]);
    }
    packets::levels(bytes, BYTES, &LEVELS, to.codes);
}

fn pack(row: &[u8], [quants, powers]: [&mut [u32]; MAX_PLANES]) {
    powers.fill(0);
    let packs = quants.as_chunks_mut::<4>().0;
    for (i, ([e, quants @ ..], packet)) in row.as_chunks::<BYTES>().0.iter().zip(packs).enumerate() {
        *packet = packets::nibbles(&packets::codes(quants));
        powers[i / 4] |= u32::from(*e) << (8 * (i % 4));
    }
}

/// Whole blocks of those whose floats and powers lie apart. There byte `j` has value `2j` low and `2j + 1` high.
pub(crate) fn join(quants: &[u8], powers: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; powers.len() * BYTES];
    let quants = quants.as_chunks::<{ BLOCK / 2 }>().0;
    for ((to, quants), power) in bytes.as_chunks_mut::<BYTES>().0.iter_mut().zip(quants).zip(powers) {
        let mut codes = [0; BLOCK];
        for (pair, byte) in codes.as_chunks_mut().0.iter_mut().zip(quants) {
            *pair = [byte & 15, byte >> 4];
        }
        to[0] = *power;
        packets::join(&codes, &mut to[1..]);
    }
    bytes
}
