//! y[t, i] = f(x[t, i / PER]) * up[t, offset + i], or f(x[t, i]) alone
//! variant VECTORS: off on
override KIND: u32 = 0u;      // which f, as in `Act`
override GATES: u32 = 1u;     // whether there is `up`
override PER: u32 = 1u;       // values of y that one of x makes
struct Params {
    rows: u32,       // T
    width: u32,      // F of y; of vectors, these
    up_width: u32,   // F of up
    offset: u32,     // first value of a row of up that counts
    ka: f32,         // parameters of f
    kb: f32,
}
@group(0) @binding(0) var<uniform>             params: Params;
#if VECTORS
alias Value = vec4<f32>;
#else
alias Value = f32;
#endif
@group(0) @binding(1) var<storage, read>       x: array<Value>;    // [T, F / PER]
@group(0) @binding(2) var<storage, read>       up: array<Value>;   // [T, F of up]
@group(0) @binding(3) var<storage, read_write> y: array<Value>;    // [T, F]
#import lib/act

// By row, and `PER` is known when the pipeline is made: a division costs lanes of a CPU more than all else here.
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    for (var t = id.y; t < params.rows; t += groups.y) {
        for (var i = id.x; i < params.width; i += groups.x * 64u) {
            var u = Value(1.0);
            if GATES != 0u { u = up[t * params.up_width + params.offset + i]; }
            let v = x[t * (params.width / PER) + i / PER];
#if VECTORS
            y[t * params.width + i] = vec4<f32>(act(v.x, u.x), act(v.y, u.y), act(v.z, u.z), act(v.w, u.w));
#else
            y[t * params.width + i] = act(v, u);
#endif
        }
    }
}
