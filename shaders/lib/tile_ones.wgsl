//! The tile for a GPU whose lanes are four of a CPU: neighbouring lanes load neighbouring words, or all the same one, which is a
//! load, where they would else be four with a branch each; and sums that stay in variables, not in an array in memory. Each
//! invocation makes 8 tokens by 8 rows. The memory of a workgroup is small, since on SwiftShader each word of it takes a store to
//! begin with, and 0.3 ms to compile.
const TILE_K4: u32 = 4u;                    // vec4 of k a tile
var<workgroup> wt: array<f32, 1024>;        // [4 * TILE_K4, TILE_N]
var<workgroup> xt: array<vec4<f32>, 128>;   // [4 * TILE_K4, TILE_T / 4]: of four tokens

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let rows = rows_of(group.y);
    if rows.most == 0u { return; }
    let n0 = group.x * TILE_N;
    let tn = local % 8u;
    let tt = local / 8u;
    var a0 = vec4<f32>();
    var b0 = vec4<f32>();
    var a1 = vec4<f32>();
    var b1 = vec4<f32>();
    var a2 = vec4<f32>();
    var b2 = vec4<f32>();
    var a3 = vec4<f32>();
    var b3 = vec4<f32>();
    var a4 = vec4<f32>();
    var b4 = vec4<f32>();
    var a5 = vec4<f32>();
    var b5 = vec4<f32>();
    var a6 = vec4<f32>();
    var b6 = vec4<f32>();
    var a7 = vec4<f32>();
    var b7 = vec4<f32>();
    for (var k0 = 0u; k0 < params.width / 4u; k0 += TILE_K4) {
        for (var i = local; i < TILE_N * TILE_K4; i += 32u) {
            let n = i % TILE_N;
            let k = i / TILE_N;
            let v = w_at(rows, n0 + n, k0 + k);
            let at = 4u * k * TILE_N + n;
            wt[at] = v.x;
            wt[at + TILE_N] = v.y;
            wt[at + 2u * TILE_N] = v.z;
            wt[at + 3u * TILE_N] = v.w;
        }
        for (var i = local; i < TILE_T / 4u * TILE_K4; i += 32u) {
            let t = i / TILE_K4;
            let k = i % TILE_K4;
            var four: mat4x4<f32>;
            for (var j = 0u; j < 4u; j++) { four[j] = x_at(group.y, 4u * t + j, k0 + k); }
            let of_k = transpose(four);
            for (var j = 0u; j < 4u; j++) { xt[(4u * k + j) * (TILE_T / 4u) + t] = of_k[j]; }
        }
        workgroupBarrier();
        for (var k = 0u; k < 4u * TILE_K4; k++) {
            let p = xt[k * (TILE_T / 4u) + 2u * tt];
            let q = xt[k * (TILE_T / 4u) + 2u * tt + 1u];
            let at = k * TILE_N + tn;
            let w0 = wt[at + 0u];
            a0 += w0 * p;
            b0 += w0 * q;
            let w1 = wt[at + 8u];
            a1 += w1 * p;
            b1 += w1 * q;
            let w2 = wt[at + 16u];
            a2 += w2 * p;
            b2 += w2 * q;
            let w3 = wt[at + 24u];
            a3 += w3 * p;
            b3 += w3 * q;
            let w4 = wt[at + 32u];
            a4 += w4 * p;
            b4 += w4 * q;
            let w5 = wt[at + 40u];
            a5 += w5 * p;
            b5 += w5 * q;
            let w6 = wt[at + 48u];
            a6 += w6 * p;
            b6 += w6 * q;
            let w7 = wt[at + 56u];
            a7 += w7 * p;
            b7 += w7 * q;
        }
        workgroupBarrier();
    }
    for (var i = 0u; i < 8u; i++) {
        let t = row_of(group.y, 8u * tt + i);
        if t == NONE { continue; }
        let to = t * params.out_width + rows.first;
        put(rows, to, n0 + tn + 0u, a0, b0, i);
        put(rows, to, n0 + tn + 8u, a1, b1, i);
        put(rows, to, n0 + tn + 16u, a2, b2, i);
        put(rows, to, n0 + tn + 24u, a3, b3, i);
        put(rows, to, n0 + tn + 32u, a4, b4, i);
        put(rows, to, n0 + tn + 40u, a5, b5, i);
        put(rows, to, n0 + tn + 48u, a6, b6, i);
        put(rows, to, n0 + tn + 56u, a7, b7, i);
    }
}

/// Puts value `i` of eight at row `n`.
fn put(rows: Rows, to: u32, n: u32, a: vec4<f32>, b: vec4<f32>, i: u32) {
    if is_there(rows, n) { y[to + n] = select(b[i % 4u], a[i % 4u], i < 4u); }
}
