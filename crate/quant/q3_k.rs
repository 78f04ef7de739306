//! Q3_K (ggml's `block_q3_K`): 256 codes of 3 bits in sixteen runs of 16, each with a scale of 6 bits, and an f16 scale of
//! those; value = d * (scale - 32) * (code - 4); 3.4375 bits a weight. In a file bit `r` of byte `k` of the first 32 is the
//! third bit of code `k + 32 * r`; then come the lower bits (`packets::quarters`), the scales in 12 bytes (nibbles, the upper
//! eight high, then two bits above them of scales `i`, `i + 4`, `i + 8` and `i + 12` a byte), d. On the GPU as `runs::THREES`.

use super::{
    half::f16,
    packets,
    runs::{self, BLOCK, Parts, RUN},
};
use crate::tensor::{Format, Ints, Lie};

const BYTES: usize = 110;

/// What codes stand for.
const LEVELS: [i8; 8] = [-4, -3, -2, -1, 0, 1, 2, 3];

/// The row of the table.
pub(super) static FORMAT: Format = Format {
    name: "Q3_K",
    ggml: Some(11),
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
    plane_words: runs::THREES.words,
    pack: |row, planes| runs::pack(row, planes, parts, &runs::THREES),
    shader: "q3_k",
};

fn parts(block: &[u8; BYTES]) -> Parts {
    let (thirds, rest) = block.split_at(32);
    let (quants, rest) = rest.split_at(64);
    let mut codes = [0; BLOCK];
    packets::quarters(quants, &mut codes);
    for (r, run) in codes.as_chunks_mut::<32>().0.iter_mut().enumerate() {
        for (code, bits) in run.iter_mut().zip(thirds) {
            *code |= (bits >> r & 1) << 2;
        }
    }
    let scale = |i: usize| rest[i % 8] >> (i / 8 * 4) & 15 | (rest[8 + i % 4] >> (i / 4 * 2) & 3) << 4;
    Parts {
        d: f16([rest[12], rest[13]]),
        scales: std::array::from_fn(|i| scale(i).cast_signed() - 32),
        codes,
    }
}
