//! F32: one plane, 4 values a packet.
#import lib/unit
const UNIT4: u32 = 1u;   // vec4 of x a unit

fn w_units() -> u32 { return params.width / 4u; }

/// Dot of unit `u` of row `row` with that of x.
fn w_dot(row: u32, u: u32) -> f32 {
    return dot(bitcast<vec4<f32>>(w[row * params.row0 + u]), xs[0]);
}

/// Values 4 * k4 .. 4 * k4 + 3 of row `row`.
fn w_load4(row: u32, k4: u32) -> vec4<f32> {
    return bitcast<vec4<f32>>(w[row * params.row0 + k4]);
}
