//! TQ2_0 (ggml's `block_tq2_0`): 256 codes of 2 bits and an f16 scale; value = d * (code - 1); 2.0625 bits a weight. In a file
//! the codes come first (`packets::quarters`), then d. On the GPU as `runs::TERNARY`, 2.625 bits.

use super::{
    half::f16,
    packets,
    runs::{self, BLOCK, Parts, RUN, STILL, TERNARY_LEVELS},
};
use crate::tensor::{Format, Ints, Lie};

const BYTES: usize = 66;

/// The row of the table.
pub(super) static FORMAT: Format = Format {
    name: "TQ2_0",
    ggml: Some(35),
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
    let [quants @ .., low, high] = block;
    let mut codes = [0; BLOCK];
    packets::quarters(quants, &mut codes);
    codes.iter_mut().for_each(|code| *code |= STILL);
    Parts {
        d: f16([*low, *high]) / 8.0,
        scales: [1; RUN],
        codes,
    }
}
