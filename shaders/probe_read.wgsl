//! sums[i] = the sum of the words that invocation i reads: a streaming read, for the roofline of the benchmark
override WG: u32 = 256u;
const ROUNDS: u32 = 16u;   // quads an invocation reads
struct Params { quads: u32 }
@group(0) @binding(0) var<uniform>             params: Params;
@group(0) @binding(1) var<storage, read>       data: array<vec4<u32>>;   // [quads]
@group(0) @binding(2) var<storage, read_write> sums: array<u32>;         // [quads / ROUNDS]

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let first = group.x * WG * ROUNDS + local;
    var sum = vec4<u32>(0u);
    for (var round = 0u; round < ROUNDS; round++) {
        let at = first + round * WG;
        if at < params.quads { sum += data[at]; }
    }
    let to = group.x * WG + local;
    if to < params.quads / ROUNDS { sums[to] = sum.x + sum.y + sum.z + sum.w; }
}
