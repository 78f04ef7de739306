//! Of the products p[t, n] = sum over k of w[n, k] * x[t, k], where x may be normalised by its root mean square first:
//! y[t, first + n] = p[t, n], or of `END` 1 residual[t, first + n] + scale * p[t, n], or of 2 act(p[t, n]) * p[t, n + N].
//! For few tokens: one subgroup (or, without subgroups, one workgroup) owns four rows of w at a time, or eight; or each
//! lane of a CPU does.
//! variant QUANT: quant/*
//! variant SUBGROUPS: off on
#if SUBGROUPS
enable subgroups;
diagnostic(off, subgroup_uniformity);
#endif
override WG: u32 = 64u;      // a power of two
override NORMED: u32 = 0u;   // whether x is to be normalised
override QUADS: u32 = 1u;    // fours of rows at a time; 1 without subgroups
override END: u32 = 0u;      // what is made of the products
override KIND: u32 = 0u;     // the activation
struct Params {
    rows: u32,        // of y that this shard of w makes
    width: u32,       // K
    first: u32,       // row of the whole weight that this shard begins with
    out_width: u32,   // N
    row0: u32,        // packets of 16 bytes a row, plane 0
    row1: u32,        // the same, plane 1
    plane1: u32,      // first packet of plane 1
    at: u32,          // rows of other weights before those of this one
    eps: f32,
    plus: f32,
    scale: f32,
    ka: f32,          // parameters of the activation
    kb: f32,
}
@group(0) @binding(0) var<uniform>             params: Params;
@group(0) @binding(1) var<storage, read>       state: array<u32>;
@group(0) @binding(2) var<storage, read>       w: array<vec4<u32>>;      // [rows, K] in planes; [2 * rows, K] with gates
@group(0) @binding(3) var<storage, read>       x: array<vec4<f32>>;      // [T, K]
@group(0) @binding(4) var<storage, read>       gain: array<vec4<f32>>;   // [K]
@group(0) @binding(5) var<storage, read>       residual: array<f32>;     // [T, N]
@group(0) @binding(6) var<storage, read_write> y: array<f32>;            // [T, N]
#import lib/state
#import lib/act
#import lib/products
#import QUANT

/// The four rows of w that make the values from row `r` of y on; of those behind the last, the last.
fn rows_from(r: u32) -> vec4<u32> {
    let last = vec4<u32>(params.rows - 1u);
    if END == 2u { return params.at + min(vec4<u32>(r, r + 1u, r, r + 1u), last) + vec4<u32>(0u, 0u, params.rows, params.rows); }
    return params.at + min(vec4<u32>(r, r + 1u, r + 2u, r + 3u), last);
}

fn store(to: u32, r: u32, each: u32, products: vec4<f32>) {
    var p = products;
    if END == 2u { p = vec4<f32>(act(p.x, p.z), act(p.y, p.w), 0.0, 0.0); }
    for (var i = 0u; i < each && r + i < params.rows; i++) {
        if END == 1u { p[i] = residual[to + r + i] + params.scale * p[i]; }
        y[to + r + i] = p[i];
    }
}

@compute @workgroup_size(WG)
#if SUBGROUPS
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32,
        @builtin(subgroup_size) size: u32, @builtin(subgroup_invocation_id) lane: u32) {
#else
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let size = WG;
    let lane = local;
#endif
#if SUBGROUPS
    let per_group = max(WG / size, 1u);
    let nth = local / size;
    let writes = LANES != 0u || lane == 0u;
    let sharers = select(1u, size, LANES != 0u);   // lanes with rows of their own
    let own = select(0u, lane, LANES != 0u);
#else
    // Not `local / size`, which the rules of uniformity take for something that differs.
    let per_group = 1u;
    let nth = 0u;
    let writes = lane == 0u;
    let sharers = 1u;
    let own = 0u;
#endif
    // Four rows make four values, or two with gates.
    let each = select(4u, 2u, END == 2u);
    let stride = sharers * QUADS * each;
    let tokens = state[STATE_LEN];
    for (var begin = (group.x * per_group + nth) * stride; begin < params.rows; begin += groups.x * per_group * stride) {
        let r = begin + own * QUADS * each;
        // One token after the other, while the rows are near.
        for (var t = group.y; t < tokens; t += groups.y) {
            x_row = t * (params.width / 4u);
            let to = t * params.out_width + params.first;
            let p = products(rows_from(r), rows_from(r + each), lane, size);
            if writes {
                store(to, r, each, p.first);
                if QUADS == 2u { store(to, r + each, each, p.second); }
            }
        }
    }
}
