//! IQ2_XS (ggml's `block_iq2_xs`): 256 values as 32 vectors of a grid of 512 with signs, in runs of 16 with a scale of 4 bits,
//! and an f16 scale of those; values as those of IQ2_XXS; 2.3125 bits a weight. In a file d comes first, then 16 bits a vector,
//! its index and seven signs above it, then the scales, two a byte. On the GPU as `runs::THREES`, 3.625 bits.

use super::{
    grid::{self, Grid},
    half::f16,
    iq2_xxs::{LEVELS, SIGNS},
    runs::{self, BLOCK, Parts, RUN},
};
use crate::tensor::{Format, Ints, Lie};

const BYTES: usize = 74;

/// The row of the table.
pub(super) static FORMAT: Format = Format {
    name: "IQ2_XS",
    ggml: Some(17),
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
    let [low, high, rest @ ..] = block;
    let (quants, scales) = rest.split_at(64);
    let vectors = GRID.vectors();
    let mut codes = [0; BLOCK];
    let eights = codes.as_chunks_mut().0.iter_mut();
    for (codes, quants) in eights.zip(quants.as_chunks().0) {
        let word = u16::from_le_bytes(*quants);
        *codes = grid::signed(
            vectors[usize::from(word & 511)],
            grid::signs(u32::from(word >> 9)),
            SIGNS,
        );
    }
    Parts {
        d: f16([*low, *high]) / 8.0,
        scales: std::array::from_fn(|i| grid::odd(scales[i / 2] >> (i % 2 * 4))),
        codes,
    }
}

static GRID: Grid = Grid::new(
    3,
    8,
    true,
    "\
    fffdfb97b1effcb94310ed48920110cfb9771620cb9031220089043008008f35621408831020084001021000041efdcb98310ed489001c0c\
    508001000cb90b14200890010000080200100000330280020050000020000000800000ff48900102c4084040004001000200a90810000080\
    0024000401010000004912001040200000040100140000a10cfb9f35620cb90310a08891810000087b162040103142000080110840000062\
    0411100024009080008000000000cb9431020089203000008000400000831220480019000008400004000400228088000010048100000000\
    00008008900144010c000000000000402000101800000000020410000400000000004000000100000200000002000440008731720c00c710\
    242000010200081096e04080800200010000800200001004202001600220000000000020004224310201010010400010000000020800a000\
    940000000400006000001000000000020000200001000000400040000b122000001000084000861040001020008000080000000000000000\
    08002080b0000084200000030000030000101",
);
