//! y[t, first + n] = sum over k of w[n, k] * x[t, k], for many tokens: a workgroup makes a tile of 32 tokens by 64 rows.
//! variant QUANT: quant/*
//! variant TILE: tile/vectors tile/lanes tile/wide
struct Params {
    rows: u32,        // of this shard of w
    width: u32,       // K
    first: u32,       // row of the whole weight that this shard begins with
    out_width: u32,   // N of the whole weight
    row0: u32,        // packets of 16 bytes a row, plane 0
    row1: u32,        // the same, plane 1
    plane1: u32,      // first packet of plane 1
    used: u32,        // experts a token, 0 without
    own: u32,         // whether x has a row for each of them
    tiles: u32,       // tiles of tokens sorted by expert
    at: u32,          // rows of other weights before those of this one
}
@group(0) @binding(0) var<uniform>             params: Params;
@group(0) @binding(1) var<storage, read>       state: array<u32>;
@group(0) @binding(2) var<storage, read>       w: array<vec4<u32>>;   // [rows, K] in planes
@group(0) @binding(3) var<storage, read>       x: array<vec4<f32>>;   // [T, K]
@group(0) @binding(4) var<storage, read>       routes: array<f32>;    // as `sort` makes it, with experts
@group(0) @binding(5) var<storage, read_write> y: array<f32>;         // [T, N] or [T, used, N]
#import lib/state
#import QUANT
const TILE_T: u32 = 32u;
const TILE_N: u32 = 64u;
const NONE: u32 = 0xffffffffu;

/// Rows of w that a tile makes: of the shard those from `begin` on, `most` of them, the first as row `first` of y. Those before
/// the shard wrap and are then too many. Where `most` is 0 there is nothing to do.
struct Rows {
    begin: u32,
    most: u32,
    first: u32,
}

fn rows_of(tile: u32) -> Rows {
    if params.used == 0u {
        return Rows(params.at, select(0u, params.rows, tile * TILE_T < state[STATE_LEN]), params.first);
    }
    let expert = routes[params.tiles * TILE_T + tile];
    return Rows(u32(max(expert, 0.0)) * params.out_width - params.first, select(0u, params.out_width, expert >= 0.0), 0u);
}

/// Whether row `n` of these is there, and in this shard.
fn is_there(rows: Rows, n: u32) -> bool { return n < rows.most && rows.begin + n < params.at + params.rows; }

/// The row of y that place `t` of this tile is, or NONE.
fn row_of(tile: u32, t: u32) -> u32 {
    let at = tile * TILE_T + t;
    if params.used == 0u { return select(NONE, at, at < state[STATE_LEN]); }
    let choice = routes[at];
    return select(NONE, u32(max(choice, 0.0)), choice >= 0.0);
}

/// Where in x the row begins that row `row` of y takes.
fn x_row(row: u32) -> u32 {
    let shared_by = select(1u, params.used, params.used > 0u && params.own == 0u);
    return row / shared_by * (params.width / 4u);
}

#import TILE
