//! Heads of rows of products: those of queries and keys are normalised by their root mean square, or all get a bias; then queries
//! are rotated by their positions into y, and keys rotated and values as they are go into the cache. A workgroup makes a head of
//! a token, an invocation four of its values.
//! variant SUBGROUPS: off on
//! variant STORE: lib/kv_store_f16 lib/kv_store_f32
#if SUBGROUPS
enable subgroups;
diagnostic(off, subgroup_uniformity);
#endif
override WG: u32 = 64u;      // a power of two
override NORMED: u32 = 0u;   // whether there are gains; else biases
struct Params {
    heads: u32,      // H
    kv_heads: u32,   // Hk
    head_dim: u32,   // Dh, a multiple of 4
    rotated: u32,    // Dr, a multiple of 4
    capacity: u32,   // S
    eps: f32,
    plus: f32,
}
@group(0) @binding(0) var<uniform>             params: Params;
@group(0) @binding(1) var<storage, read>       state: array<u32>;
@group(0) @binding(2) var<storage, read>       table: array<vec2<f32>>;   // [S, Dr/2] of (cos, sin)
@group(0) @binding(3) var<storage, read>       x: array<f32>;             // [T, (H + 2 * Hk) * Dh]
@group(0) @binding(4) var<storage, read>       of_q: array<f32>;          // a gain [Dh] or a bias [H * Dh]
@group(0) @binding(5) var<storage, read>       of_k: array<f32>;          // a gain [Dh] or a bias [Hk * Dh]
@group(0) @binding(6) var<storage, read>       of_v: array<f32>;          // a bias [Hk * Dh]
@group(0) @binding(7) var<storage, read_write> y: array<f32>;             // [T, H * Dh]
@group(0) @binding(8) var<storage, read_write> kv: array<u32>;            // [2, Hk, S, Dh]
#import lib/state
#import lib/sum
#import lib/heads
#import STORE

/// What goes with four values of a head: their gains or biases.
fn beside(head: u32, at: vec2<u32>) -> vec4<f32> {
    var h = head;
    if NORMED != 0u {
        if head < params.heads { return vec4<f32>(of_q[at.x], of_q[at.x + 1u], of_q[at.y], of_q[at.y + 1u]); }
        return vec4<f32>(of_k[at.x], of_k[at.x + 1u], of_k[at.y], of_k[at.y + 1u]);
    }
    if h < params.heads {
        let d = h * params.head_dim + at;
        return vec4<f32>(of_q[d.x], of_q[d.x + 1u], of_q[d.y], of_q[d.y + 1u]);
    }
    h -= params.heads;
    if h < params.kv_heads {
        let d = h * params.head_dim + at;
        return vec4<f32>(of_k[d.x], of_k[d.x + 1u], of_k[d.y], of_k[d.y + 1u]);
    }
    let d = (h - params.kv_heads) * params.head_dim + at;
    return vec4<f32>(of_v[d.x], of_v[d.x + 1u], of_v[d.y], of_v[d.y + 1u]);
}

/// The four values of the products.
fn four(first: u32, at: vec2<u32>) -> vec4<f32> {
    let d = first + at;
    return vec4<f32>(x[d.x], x[d.x + 1u], x[d.y], x[d.y + 1u]);
}

@compute @workgroup_size(WG)
#if SUBGROUPS
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32,
        @builtin(subgroup_size) size: u32, @builtin(subgroup_invocation_id) lane: u32) {
#else
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let size = 1u;
    let lane = 0u;
#endif
    let head = group.x;
    let t = group.y;
    if t >= state[STATE_LEN] { return; }
    let quads = params.head_dim / 4u;
    let first = (t * (params.heads + 2u * params.kv_heads) + head) * params.head_dim;
    var scale = 1.0;
    if NORMED != 0u {
        var squares = 0.0;
        for (var i = local; i < quads; i += WG) {
            let p = four(first, fours(i));
            squares += dot(p, p);
        }
        scale = inverseSqrt(workgroup_sum(squares, local, size, lane) / f32(params.head_dim) + params.eps);
    }
    for (var i = local; i < quads; i += WG) {
        let at = fours(i);
        var p = four(first, at);
        if NORMED == 0u {
            p += beside(head, at);
        } else if head < params.heads + params.kv_heads {
            p *= scale * (params.plus + beside(head, at));
        }
        store_head(t, head, at, p);
    }
}
