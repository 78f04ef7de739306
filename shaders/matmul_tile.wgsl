//! y[t, first + n] = sum over k of w[n, k] * x[t, k], for many tokens: a workgroup makes a tile of 32 tokens by 64 rows,
//! the weights decoded once a tile into workgroup memory; each invocation keeps 4 tokens by 8 rows in registers.
//! variant QUANT: quant/*
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
const TILE_T: u32 = 32u;
const TILE_N: u32 = 64u;
const TILE_K4: u32 = 8u;    // vec4 of k a tile
const STRIDE: u32 = 9u;     // padded against bank conflicts
var<workgroup> wt: array<vec4<f32>, 576>;   // [TILE_N, STRIDE]
var<workgroup> xt: array<vec4<f32>, 288>;   // [TILE_T, STRIDE]

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let n0 = group.x * TILE_N;
    let t0 = group.y * TILE_T;
    let len = state[STATE_LEN];
    if t0 >= len { return; }
    let width4 = params.width / 4u;
    let tn = local % 8u;
    let tt = local / 8u;
    var acc: array<array<f32, 8>, 4>;
    for (var k0 = 0u; k0 < width4; k0 += TILE_K4) {
        for (var i = local; i < TILE_N * TILE_K4; i += 64u) {
            let n = i / TILE_K4;
            let k = i % TILE_K4;
            var v = vec4<f32>();
            if n0 + n < params.rows && k0 + k < width4 { v = w_load4(n0 + n, k0 + k); }
            wt[n * STRIDE + k] = v;
        }
        for (var i = local; i < TILE_T * TILE_K4; i += 64u) {
            let t = i / TILE_K4;
            let k = i % TILE_K4;
            var v = vec4<f32>();
            if t0 + t < len && k0 + k < width4 { v = x[(t0 + t) * width4 + k0 + k]; }
            xt[t * STRIDE + k] = v;
        }
        workgroupBarrier();
        for (var k = 0u; k < TILE_K4; k++) {
            var xs: array<vec4<f32>, 4>;
            for (var i = 0u; i < 4u; i++) { xs[i] = xt[(tt + 8u * i) * STRIDE + k]; }
            for (var j = 0u; j < 8u; j++) {
                let v = wt[(tn + 8u * j) * STRIDE + k];
                for (var i = 0u; i < 4u; i++) { acc[i][j] += dot(v, xs[i]); }
            }
        }
        workgroupBarrier();
    }
    for (var i = 0u; i < 4u; i++) {
        let t = t0 + tt + 8u * i;
        for (var j = 0u; j < 8u; j++) {
            let n = n0 + tn + 8u * j;
            if t < len && n < params.rows { y[t * params.out_width + params.first + n] = acc[i][j]; }
        }
    }
}
