//! F16: IEEE half precision. On the GPU one plane, two values a word (even index low), rows padded to 16 bytes.

use super::half;
use crate::tensor::{Encoding, Format, MAX_PLANES};

/// The row of the table.
pub(super) static FORMAT: Format = Format {
    name: "F16",
    ggml: Some(1),
    safetensors: Some("F16"),
    block: 1,
    bytes: 2,
    decode,
    encoding: Some(Encoding { encode, file_type: 1 }),
    ints: None,
    plane_words: |width| [width.div_ceil(2).next_multiple_of(4), 0],
    pack,
    shader: "f16",
};

fn decode(bytes: &[u8], values: &mut [f32]) {
    match bytemuck::try_cast_slice::<u8, u16>(bytes) {
        Ok(halves) => half::values(halves, values),
        Err(_) => half::scales(bytes, 2, 0, values),
    }
}

fn encode(values: &[f32], bytes: &mut [u8]) {
    for (v, b) in values.iter().zip(bytes.as_chunks_mut::<2>().0) {
        *b = half::f32_to_f16(*v).to_le_bytes();
    }
}

fn pack(row: &[u8], [plane, _]: [&mut [u32]; MAX_PLANES]) {
    half::pack(row, plane);
}
