//! y[t, h] = sum over s <= pos + t of softmax over s (scale * q[t, h] . k[s, g]) * v[s, g], g the kv head of h: a
//! workgroup takes up to 8 query heads that share a kv head, and walks the cache in chunks of WG keys with a running
//! maximum and sum. Causality trims the walk; there is no mask.
//! variant KV: lib/kv_f16 lib/kv_f32
//! variant SUBGROUPS: off on
#if SUBGROUPS
enable subgroups;
diagnostic(off, subgroup_uniformity);
#endif
override WG: u32 = 64u;
override SHARE: u32 = 1u;   // query heads a workgroup, at most 8
override DH: u32 = 64u;     // head width, a multiple of 4
struct Params {
    heads: u32,      // H
    kv_heads: u32,   // Hk
    capacity: u32,   // S
    window: u32,     // keys seen at most, 0 for all
    scale: f32,
    cap: f32,        // above 0: scores are capped
    alibi: u32,      // above 0: the largest power of two up to H, and a key counts less by its distance
    sunk: u32,       // whether there are sinks
}
@group(0) @binding(0) var<uniform>             params: Params;
@group(0) @binding(1) var<storage, read>       state: array<u32>;
@group(0) @binding(2) var<storage, read>       q: array<f32>;    // [T, H * Dh]
@group(0) @binding(3) var<storage, read>       kv: array<u32>;   // [2, Hk, S, Dh]
@group(0) @binding(4) var<storage, read>       sinks: array<f32>;   // [H], the score of a key without a value
@group(0) @binding(5) var<storage, read_write> y: array<f32>;    // [T, H * Dh]
#import lib/state
#import KV
/// What a key loses for each position of distance (Press et al., 2021).
fn slope(head: u32) -> f32 {
    let power = f32(params.alibi);
    if head < params.alibi { return exp2(-8.0 * f32(head + 1u) / power); }
    return exp2(-4.0 * f32(2u * (head - params.alibi) + 1u) / power);
}

const LOWEST: f32 = -3.0e38;
var<workgroup> query: array<f32, SHARE * DH>;
var<workgroup> out: array<f32, SHARE * DH>;
var<workgroup> weight: array<f32, SHARE * WG>;
#if SUBGROUPS
var<workgroup> peak: array<f32, SHARE * WG>;
#endif

@compute @workgroup_size(WG)
#if SUBGROUPS
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32,
        @builtin(subgroup_size) size: u32, @builtin(subgroup_invocation_id) lane: u32) {
#else
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
#endif
    let t = group.y;
    if t >= state[STATE_LEN] { return; }
    let head = group.x * SHARE;
    let kv_head = head / (params.heads / params.kv_heads);
    let keys = kv_head * params.capacity * DH;
    let values = (params.kv_heads + kv_head) * params.capacity * DH;
    let source = (t * params.heads + head) * DH;
    for (var i = local; i < SHARE * DH; i += WG) {
        query[i] = q[source + i] * params.scale;
        out[i] = 0.0;
    }
    var top: array<f32, 8>;     // running maximum of each head, the same in each invocation
    var total: array<f32, 8>;   // running sum
    for (var h = 0u; h < SHARE; h++) { top[h] = LOWEST; total[h] = 0.0; }
    workgroupBarrier();

    let end = state[STATE_POS] + t + 1u;
    let start = select(0u, end - min(end, params.window), params.window > 0u);
    for (var chunk = start; chunk < end; chunk += WG) {
        let s = chunk + local;
        var scores: array<f32, 8>;
        for (var h = 0u; h < SHARE; h++) { scores[h] = select(LOWEST, 0.0, s < end); }
        if s < end {
            for (var d = 0u; d < DH; d += 4u) {
                let key = kv_load4(keys + s * DH + d);
                for (var h = 0u; h < SHARE; h++) {
                    let o = h * DH + d;
                    scores[h] += dot(key, vec4<f32>(query[o], query[o + 1u], query[o + 2u], query[o + 3u]));
                }
            }
            if params.cap > 0.0 {
                // A clamped argument: some drivers give NaN beyond the range of exp.
                for (var h = 0u; h < SHARE; h++) { scores[h] = params.cap * tanh(clamp(scores[h] / params.cap, -15.0, 15.0)); }
            }
            if params.alibi > 0u {
                for (var h = 0u; h < SHARE; h++) { scores[h] -= slope(head + h) * f32(end - 1u - s); }
            }
        }
        let count = min(WG, end - chunk);
#if SUBGROUPS
        for (var h = 0u; h < SHARE; h++) {
            let highest = subgroupMax(scores[h]);
            if lane == 0u { peak[h * WG + local / size] = highest; }
        }
        workgroupBarrier();
#else
        for (var h = 0u; h < SHARE; h++) { weight[h * WG + local] = scores[h]; }
        workgroupBarrier();
#endif
        var shrink: array<f32, 8>;
        for (var h = 0u; h < SHARE; h++) {
            var highest = top[h];
#if SUBGROUPS
            for (var i = 0u; i < (WG + size - 1u) / size; i++) { highest = max(highest, peak[h * WG + i]); }
#else
            for (var i = 0u; i < count; i++) { highest = max(highest, weight[h * WG + i]); }
#endif
            shrink[h] = exp(top[h] - highest);
            top[h] = highest;
        }
        workgroupBarrier();
        for (var h = 0u; h < SHARE; h++) { weight[h * WG + local] = select(0.0, exp(scores[h] - top[h]), s < end); }
        workgroupBarrier();
        for (var h = 0u; h < SHARE; h++) {
            var sum = 0.0;
            for (var i = 0u; i < count; i++) { sum += weight[h * WG + i]; }
            total[h] = total[h] * shrink[h] + sum;
        }
        for (var d = 4u * local; d < DH; d += 4u * WG) {
            for (var h = 0u; h < SHARE; h++) {
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
    for (var i = local; i < SHARE * DH; i += WG) {
        let h = i / DH;
        var share = 1.0 / total[h];
        if params.sunk > 0u {
            let sink = sinks[head + h];
            let highest = max(top[h], sink);
            let kept = exp(top[h] - highest);
            share = kept / (kept * total[h] + exp(sink - highest));
        }
        y[source + i] = out[i] * share;
    }
}
