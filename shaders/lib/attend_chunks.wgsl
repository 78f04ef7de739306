//! Attention that walks the cache in chunks of WG keys, one for each invocation; `CHUNK` is WG.
#if FORM=subgroups
enable subgroups;
diagnostic(off, subgroup_uniformity);
#endif
var<workgroup> query: array<f32, SPAN * SHARE * DH>;
var<workgroup> out: array<f32, SPAN * SHARE * DH>;
var<workgroup> weight: array<f32, SPAN * SHARE * WG>;   // scores of the chunk, or the highest of each subgroup, then weights

fn is_seen(t: u32, s: u32) -> bool { return s >= first_key(t) && s < keys_end(t) && t < state[STATE_LEN]; }

@compute @workgroup_size(WG)
#if FORM=subgroups
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

    let mine = keys_of(t, group.z);
    let end = mine.end;
    for (var chunk = mine.begin; chunk < end; chunk += WG) {
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
            if changes() {
                for (var h = 0u; h < rows; h++) { scores[h] = changed(scores[h], h, s, t, head); }
            }
        }
        for (var h = 0u; h < rows; h++) { scores[h] = select(LOWEST, scores[h], is_seen(t + h / SHARE, s)); }
        let count = min(WG, end - chunk);
#if FORM=subgroups
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
#if FORM=subgroups
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
    if SPLITS > 1u {
        for (var i = local; i < rows * DH; i += WG) { y[part(head + i / DH, group.z) + i % DH] = out[i]; }
        if local == 0u {
            for (var h = 0u; h < rows; h++) {
                y[part(head + h, group.z) + DH] = top[h];
                y[part(head + h, group.z) + DH + 1u] = total[h];
            }
        }
        return;
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
