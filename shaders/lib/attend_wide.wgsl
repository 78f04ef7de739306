//! Attention by eight lanes, as lavapipe has them: a load is one for each lane, one after the other, so it brings sixteen bytes, and what
//! is the same for all comes by broadcasts. `DH` is a multiple of 8.
#import lib/spread
#import lib/attend_rows
const ACROSS: u32 = 8u;

fn scores_of(keys: u32, in0: vec4<u32>, in1: vec4<u32>, a: vec4<u32>, b: vec4<u32>, lane: u32) -> Scores {
    var sums = Scores();
    let first = keys + DH * in0;
    let later = keys + DH * in1;
    // A lane brings four values of a row: the first four lanes of each row, the others those behind them.
    let own_a = a[lane % 4u] + lane / 4u % 2u * 4u;
    let own_b = b[lane % 4u] + lane / 4u % 2u * 4u;
    for (var d = 0u; d < DH; d += 8u) {
        let k0 = kv_load8(first.x + d);
        let k1 = kv_load8(first.y + d);
        let k2 = kv_load8(first.z + d);
        let k3 = kv_load8(first.w + d);
        let k4 = kv_load8(later.x + d);
        let k5 = kv_load8(later.y + d);
        let k6 = kv_load8(later.z + d);
        let k7 = kv_load8(later.w + d);
        let qa = q[(own_a + d) / 4u];
        let a_first = transpose(spread4(qa));
        let a_last = transpose(spread4_on(qa));
        sums.a0 += a_first * mat4x4<f32>(k0[0], k1[0], k2[0], k3[0]) + a_last * mat4x4<f32>(k0[1], k1[1], k2[1], k3[1]);
        sums.a1 += a_first * mat4x4<f32>(k4[0], k5[0], k6[0], k7[0]) + a_last * mat4x4<f32>(k4[1], k5[1], k6[1], k7[1]);
        if eight() {
            let qb = q[(own_b + d) / 4u];
            let b_first = transpose(spread4(qb));
            let b_last = transpose(spread4_on(qb));
            sums.b0 += b_first * mat4x4<f32>(k0[0], k1[0], k2[0], k3[0]) + b_last * mat4x4<f32>(k0[1], k1[1], k2[1], k3[1]);
            sums.b1 += b_first * mat4x4<f32>(k4[0], k5[0], k6[0], k7[0]) + b_last * mat4x4<f32>(k4[1], k5[1], k6[1], k7[1]);
        }
    }
    return sums;
}

/// Values d .. d + 4 of four rows of y: a column of rows for each.
fn y_fours(base: vec4<u32>, d: u32) -> mat4x4<f32> {
    let at = (base + d) / 4u;
    return transpose(mat4x4<f32>(y[at.x], y[at.y], y[at.z], y[at.w]));
}

fn put(t: u32, row: u32, base: vec4<u32>, d: u32, columns: mat4x4<f32>) {
    var of_rows = transpose(columns);
    for (var j = 0u; j < 4u; j++) {
        if !has(t, row + j) { return; }
        y[(base[j] + d) / 4u] = of_rows[j];
    }
}

/// A column of four keys for each of the first four, and of the last four values of these keys.
struct Columns { first: mat4x4<f32>, last: mat4x4<f32> }

fn columns_of(at: u32, s: u32, end: u32) -> Columns {
    let rows = at + DH * min(vec4<u32>(s, s + 1u, s + 2u, s + 3u), vec4<u32>(end - 1u));
    let v0 = kv_load8(rows.x);
    let v1 = kv_load8(rows.y);
    let v2 = kv_load8(rows.z);
    let v3 = kv_load8(rows.w);
    return Columns(transpose(mat4x4<f32>(v0[0], v1[0], v2[0], v3[0])), transpose(mat4x4<f32>(v0[1], v1[1], v2[1], v3[1])));
}

fn mix(t: u32, values: u32, part: Part, a: vec4<u32>, b: vec4<u32>, of_a: Weights, of_b: Weights, lane: u32) {
    var by_a = of_a.by;
    var by_b = of_b.by;
    let eights = min(8u, (part.end - part.chunk + 7u) / 8u);
    for (var columns = 0u; columns < DH; columns += 64u) {
        // All lanes go on, for their weights; those beyond the last column with it.
        let d = min(columns + 8u * lane, DH - 8u);
        var first_a = mat4x4<f32>();
        var last_a = mat4x4<f32>();
        var first_b = mat4x4<f32>();
        var last_b = mat4x4<f32>();
        if part.chunk > part.begin {
            first_a = times(y_fours(a, d), of_a.shrink);
            last_a = times(y_fours(a, d + 4u), of_a.shrink);
            if eight() {
                first_b = times(y_fours(b, d), of_b.shrink);
                last_b = times(y_fours(b, d + 4u), of_b.shrink);
            }
        }
        for (var i = 0u; i < eights; i++) {
            let v = columns_of(values + d, part.chunk + 8u * i, part.end);
            let w = columns_of(values + d, part.chunk + 8u * i + 4u, part.end);
            let a_v = spread4(by_a[i]);
            let a_w = spread4_on(by_a[i]);
            first_a += a_v * v.first + a_w * w.first;
            last_a += a_v * v.last + a_w * w.last;
            if eight() {
                let b_v = spread4(by_b[i]);
                let b_w = spread4_on(by_b[i]);
                first_b += b_v * v.first + b_w * w.first;
                last_b += b_v * v.last + b_w * w.last;
            }
        }
        if columns + 8u * lane < DH {
            put(t, 0u, a, d, first_a);
            put(t, 0u, a, d + 4u, last_a);
            if eight() {
                put(t, 4u, b, d, first_b);
                put(t, 4u, b, d + 4u, last_b);
            }
        }
    }
}
