//! y[t, i] = a[t, i] + scale * the norm of b[t, i] by its root mean square, as in `norm`
//! variant SUBGROUPS: off on
#if SUBGROUPS
enable subgroups;
diagnostic(off, subgroup_uniformity);
#endif
override WG: u32 = 64u;   // a power of two
struct Params {
    width: u32,   // D
    plus: f32,
    eps: f32,
    scale: f32,
}
@group(0) @binding(0) var<uniform>             params: Params;
@group(0) @binding(1) var<storage, read>       state: array<u32>;
@group(0) @binding(2) var<storage, read>       a: array<f32>;      // [T, D]
@group(0) @binding(3) var<storage, read>       b: array<f32>;      // [T, D]
@group(0) @binding(4) var<storage, read>       gain: array<f32>;   // [D]
@group(0) @binding(5) var<storage, read_write> y: array<f32>;      // [T, D]
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
    var squares = 0.0;
    for (var i = local; i < params.width; i += WG) { squares += b[base + i] * b[base + i]; }
    let scale = params.scale * inverseSqrt(workgroup_sum(squares, local, size, lane) / f32(params.width) + params.eps);
    for (var i = local; i < params.width; i += WG) {
        y[base + i] = a[base + i] + scale * b[base + i] * (params.plus + gain[i]);
    }
}
