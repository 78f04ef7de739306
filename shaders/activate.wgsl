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
#import lib/act

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    for (var i = id.x; i < params.count; i += groups.x * 64u) {
        var u = 1.0;
        if GATES != 0u {
            let t = i / params.width;
            u = up[t * params.up_width + params.offset + i - t * params.width];
        }
        y[i] = act(x[i / params.per], u);
    }
}
