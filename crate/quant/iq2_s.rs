//! IQ2_S (ggml's `block_iq2_s`): 256 values as 32 vectors of a grid of 1024 with signs, in runs of 16 with a scale of 4 bits,
//! and an f16 scale of those; values as those of IQ2_XXS; 2.5625 bits a weight. In a file d comes first, then a byte a vector,
//! then one of its signs, then two bits more of its index, then the scales, two a byte. On the GPU as `runs::THREES`, 3.625 bits.

use super::{
    grid::{self, Grid},
    half::f16,
    iq2_xxs::{LEVELS, SIGNS},
    runs::{self, BLOCK, Parts, RUN},
};
use crate::tensor::{Format, Ints, Lie};

const BYTES: usize = 82;

/// The row of the table.
pub(super) static FORMAT: Format = Format {
    name: "IQ2_S",
    ggml: Some(22),
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
    let (lowers, rest) = rest.split_at(32);
    let (signs, rest) = rest.split_at(32);
    let (uppers, scales) = rest.split_at(8);
    let vectors = GRID.vectors();
    let mut codes = [0; BLOCK];
    for (g, codes) in codes.as_chunks_mut().0.iter_mut().enumerate() {
        let upper = uppers[g / 4] >> (g % 4 * 2) & 3;
        *codes = grid::signed(
            vectors[usize::from(lowers[g]) | usize::from(upper) << 8],
            signs[g],
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
    fffdfbf735ffdcbf6376ed4cf20554cfbfff7ebdcff6ff6ed48f20d62c4087f5ffd41183f2ad488001643400080efddbf77d6effbf73f60c\
    699230620cbf6ff6ed48f73f62c4086316204008fd2ed48100f62c4040024204020000ed7d932150ec98331620440d210030af63f62c4086\
    3162050003102020000560c40080072000000400280002810cffbff76adcbf3ff6ed48972d62c008fffefdcb90ff6ed4c900f62c4080046f\
    dcb90210ed48900180c408000000cbf7ff6ed08f73f62c4086316206000ff6ed48900f62c4080006205000000ed48980100c408000000404\
    0000800ab73d62840873162040402102010001d62c40800062044040202000000040c4000040014008000000000020000887b56e54910bf6\
    ed08908570c400000ef5cb90310ed48900110c40c0000004910310008810010800000020038001bf4ed48900560c4400006204000008ed48\
    900180c40800000540004040008904100000c00005000000000000800554e40000210040020004286000a10d408000018404000000000000\
    2000008080000001000080020081610004001",
);
