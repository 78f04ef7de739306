//! IQ4_XS (ggml's `block_iq4_xs`): 256 nibbles in eight runs of 32, each with a scale of 6 bits, and an f16 scale of those;
//! value = d * (scale - 32) * LEVELS[nibble], the levels being those of IQ4_NL; 4.25 bits a weight. In a file d comes first, the
//! upper two bits of the scales in two bytes, their nibbles, two a byte, then the codes of each run as those of a Q4_0. On the
//! GPU as `runs::FOURS`.

use super::{
    half::f16,
    iq4_nl::LEVELS,
    packets,
    runs::{self, BLOCK, Parts, RUN},
};
use crate::tensor::{Format, Ints, Lie};

const BYTES: usize = 136;

/// The row of the table.
pub(super) static FORMAT: Format = Format {
    name: "IQ4_XS",
    ggml: Some(23),
    safetensors: None,
    block: BLOCK,
    bytes: BYTES,
    decode: |bytes, values| runs::decode(bytes, values, parts, &LEVELS),
    encoding: None,
    ints: Some(Ints {
        run: RUN,
        least: false,
        lie: Lie::Other,
        split: |bytes, to| runs::split(bytes, to, parts, &LEVELS),
    }),
    plane_words: runs::FOURS.words,
    pack: |row, planes| runs::pack(row, planes, parts, &runs::FOURS),
    shader: "iq4_xs",
};

fn parts(block: &[u8; BYTES]) -> Parts {
    let [low, high, uppers @ ..] = block;
    let (uppers, rest) = uppers.split_at(2);
    let (lowers, quants) = rest.split_at(4);
    let mut codes = [0; BLOCK];
    let packs = codes.as_chunks_mut().0.iter_mut();
    for (codes, bytes) in packs.zip(quants.as_chunks().0) {
        *codes = packets::codes(bytes);
    }
    let scale = |r: usize| lowers[r / 2] >> (r % 2 * 4) & 15 | (uppers[r / 4] >> (r % 4 * 2) & 3) << 4;
    Parts {
        d: f16([*low, *high]),
        scales: std::array::from_fn(|i| scale(i / 2).cast_signed() - 32),
        codes,
    }
}
