//! y[i] = dots of a unit of a weight that stays in registers, for the roofline of the benchmark: what dequantising a format and
//! multiplying can do at best
//! variant QUANT: quant/*
override WG: u32 = 64u;
override ROW0: u32 = 64u;   // packets of 16 bytes of plane 0 of 256 values
struct Params {
    rounds: u32,
    count: u32,   // invocations that write
}
@group(0) @binding(0) var<uniform>             probe: Params;
@group(0) @binding(1) var<storage, read>       data: array<vec4<u32>>;   // a row of 256 values in planes, and packets behind it
@group(0) @binding(2) var<storage, read_write> y: array<f32>;            // [count + 1], the last: values a unit
struct Row { width: u32, row0: u32, row1: u32, plane1: u32 }
var<private> params: Row;
// What decoders read; at places that are known when the pipeline is made, so that these are registers.
var<private> w: array<vec4<u32>, 128>;
#import lib/lanes
#import QUANT

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    params = Row(256u, ROW0, 0u, ROW0);
    // All that the first unit of any format has.
    w[0] = data[0];
    w[1] = data[1];
    w[ROW0] = data[ROW0];
    w[ROW0 + 1u] = data[ROW0 + 1u];
    w[ROW0 + 2u] = data[ROW0 + 2u];
    w[ROW0 + 5u] = data[ROW0 + 5u];
    for (var i = 0u; i < UNIT4; i++) { xs[i] = vec4<f32>(f32(id.x + i), 1.0, 2.0, 3.0); }
    var sum = 0.0;
    for (var round = 0u; round < probe.rounds; round++) {
        sum += w_dot(0u, 0u);
        // Other values each time, or it would be done once.
        w[0] += vec4<u32>(0x01010101u);
        w[1] += vec4<u32>(0x01010101u);
        w[ROW0] ^= vec4<u32>(0x00010001u);
        w[ROW0 + 1u] ^= vec4<u32>(0x00010001u);
        w[ROW0 + 2u] ^= vec4<u32>(0x00010001u);
        w[ROW0 + 5u] ^= vec4<u32>(0x00010001u);
    }
    if id.x < probe.count { y[id.x] = sum; }
    if id.x == 0u { y[probe.count] = f32(4u * UNIT4); }
}
