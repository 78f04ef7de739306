//! y[t, h] = sum over s of softmax over s (scale * q[t, h] . k[s, g]) * v[s, g], s all keys that t sees, g the kv head of h: a
//! workgroup takes up to 8 rows, query heads that share a kv head of one token or of some, and walks the cache in chunks of WG keys
//! with a running maximum and sum. Causality trims the walk to what any of its tokens sees.
//! variant KV: lib/kv_f16 lib/kv_f32
//! variant SUBGROUPS: off on
#if SUBGROUPS
enable subgroups;
diagnostic(off, subgroup_uniformity);
#endif
override WG: u32 = 64u;
override SHARE: u32 = 1u;   // query heads a workgroup
override SPAN: u32 = 1u;    // tokens a workgroup; rows are at most 8
override DH: u32 = 64u;     // head width, a multiple of 4
struct Params {
    heads: u32,      // H
    kv_heads: u32,   // Hk
    capacity: u32,   // S
    window: u32,     // keys seen at most, 0 for all
    scale: f32,
    cap: f32,        // above 0: scores are capped
    alibi: f32,      // above 0: a key counts less by its distance, by so many times the slopes
    sunk: u32,       // whether there are sinks
    sees: u32,       // keys up to its own; 1: of the whole step; 2: of the encoder
    buckets: u32,    // above 0: biases of a head, by buckets of distances
    most: u32,       // the distance of the last bucket
}
@group(0) @binding(0) var<uniform>             params: Params;
@group(0) @binding(1) var<storage, read>       state: array<u32>;
@group(0) @binding(2) var<storage, read>       q: array<f32>;    // [T, H * Dh]
@group(0) @binding(3) var<storage, read>       kv: array<u32>;   // [2, Hk, S, Dh]
@group(0) @binding(4) var<storage, read>       of_heads: array<f32>;   // sinks [H], scores of a key without a value; or biases [buckets, H]
@group(0) @binding(5) var<storage, read_write> y: array<f32>;    // [T, H * Dh]
#import lib/state
#import KV
/// What a key loses for each position of distance (Press et al., 2021).
fn slope(head: u32) -> f32 {
    let power = 1u << firstLeadingBit(params.heads);
    if head < power { return params.alibi * exp2(-8.0 * f32(head + 1u) / f32(power)); }
    return params.alibi * exp2(-4.0 * f32(2u * (head - power) + 1u) / f32(power));
}

/// The first bias, of head 0, for a key `distance` before its query.
fn bias_at(distance: i32) -> u32 {
    let count = select(params.buckets, params.buckets / 2u, params.sees == 1u);
    let exact = count / 2u;
    let n = u32(abs(distance));
    let near = f32(exact);
    let rest = f32(count - exact);
    // a little more, so that rounding does not take away from what is whole
    let over = log(f32(max(n, 1u)) / near) / log(f32(params.most) / near) * rest + 1e-4;
    let bucket = select(exact + u32(clamp(over, 0.0, rest - 1.0)), n, n < exact);
    return params.heads * (bucket + select(0u, count, distance < 0));
}

const LOWEST: f32 = -3.0e38;
var<workgroup> query: array<f32, SPAN * SHARE * DH>;
var<workgroup> out: array<f32, SPAN * SHARE * DH>;
var<workgroup> weight: array<f32, SPAN * SHARE * WG>;   // scores of the chunk, or the highest of each subgroup, then weights

/// Where value `i` of the rows of a workgroup, from token `t` and `head` on, lies in q and in y.
fn place(t: u32, head: u32, i: u32) -> u32 {
    let row = i / DH;
    return ((t + row / SHARE) * params.heads + head + row % SHARE) * DH + i % DH;
}

/// The end of the keys that token `t` of the step sees.
fn keys_end(t: u32) -> u32 {
    let known = select(state[STATE_POS] + t + 1u, state[STATE_POS] + state[STATE_LEN], params.sees == 1u);
    return select(known, state[STATE_ENCODED], params.sees == 2u);
}

/// The first of them.
fn first_key(t: u32) -> u32 {
    let end = keys_end(t);
    return select(0u, end - min(end, params.window), params.window > 0u);
}

fn is_seen(t: u32, s: u32) -> bool { return s >= first_key(t) && s < keys_end(t) && t < state[STATE_LEN]; }

