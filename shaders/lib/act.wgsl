//! Activation functions: `act(x) * up` by its number `KIND`, as in `Act`. Needs `params.ka` and `params.kb`.

/// tanh by a clamped argument: some drivers give NaN beyond the range of exp.
fn safe_tanh(v: f32) -> f32 { return tanh(clamp(v, -15.0, 15.0)); }

/// Abramowitz and Stegun 7.1.26, within 1.5e-7.
fn erf(v: f32) -> f32 {
    let t = 1.0 / (1.0 + 0.3275911 * abs(v));
    let p = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
    return sign(v) * (1.0 - p * exp(-v * v));
}

fn act(x: f32, up: f32) -> f32 {
    var v = x;
    var u = up;
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
    return v * u;
}
