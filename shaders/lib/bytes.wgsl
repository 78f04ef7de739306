//! Bytes of a word as floats, the lowest first. A GPU has instructions for that; where lanes are those of a CPU, a shift is done lane
//! by lane, so bytes stay where they are and what they are too large by goes into the factor.
#import lib/lanes
const BYTES: vec4<u32> = vec4<u32>(0xffu, 0xff00u, 0xff0000u, 0xff000000u);
const FACTORS: vec4<f32> = vec4<f32>(1.0, 0x1p-8, 0x1p-16, 0x1p-24);

fn i8s(word: u32) -> vec4<f32> {
    if LANES == 0u { return vec4<f32>(unpack4xI8(word)); }
    let signs = vec4<u32>(0x80u, 0x8000u, 0x800000u, 0u);
    return FACTORS * vec4<f32>(vec4<i32>(((vec4<u32>(word) & BYTES) ^ signs) - signs));
}

fn u8s(word: u32) -> vec4<f32> {
    if LANES == 0u { return vec4<f32>(unpack4xU8(word)); }
    return FACTORS * vec4<f32>(vec4<u32>(word) & BYTES);
}
