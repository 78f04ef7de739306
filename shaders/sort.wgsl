//! order = choices (t * used + j) by expert, each expert's in tiles of TILE with -1 where they are not full; then each
//! tile's expert, or -1
struct Params { used: u32, experts: u32, tiles: u32 }
@group(0) @binding(0) var<uniform>             params: Params;
@group(0) @binding(1) var<storage, read>       state: array<u32>;
@group(0) @binding(2) var<storage, read>       routes: array<f32>;   // [T, 2 * used]
@group(0) @binding(3) var<storage, read_write> order: array<f32>;    // [tiles, TILE], then [tiles]
#import lib/state
const WG: u32 = 256u;
const TILE: u32 = 32u;
const MOST: u32 = 1024u;   // experts
var<workgroup> first: array<u32, MOST>;   // choices of each expert, then its first tile

fn expert_of(choice: u32) -> u32 {
    return min(u32(routes[choice / params.used * 2u * params.used + choice % params.used]), params.experts - 1u);
}

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) local: u32) {
    let choices = state[STATE_LEN] * params.used;
    for (var i = local; i < params.tiles * (TILE + 1u); i += WG) { order[i] = -1.0; }
    // Each invocation has experts of its own and walks all choices, so that their order is always the same.
    for (var e = local; e < params.experts; e += WG) {
        var count = 0u;
        for (var i = 0u; i < choices; i++) { if expert_of(i) == e { count++; } }
        first[e] = count;
    }
    storageBarrier();
    workgroupBarrier();
    if local == 0u {
        var tile = 0u;
        for (var e = 0u; e < params.experts; e++) {
            let count = first[e];
            first[e] = tile;
            tile += (count + TILE - 1u) / TILE;
        }
    }
    workgroupBarrier();
    for (var e = local; e < params.experts; e += WG) {
        let tile = first[e];
        var at = 0u;
        for (var i = 0u; i < choices; i++) {
            if expert_of(i) == e {
                order[tile * TILE + at] = f32(i);
                if at % TILE == 0u { order[params.tiles * TILE + tile + at / TILE] = f32(e); }
                at++;
            }
        }
    }
}
