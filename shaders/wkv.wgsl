//! y[t, c] = (S + e^(u + k[t]) v[t]) / (Z + e^(u + k[t])), then S = e^-w S + e^k[t] v[t] and Z = e^-w Z + e^k[t], channel by
//! channel, where w = exp(decay) and u = own. S and Z are kept without a common exponent, the highest so far; both are zero at
//! position 0.
struct Params {
    channels: u32,   // C
    bucket: u32,     // T
    nothing: f32,    // the exponent of zero
}
@group(0) @binding(0) var<uniform>             params: Params;
@group(0) @binding(1) var<storage, read>       state: array<u32>;
@group(0) @binding(2) var<storage, read>       k: array<f32>;       // [T, C]
@group(0) @binding(3) var<storage, read>       v: array<f32>;       // [T, C]
@group(0) @binding(4) var<storage, read>       decay: array<f32>;   // [C]
@group(0) @binding(5) var<storage, read>       own: array<f32>;     // [C]
@group(0) @binding(6) var<storage, read_write> past: array<f32>;    // [3, C]: S, Z, the exponent
@group(0) @binding(7) var<storage, read_write> y: array<f32>;       // [T, C]
#import lib/state

/// S, Z and their exponent after another value, whose weight has the exponent `key`.
fn join(kept: vec3<f32>, key: f32, value: f32) -> vec3<f32> {
    let top = max(kept.z, key);
    let now = exp(key - top);
    return vec3(exp(kept.z - top) * kept.xy + now * vec2(value, 1.0), top);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let len = min(params.bucket, state[STATE_LEN]);
    for (var c = id.x; c < params.channels; c += groups.x * 64u) {
        var kept = vec3(0.0, 0.0, params.nothing);
        if state[STATE_POS] > 0u {
            kept = vec3(past[c], past[params.channels + c], past[2u * params.channels + c]);
        }
        for (var t = 0u; t < len; t++) {
            let at = t * params.channels + c;
            let out = join(kept, k[at] + own[c], v[at]);
            y[at] = out.x / out.y;
            kept = join(vec3(kept.xy, kept.z - exp(decay[c])), k[at], v[at]);
        }
        past[c] = kept.x;
        past[params.channels + c] = kept.y;
        past[2u * params.channels + c] = kept.z;
    }
}
