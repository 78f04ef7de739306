//! routes[t] = ids of the experts with the highest logits[t], the lower id first among equals, then their weights: the
//! softmax over all, or over those chosen if `normed`
struct Params { experts: u32, used: u32, normed: u32 }
@group(0) @binding(0) var<uniform>             params: Params;
@group(0) @binding(1) var<storage, read>       state: array<u32>;
@group(0) @binding(2) var<storage, read>       logits: array<f32>;   // [T, E]
@group(0) @binding(3) var<storage, read_write> routes: array<f32>;   // [T, 2 * used]
#import lib/state
const WG: u32 = 64u;
const NONE: u32 = 0xffffffffu;
var<workgroup> best_value: array<f32, WG>;
var<workgroup> best_id: array<u32, WG>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let t = group.x;
    if t >= state[STATE_LEN] { return; }
    let base = t * params.experts;
    let to = t * 2u * params.used;
    var top = 0.0;
    var total = 0.0;
    var last_value = 3.4028234e38;
    var last_id = NONE;
    for (var j = 0u; j < params.used; j++) {
        // The next in order: below the one before, or the same with a higher id.
        var value = -3.4028234e38;
        var id = NONE;
        for (var i = local; i < params.experts; i += WG) {
            let v = logits[base + i];
            let next = last_id == NONE || v < last_value || (v == last_value && i > last_id);
            if next && (id == NONE || v > value) { value = v; id = i; }
        }
        best_value[local] = value;
        best_id[local] = id;
        workgroupBarrier();
        for (var half = WG / 2u; half > 0u; half /= 2u) {
            if local < half {
                let other = best_id[local + half];
                let v = best_value[local + half];
                let higher = v > best_value[local] || (v == best_value[local] && other < best_id[local]);
                if other != NONE && (best_id[local] == NONE || higher) {
                    best_value[local] = v;
                    best_id[local] = other;
                }
            }
            workgroupBarrier();
        }
        last_value = best_value[0];
        last_id = min(best_id[0], params.experts - 1u);
        workgroupBarrier();
        if j == 0u { top = last_value; }
        total += exp(last_value - top);
        if local == 0u {
            routes[to + j] = f32(last_id);
            routes[to + params.used + j] = exp(last_value - top);
        }
    }
    // One invocation does the rest: experts are few.
    if local != 0u { return; }
    if params.normed == 0u {
        total = 0.0;
        for (var i = 0u; i < params.experts; i++) { total += exp(logits[base + i] - top); }
    }
    for (var j = 0u; j < params.used; j++) { routes[to + params.used + j] /= total; }
}
