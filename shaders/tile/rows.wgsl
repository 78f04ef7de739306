//! The tile for a GPU whose lanes are those of a CPU, where what costs is loads. An invocation makes 4 rows, or 8 where compilers
//! are quick, for 32 tokens, all sums in products of matrices, which stay in registers, and without memory of the workgroup. Of the
//! importer it needs `x_fours`, `WG`, invocations that share the rows of a tile, and `QUADS`, fours of them that each makes.

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
    let at_n = w_rows(rows, n);
#if TILE=lanes
    let m = n + 4u * WG;
    let at_m = w_rows(rows, m);
#endif
    let at0 = x_bases(tile, 0u);
    let at1 = x_bases(tile, 4u);
    let at2 = x_bases(tile, 8u);
    let at3 = x_bases(tile, 12u);
    let at4 = x_bases(tile, 16u);
    let at5 = x_bases(tile, 20u);
    let at6 = x_bases(tile, 24u);
    let at7 = x_bases(tile, 28u);
    var a0 = mat4x4<f32>();
    var a1 = mat4x4<f32>();
    var a2 = mat4x4<f32>();
    var a3 = mat4x4<f32>();
    var a4 = mat4x4<f32>();
    var a5 = mat4x4<f32>();
    var a6 = mat4x4<f32>();
    var a7 = mat4x4<f32>();
#if TILE=lanes
    var b0 = mat4x4<f32>();
    var b1 = mat4x4<f32>();
    var b2 = mat4x4<f32>();
    var b3 = mat4x4<f32>();
    var b4 = mat4x4<f32>();
    var b5 = mat4x4<f32>();
    var b6 = mat4x4<f32>();
    var b7 = mat4x4<f32>();
#endif
    for (var k = 0u; k < params.width / 4u; k++) {
        let v = w_fours(at_n, k);
        let x0 = x_fours(at0, k, lane);
        a0 += x0 * v;
        let x1 = x_fours(at1, k, lane);
        a1 += x1 * v;
        let x2 = x_fours(at2, k, lane);
        a2 += x2 * v;
        let x3 = x_fours(at3, k, lane);
        a3 += x3 * v;
        let x4 = x_fours(at4, k, lane);
        a4 += x4 * v;
        let x5 = x_fours(at5, k, lane);
        a5 += x5 * v;
        let x6 = x_fours(at6, k, lane);
        a6 += x6 * v;
        let x7 = x_fours(at7, k, lane);
        a7 += x7 * v;
#if TILE=lanes
        let w = w_fours(at_m, k);
        b0 += x0 * w;
        b1 += x1 * w;
        b2 += x2 * w;
        b3 += x3 * w;
        b4 += x4 * w;
        b5 += x5 * w;
        b6 += x6 * w;
        b7 += x7 * w;
#endif
    }
    // In one loop, too long to be unrolled: compilers take long for stores.
    var sums = array<mat4x4<f32>, QUADS * 8u>(a0, a1, a2, a3, a4, a5, a6, a7
#if TILE=lanes
        , b0, b1, b2, b3, b4, b5, b6, b7
#endif
    );
    for (var i = 0u; i < TILE_T * 4u * QUADS; i++) {
        let t = row_of(tile, i % TILE_T);
        let nth = i / TILE_T;   // of the rows of a lane
        let of_n = n + nth * WG;
        if t != NONE && is_there(rows, of_n) {
            y[t * params.out_width + rows.first + of_n] = sums[nth / 4u * 8u + i % TILE_T / 4u][nth % 4u][i % 4u];
        }
    }
}
