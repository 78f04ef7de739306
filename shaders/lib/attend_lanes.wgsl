//! Attention for a GPU whose subgroups are lanes of a CPU (see lib/lanes), of which four walk the cache in chunks of 32 keys, 8 a lane,
//! all sums in products of matrices: lanes hold keys, then columns of values. What is summed so far lies in y.
#import lib/spread

/// Four of the rows: where they lie in q and y, and the keys that each sees; none where there is no such row.
struct Four {
    base: vec4<u32>,
    first: vec4<u32>,
    end: vec4<u32>,
}

/// Whether there may be more than four rows.
fn eight() -> bool { return SPAN * SHARE > 4u; }

fn has(t: u32, row: u32) -> bool { return row < SPAN * SHARE && t + row / SHARE < state[STATE_LEN]; }

fn four_of(t: u32, head: u32, row: u32) -> Four {
    var four: Four;
    for (var j = 0u; j < 4u; j++) {
        let there = has(t, row + j);
        four.base[j] = place(t, head, select(0u, (row + j) * DH, there));
        let token = t + (row + j) / SHARE;
        four.first[j] = first_key(token);
        four.end[j] = select(0u, keys_end(token), there);
    }
    return four;
}

/// Values d .. d + 4 of four rows of q: a column of rows for each.
fn q_fours(base: vec4<u32>, d: u32) -> mat4x4<f32> {
    return spread4(vec4<f32>(q[base.x + d], q[base.y + d], q[base.z + d], q[base.w + d]));
}

/// Four values from `at` on of four rows of the cache, whose numbers are s.
fn kv_fours(at: u32, s: vec4<u32>) -> mat4x4<f32> {
    return mat4x4<f32>(kv_load4(at + s.x * DH), kv_load4(at + s.y * DH), kv_load4(at + s.z * DH), kv_load4(at + s.w * DH));
}

/// Scores of keys s, hidden where a row does not see them.
fn seen(four: Four, scores: mat4x4<f32>, s: vec4<u32>) -> mat4x4<f32> {
    return mat4x4<f32>(
        select(vec4<f32>(LOWEST), scores[0], (vec4<u32>(s.x) >= four.first) & (vec4<u32>(s.x) < four.end)),
        select(vec4<f32>(LOWEST), scores[1], (vec4<u32>(s.y) >= four.first) & (vec4<u32>(s.y) < four.end)),
        select(vec4<f32>(LOWEST), scores[2], (vec4<u32>(s.z) >= four.first) & (vec4<u32>(s.z) < four.end)),
        select(vec4<f32>(LOWEST), scores[3], (vec4<u32>(s.w) >= four.first) & (vec4<u32>(s.w) < four.end)));
}

fn highest(a: mat4x4<f32>, b: mat4x4<f32>) -> vec4<f32> {
    return subgroupMax(max(max(max(a[0], a[1]), max(a[2], a[3])), max(max(b[0], b[1]), max(b[2], b[3]))));
}

fn exps(scores: mat4x4<f32>, top: vec4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(exp(scores[0] - top), exp(scores[1] - top), exp(scores[2] - top), exp(scores[3] - top));
}

fn sum(a: mat4x4<f32>, b: mat4x4<f32>) -> vec4<f32> { return a[0] + a[1] + a[2] + a[3] + b[0] + b[1] + b[2] + b[3]; }

/// Each column times v.
fn times(m: mat4x4<f32>, v: vec4<f32>) -> mat4x4<f32> { return mat4x4<f32>(m[0] * v, m[1] * v, m[2] * v, m[3] * v); }

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

/// What the sums of four rows are multiplied with in the end.
fn shares(total: vec4<f32>, top: vec4<f32>, head: u32, row: u32) -> vec4<f32> {
    if params.sunk == 0u { return 1.0 / total; }
    var sink: vec4<f32>;
    for (var j = 0u; j < 4u; j++) { sink[j] = of_heads[head + (row + j) % SHARE]; }
    let highest = max(top, sink);
    let kept = exp(top - highest);
    return kept / (kept * total + exp(sink - highest));
}

