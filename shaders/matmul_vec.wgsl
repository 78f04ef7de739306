//! y[t, first + n] = sum over k of w[n, k] * x[t, k], for few tokens: one subgroup (or, without subgroups, one
//! workgroup) owns 4 rows of w at a time and strides over the rest, so that any subgroup size is right.
//! variant QUANT: quant/*
//! variant SUBGROUPS: off on
#if SUBGROUPS
enable subgroups;
diagnostic(off, subgroup_uniformity);
#endif
override WG: u32 = 64u;   // a power of two
struct Params {
    rows: u32,        // of this shard of w
    width: u32,       // K
    first: u32,       // row of the whole weight that this shard begins with
    out_width: u32,   // N of the whole weight
    row0: u32,        // packets of 16 bytes a row, plane 0
    row1: u32,        // the same, plane 1
    plane1: u32,      // first packet of plane 1
}
@group(0) @binding(0) var<uniform>             params: Params;
@group(0) @binding(1) var<storage, read>       state: array<u32>;
@group(0) @binding(2) var<storage, read>       w: array<vec4<u32>>;   // [rows, K] in planes
@group(0) @binding(3) var<storage, read>       x: array<vec4<f32>>;   // [T, K]
@group(0) @binding(4) var<storage, read_write> y: array<f32>;         // [T, N]
#import lib/state
#import QUANT

fn dot4(r: u32, u: u32, xo: u32) -> vec4<f32> {
    let last = params.rows - 1u;
    return vec4<f32>(w_dot(r, u, xo), w_dot(min(r + 1u, last), u, xo), w_dot(min(r + 2u, last), u, xo), w_dot(min(r + 3u, last), u, xo));
}

fn store4(t: u32, r: u32, sums: vec4<f32>) {
    for (var i = 0u; i < 4u; i++) {
        if r + i < params.rows { y[t * params.out_width + params.first + r + i] = sums[i]; }
    }
}

#if SUBGROUPS
@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32, @builtin(subgroup_size) size: u32, @builtin(subgroup_invocation_id) lane: u32) {
    let t = group.y;
    if t >= state[STATE_LEN] { return; }
    let xo = t * (params.width / 4u);
    let units = w_units();
    let per_group = WG / size;
    for (var r = (group.x * per_group + local / size) * 4u; r < params.rows; r += groups.x * per_group * 4u) {
        var acc = vec4<f32>();
        for (var u = lane; u < units; u += size) { acc += dot4(r, u, xo); }
        let sums = subgroupAdd(acc);
        if lane == 0u { store4(t, r, sums); }
    }
}
#else
var<workgroup> partial: array<vec4<f32>, WG>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let t = group.y;
    if t >= state[STATE_LEN] { return; }
    let xo = t * (params.width / 4u);
    let units = w_units();
    for (var r = group.x * 4u; r < params.rows; r += groups.x * 4u) {
        var acc = vec4<f32>();
        for (var u = local; u < units; u += WG) { acc += dot4(r, u, xo); }
        partial[local] = acc;
        workgroupBarrier();
        for (var half = WG / 2u; half > 0u; half /= 2u) {
            if local < half { partial[local] += partial[local + half]; }
            workgroupBarrier();
        }
        if local == 0u { store4(t, r, partial[0]); }
        workgroupBarrier();
    }
}
#endif
