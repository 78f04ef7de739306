//! The tile by vectors: weights are decoded once into the workgroup's memory, each invocation keeps 4 tokens by 8 rows in registers,
//! and loads four values of k at a time.
const TILE_K4: u32 = 8u;    // vec4 of k a tile
const STRIDE: u32 = 9u;     // padded against bank conflicts
var<workgroup> wt: array<vec4<f32>, 576>;   // [TILE_N, STRIDE]
var<workgroup> xt: array<vec4<f32>, 288>;   // [TILE_T, STRIDE]

/// Four values of w, zeros where there are none.
fn w_at(rows: Rows, n: u32, k4: u32) -> vec4<f32> {
    if !is_there(rows, n) || k4 >= params.width / 4u { return vec4<f32>(); }
    return w_load4(rows.begin + n, k4);
}

/// The same of x, for place `t` of the tile.
fn x_at(tile: u32, t: u32, k4: u32) -> vec4<f32> {
    let row = row_of(tile, t);
    if row == NONE || k4 >= params.width / 4u { return vec4<f32>(); }
    return x[x_row(row) + k4];
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let rows = rows_of(group.y);
    if rows.most == 0u { return; }
    let n0 = group.x * TILE_N;
    let tn = local % 8u;
    let tt = local / 8u;
    var acc: array<array<f32, 8>, 4>;
    for (var k0 = 0u; k0 < params.width / 4u; k0 += TILE_K4) {
        for (var i = local; i < TILE_N * TILE_K4; i += 64u) {
            let n = i / TILE_K4;
            let k = i % TILE_K4;
            wt[n * STRIDE + k] = w_at(rows, n0 + n, k0 + k);
        }
        for (var i = local; i < TILE_T * TILE_K4; i += 64u) {
            let t = i / TILE_K4;
            let k = i % TILE_K4;
            xt[t * STRIDE + k] = x_at(group.y, t, k0 + k);
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
        let t = row_of(group.y, tt + 8u * i);
        for (var j = 0u; j < 8u; j++) {
            let n = n0 + tn + 8u * j;
            if t != NONE && is_there(rows, n) { y[t * params.out_width + rows.first + n] = acc[i][j]; }
        }
    }
}
