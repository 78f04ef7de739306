//! Queries, keys and values of x, which may be normalised by its root mean square first: queries rotated by their positions into
//! y, and keys rotated and values as they are into the cache. For few tokens: one subgroup (or, without subgroups, one workgroup)
//! owns four rows of w at a time, or eight, or each lane of a CPU does: two neighbours and the two that they are rotated with.
//! variant QUANT: quant/*
//! variant SUBGROUPS: off on
//! variant STORE: lib/kv_store_f16 lib/kv_store_f32
#if SUBGROUPS
enable subgroups;
diagnostic(off, subgroup_uniformity);
#endif
override WG: u32 = 64u;      // a power of two
override NORMED: u32 = 0u;   // whether x is to be normalised
override QUADS: u32 = 1u;    // fours of rows at a time; 1 without subgroups
struct Params {
    width: u32,      // K
    row0: u32,       // packets of 16 bytes a row, plane 0
    row1: u32,       // the same, plane 1
    plane1: u32,     // first packet of plane 1
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
@group(0) @binding(2) var<storage, read>       w: array<vec4<u32>>;       // [(H + 2 * Hk) * Dh, K] in planes
@group(0) @binding(3) var<storage, read>       x: array<vec4<f32>>;       // [T, K]
@group(0) @binding(4) var<storage, read>       gain: array<vec4<f32>>;    // [K]
@group(0) @binding(5) var<storage, read>       table: array<vec2<f32>>;   // [S, Dr/2] of (cos, sin)
@group(0) @binding(6) var<storage, read_write> y: array<f32>;             // [T, H * Dh]
@group(0) @binding(7) var<storage, read_write> kv: array<u32>;            // [2, Hk, S, Dh]
#import lib/state
#import lib/products
#import lib/heads
#import STORE
#import QUANT

/// Values `at.x`, the next, `at.y` and the next of a head, and the rows of w that make them.
struct Place { head: u32, at: vec2<u32>, rows: vec4<u32> }

fn place(i: u32) -> Place {
    let quads = params.head_dim / 4u;
    let head = i / quads;
    let at = fours(i % quads);
    return Place(head, at, head * params.head_dim + vec4<u32>(at.x, at.x + 1u, at.y, at.y + 1u));
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
    let all = (params.heads + 2u * params.kv_heads) * (params.head_dim / 4u);
    let stride = sharers * QUADS;
    let tokens = state[STATE_LEN];
    for (var begin = (group.x * per_group + nth) * stride; begin < all; begin += groups.x * per_group * stride) {
        // Beyond the last one it is the last once more.
        let i = begin + own * QUADS;
        let a = place(min(i, all - 1u));
        let b = place(min(i + 1u, all - 1u));
        // One token after the other, while the rows are near.
        for (var t = group.y; t < tokens; t += groups.y) {
            x_row = t * (params.width / 4u);
            let p = products(a.rows, b.rows, lane, size);
            if writes {
                store_head(t, a.head, a.at, p.first);
                if QUADS == 2u { store_head(t, b.head, b.at, p.second); }
            }
        }
    }
}
