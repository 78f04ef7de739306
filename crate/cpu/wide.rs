//! The product of rows of blocks with many tokens by integers of 16 bits, of which SIMD multiplies twice as many at once as it does
//! of f32. Tokens are split as they are for few of them.

use super::{
    ints::{BLOCK, split},
    product::Product,
    simd::{Blocks, Integers, QUAD, WIDE, Wide},
};
use crate::tensor::Behind;

/// Values of tokens that pass by together: 512 KiB of them stay in a cache.
const TOGETHER: usize = 262_144;
/// Rows that pass by each four of them together: what they give a token fills a line of a cache.
const BAND: usize = 16;

/// As `product`, of blocks whose codes lie behind their factor.
pub(super) fn product(of: &Product<'_>, behind: Behind, loops: Integers, y: &mut [f32]) {
    let width = of.w.width;
    let together = (TOGETHER / width).next_multiple_of(QUAD).max(8 * QUAD);
    let most = together.min(of.pairs.len().next_multiple_of(QUAD));
    let mut w = Buffer::new(BAND * width);
    let mut x = Buffer::new(most * width);
    let mut dots = vec![0.0; most * BAND];
    for pairs in of.pairs.chunks(together) {
        let parts = x
            .codes
            .chunks_exact_mut(QUAD * width)
            .zip(x.factors.chunks_exact_mut(QUAD * width / BLOCK));
        for (pairs, (codes, factors)) in pairs.chunks(QUAD).zip(parts) {
            pack(of, pairs, codes, factors);
        }
        let x = x.of(pairs.len().next_multiple_of(QUAD) * width);
        for n in (0..of.rows).step_by(BAND) {
            let there = BAND.min(of.rows - n);
            let bytes = of.raw(n, BAND);
            (loops.widen)(Blocks { bytes, behind }, width, &mut w.codes, &mut w.factors);
            let rows = there.next_multiple_of(2);
            (loops.wide)(width, w.of(rows * width), x, &mut dots);
            for ((to, _), dots) in pairs.iter().zip(dots.chunks_exact(rows)) {
                y[to * of.wide + n..][..there].copy_from_slice(&dots[..there]);
            }
        }
    }
}

/// Room for integers and the factors of their blocks.
struct Buffer {
    codes: Vec<i16>,
    factors: Vec<f32>,
}

impl Buffer {
    fn new(count: usize) -> Self {
        Self {
            codes: vec![0; count],
            factors: vec![0.0; count / BLOCK],
        }
    }

    /// The first `count` of them.
    fn of(&self, count: usize) -> Wide<'_> {
        Wide {
            codes: &self.codes[..count],
            factors: &self.factors[..count / BLOCK],
        }
    }
}

/// Up to `QUAD` tokens, as `Integers::wide` takes them; where there are no more, zeros.
fn pack(of: &Product<'_>, pairs: &[(usize, usize)], codes: &mut [i16], factors: &mut [f32]) {
    codes.fill(0);
    factors.fill(0.0);
    for (t, (_, from)) in pairs.iter().enumerate() {
        let x = split(of.x(*from), BLOCK, false);
        let to = codes.as_chunks_mut::<WIDE>().0.chunks_exact_mut(QUAD);
        for (from, to) in x.high.as_chunks().0.iter().zip(to) {
            to[t] = *from;
        }
        for (from, to) in x.factors.iter().zip(factors.chunks_exact_mut(QUAD)) {
            to[t] = *from;
        }
    }
}
