//! IQ2_XXS (ggml's `block_iq2_xxs`): 256 values as 32 vectors of a grid of 256 with signs, in runs of 32 with a scale of 4 bits,
//! and an f16 scale of those; value = d / 8 * (2 * scale + 1) * sign * size, the sizes being 8, 25 and 43; 2.0625 bits a weight.
//! In a file d comes first, then eight bytes a run: four indices, and a word with four times seven signs and the scale above
//! them. On the GPU as `runs::THREES`, 3.625 bits: what stands for a value is two bits of its size and one of its sign.

use super::{
    grid::{self, Grid},
    half::f16,
    runs::{self, BLOCK, Parts, RUN},
};
use crate::tensor::{Format, Ints, Lie};

const BYTES: usize = 66;

/// What codes of IQ2 formats stand for.
pub(super) const LEVELS: [i8; 8] = [8, 25, 43, 0, -8, -25, -43, 0];
/// The bit of the sign in eight such codes.
pub(super) const SIGNS: u64 = 0x0404_0404_0404_0404;

/// The row of the table.
pub(super) static FORMAT: Format = Format {
    name: "IQ2_XXS",
    ggml: Some(16),
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
    shader: "iq2",
};

fn parts(block: &[u8; BYTES]) -> Parts {
    let [low, high, quants @ ..] = block;
    let vectors = GRID.vectors();
    let (mut codes, mut scales) = ([0; BLOCK], [0; 16]);
    let runs = codes.as_chunks_mut::<32>().0.iter_mut();
    let runs = runs.zip(scales.as_chunks_mut().0);
    for ((codes, scales), [indices @ .., a, b, c, d]) in runs.zip(quants.as_chunks::<8>().0) {
        let word = u32::from_le_bytes([*a, *b, *c, *d]);
        *scales = [grid::odd(d >> 4); 2];
        let eights = codes.as_chunks_mut().0.iter_mut();
        for (l, (codes, index)) in eights.zip(indices).enumerate() {
            *codes = grid::signed(vectors[usize::from(*index)], grid::signs(word >> (7 * l)), SIGNS);
        }
    }
    Parts {
        d: f16([*low, *high]) / 8.0,
        scales,
        codes,
    }
}

static GRID: Grid = Grid::new(
    3,
    8,
    true,
    "\
    f76f4a99026a040002806080000200c489501628c2804003400c001008009628660020020020000002400000000624408025021408801000\
    001200000428280020000400040008040000000031020080005000000001000080000062001013000004400000c000000000890018000080\
    0020800000000000800802000002000000000000000100000c4a94416204080002a008800880100840100040400240000000100000000062\
    04100000200004120000002000204ac000021001002000001000000080000000008100100000000200001000024200020000008000000020\
    0000000090010010080000800000080004000050000000000600000200000000000000001000000000000000000000000089002008000280\
    200000002000000006a040800002000200040020800100080000000000100000000001000000002142000001080000800000001000002080\
    1000000000010000000000000000000004000001000000000000000002000400200010000000020000000000020000000000000000000000\
    00000000002000002",
);
