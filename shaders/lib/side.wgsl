//! Plane 1 of a weight: what blocks have beside their quants. Needs `params` and `w`.
#import lib/f16

/// Word `i` of the row.
fn side(row: u32, i: u32) -> u32 {
    return w[params.plane1 + row * params.row1 + i / 4u][i & 3u];
}

/// f16 number `i` of those that begin with word `at`.
fn side_f16(row: u32, at: u32, i: u32) -> f32 {
    return f16_bits((side(row, at + i / 2u) >> (16u * (i & 1u))) & 0xffffu);
}
