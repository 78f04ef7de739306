//! IQ3_S (ggml's `block_iq3_s`): 256 values as 64 vectors of four of a grid of 512 with signs, in runs of 32 with a scale of
//! 4 bits, and an f16 scale of those; value = d * (2 * scale + 1) * sign * (2 * digit + 1); 3.4375 bits a weight. In a file d
//! comes first, then a byte a vector, then a bit more of its index, then the signs, then the scales, two a byte. On the GPU as
//! `runs::FOURS`, 4.375 bits; a code is 8 + digit, or 7 - digit with a sign, so that the rest is 2 * code - 15.

use super::{
    grid::{self, Grid},
    half::f16,
    runs::{self, BLOCK, Parts, RUN},
};
use crate::tensor::{Format, Ints, Lie};

const BYTES: usize = 110;

const LEVELS: [i8; 16] = [-15, -13, -11, -9, -7, -5, -3, -1, 1, 3, 5, 7, 9, 11, 13, 15];

/// The row of the table.
pub(super) static FORMAT: Format = Format {
    name: "IQ3_S",
    ggml: Some(21),
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
    shader: "iq3_s",
};

fn parts(block: &[u8; BYTES]) -> Parts {
    let [low, high, rest @ ..] = block;
    let (lowers, rest) = rest.split_at(64);
    let (uppers, rest) = rest.split_at(8);
    let (signs, scales) = rest.split_at(32);
    let vectors = GRID.vectors();
    let mut codes = [0; BLOCK];
    for (g, codes) in codes.as_chunks_mut().0.iter_mut().enumerate() {
        let [first, second] = [2 * g, 2 * g + 1].map(|i| {
            let upper = uppers[i / 8] >> (i % 8) & 1;
            vectors[usize::from(lowers[i]) | usize::from(upper) << 8]
        });
        let upper = 0x0808_0808_0808_0808;
        *codes = grid::signed(first | second << 32 | upper, signs[g], 0x0f0f_0f0f_0f0f_0f0f);
    }
    Parts {
        d: f16([*low, *high]),
        scales: std::array::from_fn(|i| grid::odd(scales[i / 4] >> (i / 2 % 2 * 4))),
        codes,
    }
}

static GRID: Grid = Grid::new(
    8,
    4,
    false,
    "\
    7a7532805aa0502971329822010022403a9422114aa00090802250a4015008221088214090200010410054802a00048004a0002000400020\
    510054800011000071ba502500052040b411209020500014104a1140900210402990281120004010824100a0441100002090205000200000\
    0000190005000000a050200220004010ba55a850a250089250984221402000002900a01820880021522041a0401004002800904220000042\
    01204008108000105800200000022000022004108010000040aa40a249208020a201a0001000104410401041001000002011a810a8020080\
    802440200040110020500240010400800004000020000000a000500200000000114019402010001048a0401280220000a012208010084010\
    01a050220000000050000108100000200a00200000004000008000010000100000120010802000004011400019400401a240204000000040\
    1020801400800000481008000120028021001040040000000040040000a000000000000040000000410040000000000000a200a000001000\
    10001800000001000040000140024010100120001000000000000200800040009000000100001000020000001000000000a0000000000000\
    1900500410014000402001008200000021142010002000004000004200800000228010000010000000004000400000004000002000000000\
    1",
);
