//! y[r] = the first values of a[r], then those of b[r], where r goes over the heads of all rows
struct Params {
    count: u32,
    first: u32,     // values of a
    width: u32,     // values of both
    a_width: u32,   // of a head of a
    b_width: u32,
}
@group(0) @binding(0) var<uniform>             params: Params;
@group(0) @binding(1) var<storage, read>       a: array<f32>;   // [T * H, a_width]
@group(0) @binding(2) var<storage, read>       b: array<f32>;   // [T * H, b_width]
@group(0) @binding(3) var<storage, read_write> y: array<f32>;   // [T * H, width]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    for (var i = id.x; i < params.count; i += groups.x * 64u) {
        let row = i / params.width;
        let at = i % params.width;
        if at < params.first {
            y[i] = a[row * params.a_width + at];
        } else {
            y[i] = b[row * params.b_width + at - params.first];
        }
    }
}
