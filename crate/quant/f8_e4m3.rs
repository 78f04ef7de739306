//! F8_E4M3: 64 floats of 8 bits (sign, 4 bits of exponent, 3 of mantissa) and an f32 scale; value = scale * float. No file
//! has such blocks: in safetensors files the floats are one tensor and the scales, each for many values, another. On the GPU
//! plane 0 holds the bytes in order (16 words a block), plane 1 the scales, a word each, padded to 16 bytes.

use crate::tensor::{Format, MAX_PLANES};

const BLOCK: usize = 64;
const BYTES: usize = 4 + BLOCK;

/// The row of the table.
pub(super) static FORMAT: Format = Format {
    name: "F8_E4M3",
    ggml: None,
    safetensors: None,
    block: BLOCK,
    bytes: BYTES,
    decode,
    encoding: None,
    ints: None,
    plane_words: |width| {
        let blocks = width / BLOCK;
        [blocks * 16, blocks.next_multiple_of(4)]
    },
    pack,
    shader: "f8_e4m3",
};

/// What eight bits stand for (OCP 8-bit Floating Point 1.0, E4M3): there is no infinity.
fn float(bits: u8) -> f32 {
    let size = match u32::from(bits & 0x7f) {
        0x7f => f32::NAN,
        // the least exponent has no leading one: steps of 2^-9
        0..8 => f32::from(bits & 7) * f32::from_bits((127 - 9) << 23),
        other => f32::from_bits((other << 20) + ((127 - 7) << 23)),
    };
    if bits & 0x80 == 0 { size } else { -size }
}

fn decode(bytes: &[u8], values: &mut [f32]) {
    let blocks = bytes.as_chunks::<BYTES>().0;
    for ([a, b, c, d, floats @ ..], values) in blocks.iter().zip(values.as_chunks_mut::<BLOCK>().0) {
        let scale = f32::from_le_bytes([*a, *b, *c, *d]);
        for (v, bits) in values.iter_mut().zip(floats) {
            *v = scale * float(*bits);
        }
    }
}

fn pack(row: &[u8], [floats, scales]: [&mut [u32]; MAX_PLANES]) {
    scales.fill(0);
    let blocks = row.as_chunks::<BYTES>().0;
    let to = floats.as_chunks_mut::<16>().0.iter_mut().zip(scales);
    for ([a, b, c, d, floats @ ..], (words, scale)) in blocks.iter().zip(to) {
        *scale = u32::from_le_bytes([*a, *b, *c, *d]);
        for (word, four) in words.iter_mut().zip(floats.as_chunks::<4>().0) {
            *word = u32::from_le_bytes(*four);
        }
    }
}

/// Whole blocks of floats and the scale of each block. What is no number, and no finite scale, is in `Err`.
pub(crate) fn join(floats: &[u8], scales: impl Iterator<Item = f32>) -> std::result::Result<Vec<u8>, f32> {
    let mut bytes = Vec::with_capacity(floats.len() / BLOCK * BYTES);
    for (floats, scale) in floats.as_chunks::<BLOCK>().0.iter().zip(scales) {
        if !scale.is_finite() || floats.iter().any(|bits| bits & 0x7f == 0x7f) {
            return Err(if scale.is_finite() { f32::NAN } else { scale });
        }
        bytes.extend(scale.to_le_bytes());
        bytes.extend(floats);
    }
    Ok(bytes)
}
