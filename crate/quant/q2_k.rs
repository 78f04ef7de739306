//! Q2_K (ggml's `block_q2_K`): 256 codes of 2 bits in sixteen runs of 16, each with a scale and a minimum of 4 bits that are
//! times an f16 scale of their own; value = d * scale * code - dmin * minimum; 2.625 bits a weight. In a file a byte a run
//! comes first (minimum high), then the codes (`packets::quarters`), d and dmin. On the GPU plane 0 has two words of codes for
//! 32 values (`packets::twos`); plane 1 four words of those bytes a block, then a word a block with d (low) and dmin, padded to
//! 16 bytes: 2.625 bits again.

use super::{half::f16, packets};
use crate::tensor::{Codes, Format, Ints, Lie, MAX_PLANES};

const BLOCK: usize = 256;
const RUN: usize = 16;
const BYTES: usize = 84;

/// The row of the table.
pub(super) static FORMAT: Format = Format {
    name: "Q2_K",
    ggml: Some(10),
    safetensors: None,
    block: BLOCK,
    bytes: BYTES,
    decode,
    encoding: None,
    ints: Some(Ints {
        run: RUN,
        least: true,
        lie: Lie::Other,
        split,
    }),
    plane_words: |width| [width / 16, (width / BLOCK * 5).next_multiple_of(4)],
    pack,
    shader: "q2_k",
};

fn codes(block: &[u8; BYTES]) -> [u8; BLOCK] {
    let mut codes = [0; BLOCK];
    packets::quarters(&block[RUN..], &mut codes);
    codes
}

fn decode(bytes: &[u8], values: &mut [f32]) {
    let blocks = bytes.as_chunks::<BYTES>().0;
    for (block, values) in blocks.iter().zip(values.as_chunks_mut::<BLOCK>().0) {
        let codes = codes(block);
        let [.., d, e, m, n] = *block;
        let runs = values.as_chunks_mut::<RUN>().0.iter_mut();
        for ((values, codes), pair) in runs.zip(codes.as_chunks::<RUN>().0).zip(block) {
            let (scale, least) = (f16([d, e]) * f32::from(pair & 15), f16([m, n]) * f32::from(pair >> 4));
            for (v, q) in values.iter_mut().zip(codes) {
                *v = scale * f32::from(*q) - least;
            }
        }
    }
}

fn split(bytes: &[u8], to: &mut Codes<'_>) {
    let blocks = bytes.as_chunks::<BYTES>().0.iter();
    let sides = to
        .factors
        .as_chunks_mut::<RUN>()
        .0
        .iter_mut()
        .zip(to.leasts.as_chunks_mut::<RUN>().0);
    for ((block, to), (factors, leasts)) in blocks.zip(to.codes.as_chunks_mut::<BLOCK>().0).zip(sides) {
        let [.., d, e, m, n] = *block;
        let (d, dmin) = (f16([d, e]), f16([m, n]));
        for ((factor, least), pair) in factors.iter_mut().zip(leasts).zip(block) {
            (*factor, *least) = (d * f32::from(pair & 15), -dmin * f32::from(pair >> 4));
        }
        *to = codes(block).map(u8::cast_signed);
    }
}

fn pack(row: &[u8], [quants, side]: [&mut [u32]; MAX_PLANES]) {
    side.fill(0);
    let blocks = row.as_chunks::<BYTES>().0;
    let (pairs, ds) = side.split_at_mut(4 * blocks.len());
    let to = quants.as_chunks_mut::<16>().0.iter_mut();
    let to = to.zip(pairs.as_chunks_mut::<4>().0).zip(ds);
    for (block, ((quants, pairs), ds)) in blocks.iter().zip(to) {
        let packs = quants.as_chunks_mut().0.iter_mut();
        for (words, codes) in packs.zip(codes(block).as_chunks().0) {
            *words = packets::twos(codes, 0);
        }
        for (word, bytes) in pairs.iter_mut().zip(block.as_chunks().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        let [.., d, e, m, n] = *block;
        *ds = u32::from_le_bytes([d, e, m, n]);
    }
}
