//! Values 4 * i .. 4 * i + 3 of x, as they are.
fn x4(i: u32) -> vec4<f32> { return x[i]; }
