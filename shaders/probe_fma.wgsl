//! y[i] = a chain of fused multiply-adds in sixteen lanes, for the roofline of the benchmark
override WG: u32 = 256u;
struct Params {
    rounds: u32,   // 64 multiply-adds each
    count: u32,    // invocations that write
    scale: f32,
    step: f32,
}
@group(0) @binding(0) var<uniform>             params: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;   // [count]

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let scale = vec4<f32>(params.scale);
    let step = vec4<f32>(params.step);
    var a = vec4<f32>(f32(id.x));
    var b = a + 1.0;
    var c = a + 2.0;
    var d = a + 3.0;
    for (var round = 0u; round < params.rounds; round++) {
        for (var i = 0u; i < 4u; i++) {
            a = fma(a, scale, step);
            b = fma(b, scale, step);
            c = fma(c, scale, step);
            d = fma(d, scale, step);
        }
    }
    let sum = a + b + c + d;
    if id.x < params.count { y[id.x] = sum.x + sum.y + sum.z + sum.w; }
}
