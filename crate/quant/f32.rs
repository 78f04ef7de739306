//! F32: plain little-endian floats. On the GPU one plane, rows padded to 16 bytes.

use crate::tensor::{Encoding, Format, MAX_PLANES};

/// The row of the table.
pub(super) static FORMAT: Format = Format {
    name: "F32",
    ggml: Some(0),
    safetensors: Some("F32"),
    block: 1,
    bytes: 4,
    decode,
    encoding: Some(Encoding { encode, file_type: 0 }),
    ints: None,
    plane_words: |width| [width.next_multiple_of(4), 0],
    pack,
    shader: "f32",
};

fn decode(bytes: &[u8], values: &mut [f32]) {
    for (v, b) in values.iter_mut().zip(bytes.as_chunks::<4>().0) {
        *v = f32::from_le_bytes(*b);
    }
}

fn encode(values: &[f32], bytes: &mut [u8]) {
    for (v, b) in values.iter().zip(bytes.as_chunks_mut::<4>().0) {
        *b = v.to_le_bytes();
    }
}

fn pack(row: &[u8], [plane, _]: [&mut [u32]; MAX_PLANES]) {
    plane.fill(0);
    for (w, b) in plane.iter_mut().zip(row.as_chunks::<4>().0) {
        *w = u32::from_le_bytes(*b);
    }
}
