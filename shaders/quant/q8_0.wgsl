//! Q8_0: value = d * q. Plane 0: 16 int8 a packet, two packets a block; plane 1: f16 scales, two a word.
#import lib/bytes
#import lib/unit
#import lib/side
const UNIT4: u32 = 4u;

fn w_units() -> u32 { return params.width / 16u; }

fn w_dot(row: u32, u: u32) -> f32 {
    let p = w[row * params.row0 + u];
    let sum = dot(i8s(p.x), xs[0]) + dot(i8s(p.y), xs[1])
        + dot(i8s(p.z), xs[2]) + dot(i8s(p.w), xs[3]);
    return side_f16(row, 0u, u / 2u) * sum;
}

fn w_load4(row: u32, k4: u32) -> vec4<f32> {
    let word = w[row * params.row0 + k4 / 4u][k4 & 3u];
    return side_f16(row, 0u, k4 / 8u) * i8s(word);
}
