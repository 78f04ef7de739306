//! y[t, c] = f(sum over k of w[c, k] * u[t - L + 1 + k, c] + bias[c]), where u is a column of x, or the product of two of
//! them, and f silu, or the product with a third. Before this step u is what `past` has; at position 0 it is zero.
// 0: u = x[c], and f is silu; 1: u = x[c] * x[2 C + c], and f multiplies by x[C + c]; 2: u = x[c], without f, and the two
// taps are 1 - w[c] and w[c]
override WINDOW: u32 = 0u;
struct Params {
    channels: u32,   // C
    width: u32,      // of a row of x
    taps: u32,       // L
    biased: u32,     // whether there is a bias
    bucket: u32,     // T
}
@group(0) @binding(0) var<uniform>             params: Params;
@group(0) @binding(1) var<storage, read>       state: array<u32>;
@group(0) @binding(2) var<storage, read>       x: array<f32>;      // [T, width]
@group(0) @binding(3) var<storage, read>       w: array<f32>;      // [C, L], or [C]
@group(0) @binding(4) var<storage, read>       bias: array<f32>;   // [C]
@group(0) @binding(5) var<storage, read_write> past: array<f32>;   // [L - 1, C], the oldest first
@group(0) @binding(6) var<storage, read_write> y: array<f32>;      // [T, C]
#import lib/state

/// u of channel `c`, counted from the oldest token that is kept.
fn seen(n: u32, c: u32) -> f32 {
    let kept = params.taps - 1u;
    if n < kept {
        if state[STATE_POS] == 0u { return 0.0; }
        return past[n * params.channels + c];
    }
    let at = (n - kept) * params.width + c;
    if WINDOW == 1u { return x[at] * x[at + 2u * params.channels]; }
    return x[at];
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let len = min(params.bucket, state[STATE_LEN]);
    // One invocation has all tokens of a channel, so nobody else reads what it replaces at the end.
    for (var c = id.x; c < params.channels; c += groups.x * 64u) {
        for (var t = 0u; t < len; t++) {
            var sum = 0.0;
            if WINDOW == 2u {
                sum = mix(seen(t, c), seen(t + 1u, c), w[c]);
            } else {
                if params.biased != 0u { sum = bias[c]; }
                for (var k = 0u; k < params.taps; k++) { sum += w[c * params.taps + k] * seen(t + k, c); }
                if WINDOW == 1u {
                    sum *= x[t * params.width + params.channels + c];
                } else {
                    sum = sum / (1.0 + exp(-sum));
                }
            }
            y[t * params.channels + c] = sum;
        }
        for (var k = 0u; k + 1u < params.taps; k++) { past[k * params.channels + c] = seen(len + k, c); }
    }
}
