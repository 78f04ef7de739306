//! Codes of 5 bits: four nibbles and the fifth bits of values 4j .. 4j + 3, which are bit j of the bytes of a word.
fn five_bits(q: u32, fifths: u32, j: u32) -> vec4<f32> {
    return vec4<f32>(unpack4xU8(q | (((fifths >> j) & 0x01010101u) << 4u)));
}
