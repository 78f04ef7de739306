//! x[t, k] = scale * w[tokens[t], k], or w[pos + t, k]: each shard of w answers for the ids it holds.
//! variant QUANT: quant/*
struct Params {
    rows: u32,        // of this shard of w
    width: u32,       // D
    first: u32,       // id that this shard begins with
    row0: u32,        // packets of 16 bytes a row, plane 0
    row1: u32,        // the same, plane 1
    plane1: u32,      // first packet of plane 1
    positions: u32,   // rows by position, in place of token ids
    scale: f32,
}
@group(0) @binding(0) var<uniform>             params: Params;
@group(0) @binding(1) var<storage, read>       state: array<u32>;
@group(0) @binding(2) var<storage, read>       tokens: array<u32>;    // [T]
@group(0) @binding(3) var<storage, read>       w: array<vec4<u32>>;   // [rows, D] in planes
@group(0) @binding(4) var<storage, read_write> x: array<vec4<f32>>;   // [T, D]
#import lib/state
#import QUANT

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let t = group.y;
    let k4 = group.x * 64u + local;
    let width4 = params.width / 4u;
    if t >= state[STATE_LEN] || k4 >= width4 { return; }
    let id = select(tokens[t], state[STATE_POS] + t, params.positions != 0u);
    let row = id - params.first;   // wraps below the shard, and is then not below its rows
    if row >= params.rows { return; }
    x[t * width4 + k4] = params.scale * w_load4(row, k4);
}
