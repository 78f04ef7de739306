//! BF16: the upper half of an f32. On the GPU one plane, two values a word (even index low), rows padded to 16 bytes.

use super::half;
use crate::tensor::{Encoding, Format, MAX_PLANES};

/// The row of the table.
pub(super) static FORMAT: Format = Format {
    name: "BF16",
    ggml: Some(30),
    safetensors: Some("BF16"),
    block: 1,
    bytes: 2,
    decode,
    encoding: Some(Encoding { encode, file_type: 32 }),
    ints: None,
    plane_words: |width| [width.div_ceil(2).next_multiple_of(4), 0],
    pack,
    shader: "bf16",
};

fn decode(bytes: &[u8], values: &mut [f32]) {
    for (v, b) in values.iter_mut().zip(bytes.as_chunks::<2>().0) {
        *v = half::bf16_to_f32(u16::from_le_bytes(*b));
    }
}

fn encode(values: &[f32], bytes: &mut [u8]) {
    for (v, b) in values.iter().zip(bytes.as_chunks_mut::<2>().0) {
        *b = half::f32_to_bf16(*v).to_le_bytes();
    }
}

fn pack(row: &[u8], [plane, _]: [&mut [u32]; MAX_PLANES]) {
    half::pack(row, plane);
}
