//! F16: one plane, 8 values a packet, the even value in the low half of a word. Rows are padded with zeros.
#import lib/lanes
#import lib/unit
const UNIT4: u32 = 2u;

/// Halves of two words; of four lanes of a CPU as in lib/f16.
fn halves(p: vec2<u32>) -> vec4<f32> {
    if LANES != 4u { return vec4<f32>(unpack2x16float(p.x), unpack2x16float(p.y)); }
    let size = p.xxyy & vec4<u32>(0x7fffu, 0x7fff0000u, 0x7fffu, 0x7fff0000u);
    let upper = vec2<i32>(vec2<f32>(vec2<i32>(size.yw)) * 0.125);
    let bits = vec4<u32>(size.x * 0x2000u, u32(upper.x), size.z * 0x2000u, u32(upper.y));
    let near = bitcast<vec4<f32>>(bits + vec4<u32>(112u << 23u));
    let whole = min(near, near + near - vec4<f32>(0x1p-14));
    let signs = p.xxyy & vec4<u32>(0x8000u, 0x80000000u, 0x8000u, 0x80000000u);
    return bitcast<vec4<f32>>(bitcast<vec4<u32>>(whole) | (signs * vec4<u32>(0x10000u, 1u, 0x10000u, 1u)));
}

fn w_units() -> u32 { return (params.width + 7u) / 8u; }

fn w_dot(row: u32, u: u32) -> f32 {
    let p = w[row * params.row0 + u];
    return dot(halves(p.xy), xs[0]) + dot(halves(p.zw), xs[1]);
}

fn w_load4(row: u32, k4: u32) -> vec4<f32> {
    let p = w[row * params.row0 + k4 / 2u];
    return halves(select(p.xy, p.zw, (k4 & 1u) == 1u));
}
