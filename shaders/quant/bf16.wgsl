//! BF16: one plane, 8 values a packet, the even value in the low half of a word. Rows are padded with zeros.
#import lib/unit
const UNIT4: u32 = 2u;

fn w_units() -> u32 { return (params.width + 7u) / 8u; }

fn bf16x4(half: vec2<u32>) -> vec4<f32> {
    return bitcast<vec4<f32>>(vec4<u32>(half.x << 16u, half.x & 0xffff0000u, half.y << 16u, half.y & 0xffff0000u));
}

fn w_dot(row: u32, u: u32) -> f32 {
    let p = w[row * params.row0 + u];
    return dot(bf16x4(p.xy), xs[0]) + dot(bf16x4(p.zw), xs[1]);
}

fn w_load4(row: u32, k4: u32) -> vec4<f32> {
    let p = w[row * params.row0 + k4 / 2u];
    return bf16x4(select(p.xy, p.zw, (k4 & 1u) == 1u));
}
