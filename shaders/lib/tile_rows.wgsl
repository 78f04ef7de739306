//! The tile for a GPU whose lanes are those of a CPU, where what costs is loads. An invocation makes 8 rows for 32 tokens, all sums in
//! products of matrices, which stay in registers, and without memory of the workgroup. Of the importer it needs `x_fours`.
const WG: u32 = 8u;

/// The row of w for row `n` of these, the shard's first where there is none.
fn w_row(rows: Rows, n: u32) -> u32 { return select(params.at, rows.begin + n, is_there(rows, n)); }

/// Four rows of w for a lane, WG apart.
fn w_rows(rows: Rows, n: u32) -> vec4<u32> {
    return vec4<u32>(w_row(rows, n), w_row(rows, n + WG), w_row(rows, n + 2u * WG), w_row(rows, n + 3u * WG));
}

fn w_fours(at: vec4<u32>, k: u32) -> mat4x4<f32> {
    return mat4x4<f32>(w_load4(at.x, k), w_load4(at.y, k), w_load4(at.z, k), w_load4(at.w, k));
}

fn x_base(tile: u32, t: u32) -> u32 {
    let row = row_of(tile, t);
    return select(x_row(row), 0u, row == NONE);
}

/// Where the rows of x begin for four tokens of the tile, from `t` on.
fn x_bases(tile: u32, t: u32) -> vec4<u32> {
    return vec4<u32>(x_base(tile, t), x_base(tile, t + 1u), x_base(tile, t + 2u), x_base(tile, t + 3u));
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let lane = local % 4u;
    let rows = rows_of(group.y);
    if rows.most == 0u { return; }
    let tile = group.y;
    let n = group.x * TILE_N + local;
    let m = n + 4u * WG;
    let of_n = w_rows(rows, n);
    let of_m = w_rows(rows, m);
    let at0 = x_bases(tile, 0u);
    let at1 = x_bases(tile, 4u);
    let at2 = x_bases(tile, 8u);
    let at3 = x_bases(tile, 12u);
    let at4 = x_bases(tile, 16u);
    let at5 = x_bases(tile, 20u);
    let at6 = x_bases(tile, 24u);
    let at7 = x_bases(tile, 28u);
    var a0 = mat4x4<f32>();
    var b0 = mat4x4<f32>();
    var a1 = mat4x4<f32>();
    var b1 = mat4x4<f32>();
    var a2 = mat4x4<f32>();
    var b2 = mat4x4<f32>();
    var a3 = mat4x4<f32>();
    var b3 = mat4x4<f32>();
    var a4 = mat4x4<f32>();
    var b4 = mat4x4<f32>();
    var a5 = mat4x4<f32>();
    var b5 = mat4x4<f32>();
    var a6 = mat4x4<f32>();
    var b6 = mat4x4<f32>();
    var a7 = mat4x4<f32>();
    var b7 = mat4x4<f32>();
    for (var k = 0u; k < params.width / 4u; k++) {
        let v = w_fours(of_n, k);
        let w = w_fours(of_m, k);
        let x0 = x_fours(at0, k, lane);
        a0 += x0 * v;
        b0 += x0 * w;
        let x1 = x_fours(at1, k, lane);
        a1 += x1 * v;
        b1 += x1 * w;
        let x2 = x_fours(at2, k, lane);
        a2 += x2 * v;
        b2 += x2 * w;
        let x3 = x_fours(at3, k, lane);
        a3 += x3 * v;
        b3 += x3 * w;
        let x4 = x_fours(at4, k, lane);
        a4 += x4 * v;
        b4 += x4 * w;
        let x5 = x_fours(at5, k, lane);
        a5 += x5 * v;
        b5 += x5 * w;
        let x6 = x_fours(at6, k, lane);
        a6 += x6 * v;
        b6 += x6 * w;
        let x7 = x_fours(at7, k, lane);
        a7 += x7 * v;
        b7 += x7 * w;
    }
    put(rows, tile, 0u, n, a0, b0);
    put(rows, tile, 4u, n, a1, b1);
    put(rows, tile, 8u, n, a2, b2);
    put(rows, tile, 12u, n, a3, b3);
    put(rows, tile, 16u, n, a4, b4);
    put(rows, tile, 20u, n, a5, b5);
    put(rows, tile, 24u, n, a6, b6);
    put(rows, tile, 28u, n, a7, b7);
}

/// Puts four tokens of the tile, from `first` on, for the rows of a lane: of a from n on, of b from where those end.
fn put(rows: Rows, tile: u32, first: u32, n: u32, a: mat4x4<f32>, b: mat4x4<f32>) {
    var of_a = a;
    var of_b = b;
    for (var j = 0u; j < 4u; j++) {
        let t = row_of(tile, first + j);
        if t == NONE { continue; }
        let to = t * params.out_width + rows.first;
        for (var i = 0u; i < 4u; i++) {
            if is_there(rows, n + i * WG) { y[to + n + i * WG] = of_a[i][j]; }
            if is_there(rows, n + (4u + i) * WG) { y[to + n + (4u + i) * WG] = of_b[i][j]; }
        }
    }
}
