//! y[t, h, i] and y[t, h, i + Dr/2] = the pair rotated by table[pos + t, i]; values from Dr on are copied. Half-split
//! pairing: families stored interleaved are un-permuted once, on load.
struct Params {
    heads: u32,      // H
    head_dim: u32,   // Dh
    rotated: u32,    // Dr, at most Dh
    bucket: u32,     // T
}
@group(0) @binding(0) var<uniform>             params: Params;
@group(0) @binding(1) var<storage, read>       state: array<u32>;
@group(0) @binding(2) var<storage, read>       table: array<vec2<f32>>;   // [S, Dr/2] of (cos, sin)
@group(0) @binding(3) var<storage, read>       x: array<f32>;             // [T, H * Dh]
@group(0) @binding(4) var<storage, read_write> y: array<f32>;             // [T, H * Dh]
#import lib/state

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let half = params.rotated / 2u;
    let lanes = params.head_dim - half;   // pairs, then what is copied
    let all = min(params.bucket, state[STATE_LEN]) * params.heads * lanes;
    for (var n = id.x; n < all; n += groups.x * 64u) {
        let i = n % lanes;
        let row = n / lanes;               // t * H + h
        let base = row * params.head_dim;
        if i < half {
            let turn = table[(state[STATE_POS] + row / params.heads) * half + i];
            let a = x[base + i];
            let b = x[base + i + half];
            y[base + i] = a * turn.x - b * turn.y;
            y[base + i + half] = b * turn.x + a * turn.y;
        } else {
            y[base + i + half] = x[base + i + half];
        }
    }
}
