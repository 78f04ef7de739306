//! For each head a matrix S[n, p], zero at position 0, and for each token t in turn, with d = softplus(step[t] + bias):
//! S = exp(a d) S + key[t] u^T, y[t] = S^T query[t], where u = d value[t], and y[t] gets `extra` value[t] besides
//! (Mamba; in Mamba 1 each value p has a step, and each cell an a), or u = sigmoid(extra[t]) (value[t] - exp(a d) S^T key[t]) with keys and queries of length 1 (delta rule)
override WG: u32 = 16u;      // columns of a workgroup
override N: u32 = 128u;      // width of a key
override DELTA: u32 = 0u;
override EACH: u32 = 0u;     // whether each value has a step, and each cell its decay
struct Params {
    width: u32,        // of a row of x
    heads: u32,        // H
    values: u32,       // P, width of a value
    groups: u32,       // G
    share: u32,        // heads side by side that have the same key
    query: u32,        // where queries begin in a row of x
    key: u32,
    value: u32,
    step_width: u32,   // of a row of steps
    step_first: u32,   // where they begin in it
    logged: u32,       // whether `decay` has the logarithm of -a
    bucket: u32,       // T
    scale: f32,        // multiplies queries
}
@group(0) @binding(0) var<uniform>             params: Params;
@group(0) @binding(1) var<storage, read>       state: array<u32>;
@group(0) @binding(2) var<storage, read>       x: array<f32>;       // [T, width]: queries and keys [G * N], values [H * P]
@group(0) @binding(3) var<storage, read>       steps: array<f32>;   // [T, step_width]
@group(0) @binding(4) var<storage, read>       decay: array<f32>;   // [H], or [H * P, N]
@group(0) @binding(5) var<storage, read>       bias: array<f32>;    // [H], or [H * P]
@group(0) @binding(6) var<storage, read>       extra: array<f32>;   // [H], [H * P] or [T, H]
@group(0) @binding(7) var<storage, read_write> past: array<f32>;    // [H, N, P]
@group(0) @binding(8) var<storage, read_write> y: array<f32>;       // [T, H * P]
#import lib/state

var<workgroup> cells: array<f32, N * WG>;   // each column is one invocation's own

/// How much of a cell is left behind a step `d`.
fn kept(at: u32, d: f32) -> f32 {
    var a = decay[at];
    if params.logged != 0u { a = -exp(a); }
    return exp(a * d);
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let p = group.x * WG + local;
    let h = group.y;
    if p >= params.values { return; }
    let base = h * N * params.values + p;
    let first = state[STATE_POS] == 0u;
    for (var n = 0u; n < N; n++) { cells[n * WG + local] = select(past[base + n * params.values], 0.0, first); }
    let own = select(h, h * params.values + p, EACH != 0u);
    let g = h / params.share % params.groups * N;
    let len = min(params.bucket, state[STATE_LEN]);
    for (var t = 0u; t < len; t++) {
        let row = t * params.width;
        let key = row + params.key + g;
        let query = row + params.query + g;
        let value = x[row + params.value + h * params.values + p];
        let given = steps[t * params.step_width + params.step_first + own] + bias[own];
        // log(1 + e), whose first terms are exact where e is lost beside 1
        let e = exp(-abs(given));
        let d = max(given, 0.0) + select(log(1.0 + e), e * (1.0 - e * (0.5 - e / 3.0)), e < 0.01);
        let keep = kept(own, d);
        var u = d * value;
        var scale = params.scale;
        var out = 0.0;
        if DELTA != 0u {
            var found = 0.0;
            var keys = 1e-6;
            var queries = 1e-6;
            for (var n = 0u; n < N; n++) {
                let k = x[key + n];
                let q = x[query + n];
                found += cells[n * WG + local] * k;
                keys += k * k;
                queries += q * q;
            }
            let size = inverseSqrt(keys);
            let beta = 1.0 / (1.0 + exp(-extra[t * params.heads + h]));
            u = beta * (value - keep * found * size) * size;
            scale *= inverseSqrt(queries);
        } else {
            out = extra[own] * value;
        }
        var sum = 0.0;
        for (var n = 0u; n < N; n++) {
            var of_cell = keep;
            if EACH != 0u { of_cell = kept(own * N + n, d); }
            let cell = of_cell * cells[n * WG + local] + x[key + n] * u;
            cells[n * WG + local] = cell;
            sum += cell * x[query + n];
        }
        y[(t * params.heads + h) * params.values + p] = out + scale * sum;
    }
    for (var n = 0u; n < N; n++) { past[base + n * params.values] = cells[n * WG + local]; }
}
