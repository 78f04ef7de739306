//! routes[t] = ids of the experts with the highest scores, the lower id first among equals, then their weights. A score is
//! logits[t], its weight the softmax over all, or over those chosen if `normed`; or, with SIGMOID, the sigmoid of it plus
//! `bias`, its weight the sigmoid, its share of those chosen if `normed`. Only the best groups are chosen from: those with
//! the highest score, with SIGMOID the highest sum of two
override SIGMOID: u32 = 0u;
struct Params {
    experts: u32,
    used: u32,
    normed: u32,
    biased: u32,   // whether there is a bias
    groups: u32,   // at most WG, of experts side by side
    kept: u32,     // groups that are chosen from
    scale: f32,    // multiplies weights
}
@group(0) @binding(0) var<uniform>             params: Params;
@group(0) @binding(1) var<storage, read>       state: array<u32>;
@group(0) @binding(2) var<storage, read>       logits: array<f32>;   // [T, E]
@group(0) @binding(3) var<storage, read>       bias: array<f32>;     // [E]
@group(0) @binding(4) var<storage, read_write> routes: array<f32>;   // [T, 2 * used]
#import lib/state
const WG: u32 = 64u;
const NONE: u32 = 0xffffffffu;
const LOWEST: f32 = -3.4028234e38;
var<workgroup> best_value: array<f32, WG>;
var<workgroup> best_id: array<u32, WG>;
var<workgroup> of_group: array<f32, WG>;
var<workgroup> open: array<u32, WG>;   // whether a group is chosen from

fn sigmoid(v: f32) -> f32 { return 1.0 / (1.0 + exp(-v)); }

/// What expert `i` is chosen by; `at` is where its logit is.
fn score(at: u32, i: u32) -> f32 {
    if SIGMOID == 0u { return logits[at]; }
    return sigmoid(logits[at]) + select(0.0, bias[i], params.biased != 0u);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let t = group.x;
    if t >= state[STATE_LEN] { return; }
    let base = t * params.experts;
    let to = t * 2u * params.used;
    let per = params.experts / params.groups;
    var first = LOWEST;
    var second = LOWEST;
    if local < params.groups && params.groups > params.kept {
        for (var i = local * per; i < (local + 1u) * per; i++) {
            let v = score(base + i, i);
            second = max(second, min(v, first));
            first = max(first, v);
        }
    }
    of_group[local] = first + select(0.0, second, SIGMOID != 0u && per > 1u);
    workgroupBarrier();
    var before = 0u;
    if params.groups > params.kept {
        for (var i = 0u; i < params.groups; i++) {
            let higher = of_group[i] > of_group[local] || (of_group[i] == of_group[local] && i < local);
            before += select(0u, 1u, higher);
        }
    }
    open[local] = select(0u, 1u, before < params.kept);
    workgroupBarrier();
    var top = 0.0;
    var total = 0.0;
    var last_value = 3.4028234e38;
    var last_id = NONE;
    for (var j = 0u; j < params.used; j++) {
        // The next in order: below the one before, or the same with a higher id.
        var value = LOWEST;
        var id = NONE;
        for (var i = local; i < params.experts; i += WG) {
            if open[i / per] == 0u { continue; }
            let v = score(base + i, i);
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
        let logit = logits[base + last_id];
        if j == 0u { top = logit; }
        let weight = select(exp(logit - top), sigmoid(logit), SIGMOID != 0u);
        total += weight;
        if local == 0u {
            routes[to + j] = f32(last_id);
            routes[to + params.used + j] = weight;
        }
    }
    // One invocation does the rest: experts are few.
    if local != 0u { return; }
    if params.normed == 0u {
        total = 1.0;
        if SIGMOID == 0u {
            total = 0.0;
            for (var i = 0u; i < params.experts; i++) { total += exp(logits[base + i] - top); }
        }
    }
    for (var j = 0u; j < params.used; j++) { routes[to + params.used + j] *= params.scale / total; }
}
