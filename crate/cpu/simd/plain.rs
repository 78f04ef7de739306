//! The plain form, which compilers turn into SIMD: independent sums, no branch in the loop. The others are held to it.

use super::{Blocks, LANES, ROWS, Rows, Split, TOKENS, Tile};
#[cfg(test)]
use super::{QUAD, WIDE, Wide};
use crate::{
    cpu::{
        cache::MOST,
        ints::{self, BLOCK, LOW},
    },
    quant::half::f16_to_f32,
};

#[inline(always)]
pub(super) fn coded(codes: &[i8], most: &[f32], to: &mut [f32]) {
    let block = codes.len() / most.len().max(1);
    let blocks = codes.chunks_exact(block.max(1)).zip(to.chunks_exact_mut(block.max(1)));
    for ((codes, to), most) in blocks.zip(most) {
        let unit = most / MOST;
        for (to, code) in to.iter_mut().zip(codes) {
            *to = f32::from(*code) * unit;
        }
    }
}

pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; LANES];
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a.iter().zip(b) {
        for i in 0..LANES {
            sums[i] += a[i] * b[i];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

pub(super) fn dots(q: &[f32], rows: &[f32], out: &mut [f32]) {
    for (out, row) in out.iter_mut().zip(rows.chunks_exact(q.len())) {
        *out = dot(q, row);
    }
}

pub(super) fn mix(weights: &[f32], rows: &[f32], out: &mut [f32]) {
    out.fill(0.0);
    for (weight, row) in weights.iter().zip(rows.chunks_exact(out.len())) {
        for (out, v) in out.iter_mut().zip(row) {
            *out += weight * v;
        }
    }
}

pub(super) fn tiles(w: &[f32], x: &[f32], out: &mut [Tile]) {
    for (out, x) in out.iter_mut().zip(x.chunks_exact(w.len() / ROWS * TOKENS)) {
        *out = tile(w, x);
    }
}

fn tile(w: &[f32], x: &[f32]) -> Tile {
    let mut sums = [[[0.0_f32; LANES]; ROWS]; TOKENS];
    let w = w.as_chunks::<LANES>().0.as_chunks::<ROWS>().0;
    let x = x.as_chunks::<LANES>().0.as_chunks::<TOKENS>().0;
    for (w, x) in w.iter().zip(x) {
        for (sums, x) in sums.iter_mut().zip(x) {
            for (sums, w) in sums.iter_mut().zip(w) {
                for i in 0..LANES {
                    sums[i] += w[i] * x[i];
                }
            }
        }
    }
    sums.map(|rows| rows.map(|sums| sums.iter().sum()))
}

pub(super) fn expand(rows: Rows<'_>, to: &mut [f32]) {
    let width = rows.codes.len() / ROWS;
    let run = rows.codes.len() / rows.factors.len();
    let to = to.as_chunks_mut::<LANES>().0.as_chunks_mut::<ROWS>().0;
    for (i, codes) in rows.codes.as_chunks::<LANES>().0.iter().enumerate() {
        let (r, at) = (i * LANES / width, i * LANES % width);
        let (factor, least) = (rows.factors[i * LANES / run], rows.leasts[i * LANES / run]);
        for (v, code) in to[at / LANES][r].iter_mut().zip(codes) {
            *v = factor * f32::from(*code) + least;
        }
    }
}

pub(super) fn unpack(of: Blocks<'_>, to: &mut [f32]) {
    let to = to.as_chunks_mut::<LANES>().0.as_chunks_mut::<ROWS>().0;
    let bytes = of.behind.bytes();
    for (r, row) in of.bytes.chunks_exact(to.len() * LANES / BLOCK * bytes).enumerate() {
        for (block, to) in row.chunks_exact(bytes).zip(to.chunks_exact_mut(BLOCK / LANES)) {
            let (factor, codes) = (factor(block), codes(block));
            for (codes, to) in codes.as_chunks::<LANES>().0.iter().zip(to) {
                to[r] = codes.map(|code| factor * f32::from(code));
            }
        }
    }
}

#[cfg(test)]
pub(super) fn widen(of: Blocks<'_>, width: usize, to: &mut [i16], factors: &mut [f32]) {
    let (bytes, count) = (of.behind.bytes(), width / BLOCK);
    let to = to.as_chunks_mut::<WIDE>().0;
    for (r, row) in of.bytes.chunks_exact(count * bytes).enumerate() {
        let to = to[r / 2 * 2 * width / WIDE..].iter_mut().skip(r % 2).step_by(2);
        let factors = factors[r / 2 * 2 * count..].iter_mut().skip(r % 2).step_by(2);
        let blocks = || row.chunks_exact(bytes);
        factors.zip(blocks()).for_each(|(to, block)| *to = factor(block));
        let vectors = blocks().flat_map(|block| codes(block).as_chunks::<WIDE>().0.to_owned());
        to.zip(vectors).for_each(|(to, codes)| *to = codes.map(i16::from));
    }
}

#[cfg(test)]
#[allow(clippy::cast_precision_loss, reason = "rounded as sums of f32 are")]
pub(super) fn wide(width: usize, w: Wide<'_>, x: Wide<'_>, out: &mut [f32]) {
    let (rows, count) = (w.codes.len() / width, width / BLOCK);
    // Where value `i` of block `b` of number `n` lies, where `of` of them lie together; and its factor.
    let place = |of: usize, n: usize, b: usize, i: usize| {
        (((n / of * count + b) * 4 + i / WIDE) * of + n % of) * WIDE + i % WIDE
    };
    let factor = |of: usize, n: usize, b: usize| (n / of * count + b) * of + n % of;
    for (i, out) in out.iter_mut().enumerate() {
        let (t, n) = (i / rows, i % rows);
        let block = |b: usize| {
            let product = |i| i32::from(w.codes[place(2, n, b, i)]) * i32::from(x.codes[place(QUAD, t, b, i)]);
            (0..BLOCK).map(product).sum::<i32>() as f32 * (w.factors[factor(2, n, b)] * x.factors[factor(QUAD, t, b)])
        };
        *out = (0..count).map(block).sum();
    }
}

pub(super) fn ints(rows: Rows<'_>, x: &Split) -> [f32; ROWS] {
    let width = x.high.len();
    let mut out = [0.0; ROWS];
    let sides = rows
        .codes
        .chunks_exact(width)
        .zip(rows.factors.chunks_exact(width / x.run));
    for (out, (codes, factors)) in out.iter_mut().zip(sides) {
        let runs = codes.chunks_exact(x.run).zip(factors).enumerate();
        *out = runs.map(|(i, (codes, factor))| run(codes, *factor, x, i)).sum();
    }
    out
}

pub(super) fn blocks(of: Blocks<'_>, x: &Split, y: &mut [f32]) {
    let count = x.factors.len();
    let bytes = of.behind.bytes();
    for (y, row) in y.iter_mut().zip(of.bytes.chunks_exact(count * bytes)) {
        let blocks = row.chunks_exact(bytes).enumerate();
        *y = blocks.map(|(i, block)| run(&codes(block), factor(block), x, i)).sum();
    }
}

fn factor(block: &[u8]) -> f32 {
    f16_to_f32(u16::from_le_bytes([block[0], block[1]]))
}

/// The codes of a block, behind its factor: bytes, or half as many with two nibbles each.
fn codes(block: &[u8]) -> [i8; BLOCK] {
    let behind = &block[2..];
    std::array::from_fn(|i| match behind.get(i) {
        Some(code) if behind.len() == BLOCK => code.cast_signed(),
        Some(low) => (low & 15).cast_signed() - 8,
        None => (behind[i - behind.len()] >> 4).cast_signed() - 8,
    })
}

/// What run `i` of a row gives.
fn run(codes: &[i8], factor: f32, x: &Split, i: usize) -> f32 {
    let at = i * codes.len()..(i + 1) * codes.len();
    let low = x.low.get(at.clone()).map_or(0.0, |low| LOW * ints::dot(codes, low));
    let dot = ints::dot(codes, &x.high[at.clone()]) + low;
    dot * (factor * x.factors[at.start / BLOCK])
}
