//! IQ4_XS: value = d * scale * level[q]. Plane 1 as in lib/fours.
#import lib/fours
#import lib/levels

fn w_four(b: Block, q: u32, j: u32) -> vec4<f32> {
    return levels(q, vec4<u32>(0xbfad9881u, 0xf6eaddcfu, 0x26190d01u, 0x71594535u));
}
