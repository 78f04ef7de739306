//! F16: one plane, 8 values a packet, the even value in the low half of a word. Rows are padded with zeros.
#import lib/unit
const UNIT4: u32 = 2u;

fn w_units() -> u32 { return (params.width + 7u) / 8u; }

fn w_dot(row: u32, u: u32) -> f32 {
    let p = w[row * params.row0 + u];
    return dot(vec4<f32>(unpack2x16float(p.x), unpack2x16float(p.y)), xs[0]) + dot(vec4<f32>(unpack2x16float(p.z), unpack2x16float(p.w)), xs[1]);
}

fn w_load4(row: u32, k4: u32) -> vec4<f32> {
    let p = w[row * params.row0 + k4 / 2u];
    let half = select(p.xy, p.zw, (k4 & 1u) == 1u);
    return vec4<f32>(unpack2x16float(half.x), unpack2x16float(half.y));
}
