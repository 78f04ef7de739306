//! Formats with two words of 2-bit codes for 32 values, 64 of them a packet: bits 2j and 2j + 1 of the bytes of a word are
//! those of values 4j .. 4j + 3 of its 16. The format says what 32 values share, `Block` from `w_block`, and what the values of
//! four codes are, `w_four`, those of a block being four times j on.
#import lib/unit
const UNIT4: u32 = 8u;

fn w_units() -> u32 { return params.width / 32u; }

fn w_two(row: u32, u: u32) -> vec2<u32> {
    let p = w[row * params.row0 + u / 2u];
    return select(p.xy, p.zw, (u & 1u) == 1u);
}

fn w_sixteen(b: Block, word: u32, j: u32) -> f32 {
    return dot(w_four(b, word & 0x03030303u, j), xs[j]) + dot(w_four(b, (word >> 2u) & 0x03030303u, j + 1u), xs[j + 1u])
        + dot(w_four(b, (word >> 4u) & 0x03030303u, j + 2u), xs[j + 2u])
        + dot(w_four(b, (word >> 6u) & 0x03030303u, j + 3u), xs[j + 3u]);
}

fn w_dot(row: u32, u: u32) -> f32 {
    let b = w_block(row, u);
    let p = w_two(row, u);
    return w_sixteen(b, p.x, 0u) + w_sixteen(b, p.y, 4u);
}

fn w_load4(row: u32, k4: u32) -> vec4<f32> {
    let word = w_two(row, k4 / 8u)[(k4 / 4u) & 1u] >> (2u * (k4 & 3u));
    return w_four(w_block(row, k4 / 8u), word & 0x03030303u, k4 & 7u);
}
