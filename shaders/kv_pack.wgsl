//! What a step adds to the cache, rows of f32, as codes of 8 bits: kv[h, pos + t, d] is code / 127 of the largest magnitude of its
//! block, which lies behind all codes. An invocation makes a block. Only valid tokens are written.
override BLOCK: u32 = 32u;   // values a block, a multiple of 4 that divides Dh
struct Params {
    heads: u32,      // 2 * Hk
    head_dim: u32,   // Dh
    capacity: u32,   // S
    bucket: u32,     // T
}
@group(0) @binding(0) var<uniform>             params: Params;
@group(0) @binding(1) var<storage, read>       state: array<u32>;
@group(0) @binding(2) var<storage, read>       rows: array<vec4<f32>>;   // [2 * Hk, T, Dh], a position in place pos % T
@group(0) @binding(3) var<storage, read_write> kv: array<u32>;           // [2 * Hk, S, Dh] codes, then a magnitude a block
#import lib/state

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let blocks = params.head_dim / BLOCK;
    let tokens = min(params.bucket, state[STATE_LEN]);
    let magnitudes = params.heads * params.capacity * (params.head_dim / 4u);
    for (var n = id.x; n < params.heads * tokens * blocks; n += groups.x * 64u) {
        let head = n / blocks / tokens;
        let pos = state[STATE_POS] + n / blocks % tokens;
        if pos >= params.capacity { continue; }
        let source = ((head * params.bucket + pos % params.bucket) * params.head_dim + n % blocks * BLOCK) / 4u;
        let to = (head * params.capacity + pos) * params.head_dim + n % blocks * BLOCK;
        // By their bits, so that what is no number is the largest.
        var largest = vec4<u32>();
        for (var i = 0u; i < BLOCK / 4u; i++) { largest = max(largest, bitcast<vec4<u32>>(rows[source + i]) & vec4<u32>(0x7fffffffu)); }
        let most = bitcast<f32>(max(max(largest.x, largest.y), max(largest.z, largest.w)));
        let scale = select(0.0, 1.0 / most, most > 0.0);
        for (var i = 0u; i < BLOCK / 4u; i++) { kv[to / 4u + i] = pack4x8snorm(scale * rows[source + i]); }
        kv[magnitudes + to / BLOCK] = bitcast<u32>(most);
    }
}
