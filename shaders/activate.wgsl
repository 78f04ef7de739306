//! y[t, i] = f(x[t, i / per]) * up[t, offset + i], or f(x[t, i]) alone
override KIND: u32 = 0u;      // which f, as in `Act`
override GATES: u32 = 1u;     // whether there is `up`
struct Params {
    count: u32,
    width: u32,      // F of y
    up_width: u32,   // F of up
    offset: u32,     // first value of a row of up that counts
    per: u32,        // values of y that one of x makes
    ka: f32,         // parameters of f
    kb: f32,
}
@group(0) @binding(0) var<uniform>             params: Params;
@group(0) @binding(1) var<storage, read>       x: array<f32>;    // [T, F / per]
@group(0) @binding(2) var<storage, read>       up: array<f32>;   // [T, F of up]
@group(0) @binding(3) var<storage, read_write> y: array<f32>;    // [T, F]

/// tanh by a clamped argument: some drivers give NaN beyond the range of exp.
fn safe_tanh(v: f32) -> f32 { return tanh(clamp(v, -15.0, 15.0)); }

/// Abramowitz and Stegun 7.1.26, within 1.5e-7.
fn erf(v: f32) -> f32 {
    let t = 1.0 / (1.0 + 0.3275911 * abs(v));
    let p = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
    return sign(v) * (1.0 - p * exp(-v * v));
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    for (var i = id.x; i < params.count; i += groups.x * 64u) {
        var v = x[i / params.per];
        var u = 1.0;
        if GATES != 0u { u = up[i / params.width * params.up_width + params.offset + i % params.width]; }
        if KIND == 0u {
            v = v / (1.0 + exp(-v));
        } else if KIND == 1u {
            v = 0.5 * v * (1.0 + safe_tanh(0.7978845608 * (v + 0.044715 * v * v * v)));
        } else if KIND == 2u {
            v = 0.5 * v * (1.0 + erf(0.7071067812 * v));
        } else if KIND == 3u {
            v = v / (1.0 + exp(-params.ka * v));
        } else if KIND == 4u {
            v = max(v, 0.0);
        } else if KIND == 5u {
            v = max(v, 0.0) * max(v, 0.0);
        } else if KIND == 6u {
            v = 1.0 / (1.0 + exp(-v));
        } else if KIND == 7u {
            v = params.ka * v;
            if params.kb > 0.0 { v = params.kb * safe_tanh(v / params.kb); }
        } else {
            v = min(v, params.kb);
            v = v / (1.0 + exp(-params.ka * v));
            u = clamp(u, -params.kb, params.kb) + 1.0;
        }
        y[i] = v * u;
    }
}
