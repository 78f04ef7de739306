//! The tile for lanes in eights, as lavapipe has them: four values of a token, a token a lane, are shared by broadcasts.
#import lib/spread
#import tile/rows
const WG: u32 = 16u;
const QUADS: u32 = 1u;
alias Places = u32;

/// Where in x the row of this lane's token begins.
fn x_places(tile: u32, t: u32, local: u32) -> Places { return x_base(tile, t + local % 8u); }

/// Values `4 * k .. 4 * k + 4` of eight tokens.
fn x_eight(at: Places, k: u32, local: u32) -> Eight {
    let mine = x[at + k];
    return Eight(transpose(spread4(mine)), transpose(spread4_on(mine)));
}
