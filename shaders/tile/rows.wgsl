//! The tile for a GPU whose lanes are those of a CPU, where what costs is loads. An invocation makes 4 rows, or 8 where compilers
//! are quick, for 32 tokens, all sums in products of matrices, which stay in registers, and without memory of the workgroup. Of the
//! importer it needs `Places`, `x_places`, `x_eight`, `WG`, invocations that share the rows of a tile, and `QUADS`, fours of them
//! that each makes.

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

/// The same four values of eight tokens: for each of the values a vector of four tokens, of which `b` has the latter.
struct Eight { a: mat4x4<f32>, b: mat4x4<f32> }

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let rows = rows_of(group.y);
    if rows.most == 0u { return; }
    let tile = group.y;
    let n = group.x * TILE_N + local;
    let at_n = w_rows(rows, n);
#if TILE=lanes
    let m = n + 4u * WG;
    let at_m = w_rows(rows, m);
#endif
    let at0 = x_places(tile, 0u, local);
    let at1 = x_places(tile, 8u, local);
    let at2 = x_places(tile, 16u, local);
    let at3 = x_places(tile, 24u, local);
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
        let x0 = x_eight(at0, k, local);
        a0 += x0.a * v;
        a1 += x0.b * v;
        let x1 = x_eight(at1, k, local);
        a2 += x1.a * v;
        a3 += x1.b * v;
        let x2 = x_eight(at2, k, local);
        a4 += x2.a * v;
        a5 += x2.b * v;
        let x3 = x_eight(at3, k, local);
        a6 += x3.a * v;
        a7 += x3.b * v;
#if TILE=lanes
        let w = w_fours(at_m, k);
        b0 += x0.a * w;
        b1 += x0.b * w;
        b2 += x1.a * w;
        b3 += x1.b * w;
        b4 += x2.a * w;
        b5 += x2.b * w;
        b6 += x3.a * w;
        b7 += x3.b * w;
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
