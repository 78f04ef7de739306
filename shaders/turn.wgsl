//! Queries rotated by their positions, and keys rotated and values as they are into the cache: what `rope.wgsl` does twice and
//! `kv_write.wgsl` after it. An invocation makes two neighbours.
//! variant STORE: lib/kv_store_f16 lib/kv_store_f32
override PAIRS: u32 = 32u;   // Dh / 2
struct Params {
    heads: u32,      // H
    kv_heads: u32,   // Hk
    rotated: u32,    // Dr, at most Dh
    capacity: u32,   // S
    bucket: u32,     // T
}
@group(0) @binding(0) var<uniform>             params: Params;
@group(0) @binding(1) var<storage, read>       state: array<u32>;
@group(0) @binding(2) var<storage, read>       table: array<vec2<f32>>;   // [S, Dr/2] of (cos, sin)
@group(0) @binding(3) var<storage, read>       q: array<f32>;             // [T, H * Dh]
@group(0) @binding(4) var<storage, read>       k: array<f32>;             // [T, Hk * Dh]
@group(0) @binding(5) var<storage, read>       v: array<f32>;             // [T, Hk * Dh]
@group(0) @binding(6) var<storage, read_write> y: array<f32>;             // [T, H * Dh]
@group(0) @binding(7) var<storage, read_write> kv: array<u32>;            // [2, Hk, S, Dh]
#import lib/state
#import STORE

/// What value `d` of a head is paired with, and its cosine and sine: a value is `own * x + other * y`.
struct Turn { other: u32, by: vec2<f32> }

fn turn(pos: u32, d: u32) -> Turn {
    let half = params.rotated / 2u;
    if d >= params.rotated { return Turn(d, vec2<f32>(1.0, 0.0)); }
    let first = d < half;
    let by = table[pos * half + select(d - half, d, first)];
    return Turn(select(d - half, d + half, first), vec2<f32>(by.x, select(by.y, -by.y, first)));
}

// By row, and `PAIRS` is known when the pipeline is made: a division costs lanes of a CPU more than all else here.
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let head_dim = 2u * PAIRS;
    let queries = params.heads * PAIRS;
    let keys = params.kv_heads * PAIRS;
    let t = id.y;
    if t >= min(params.bucket, state[STATE_LEN]) { return; }
    let pos = state[STATE_POS] + t;
    for (var i = id.x; i < queries + 2u * keys; i += groups.x * 64u) {
        let head = i / PAIRS;   // of queries, then of keys, then of values
        let d = 2u * (i % PAIRS);
        let a = turn(pos, d);
        let b = turn(pos, d + 1u);
        if i < queries {
            let at = (t * params.heads + head) * head_dim;
            y[at + d] = q[at + d] * a.by.x + q[at + a.other] * a.by.y;
            y[at + d + 1u] = q[at + d + 1u] * b.by.x + q[at + b.other] * b.by.y;
            continue;
        }
        let slot = kv_slot(pos);
        if slot >= params.capacity { continue; }
        let values = i >= queries + keys;
        let of_kv = head - params.heads;   // both kinds, as they lie in the cache
        let to = (of_kv * params.capacity + slot) * head_dim + d;
        if values {
            let at = (t * params.kv_heads + of_kv - params.kv_heads) * head_dim;
            kv_store2(to, vec2<f32>(v[at + d], v[at + d + 1u]));
        } else {
            let at = (t * params.kv_heads + of_kv) * head_dim;
            let own = vec2<f32>(k[at + d], k[at + d + 1u]);
            let other = vec2<f32>(k[at + a.other], k[at + b.other]);
            kv_store2(to, own * vec2<f32>(a.by.x, b.by.x) + other * vec2<f32>(a.by.y, b.by.y));
        }
    }
}
