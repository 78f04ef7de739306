//! The tile for four lanes (see lib/lanes): neighbouring values of a token, one a lane, are shared by broadcasts.
#import lib/spread
#import tile/rows
const WG: u32 = 8u;
const QUADS: u32 = 2u;

/// Where in x the rows of eight tokens begin.
struct Places { a: vec4<u32>, b: vec4<u32> }

fn x_places(tile: u32, t: u32, local: u32) -> Places {
    return Places(
        vec4<u32>(x_base(tile, t), x_base(tile, t + 1u), x_base(tile, t + 2u), x_base(tile, t + 3u)),
        vec4<u32>(x_base(tile, t + 4u), x_base(tile, t + 5u), x_base(tile, t + 6u), x_base(tile, t + 7u)));
}

fn x_four(at: vec4<u32>, k: u32, lane: u32) -> mat4x4<f32> {
    return spread4(vec4<f32>(x[at.x + k][lane], x[at.y + k][lane], x[at.z + k][lane], x[at.w + k][lane]));
}

/// Values `4 * k .. 4 * k + 4` of eight tokens.
fn x_eight(at: Places, k: u32, local: u32) -> Eight { return Eight(x_four(at.a, k, local % 4u), x_four(at.b, k, local % 4u)); }
