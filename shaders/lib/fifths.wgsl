//! Codes of 5 bits: four nibbles and the fifth bits of values 4j .. 4j + 3, which are bit j of the bytes of a word.
#import lib/bytes
fn five_bits(q: u32, fifths: u32, j: u32) -> vec4<f32> {
    return u8s(q | (((fifths >> j) & 0x01010101u) << 4u));
}
