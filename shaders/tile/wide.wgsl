//! The tile for more lanes, as lavapipe has them: there a load of the same word by all is a load of one.
#import tile/rows
const WG: u32 = 16u;
const QUADS: u32 = 1u;

/// Values `4 * k .. 4 * k + 4` of four tokens, whose rows of x begin at these vec4: a vector of tokens for each value.
fn x_fours(at: vec4<u32>, k: u32, lane: u32) -> mat4x4<f32> {
    return transpose(mat4x4<f32>(x[at.x + k], x[at.y + k], x[at.z + k], x[at.w + k]));
}
