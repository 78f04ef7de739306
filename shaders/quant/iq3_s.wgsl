//! IQ3_S: value = d * scale * (2 * q - 15). Plane 1 as in lib/fours.
#import lib/bytes
#import lib/fours

fn w_four(b: Block, q: u32, j: u32) -> vec4<f32> { return 2.0 * u8s(q) - vec4<f32>(15.0); }
