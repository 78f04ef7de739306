//! Q4_0: value = d * (q - 8). Plane 0: one packet a block, word i has values 8i .. 8i + 3 in its low nibbles and
//! 8i + 4 .. 8i + 7 in its high ones; plane 1: f16 scales, two a word.
#import lib/f16
const UNIT4: u32 = 8u;

fn w_units() -> u32 { return params.width / 32u; }

fn w_scale(row: u32, block: u32) -> f32 {
    let word = w[params.plane1 + row * params.row1 + block / 8u][(block / 2u) & 3u];
    return f16_bits((word >> (16u * (block & 1u))) & 0xffffu);
}

fn nibbles(word: u32) -> vec4<f32> {
    return vec4<f32>(unpack4xU8(word & 0x0f0f0f0fu)) - vec4<f32>(8.0);
}

fn w_dot(row: u32, u: u32, xo: u32) -> f32 {
    let p = w[row * params.row0 + u];
    let xi = xo + 8u * u;
    let sum = dot(nibbles(p.x), x[xi]) + dot(nibbles(p.x >> 4u), x[xi + 1u])
        + dot(nibbles(p.y), x[xi + 2u]) + dot(nibbles(p.y >> 4u), x[xi + 3u])
        + dot(nibbles(p.z), x[xi + 4u]) + dot(nibbles(p.z >> 4u), x[xi + 5u])
        + dot(nibbles(p.w), x[xi + 6u]) + dot(nibbles(p.w >> 4u), x[xi + 7u]);
    return w_scale(row, u) * sum;
}

fn w_load4(row: u32, k4: u32) -> vec4<f32> {
    let word = w[row * params.row0 + k4 / 8u][(k4 / 2u) & 3u];
    return w_scale(row, k4 / 8u) * nibbles(word >> (4u * (k4 & 1u)));
}
