//! Attention by four lanes, of more where heads are no multiple of 8: what differs between neighbours comes by broadcasts.
#import lib/spread
#import lib/attend_rows
const ACROSS: u32 = 4u;

/// Values d .. d + 4 of four rows of q: a column of rows for each.
fn q_fours(base: vec4<u32>, d: u32) -> mat4x4<f32> {
    return spread4(vec4<f32>(q[base.x + d], q[base.y + d], q[base.z + d], q[base.w + d]));
}

/// Four values from `at` on of four rows of the cache, whose numbers are s.
fn kv_fours(at: u32, s: vec4<u32>) -> mat4x4<f32> {
    return mat4x4<f32>(kv_load4(at + s.x * DH), kv_load4(at + s.y * DH), kv_load4(at + s.z * DH), kv_load4(at + s.w * DH));
}

/// Values d .. d + 4 of four rows of y, as `q_fours` has them.
fn y_fours(base: vec4<u32>, d: u32) -> mat4x4<f32> {
    return transpose(mat4x4<f32>(y_four(base.x + d), y_four(base.y + d), y_four(base.z + d), y_four(base.w + d)));
}

fn y_four(i: u32) -> vec4<f32> { return vec4<f32>(y[i], y[i + 1u], y[i + 2u], y[i + 3u]); }

fn put(t: u32, row: u32, base: vec4<u32>, d: u32, columns: mat4x4<f32>) {
    var of_rows = transpose(columns);
    for (var j = 0u; j < 4u; j++) {
        if !has(t, row + j) { return; }
        let at = base[j] + d;
        y[at] = of_rows[j].x;
        y[at + 1u] = of_rows[j].y;
        y[at + 2u] = of_rows[j].z;
        y[at + 3u] = of_rows[j].w;
    }
}

fn scores_of(keys: u32, in0: vec4<u32>, in1: vec4<u32>, a: vec4<u32>, b: vec4<u32>, lane: u32) -> Scores {
    var sums = Scores();
    for (var d = 0u; d < DH; d += 4u) {
        let k0 = kv_fours(keys + d, in0);
        let k1 = kv_fours(keys + d, in1);
        let qa = q_fours(a, d + lane);
        sums.a0 += qa * k0;
        sums.a1 += qa * k1;
        if eight() {
            let qb = q_fours(b, d + lane);
            sums.b0 += qb * k0;
            sums.b1 += qb * k1;
        }
    }
    return sums;
}

fn mix(t: u32, values: u32, part: Part, a: vec4<u32>, b: vec4<u32>, of_a: Weights, of_b: Weights, lane: u32) {
    var by_a = of_a.by;
    var by_b = of_b.by;
    // Not always eight: what compilers unroll takes them long.
    let fours = min(8u, (part.end - part.chunk + 3u) / 4u);
    for (var columns = 0u; columns < DH; columns += 16u) {
        // All lanes go on, for their weights; those beyond the last column with it.
        let d = min(columns + 4u * lane, DH - 4u);
        var sum_a = mat4x4<f32>();
        var sum_b = mat4x4<f32>();
        if part.chunk > part.begin {
            sum_a = times(y_fours(a, d), of_a.shrink);
            if eight() { sum_b = times(y_fours(b, d), of_b.shrink); }
        }
        for (var i = 0u; i < fours; i++) {
            let v = v_fours(values + d, part.chunk + 4u * i, part.end);
            sum_a += spread4(by_a[i]) * v;
            if eight() { sum_b += spread4(by_b[i]) * v; }
        }
        if columns + 4u * lane < DH {
            put(t, 0u, a, d, sum_a);
            if eight() { put(t, 4u, b, d, sum_b); }
        }
    }
}

/// Values of keys s .. s + 4, none beyond the end: a column of keys for each of four places.
fn v_fours(at: u32, s: u32, end: u32) -> mat4x4<f32> {
    return transpose(kv_fours(at, min(vec4<u32>(s, s + 1u, s + 2u, s + 3u), vec4<u32>(end - 1u))));
}
