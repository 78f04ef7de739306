//! Scale and minimum of each 32 values, as Q4_K and Q5_K have them: plane 1 begins with four words of pairs for 256 values,
//! two a word with the scale in the lower byte; then comes a word for 256 values with d low and dmin high, in f16.
#import lib/side

fn pair(row: u32, run: u32) -> vec2<f32> {
    let codes = side(row, run / 2u) >> (16u * (run & 1u));
    let d = side(row, params.width / 64u + run / 8u);
    return vec2<f32>(f16_bits(d & 0xffffu), f16_bits(d >> 16u)) * vec2<f32>(f32(codes & 0xffu), f32((codes >> 8u) & 0xffu));
}
