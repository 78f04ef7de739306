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
    used: u32,        // experts a token, 0 without
    own: u32,         // whether x has a row for each of them
    tiles: u32,       // tiles of tokens sorted by expert
    at: u32,          // rows of other weights before those of this one
}
@group(0) @binding(0) var<uniform>             params: Params;
@group(0) @binding(1) var<storage, read>       state: array<u32>;
@group(0) @binding(2) var<storage, read>       w: array<vec4<u32>>;   // [rows, K] in planes
@group(0) @binding(3) var<storage, read>       x: array<vec4<f32>>;   // [T, K]
@group(0) @binding(4) var<storage, read>       routes: array<f32>;    // as `sort` makes it, with experts
@group(0) @binding(5) var<storage, read_write> y: array<f32>;         // [T, N] or [T, used, N]
#import lib/state
#import QUANT
const TILE_T: u32 = 32u;
const TILE_N: u32 = 64u;
const TILE_K4: u32 = 8u;    // vec4 of k a tile
const STRIDE: u32 = 9u;     // padded against bank conflicts
var<workgroup> wt: array<vec4<f32>, 576>;   // [TILE_N, STRIDE]
var<workgroup> xt: array<vec4<f32>, 288>;   // [TILE_T, STRIDE]
const NONE: u32 = 0xffffffffu;

/// The row of y that place `t` of this tile is, or NONE.
fn row_of(tile: u32, t: u32, len: u32) -> u32 {
    let at = tile * TILE_T + t;
    if params.used == 0u { return select(NONE, at, at < len); }
    let choice = routes[at];
    return select(NONE, u32(max(choice, 0.0)), choice >= 0.0);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let n0 = group.x * TILE_N;
    let len = state[STATE_LEN];
    // Rows of the shard from `begin` on are rows 0 .. of what this tile makes; those before it wrap and are then too many.
    var begin = params.at;
    var most = params.rows;
    var first = params.first;
    if params.used == 0u {
        if group.y * TILE_T >= len { return; }
    } else {
        let expert = routes[params.tiles * TILE_T + group.y];
        if expert < 0.0 { return; }
        begin = u32(expert) * params.out_width - params.first;
        most = params.out_width;
        first = 0u;
    }
    let width4 = params.width / 4u;
    let tn = local % 8u;
    let tt = local / 8u;
    var acc: array<array<f32, 8>, 4>;
    for (var k0 = 0u; k0 < width4; k0 += TILE_K4) {
        for (var i = local; i < TILE_N * TILE_K4; i += 64u) {
            let n = i / TILE_K4;
            let k = i % TILE_K4;
            var v = vec4<f32>();
            let r = begin + n0 + n;
            if n0 + n < most && r < params.at + params.rows && k0 + k < width4 { v = w_load4(r, k0 + k); }
            wt[n * STRIDE + k] = v;
        }
        for (var i = local; i < TILE_T * TILE_K4; i += 64u) {
            let t = i / TILE_K4;
            let k = i % TILE_K4;
            var v = vec4<f32>();
            var row = row_of(group.y, t, len);
            if row != NONE && k0 + k < width4 {
                if params.used > 0u && params.own == 0u { row /= params.used; }
                v = x[row * width4 + k0 + k];
            }
            xt[t * STRIDE + k] = v;
        }
        workgroupBarrier();
        for (var k = 0u; k < TILE_K4; k++) {
            var four: array<vec4<f32>, 4>;
            for (var i = 0u; i < 4u; i++) { four[i] = xt[(tt + 8u * i) * STRIDE + k]; }
            for (var j = 0u; j < 8u; j++) {
                let v = wt[(tn + 8u * j) * STRIDE + k];
                for (var i = 0u; i < 4u; i++) { acc[i][j] += dot(v, four[i]); }
            }
        }
        workgroupBarrier();
    }
    for (var i = 0u; i < 4u; i++) {
        let t = row_of(group.y, tt + 8u * i, len);
        for (var j = 0u; j < 8u; j++) {
            let n = n0 + tn + 8u * j;
            if t != NONE && n < most && begin + n < params.at + params.rows { y[t * params.out_width + first + n] = acc[i][j]; }
        }
    }
}
