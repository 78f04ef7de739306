//! Attention for a GPU whose subgroups are lanes of a CPU (see lib/lanes), of which `ACROSS` walk the cache in chunks, 8 keys a lane,
//! all sums in products of matrices: lanes hold keys, a column of four rows for each, then columns of values. What is summed so far
//! lies in y. Of the importer it needs `ACROSS`, `scores_of` and `mix`.

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

/// What the sums of four rows are multiplied with in the end.
fn shares(total: vec4<f32>, top: vec4<f32>, head: u32, row: u32) -> vec4<f32> {
    if params.sunk == 0u { return 1.0 / total; }
    var sink: vec4<f32>;
    for (var j = 0u; j < 4u; j++) { sink[j] = of_heads[head + (row + j) % SHARE]; }
    let highest = max(top, sink);
    let kept = exp(top - highest);
    return kept / (kept * total + exp(sink - highest));
}

/// Products of four rows, and of four more, with eight keys.
struct Scores { a0: mat4x4<f32>, a1: mat4x4<f32>, b0: mat4x4<f32>, b1: mat4x4<f32> }

/// What a lane's keys weigh in four rows, and by what is summed so far counts less.
struct Weights { by: array<vec4<f32>, 8>, shrink: vec4<f32> }

/// The keys of a workgroup, and where the chunk begins.
struct Part { begin: u32, chunk: u32, end: u32 }

@compute @workgroup_size(ACROSS)
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
    for (var chunk = begin; chunk < end; chunk += 8u * ACROSS) {
        // Of the keys of a chunk a lane has each so many-th.
        let s0 = chunk + ACROSS * vec4<u32>(0u, 1u, 2u, 3u) + lane;
        let s1 = s0 + 4u * ACROSS;
        let in0 = min(s0, vec4<u32>(end - 1u));
        let in1 = min(s1, vec4<u32>(end - 1u));
        let scores = scores_of(keys, in0, in1, a.base, b.base, lane);
        var a0 = params.scale * scores.a0;
        var a1 = params.scale * scores.a1;
        var b0 = params.scale * scores.b0;
        var b1 = params.scale * scores.b1;
        if changes() {
            var each = array<mat4x4<f32>, 4>(a0, a1, b0, b1);
            for (var i = 0u; i < 64u; i++) {
                let row = i / 32u * 4u + i % 4u;
                let s = chunk + lane + i / 4u % 8u * ACROSS;
                each[i / 16u][i / 4u % 4u][i % 4u] = changed(each[i / 16u][i / 4u % 4u][i % 4u], row, s, t, head);
            }
            a0 = each[0];
            a1 = each[1];
            b0 = each[2];
            b1 = each[3];
        }
        let last = chunk + 8u * ACROSS >= end;
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
        let of_a = Weights(array<vec4<f32>, 8>(a0[0], a0[1], a0[2], a0[3], a1[0], a1[1], a1[2], a1[3]), shrink_a);
        let of_b = Weights(array<vec4<f32>, 8>(b0[0], b0[1], b0[2], b0[3], b1[0], b1[1], b1[2], b1[3]), shrink_b);
        mix(t, values, Part(begin, chunk, end), a.base, b.base, of_a, of_b, lane);
    }
}
