//! sum[t, i] = a[t, i] + scale * b[t, i]; y[t, i] = the norm of sum[t, i], as in `norm`
//! variant SUBGROUPS: off on
#if SUBGROUPS
enable subgroups;
diagnostic(off, subgroup_uniformity);
#endif
override WG: u32 = 64u;   // a power of two
struct Params {
    width: u32,    // D
    biased: u32,   // whether there is a bias
    centred: u32,
    plus: f32,
    eps: f32,
    scale: f32,
}
@group(0) @binding(0) var<uniform>             params: Params;
@group(0) @binding(1) var<storage, read>       state: array<u32>;
@group(0) @binding(2) var<storage, read>       a: array<f32>;      // [T, D]
@group(0) @binding(3) var<storage, read>       b: array<f32>;      // [T, D]
@group(0) @binding(4) var<storage, read>       gain: array<f32>;   // [D]
@group(0) @binding(5) var<storage, read>       bias: array<f32>;   // [D]
@group(0) @binding(6) var<storage, read_write> sum: array<f32>;    // [T, D]
@group(0) @binding(7) var<storage, read_write> y: array<f32>;      // [T, D]
#import lib/state
#import lib/sum

@compute @workgroup_size(WG)
#if SUBGROUPS
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32,
        @builtin(subgroup_size) size: u32, @builtin(subgroup_invocation_id) lane: u32) {
#else
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let size = 1u;
    let lane = 0u;
#endif
    let t = group.x;
    if t >= state[STATE_LEN] { return; }
    let base = t * params.width;
    var total = 0.0;
    var squares = 0.0;
    for (var i = local; i < params.width; i += WG) {
        let v = a[base + i] + params.scale * b[base + i];
        sum[base + i] = v;
        total += v;
        squares += v * v;
    }
    // Each invocation reads back only what it wrote itself.
    var mean = 0.0;
    if params.centred != 0u {
        mean = workgroup_sum(total, local, size, lane) / f32(params.width);
        squares = 0.0;
        for (var i = local; i < params.width; i += WG) {
            let v = sum[base + i] - mean;
            squares += v * v;
        }
    }
    let scale = inverseSqrt(workgroup_sum(squares, local, size, lane) / f32(params.width) + params.eps);
    for (var i = local; i < params.width; i += WG) {
        var v = (sum[base + i] - mean) * scale * (params.plus + gain[i]);
        if params.biased != 0u { v += bias[i]; }
        y[base + i] = v;
    }
}
