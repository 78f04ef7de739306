//! Q5_K: 256 codes of 5 bits in eight runs of 32, each with a scale and a minimum of 6 bits that are times an f16 scale of their
//! own (`pairs.rs`). In a file bit `r` of byte `k` is the fifth one of value `k` of run `r`; then come nibbles as in Q4_K. On the GPU
//! plane 0 has a packet of nibbles a run; plane 1 four words of pairs a block, then a word a block with d (low) and dmin, then
//! a word of fifth bits a run, padded to 16 bytes.

use super::{
    packets,
    pairs::{self, BLOCK, HEAD, RUN},
};
use crate::tensor::{Codes, Encoding, Format, Ints, Lie, MAX_PLANES};

const BYTES: usize = HEAD + RUN + BLOCK / 2;

/// The row of the table.
pub(super) static FORMAT: Format = Format {
    name: "Q5_K",
    ggml: Some(13),
    safetensors: None,
    block: BLOCK,
    bytes: BYTES,
    decode,
    encoding: Some(Encoding { encode, file_type: 16 }),
    ints: Some(Ints {
        run: RUN,
        least: true,
        lie: Lie::Fives,
        split,
    }),
    plane_words: |width| [width / 8, (width / BLOCK * 13).next_multiple_of(4)],
    pack,
    shader: "q5_k",
};

fn codes(block: &[u8; BYTES]) -> [u8; BLOCK] {
    let mut codes = [0; BLOCK];
    let (fifths, quants) = block[HEAD..].split_at(RUN);
    let runs = codes.as_chunks_mut::<{ 2 * RUN }>().0.iter_mut();
    for (two, bytes) in runs.zip(quants.as_chunks::<RUN>().0) {
        packets::split(bytes, two);
    }
    for (r, run) in codes.as_chunks_mut::<RUN>().0.iter_mut().enumerate() {
        for (code, bits) in run.iter_mut().zip(fifths) {
            *code |= (bits >> r & 1) << 4;
        }
    }
    codes
}

fn decode(bytes: &[u8], values: &mut [f32]) {
    let blocks = bytes.as_chunks::<BYTES>().0;
    for (block, values) in blocks.iter().zip(values.as_chunks_mut().0) {
        pairs::decode(block, &codes(block), values);
    }
}

fn split(bytes: &[u8], to: &mut Codes<'_>) {
    for (i, block) in bytes.as_chunks::<BYTES>().0.iter().enumerate() {
        pairs::split(block, &codes(block), i, to);
    }
}

fn encode(values: &[f32], bytes: &mut [u8]) {
    let blocks = bytes.as_chunks_mut::<BYTES>().0;
    for (values, block) in values.as_chunks().0.iter().zip(blocks) {
        let codes = pairs::encode(values, 31.0, block);
        let (fifths, quants) = block[HEAD..].split_at_mut(RUN);
        let runs = codes.as_chunks::<{ 2 * RUN }>().0.iter();
        for (two, bytes) in runs.zip(quants.as_chunks_mut::<RUN>().0) {
            packets::join(two, bytes);
        }
        fifths.fill(0);
        for (r, run) in codes.as_chunks::<RUN>().0.iter().enumerate() {
            for (bits, code) in fifths.iter_mut().zip(run) {
                *bits |= (code >> 4) << r;
            }
        }
    }
}

fn pack(row: &[u8], [quants, side]: [&mut [u32]; MAX_PLANES]) {
    side.fill(0);
    let blocks = row.as_chunks::<BYTES>().0;
    let (words, rest) = side.split_at_mut(4 * blocks.len());
    let (d, fifths) = rest.split_at_mut(blocks.len());
    let to = quants
        .as_chunks_mut::<32>()
        .0
        .iter_mut()
        .zip(fifths.as_chunks_mut::<8>().0);
    let to = to.zip(words.as_chunks_mut().0).zip(d);
    for (block, (((quants, fifths), words), d)) in blocks.iter().zip(to) {
        let packs = quants.as_chunks_mut::<4>().0.iter_mut().zip(fifths);
        for ((packet, fifth), codes) in packs.zip(codes(block).as_chunks().0) {
            (*packet, *fifth) = (packets::nibbles(codes), packets::ones(codes, 4));
        }
        pairs::pack(block, words, d);
    }
}
