//! IQ3_XXS (ggml's `block_iq3_xxs`): 256 values as 64 vectors of four of a grid of 256 with signs, in runs of 32 with a scale of
//! 4 bits, and an f16 scale of those; value = d / 4 * (2 * scale + 1) * LEVELS[code]; 3.0625 bits a weight. In a file d comes
//! first, then the indices, then a word a run with four times seven signs and the scale above them. On the GPU as
//! `runs::FOURS`, 4.375 bits.

use super::{
    grid::{self, Grid},
    half::f16,
    runs::{self, BLOCK, Parts, RUN},
};
use crate::tensor::{Format, Ints, Lie};

const BYTES: usize = 98;

/// What codes stand for; their fourth bit is the sign.
const LEVELS: [i8; 16] = [4, 12, 20, 28, 36, 44, 52, 62, -4, -12, -20, -28, -36, -44, -52, -62];
const SIGNS: u64 = 0x0808_0808_0808_0808;

/// The row of the table.
pub(super) static FORMAT: Format = Format {
    name: "IQ3_XXS",
    ggml: Some(18),
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
    shader: "iq3_xxs",
};

fn parts(block: &[u8; BYTES]) -> Parts {
    let [low, high, rest @ ..] = block;
    let (indices, words) = rest.split_at(64);
    let vectors = GRID.vectors();
    let (mut codes, mut scales) = ([0; BLOCK], [0; 16]);
    let runs = codes.as_chunks_mut::<32>().0.iter_mut();
    let runs = runs.zip(indices.as_chunks::<8>().0).zip(scales.as_chunks_mut().0);
    for (((codes, indices), scales), word) in runs.zip(words.as_chunks::<4>().0) {
        *scales = [grid::odd(word[3] >> 4); 2];
        let eights = codes.as_chunks_mut().0.iter_mut();
        for (l, (codes, two)) in eights.zip(indices.as_chunks().0).enumerate() {
            let [first, second] = two.map(|index| vectors[usize::from(index)]);
            let signs = grid::signs(u32::from_le_bytes(*word) >> (7 * l));
            *codes = grid::signed(first | second << 32, signs, SIGNS);
        }
    }
    Parts {
        d: f16([*low, *high]) / 4.0,
        scales,
        codes,
    }
}

static GRID: Grid = Grid::new(
    8,
    4,
    true,
    "\
    7b31200633531401713b0904934000010208480690020200000400400d002010333781003130000033110002301180805000010000508001\
    400000000020100033b12000731100a1393814001500000500040200208010040000000038004000133001423011c0003140020201020000\
    00018002902004000408002000020010480c0a00000000040018109080004000400001400040200100000000430100000200100190800400\
    040200022000020001a000022001000000000100004020000040c04000100010080000400009000000004000400002000002000020100000\
    e102020000801000020042001402001000101000304000000001",
);
