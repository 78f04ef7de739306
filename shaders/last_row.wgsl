//! y[0, i] = x[len - 1, i]: what the head needs of a prompt.
struct Params { width: u32 }
@group(0) @binding(0) var<uniform>             params: Params;
@group(0) @binding(1) var<storage, read>       state: array<u32>;
@group(0) @binding(2) var<storage, read>       x: array<f32>;   // [T, D]
@group(0) @binding(3) var<storage, read_write> y: array<f32>;   // [1, D]
#import lib/state

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x < params.width { y[id.x] = x[(state[STATE_LEN] - 1u) * params.width + id.x]; }
}
