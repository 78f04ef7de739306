//! The tile for four lanes (see lib/lanes): neighbouring values of a token, one a lane, are shared by broadcasts.
#import lib/spread
#import tile/rows
const WG: u32 = 8u;
const QUADS: u32 = 2u;

/// Values `4 * k .. 4 * k + 4` of four tokens, whose rows of x begin at these vec4: a vector of tokens for each value.
fn x_fours(at: vec4<u32>, k: u32, lane: u32) -> mat4x4<f32> {
    return spread4(vec4<f32>(x[at.x + k][lane], x[at.y + k][lane], x[at.z + k][lane], x[at.w + k][lane]));
}
