//! TQ1_0 (ggml's `block_tq1_0`): 256 ternary digits and an f16 scale; value = d * (digit - 1); 1.6875 bits a weight. In a file
//! a byte is 256 times a fraction of five digits after the point, of which times 3^n leaves digit n first. The first 32 bytes
//! have the values `k + 32 * n` of 160, the next 16 `k + 16 * n` of 80, the last four `k + 4 * n` of 16; then comes d. On the
//! GPU as `runs::TERNARY`, 2.625 bits.

use super::{
    half::f16,
    runs::{self, BLOCK, Parts, RUN, STILL, TERNARY_LEVELS},
};
use crate::tensor::{Format, Ints, Lie};

const BYTES: usize = 54;

/// The row of the table.
pub(super) static FORMAT: Format = Format {
    name: "TQ1_0",
    ggml: Some(34),
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

fn digits(bytes: &[u8], codes: &mut [u8]) {
    let powers = [1_u8, 3, 9, 27, 81];
    for (codes, power) in codes.chunks_mut(bytes.len()).zip(powers) {
        for (code, byte) in codes.iter_mut().zip(bytes) {
            let fraction = byte.wrapping_mul(power);
            *code = STILL | (u8::from(fraction > 85) + u8::from(fraction > 170));
        }
    }
}

fn parts(block: &[u8; BYTES]) -> Parts {
    let [quants @ .., low, high] = block;
    let mut codes = [0; BLOCK];
    let (first, rest) = codes.split_at_mut(160);
    let (second, last) = rest.split_at_mut(80);
    digits(&quants[..32], first);
    digits(&quants[32..48], second);
    digits(&quants[48..], last);
    Parts {
        d: f16([*low, *high]) / 8.0,
        scales: [1; RUN],
        codes,
    }
}
