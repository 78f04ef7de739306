//! y[i] = a[i] + b[i]
struct Params { count: u32 }
@group(0) @binding(0) var<uniform>             params: Params;
@group(0) @binding(1) var<storage, read>       a: array<f32>;   // [T, D]
@group(0) @binding(2) var<storage, read>       b: array<f32>;   // [T, D]
@group(0) @binding(3) var<storage, read_write> y: array<f32>;   // [T, D]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    for (var i = id.x; i < params.count; i += groups.x * 64u) { y[i] = a[i] + b[i]; }
}