@compute @workgroup_size(WG)
#if SUBGROUPS
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32,
        @builtin(subgroup_size) size: u32, @builtin(subgroup_invocation_id) lane: u32) {
#else
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
#endif
    let t = group.y * SPAN;
    if t >= state[STATE_LEN] { return; }
    let rows = SPAN * SHARE;
    let head = group.x * SHARE;
    let kv_head = head / (params.heads / params.kv_heads);
    let keys = kv_head * params.capacity * DH;
    let values = (params.kv_heads + kv_head) * params.capacity * DH;
    for (var i = local; i < rows * DH; i += WG) {
        query[i] = q[place(t, head, i)] * params.scale;
        out[i] = 0.0;
    }
    var top: array<f32, 8>;     // running maximum of each head, the same in each invocation
    var total: array<f32, 8>;   // running sum
    for (var h = 0u; h < rows; h++) { top[h] = LOWEST; total[h] = 0.0; }
    workgroupBarrier();

    let begin = first_key(t);
    let end = keys_end(min(t + SPAN, state[STATE_LEN]) - 1u);
    for (var chunk = begin; chunk < end; chunk += WG) {
        let s = chunk + local;
        var scores: array<f32, 8>;
        for (var h = 0u; h < rows; h++) { scores[h] = 0.0; }
        if s < end {
            for (var d = 0u; d < DH; d += 4u) {
                let key = kv_load4(keys + s * DH + d);
                for (var h = 0u; h < rows; h++) {
                    let o = h * DH + d;
                    scores[h] += dot(key, vec4<f32>(query[o], query[o + 1u], query[o + 2u], query[o + 3u]));
                }
            }
            if params.cap > 0.0 {
                // A clamped argument: some drivers give NaN beyond the range of exp.
                for (var h = 0u; h < rows; h++) { scores[h] = params.cap * tanh(clamp(scores[h] / params.cap, -15.0, 15.0)); }
            }
            let distance = i32(state[STATE_POS] + t) - i32(s);
            if params.alibi > 0.0 {
                for (var h = 0u; h < rows; h++) {
                    scores[h] -= slope(head + h % SHARE) * f32(abs(distance + i32(h / SHARE)));
                }
            }
            if params.buckets > 0u {
                for (var h = 0u; h < rows; h++) {
                    scores[h] += of_heads[bias_at(distance + i32(h / SHARE)) + head + h % SHARE];
                }
            }
        }
        for (var h = 0u; h < rows; h++) { scores[h] = select(LOWEST, scores[h], is_seen(t + h / SHARE, s)); }
        let count = min(WG, end - chunk);
#if SUBGROUPS
        for (var h = 0u; h < rows; h++) {
            let highest = subgroupMax(scores[h]);
            if lane == 0u { weight[h * WG + local / size] = highest; }
        }
        workgroupBarrier();
#else
        for (var h = 0u; h < rows; h++) { weight[h * WG + local] = scores[h]; }
        workgroupBarrier();
#endif
        var shrink: array<f32, 8>;
        for (var h = 0u; h < rows; h++) {
            var highest = top[h];
#if SUBGROUPS
            for (var i = 0u; i < (WG + size - 1u) / size; i++) { highest = max(highest, weight[h * WG + i]); }
#else
            for (var i = 0u; i < count; i++) { highest = max(highest, weight[h * WG + i]); }
#endif
            shrink[h] = exp(top[h] - highest);
            top[h] = highest;
        }
        workgroupBarrier();
        for (var h = 0u; h < rows; h++) {
            weight[h * WG + local] = select(0.0, exp(scores[h] - top[h]), is_seen(t + h / SHARE, s));
        }
        workgroupBarrier();
        for (var h = 0u; h < rows; h++) {
            var sum = 0.0;
            for (var i = 0u; i < count; i++) { sum += weight[h * WG + i]; }
            total[h] = total[h] * shrink[h] + sum;
        }
        for (var d = 4u * local; d < DH; d += 4u * WG) {
            for (var h = 0u; h < rows; h++) {
                let o = h * DH + d;
                var acc = vec4<f32>(out[o], out[o + 1u], out[o + 2u], out[o + 3u]) * shrink[h];
                for (var i = 0u; i < count; i++) { acc += weight[h * WG + i] * kv_load4(values + (chunk + i) * DH + d); }
                out[o] = acc.x;
                out[o + 1u] = acc.y;
                out[o + 2u] = acc.z;
                out[o + 3u] = acc.w;
            }
        }
        workgroupBarrier();
    }
    for (var i = local; i < rows * DH; i += WG) {
        let h = i / DH;
        if t + h / SHARE >= state[STATE_LEN] { break; }
        var share = 1.0 / total[h];
        if params.sunk > 0u {
            let sink = of_heads[head + h % SHARE];
            let highest = max(top[h], sink);
            let kept = exp(top[h] - highest);
            share = kept / (kept * total[h] + exp(sink - highest));
        }
        y[place(t, head, i)] = out[i] * share;
    }
}