@compute @workgroup_size(4)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(subgroup_invocation_id) lane: u32) {
    let t = group.y * SPAN;
    if t >= state[STATE_LEN] { return; }
    let head = group.x * SHARE;
    let kv_head = head / (params.heads / params.kv_heads);
    let keys = kv_head * params.capacity * DH;
    let values = (params.kv_heads + kv_head) * params.capacity * DH;
    let a = four_of(t, head, 0u);
    let b = four_of(t, head, 4u);
    // Above LOWEST, so that what a row does not see counts nothing even where it has seen nothing yet.
    var top_a = vec4<f32>(-1e37);
    var top_b = top_a;
    var total_a = vec4<f32>();   // of the lane's keys
    var total_b = vec4<f32>();
    let mine = keys_of(t, 0u);
    let begin = mine.begin;
    let end = mine.end;
    for (var chunk = begin; chunk < end; chunk += 32u) {
        // Of the keys of a chunk a lane has each fourth.
        let s0 = chunk + vec4<u32>(0u, 4u, 8u, 12u) + lane;
        let s1 = s0 + 16u;
        let in0 = min(s0, vec4<u32>(end - 1u));
        let in1 = min(s1, vec4<u32>(end - 1u));
        var a0 = mat4x4<f32>();
        var a1 = mat4x4<f32>();
        var b0 = mat4x4<f32>();
        var b1 = mat4x4<f32>();
        for (var d = 0u; d < DH; d += 4u) {
            let k0 = kv_fours(keys + d, in0);
            let k1 = kv_fours(keys + d, in1);
            let qa = q_fours(a.base, d + lane);
            a0 += qa * k0;
            a1 += qa * k1;
            if eight() {
                let qb = q_fours(b.base, d + lane);
                b0 += qb * k0;
                b1 += qb * k1;
            }
        }
        a0 *= params.scale;
        a1 *= params.scale;
        b0 *= params.scale;
        b1 *= params.scale;
        if changes() {
            var scores = array<mat4x4<f32>, 4>(a0, a1, b0, b1);
            for (var i = 0u; i < 64u; i++) {
                let row = i / 32u * 4u + i % 4u;
                let s = chunk + lane + i / 4u % 8u * 4u;
                scores[i / 16u][i / 4u % 4u][i % 4u] = changed(scores[i / 16u][i / 4u % 4u][i % 4u], row, s, t, head);
            }
            a0 = scores[0];
            a1 = scores[1];
            b0 = scores[2];
            b1 = scores[3];
        }
        let last = chunk + 32u >= end;
        a0 = seen(a, a0, s0);
        a1 = seen(a, a1, s1);
        let high_a = max(top_a, highest(a0, a1));
        a0 = exps(a0, high_a);
        a1 = exps(a1, high_a);
        var shrink_a = exp(top_a - high_a);
        top_a = high_a;
        total_a = total_a * shrink_a + sum(a0, a1);
        if last {
            let share = shares(subgroupAdd(total_a), top_a, head, 0u);
            a0 = times(a0, share);
            a1 = times(a1, share);
            shrink_a *= share;
        }
        var shrink_b = vec4<f32>();
        if eight() {
            b0 = seen(b, b0, s0);
            b1 = seen(b, b1, s1);
            let high_b = max(top_b, highest(b0, b1));
            b0 = exps(b0, high_b);
            b1 = exps(b1, high_b);
            shrink_b = exp(top_b - high_b);
            top_b = high_b;
            total_b = total_b * shrink_b + sum(b0, b1);
            if last {
                let share = shares(subgroupAdd(total_b), top_b, head, 4u);
                b0 = times(b0, share);
                b1 = times(b1, share);
                shrink_b *= share;
            }
        }
        // What a lane's keys weigh.
        var by_a = array<vec4<f32>, 8>(a0[0], a0[1], a0[2], a0[3], a1[0], a1[1], a1[2], a1[3]);
        var by_b = array<vec4<f32>, 8>(b0[0], b0[1], b0[2], b0[3], b1[0], b1[1], b1[2], b1[3]);
        // Not always eight: what compilers unroll takes them long.
        let fours = min(8u, (end - chunk + 3u) / 4u);
        for (var columns = 0u; columns < DH; columns += 16u) {
            // All lanes go on, for their weights; those beyond the last column with it.
            let d = min(columns + 4u * lane, DH - 4u);
            var of_a = mat4x4<f32>();
            var of_b = mat4x4<f32>();
            if chunk > begin {
                of_a = times(y_fours(a.base, d), shrink_a);
                if eight() { of_b = times(y_fours(b.base, d), shrink_b); }
            }
            for (var i = 0u; i < fours; i++) {
                let v = v_fours(values + d, chunk + 4u * i, end);
                of_a += spread4(by_a[i]) * v;
                if eight() { of_b += spread4(by_b[i]) * v; }
            }
            if columns + 4u * lane < DH {
                put(t, 0u, a.base, d, of_a);
                if eight() { put(t, 4u, b.base, d, of_b); }
            }
        }
    }
}

/// Values of keys s .. s + 4, none beyond the end: a column of keys for each of four places.
fn v_fours(at: u32, s: u32, end: u32) -> mat4x4<f32> {
    return transpose(kv_fours(at, min(vec4<u32>(s, s + 1u, s + 2u, s + 3u), vec4<u32>(end - 1u))));
}
