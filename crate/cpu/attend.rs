//! Attention of several queries over the same keys as products of matrices, by the tiles that multiply weights.

use super::{
    product::pack,
    simd::{LANES, Loops, ROWS, TOKENS, Tile, loops},
};
use std::ops::Range;

/// Keys and values of a head as tiles take them, and the queries that look at them now.
pub(crate) struct Packed {
    loops: Loops,
    /// Width of a head, and as vectors hold it.
    width: usize,
    packed: usize,
    /// Keys at most, a multiple of `LANES`.
    most: usize,
    /// `[most / ROWS, packed / LANES, ROWS, LANES]`
    keys: Vec<f32>,
    /// `[width / ROWS, most / LANES, ROWS, LANES]`
    values: Vec<f32>,
    /// How many queries there are.
    count: usize,
    /// `[rows / TOKENS, packed / LANES, TOKENS, LANES]`
    queries: Vec<f32>,
    /// The keys that any of them sees, in whole vectors.
    seen: Range<usize>,
    /// `[rows, seen]`
    scores: Vec<f32>,
    /// `[rows / TOKENS, seen / LANES, TOKENS, LANES]`
    weights: Vec<f32>,
    /// What the weights of each query sum up to.
    totals: Vec<f32>,
    /// `[rows, width]`
    sums: Vec<f32>,
    dots: Vec<Tile>,
}

impl Packed {
    /// Room for keys of a width, a multiple of `ROWS`, and for so many queries at a time; `None` if there is none.
    pub(crate) fn new(width: usize, keys: usize, rows: usize) -> Option<Self> {
        let (packed, most) = (width.next_multiple_of(LANES), keys.max(1).next_multiple_of(LANES));
        let rows = rows.next_multiple_of(TOKENS);
        Some(Self {
            loops: loops(),
            width,
            packed,
            most,
            keys: zeros(most * packed)?,
            values: zeros(most * width)?,
            count: 0,
            queries: zeros(rows * packed)?,
            seen: 0..0,
            scores: zeros(rows * most)?,
            weights: zeros(rows * most)?,
            totals: zeros(rows)?,
            sums: zeros(rows * width)?,
            dots: vec![Tile::default(); rows / TOKENS],
        })
    }

    /// Takes keys of a head, behind as many as came before.
    pub(crate) fn keys(&mut self, before: usize, keys: &[f32]) {
        for (n, key) in (before..).zip(keys.chunks_exact(self.width)) {
            let to = &mut self.keys[n / ROWS * ROWS * self.packed..][..ROWS * self.packed];
            pack(key, n % ROWS, ROWS, to);
        }
    }

    /// Takes its values, behind as many as came before.
    pub(crate) fn values(&mut self, before: usize, values: &[f32]) {
        for (n, value) in (before..).zip(values.chunks_exact(self.width)) {
            let at = n / LANES * ROWS * LANES + n % LANES;
            let to = self.values.chunks_exact_mut(self.most * ROWS);
            for (part, to) in value.as_chunks::<ROWS>().0.iter().zip(to) {
                for (r, value) in part.iter().enumerate() {
                    to[at + r * LANES] = *value;
                }
            }
        }
    }

    /// Takes query `row`, times `scale`, of so many as were taken since the last `mix`.
    pub(crate) fn query(&mut self, row: usize, query: &[f32], scale: f32) {
        let size = TOKENS * self.packed;
        let to = &mut self.queries[row / TOKENS * size..][..size];
        // No sums are there yet.
        let scaled = &mut self.sums[..self.width];
        for (to, from) in scaled.iter_mut().zip(query) {
            *to = from * scale;
        }
        pack(scaled, row % TOKENS, TOKENS, to);
        self.count = row + 1;
    }

    /// Multiplies the queries with keys.
    pub(crate) fn score(&mut self, keys: Range<usize>) {
        self.seen = keys.start / LANES * LANES..keys.end.next_multiple_of(LANES);
        let (count, size) = (self.seen.len(), ROWS * self.packed);
        let dots = &mut self.dots[..self.count.div_ceil(TOKENS)];
        let keys = &self.keys[self.seen.start * self.packed..self.seen.end * self.packed];
        for (n, keys) in keys.chunks_exact(size).enumerate() {
            (self.loops.tiles)(keys, &self.queries, dots);
            for (dots, scores) in dots.as_flattened().iter().zip(self.scores.chunks_exact_mut(count)) {
                scores.as_chunks_mut().0[n] = *dots;
            }
        }
    }

    /// Makes of the scores of query `row` with the keys that it sees weights by `weigh`, which answers their sum.
    pub(crate) fn weigh(&mut self, row: usize, keys: Range<usize>, weigh: impl FnOnce(&mut [f32]) -> f32) {
        let (first, count) = (self.seen.start, self.seen.len());
        let scores = &mut self.scores[row * count..][..count];
        let (start, end) = (keys.start - first, keys.end - first);
        scores[..start].fill(0.0);
        scores[end..].fill(0.0);
        self.totals[row] = weigh(&mut scores[start..end]);
        let to = &mut self.weights[row / TOKENS * TOKENS * count..][..TOKENS * count];
        pack(scores, row % TOKENS, TOKENS, to);
    }

    /// Sums the values, each times its weight.
    pub(crate) fn mix(&mut self) {
        let dots = &mut self.dots[..self.count.div_ceil(TOKENS)];
        for (n, values) in self.values.chunks_exact(self.most * ROWS).enumerate() {
            (self.loops.tiles)(
                &values[self.seen.start * ROWS..self.seen.end * ROWS],
                &self.weights,
                dots,
            );
            for (dots, sums) in dots.as_flattened().iter().zip(self.sums.chunks_exact_mut(self.width)) {
                sums.as_chunks_mut().0[n] = *dots;
            }
        }
    }

    /// What query `row` finds.
    pub(crate) fn give(&self, row: usize, to: &mut [f32]) {
        let sums = &self.sums[row * self.width..][..self.width];
        for (to, sum) in to.iter_mut().zip(sums) {
            *to = sum / self.totals[row];
        }
    }
}

fn zeros(count: usize) -> Option<Vec<f32>> {
    let mut values = Vec::new();
    values.try_reserve_exact(count).ok()?;
    values.resize(count, 0.0);
    Some(values)
}
