//! kv[0, h, pos + t, d] = k[t, h, d]; kv[1, h, pos + t, d] = v[t, h, d]. Only valid tokens are written.
//! variant STORE: lib/kv_store_f16 lib/kv_store_f32
struct Params {
    heads: u32,      // Hk
    head_dim: u32,   // Dh, even
    capacity: u32,   // S
    bucket: u32,     // T
}
@group(0) @binding(0) var<uniform>             params: Params;
@group(0) @binding(1) var<storage, read>       state: array<u32>;
@group(0) @binding(2) var<storage, read>       k: array<f32>;        // [T, Hk * Dh]
@group(0) @binding(3) var<storage, read>       v: array<f32>;        // [T, Hk * Dh]
@group(0) @binding(4) var<storage, read_write> kv: array<u32>;       // [2, Hk, S, Dh]
#import lib/state
#import STORE

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let pairs = params.head_dim / 2u;
    let all = min(params.bucket, state[STATE_LEN]) * params.heads * pairs;
    let values = params.heads * params.capacity * params.head_dim;
    for (var n = id.x; n < all; n += groups.x * 64u) {
        let d = 2u * (n % pairs);
        let row = n / pairs;
        let slot = kv_slot(state[STATE_POS] + row / params.heads);
        if slot < params.capacity {
            let to = ((row % params.heads) * params.capacity + slot) * params.head_dim + d;
            let source = row * params.head_dim + d;
            kv_store2(to, vec2<f32>(k[source], k[source + 1u]));
            kv_store2(values + to, vec2<f32>(v[source], v[source + 1u]));
        }
    }
}
