//! Q3_K: value = d * scale * (q - 4). Plane 1 as in lib/threes.
#import lib/bytes
#import lib/threes

fn w_four(b: Block, q: u32, j: u32) -> vec4<f32> {
    return scale_of(b, j) * (u8s(q | (third(b, j) << 2u)) - vec4<f32>(4.0));
}
