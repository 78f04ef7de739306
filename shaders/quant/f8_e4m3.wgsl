//! F8_E4M3: value = d * float. Plane 0: 16 floats of 8 bits a packet, four packets a block; plane 1: d, a word each.
#import lib/unit
#import lib/side
const UNIT4: u32 = 4u;

fn w_units() -> u32 { return params.width / 16u; }

/// The floats of a word. Those of the least exponent have no leading one: they are steps of 2^-9.
fn floats(word: u32) -> vec4<f32> {
    let bits = (vec4<u32>(word) >> vec4<u32>(0u, 8u, 16u, 24u)) & vec4<u32>(0xffu);
    let size = bits & vec4<u32>(0x7fu);
    let normal = bitcast<vec4<f32>>((size << vec4<u32>(20u)) + vec4<u32>(0x3c000000u));
    let least = 0.001953125 * vec4<f32>(size);
    return select(normal, least, size < vec4<u32>(8u)) * (1.0 - vec4<f32>(bits & vec4<u32>(0x80u)) / 64.0);
}

fn w_scale(row: u32, block: u32) -> f32 { return bitcast<f32>(side(row, block)); }

fn w_dot(row: u32, u: u32) -> f32 {
    let p = w[row * params.row0 + u];
    let sum = dot(floats(p.x), xs[0]) + dot(floats(p.y), xs[1]) + dot(floats(p.z), xs[2]) + dot(floats(p.w), xs[3]);
    return w_scale(row, u / 4u) * sum;
}

fn w_load4(row: u32, k4: u32) -> vec4<f32> {
    return w_scale(row, k4 / 16u) * floats(w[row * params.row0 + k4 / 4u][k4 & 3u]);
}
