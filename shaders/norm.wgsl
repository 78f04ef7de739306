//! y[t, h, i] = (x[t, h, i] - m) / sqrt(mean over i of (x[t, h, i] - m)^2 + eps) * (plus + gain[h, i]) + bias[h, i],
//! where m is the mean over i if `centred` (LayerNorm), else 0 (RMSNorm)
//! variant SUBGROUPS: off on
#if SUBGROUPS
enable subgroups;
diagnostic(off, subgroup_uniformity);
#endif
override WG: u32 = 64u;   // a power of two
struct Params {
    width: u32,    // values that are normalised together
    heads: u32,    // such groups a row
    gains: u32,    // 0: no gain; 1: one for all heads; 2: one a head
    biased: u32,   // whether there is a bias
    centred: u32,
    plus: f32,
    eps: f32,
}
@group(0) @binding(0) var<uniform>             params: Params;
@group(0) @binding(1) var<storage, read>       state: array<u32>;
@group(0) @binding(2) var<storage, read>       x: array<f32>;      // [T, H * D]
@group(0) @binding(3) var<storage, read>       gain: array<f32>;   // [D] or [H, D]
@group(0) @binding(4) var<storage, read>       bias: array<f32>;   // the same
@group(0) @binding(5) var<storage, read_write> y: array<f32>;      // [T, H * D]
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
    let t = group.y;
    if t >= state[STATE_LEN] { return; }
    let base = (t * params.heads + group.x) * params.width;
    let row = select(0u, group.x * params.width, params.gains == 2u);
    var mean = 0.0;
    if params.centred != 0u {
        var sum = 0.0;
        for (var i = local; i < params.width; i += WG) { sum += x[base + i]; }
        mean = workgroup_sum(sum, local, size, lane) / f32(params.width);
    }
    var squares = 0.0;
    for (var i = local; i < params.width; i += WG) {
        let v = x[base + i] - mean;
        squares += v * v;
    }
    let scale = inverseSqrt(workgroup_sum(squares, local, size, lane) / f32(params.width) + params.eps);
    for (var i = local; i < params.width; i += WG) {
        var v = (x[base + i] - mean) * scale;
        if params.gains != 0u { v *= params.plus + gain[row + i]; }
        if params.biased != 0u { v += bias[row + i]; }
        y[base + i] = v;
    }
}
