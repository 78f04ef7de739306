//! Formats with a packet of nibbles for 32 values: word i has values 8i .. 8i + 3 in its low nibbles and 8i + 4 .. 8i + 7 in
//! its high ones. The format says what a block's values share, `Block` from `w_block`; what four nibbles are, values
//! 4j .. 4j + 3 of the block, `w_four`; and the factor that is left to multiply with, `w_factor`.
#import lib/unit
const UNIT4: u32 = 8u;

fn w_units() -> u32 { return params.width / 32u; }

fn w_eight(b: Block, word: u32, j: u32) -> f32 {
    return dot(w_four(b, word & 0x0f0f0f0fu, j), xs[j]) + dot(w_four(b, (word >> 4u) & 0x0f0f0f0fu, j + 1u), xs[j + 1u]);
}

fn w_dot(row: u32, u: u32) -> f32 {
    let b = w_block(row, u);
    let p = w[row * params.row0 + u];
    return w_factor(b) * (w_eight(b, p.x, 0u) + w_eight(b, p.y, 2u) + w_eight(b, p.z, 4u) + w_eight(b, p.w, 6u));
}

fn w_load4(row: u32, k4: u32) -> vec4<f32> {
    let b = w_block(row, k4 / 8u);
    let word = w[row * params.row0 + k4 / 8u][(k4 / 2u) & 3u] >> (4u * (k4 & 1u));
    return w_factor(b) * w_four(b, word & 0x0f0f0f0fu, k4 & 7u);
}
