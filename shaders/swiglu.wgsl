//! y[i] = gate[i] / (1 + exp(-gate[i])) * up[i]
struct Params { count: u32 }
@group(0) @binding(0) var<uniform>             params: Params;
@group(0) @binding(1) var<storage, read>       gate: array<f32>;   // [T, F]
@group(0) @binding(2) var<storage, read>       up: array<f32>;     // [T, F]
@group(0) @binding(3) var<storage, read_write> y: array<f32>;      // [T, F]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    for (var i = id.x; i < params.count; i += groups.x * 64u) {
        let g = gate[i];
        y[i] = g / (1.0 + exp(-g)) * up[i];
    }
}
