//! y[i] = ka * a[i] + kb * b[j] + kab * a[i] * b[j], where b is as long as a, or repeats by row, or (with `used`) has a
//! row for each expert and the one chosen counts
struct Params {
    count: u32,
    period: u32,   // values of b after which it repeats
    used: u32,     // experts a token, 0 without
    ka: f32,
    kb: f32,
    kab: f32,
}
@group(0) @binding(0) var<uniform>             params: Params;
@group(0) @binding(1) var<storage, read>       a: array<f32>;        // [T, D]
@group(0) @binding(2) var<storage, read>       b: array<f32>;        // [T, D], [D], [1] or [E, D / used]
@group(0) @binding(3) var<storage, read>       routes: array<f32>;   // [T, 2 * used]: expert ids, then their weights
@group(0) @binding(4) var<storage, read_write> y: array<f32>;        // [T, D]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    for (var i = id.x; i < params.count; i += groups.x * 64u) {
        var j = i % params.period;
        if params.used > 0u {
            let row = i / params.period;
            let expert = routes[row / params.used * 2u * params.used + row % params.used];
            // behind the step's last row it may be anything
            j = min(j + u32(expert) * params.period, arrayLength(&b) - 1u);
        }
        y[i] = params.ka * a[i] + (params.kb + params.kab * a[i]) * b[j];
    }
}
