//! IQ1_S (ggml's `block_iq1_s`): 256 values as 32 vectors of a grid of 2048, in runs of 32 with a scale of 3 bits, all moved by
//! an eighth up or down, and an f16 scale of those; value = d * (2 * scale + 1) * (digit - 1 + move); 1.5625 bits a weight. In a
//! file d comes first, then a byte a vector, then 16 bits a run: four times three bits more of an index, the scale, and whether
//! it is moved down. On the GPU as `runs::TERNARY`, 2.625 bits.

use super::{
    grid::{self, Grid},
    half::f16,
    runs::{self, BLOCK, Parts, RUN, TERNARY_LEVELS},
};
use crate::tensor::{Format, Ints, Lie};

const BYTES: usize = 50;

/// In eight codes that are moved up; down, there is nothing.
pub(super) const UP: u64 = 0x0808_0808_0808_0808;

/// The row of the table.
pub(super) static FORMAT: Format = Format {
    name: "IQ1_S",
    ggml: Some(19),
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
    let [low, high, rest @ ..] = block;
    let (lowers, runs) = rest.split_at(32);
    let vectors = GRID.vectors();
    let mut codes = [0; BLOCK];
    let run = |r: usize| u16::from_le_bytes([runs[2 * r], runs[2 * r + 1]]);
    for (g, codes) in codes.as_chunks_mut().0.iter_mut().enumerate() {
        let upper = run(g / 4) >> (g % 4 * 3) & 7;
        let moved = if run(g / 4) >> 15 == 0 { UP } else { 0 };
        *codes = (vectors[usize::from(lowers[g]) | usize::from(upper) << 8] | moved).to_le_bytes();
    }
    Parts {
        d: f16([*low, *high]) / 8.0,
        scales: std::array::from_fn(|i| grid::odd(runs[i / 2 * 2 + 1] >> 4 & 7)),
        codes,
    }
}

/// Of both IQ1 formats.
pub(super) static GRID: Grid = Grid::new(
    3,
    8,
    false,
    "\
    555241580a2024158054138a6802a82aa180a20241580541280244545251500a20280288810080280a30a20a88bbaaa009aab0002200a0aa\
    c8280a80041580541288080541241580a80380890a8008a2805412415802842455805410c22c0a02a86200a2428aaa2a802efa8080828200\
    0a202482aa82028a0802a0b9809bab8a02acea982aeaaaa3c7beaeabbb28e08b22abac3de02920220022028aa8aba028208000a2a40e2ab3\
    2202b22a00180418aaa88280221041580551280290541245580a8020328aa302482802452415802a028059054120a2808b8a28080a842002\
    80282a862a2082baa280580280280380540400541241580a002415005410922800a828a2801a03415005412882805412415802202002aaa2\
    0002211ba8ea828aab1aaa8a070028a080208222204800280084080aae0ba2aa2c02b8ab22aead7ab8b8e68a290ba2aa27b8a844c0a20284\
    480482a8a280aa028ccc2a222afaa90a8e8a20002000a28a880002080ab82a2a82ab0a082823a0abeb8babefbe2a0ab22a80a8a082ae2a00\
    1a2320c0af4aaeedfeb28ae2d8ebe7beaf7ff7fb6ed7abed96bf72fffb62af219e1ea82201aaebe048aa802b8ab028eaffab429e38084026\
    c2862f8aa04ab20020a280802eaa21002028a2a06a029c2898092882002a00c808310028808000c6a8aaaabb206aeba80aac2008b679e20d\
    2b9e012801e2aaed82511d5a4000a02800a8280280101a0228aa93ab2223480a90088100a82a262018414415005412ca280541241580aa02\
    82aa78a021a280541241500a80241580541002200a042a22008800802a80a6a8e68baaaa080002a0282e8c221280440541241590a8025158\
    054168a080aaa2a20800a024158054128a0005412415802e028828a08128a280aa2aaaa80bb820a0a2aa02822808aaa0828082009a882022\
    0aebb0828b80a8abb42beaffab4a8feaaa022582866b0a036e08a020828022a6260802a020aaaab2aaae2a9a0a2a808001020aa8220028e0\
    00541241580aa004158054129a6000a4aa20805a0001d044412882805412415000802828ca2f02000000aaa082a0ab02ae2a200028849082\
    9e410011b454150054108a2005412415808842808882a0048000541041500a20041580541",
);
