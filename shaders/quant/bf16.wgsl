//! BF16: one plane, 8 values a packet, the even value in the low half of a word. Rows are padded with zeros.
const UNIT4: u32 = 2u;

fn w_units() -> u32 { return (params.width + 7u) / 8u; }

fn bf16x4(half: vec2<u32>) -> vec4<f32> {
    return bitcast<vec4<f32>>(vec4<u32>(half.x << 16u, half.x & 0xffff0000u, half.y << 16u, half.y & 0xffff0000u));
}

fn w_dot(row: u32, u: u32, xo: u32) -> f32 {
    let p = w[row * params.row0 + u];
    var sum = dot(bf16x4(p.xy), x4(xo + 2u * u));
    if 8u * u + 4u < params.width {
        sum += dot(bf16x4(p.zw), x4(xo + 2u * u + 1u));
    }
    return sum;
}

fn w_load4(row: u32, k4: u32) -> vec4<f32> {
    let p = w[row * params.row0 + k4 / 2u];
    return bf16x4(select(p.xy, p.zw, (k4 & 1u) == 1u));
}
