//! y[t, i] = sum over j of the weight of the j-th expert of token t, and its scale if there are any, times x[t, j, i]
struct Params {
    count: u32,
    width: u32,   // D
    used: u32,    // experts a token
    scaled: u32,  // whether there are scales
}
@group(0) @binding(0) var<uniform>             params: Params;
@group(0) @binding(1) var<storage, read>       x: array<f32>;        // [T, used * D]
@group(0) @binding(2) var<storage, read>       routes: array<f32>;   // [T, 2 * used]: ids, then weights
@group(0) @binding(3) var<storage, read>       scales: array<f32>;   // [E]
@group(0) @binding(4) var<storage, read_write> y: array<f32>;        // [T, D]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    for (var i = id.x; i < params.count; i += groups.x * 64u) {
        let t = i / params.width;
        var sum = 0.0;
        for (var j = 0u; j < params.used; j++) {
            let route = 2u * t * params.used + j;
            var weight = routes[route + params.used];
            // behind the step's last row the id may be anything
            if params.scaled != 0u { weight *= scales[min(u32(routes[route]), arrayLength(&scales) - 1u)]; }
            sum += weight * x[(t * params.used + j) * params.width + i % params.width];
        }
        y[i] = sum;
    }
}
