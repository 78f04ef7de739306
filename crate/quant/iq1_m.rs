//! IQ1_M (ggml's `block_iq1_m`): 256 values as 32 vectors of the grid of IQ1_S, each moved by an eighth up or down, in runs of 16
//! with a scale of 3 bits, and an f16 scale of those; values as those of IQ1_S; 1.75 bits a weight. In a file a byte a vector
//! comes first, then four bits: three more of its index, and whether it is moved down; then 16 bits for four runs, their scales
//! with a fourth of d above them. On the GPU as `runs::TERNARY`, 2.625 bits.

use super::{
    grid,
    half::f16,
    iq1_s::{GRID, UP},
    runs::{self, BLOCK, Parts, RUN, TERNARY_LEVELS},
};
use crate::tensor::{Format, Ints, Lie};

const BYTES: usize = 56;

/// The row of the table.
pub(super) static FORMAT: Format = Format {
    name: "IQ1_M",
    ggml: Some(29),
    safetensors: None,
    block: BLOCK,
    bytes: BYTES,
    decode: |bytes, values| runs::decode(bytes, values, parts, &TERNARY_LEVELS),
    encoding: None,
    ints: Some(Ints {
        run: RUN,
        least: false,
        lie: Lie::Other,
        split: |bytes, to| runs::split(bytes, to, parts, &TERNARY_LEVELS),
    }),
    plane_words: runs::TERNARY.words,
    pack: |row, planes| runs::pack(row, planes, parts, &runs::TERNARY),
    shader: "ternary",
};

fn parts(block: &[u8; BYTES]) -> Parts {
    let (lowers, rest) = block.split_at(32);
    let (uppers, runs) = rest.split_at(16);
    let vectors = GRID.vectors();
    let mut codes = [0; BLOCK];
    for (g, codes) in codes.as_chunks_mut().0.iter_mut().enumerate() {
        let four = uppers[g / 2] >> (g % 2 * 4);
        let moved = if four & 8 == 0 { UP } else { 0 };
        *codes = (vectors[usize::from(lowers[g]) | usize::from(four & 7) << 8] | moved).to_le_bytes();
    }
    let scale = |i: usize| u16::from_le_bytes([runs[i / 4 * 2], runs[i / 4 * 2 + 1]]) >> (i % 4 * 3) & 7;
    let d = [1, 5].map(|i| runs[i] >> 4 | runs[i + 2] & 0xf0);
    Parts {
        d: f16(d) / 8.0,
        scales: std::array::from_fn(|i| grid::odd(scale(i).to_le_bytes()[0])),
        codes,
    }
}
