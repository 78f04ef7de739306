//! Q4_K: 256 nibbles in eight runs of 32, each with a scale and a minimum of 6 bits that are times an f16 scale of their own
//! (`pairs.rs`). In a file 32 bytes hold a run low and the next one high. On the GPU plane 0 has a packet of nibbles a run; plane
//! 1 four words of pairs a block, then a word a block with d (low) and dmin, padded to 16 bytes.

use super::{
    packets,
    pairs::{self, BLOCK, HEAD, RUN},
};
use crate::tensor::{Codes, Encoding, Format, Ints, Lie, MAX_PLANES};

const BYTES: usize = HEAD + BLOCK / 2;

/// The row of the table.
pub(super) static FORMAT: Format = Format {
    name: "Q4_K",
    ggml: Some(12),
    safetensors: None,
    block: BLOCK,
    bytes: BYTES,
    decode,
    encoding: Some(Encoding { encode, file_type: 14 }),
    ints: Some(Ints {
        run: RUN,
        least: true,
        lie: Lie::Fours,
        split,
    }),
    plane_words: |width| [width / 8, (width / BLOCK * 5).next_multiple_of(4)],
    pack,
    shader: "q4_k",
};

fn codes(block: &[u8; BYTES]) -> [u8; BLOCK] {
    let mut codes = [0; BLOCK];
    let runs = codes.as_chunks_mut::<{ 2 * RUN }>().0.iter_mut();
    for (two, bytes) in runs.zip(block[HEAD..].as_chunks::<RUN>().0) {
        packets::split(bytes, two);
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
        let codes = pairs::encode(values, 15.0, block);
        let runs = codes.as_chunks::<{ 2 * RUN }>().0.iter();
        for (two, bytes) in runs.zip(block[HEAD..].as_chunks_mut::<RUN>().0) {
            packets::join(two, bytes);
        }
    }
}

fn pack(row: &[u8], [quants, side]: [&mut [u32]; MAX_PLANES]) {
    side.fill(0);
    let blocks = row.as_chunks::<BYTES>().0;
    let (words, d) = side.split_at_mut(4 * blocks.len());
    let to = quants
        .as_chunks_mut::<32>()
        .0
        .iter_mut()
        .zip(words.as_chunks_mut().0)
        .zip(d);
    for (block, ((quants, words), d)) in blocks.iter().zip(to) {
        let packs = quants.as_chunks_mut::<4>().0.iter_mut();
        for (packet, codes) in packs.zip(codes(block).as_chunks().0) {
            *packet = packets::nibbles(codes);
        }
        pairs::pack(block, words, d);
    }
}
