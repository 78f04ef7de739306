//! The unit of x that `w_dot` takes, where more than four lanes of a CPU bring it together. Needs `UNIT4`, eight at most, and `xs`.
#import lib/lanes
#import lib/spread

/// The vec4 of a unit that this lane brings.
fn brings(lane: u32) -> u32 { return lane % UNIT4; }

/// Makes the unit of what the lanes have brought.
fn share(mine: vec4<f32>) {
    xs[0] = subgroupBroadcast(mine, 0u);
    if UNIT4 >= 2u { xs[1u % UNIT4] = subgroupBroadcast(mine, 1u); }
    if UNIT4 >= 4u {
        xs[2u % UNIT4] = subgroupBroadcast(mine, 2u);
        xs[3u % UNIT4] = subgroupBroadcast(mine, 3u);
    }
    if UNIT4 >= 8u {
        xs[4u % UNIT4] = subgroupBroadcast(mine, 4u);
        xs[5u % UNIT4] = subgroupBroadcast(mine, 5u);
        xs[6u % UNIT4] = subgroupBroadcast(mine, 6u);
        xs[7u % UNIT4] = subgroupBroadcast(mine, 7u);
    }
}
