//! y[t, first + n] = sum over k of w[n, k] * x[t, k], for few tokens: one subgroup (or, without subgroups, one
//! workgroup) owns 4 rows of w at a time and strides over the rest, so that any subgroup size is right; where it is the lanes of a
//! CPU, each lane owns 4.
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
    used: u32,        // experts a token, 0 without
    own: u32,         // whether x has a row for each of them
    at: u32,          // rows of other weights before those of this one
}
@group(0) @binding(0) var<uniform>             params: Params;
@group(0) @binding(1) var<storage, read>       state: array<u32>;
@group(0) @binding(2) var<storage, read>       w: array<vec4<u32>>;   // [rows, K] in planes
@group(0) @binding(3) var<storage, read>       x: array<vec4<f32>>;   // [T, K]
@group(0) @binding(4) var<storage, read>       routes: array<f32>;    // [T, 2 * used], with experts
@group(0) @binding(5) var<storage, read_write> y: array<f32>;         // [T, N] or [T, used, N]
#import lib/state
#import lib/lanes
#if SUBGROUPS
#import lib/share
#endif
#import QUANT

/// Takes unit `u` of the row of x that begins at `xo`. The last unit of several vec4 may be half.
fn take(u: u32, xo: u32, lane: u32) {
    let last = params.width / 4u - 1u;
#if SUBGROUPS
    if LANES > 4u {
        share(x[xo + min(u * UNIT4 + brings(lane), last)]);
        return;
    }
#endif
    for (var i = 0u; i < UNIT4; i++) {
        let at = xo + min(u * UNIT4 + i, last);
#if SUBGROUPS
        if LANES == 4u {
            xs[i] = spread(x[at][lane]);
            continue;
        }
#endif
        xs[i] = x[at];
    }
}

fn dot4(r: u32, u: u32, xo: u32, lane: u32) -> vec4<f32> {
    take(u, xo, lane);
    let last = params.at + params.rows - 1u;
    return vec4<f32>(w_dot(min(r, last), u), w_dot(min(r + 1u, last), u), w_dot(min(r + 2u, last), u), w_dot(min(r + 3u, last), u));
}

/// Rows of this shard that a row of y takes, and where in y the shard would begin.
struct Range { begin: u32, end: u32, first: u32, xo: u32 }

fn range(t: u32) -> Range {
    let width4 = params.width / 4u;
    if params.used == 0u {
        return Range(params.at, params.at + params.rows, t * params.out_width + params.first - params.at, t * width4);
    }
    let token = t / params.used;
    let expert = u32(routes[2u * token * params.used + t % params.used]);
    let head = expert * params.out_width;   // of the whole weight
    let last = params.first + params.rows;
    let begin = clamp(head, params.first, last) - params.first;
    let end = clamp(head + params.out_width, params.first, last) - params.first;
    return Range(begin, end, t * params.out_width + params.first - head, select(token, t, params.own != 0u) * width4);
}

fn store4(at: Range, r: u32, sums: vec4<f32>) {
    for (var i = 0u; i < 4u; i++) {
        if r + i < at.end { y[at.first + r + i] = sums[i]; }
    }
}

/// Rows of y of all tokens.
fn all_rows() -> u32 { return state[STATE_LEN] * max(params.used, 1u); }

#if SUBGROUPS
@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32, @builtin(subgroup_size) size: u32, @builtin(subgroup_invocation_id) lane: u32) {
    let all = all_rows();
    if group.y >= all { return; }
    let rows = range(group.y);
    let units = w_units();
    let per_group = max(WG / size, 1u);
    let stride = 4u * select(1u, size, LANES != 0u);
    for (var begin = rows.begin + (group.x * per_group + local / size) * stride; begin < rows.end; begin += groups.x * per_group * stride) {
        let r = begin + select(0u, 4u * lane, LANES != 0u);
        // One token after the other, while the rows are near; with experts each has a workgroup of its own.
        for (var t = group.y; t < all; t += groups.y) {
            let at = range(t);
            var acc = vec4<f32>();
            for (var u = select(lane, 0u, LANES != 0u); u < units; u += select(size, 1u, LANES != 0u)) { acc += dot4(r, u, at.xo, lane); }
            if LANES == 0u { acc = subgroupAdd(acc); }
            if LANES != 0u || lane == 0u { store4(at, r, acc); }
        }
    }
}
#else
var<workgroup> partial: array<vec4<f32>, WG>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let all = all_rows();
    if group.y >= all { return; }
    let rows = range(group.y);
    let units = w_units();
    for (var r = rows.begin + group.x * 4u; r < rows.end; r += groups.x * 4u) {
        for (var t = group.y; t < all; t += groups.y) {
            let at = range(t);
            var acc = vec4<f32>();
            for (var u = local; u < units; u += WG) { acc += dot4(r, u, at.xo, local); }
            partial[local] = acc;
            workgroupBarrier();
            for (var half = WG / 2u; half > 0u; half /= 2u) {
                if local < half { partial[local] += partial[local + half]; }
                workgroupBarrier();
            }
            if local == 0u { store4(at, r, partial[0]); }
            workgroupBarrier();
        }
    }
}
#endif
