//! The product of a weight's rows with tokens. For few tokens the codes of a row are multiplied as integers; for many, four rows at a time
//! become f32 and stay in the cache while tokens pass by, two at a time.

use super::{
    HostWeight,
    ints::{BLOCK, Split, split},
    simd::{LANES, Loops, ROWS, Rows, TOKENS, loops},
};
use crate::tensor::{Codes, Ints};

/// Up to so many tokens integers are faster: making f32 of a row costs about as much as four products.
const FEW: usize = 4;
/// Values of tokens that pass by together: 256 KiB of them stay in a cache.
const TOGETHER: usize = 65_536;

/// Rows of a weight, and tokens to multiply each of them with.
pub(crate) struct Product<'a> {
    pub(crate) w: &'a HostWeight,
    /// First row of the weight, and how many.
    pub(crate) first: usize,
    pub(crate) rows: usize,
    /// Rows of y and of x, in pairs.
    pub(crate) pairs: &'a [(usize, usize)],
    pub(crate) x: &'a [f32],
    /// Whether values of x may not be rounded, as far as f32 can have them.
    pub(crate) exact: bool,
}

/// `y[to, n] = w[first + n] x[from]` for each pair.
pub(crate) fn product(of: &Product<'_>, y: &mut [f32]) {
    let loops = loops();
    match &of.w.format.ints {
        Some(ints) if of.pairs.len() <= FEW => few(of, ints, loops, y),
        None if of.pairs.len() < TOKENS => plain(of, loops, y),
        ints => many(of, ints.as_ref(), loops, y),
    }
}

impl Product<'_> {
    /// Row `from` of x.
    fn x(&self, from: usize) -> &[f32] {
        &self.x[from * self.w.width..(from + 1) * self.w.width]
    }

    /// The raw bytes of `ROWS` rows from `n` on, or of as many as there are.
    fn raw(&self, n: usize) -> impl Iterator<Item = &[u8]> {
        (n..self.rows.min(n + ROWS)).map(|n| self.w.raw(self.first + n))
    }
}

/// Parts of some rows.
struct Parts {
    codes: Vec<i8>,
    factors: Vec<f32>,
    leasts: Vec<f32>,
}

impl Parts {
    fn new(rows: usize, width: usize, run: usize) -> Self {
        let runs = rows * width / run;
        Self {
            codes: vec![0; rows * width],
            factors: vec![0.0; runs],
            leasts: vec![0.0; runs],
        }
    }

    /// Splits a row of `width` values into row `r`.
    fn fill(&mut self, r: usize, width: usize, ints: &Ints, raw: &[u8]) {
        let runs = width / ints.run;
        let mut to = Codes {
            codes: self.codes.get_mut(r * width..(r + 1) * width).unwrap_or_default(),
            factors: &mut self.factors[r * runs..(r + 1) * runs],
            leasts: &mut self.leasts[r * runs..(r + 1) * runs],
        };
        (ints.split)(raw, &mut to);
    }
}

fn few(of: &Product<'_>, ints: &Ints, loops: Loops, y: &mut [f32]) {
    let width = of.w.width;
    let mut parts = Parts::new(ROWS, width, ints.run);
    if ints.behind.is_some() {
        parts.codes.clear();
    }
    let tokens: Vec<Split> = of
        .pairs
        .iter()
        .map(|(_, from)| split(of.x(*from), ints.run, of.exact))
        .collect();
    for n in (0..of.rows).step_by(ROWS) {
        for (r, raw) in of.raw(n).enumerate() {
            parts.fill(r, width, ints, raw);
        }
        let rows = Rows {
            codes: std::array::from_fn(|r| match ints.behind {
                // Where there are no more rows, the last one stands for them.
                Some(behind) => bytemuck::cast_slice(&of.w.raw(of.first + (n + r).min(of.rows - 1))[behind..]),
                None => &parts.codes[r * width..(r + 1) * width],
            }),
            step: if ints.behind.is_some() {
                of.w.format.bytes
            } else {
                BLOCK
            },
            factors: &parts.factors,
        };
        for ((to, _), x) in of.pairs.iter().zip(&tokens) {
            let mut dots = (loops.ints)(rows, x);
            if ints.least {
                let leasts = parts.leasts.chunks_exact(width / ints.run);
                for (dot, leasts) in dots.iter_mut().zip(leasts) {
                    *dot += (loops.dot)(leasts, &x.sums);
                }
            }
            give(of, *to, n, &dots, y);
        }
    }
}

fn plain(of: &Product<'_>, loops: Loops, y: &mut [f32]) {
    let mut row = vec![0.0; of.w.width];
    for n in 0..of.rows {
        of.w.row(of.first + n, &mut row);
        for (to, from) in of.pairs {
            y[to * of.rows + n] = (loops.dot)(&row, of.x(*from));
        }
    }
}

fn many(of: &Product<'_>, ints: Option<&Ints>, loops: Loops, y: &mut [f32]) {
    let width = of.w.width;
    let packed = width.next_multiple_of(LANES);
    let mut row = vec![0.0; packed];
    let mut w = vec![0.0; ROWS * packed];
    let mut parts = Parts::new(1, width, ints.map_or(width, |ints| ints.run));
    let together = (TOGETHER / packed).next_multiple_of(TOKENS).max(8 * TOKENS);
    let mut tokens = vec![0.0; together.min(of.pairs.len().next_multiple_of(TOKENS)) * packed];
    for pairs in of.pairs.chunks(together) {
        for (two, to) in pairs.chunks(TOKENS).zip(tokens.chunks_exact_mut(TOKENS * packed)) {
            for (t, (_, from)) in two.iter().enumerate() {
                pack(of.x(*from), t, TOKENS, to);
            }
        }
        for n in (0..of.rows).step_by(ROWS) {
            for (r, raw) in of.raw(n).enumerate() {
                if let Some(ints) = ints {
                    parts.fill(0, width, ints, raw);
                    (loops.expand)(&parts.codes, [&parts.factors, &parts.leasts], r, &mut w);
                } else {
                    (of.w.format.decode)(raw, &mut row[..width]);
                    pack(&row, r, ROWS, &mut w);
                }
            }
            for (two, x) in pairs.chunks(TOKENS).zip(tokens.chunks_exact(TOKENS * packed)) {
                for ((to, _), dots) in two.iter().zip((loops.tile)(&w, x)) {
                    give(of, *to, n, &dots, y);
                }
            }
        }
    }
}

/// Puts what `ROWS` rows from `n` on gave, of which the last ones may not be there.
#[inline(always)]
fn give(of: &Product<'_>, to: usize, n: usize, dots: &[f32; ROWS], y: &mut [f32]) {
    let there = ROWS.min(of.rows - n);
    let at = to * of.rows + n;
    y[at..at + there].copy_from_slice(&dots[..there]);
}

/// Puts a row, which is continued by zeros, as number `r` of `count` between each other.
#[inline(always)]
fn pack(row: &[f32], r: usize, count: usize, to: &mut [f32]) {
    let (lanes, rest) = row.as_chunks::<LANES>();
    let mut to = to.as_chunks_mut::<LANES>().0.chunks_exact_mut(count);
    for (from, to) in lanes.iter().zip(&mut to) {
        to[r] = *from;
    }
    if let (Some(to), false) = (to.next(), rest.is_empty()) {
        to[r] = [0.0; LANES];
        to[r][..rest.len()].copy_from_slice(rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cpu::{ints::LOW, simd::PLAIN},
        quant::{FORMATS, by_name},
        tensor::Format,
    };

    /// Reproducible numbers of `-most ..= most`.
    fn numbers(seed: u32, most: i32, count: usize) -> Vec<i32> {
        let mut state = seed;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            i32::try_from(state >> 8).unwrap_or_default() % (most + 1) * if state & 1 == 0 { 1 } else { -1 }
        };
        (0..count).map(|_| next()).collect()
    }

    /// What is computed of rows of codes and a token of integers, by which everything is exact in f32.
    fn check(width: usize, run: usize, codes: &[i32], [high, low]: [&[i32]; 2]) {
        let small = |n: &i32| i16::try_from(*n).unwrap_or_default();
        let power = |i: usize| [1, 2, 4][i % 3];
        let float = |n: i32| f32::from(small(&n));
        let x = Split {
            run,
            high: high.iter().map(small).collect(),
            low: low.iter().map(small).collect(),
            factors: (0..width / BLOCK).map(|b| float(power(b + 1))).collect(),
            sums: vec![0.0; width / run],
        };
        let factors: Vec<f32> = (0..ROWS * width / run).map(|i| float(power(i))).collect();
        for step in [BLOCK, BLOCK + 2] {
            let mut rows = [const { Vec::new() }; ROWS];
            for (row, codes) in rows.iter_mut().zip(codes.chunks_exact(width)) {
                for block in codes.chunks_exact(BLOCK) {
                    row.extend(block.iter().map(|c| i8::try_from(*c).unwrap_or_default()));
                    row.resize(row.len() + step - BLOCK, 77);
                }
                row.truncate(row.len() + BLOCK - step);
            }
            let of = Rows {
                codes: std::array::from_fn(|r| &rows[r][..]),
                step,
                factors: &factors,
            };
            for found in [(PLAIN.ints)(of, &x), (loops().ints)(of, &x)] {
                for (r, found) in found.into_iter().enumerate() {
                    let whole = |with: &[i32]| -> i64 {
                        let term = |(i, with): (usize, &i32)| {
                            let scale = power((r * width + i) / run) * power(i / BLOCK + 1);
                            i64::from(codes[r * width + i]) * i64::from(*with) * i64::from(scale)
                        };
                        with.iter().enumerate().map(term).sum()
                    };
                    #[allow(clippy::cast_precision_loss, reason = "exact")]
                    let expected = whole(high) as f64 + whole(low) as f64 * f64::from(LOW);
                    assert_eq!(f64::from(found), expected, "{width} by {run}, step {step}, row {r}");
                }
            }
        }
    }

    #[test]
    fn dots_of_integers_are_exact() {
        for (width, run) in [(32, 32), (32, 16), (96, 32), (96, 16), (256, 16), (288, 32)] {
            let count = ROWS * width;
            let none = vec![0; width];
            let codes = numbers(7, 127, count);
            let (large, small) = (numbers(1, 255, width), numbers(2, 255, width));
            check(width, run, &codes, [&large, &[]]);
            check(width, run, &codes, [&large, &none]);
            check(width, run, &codes, [&none, &small]);
            for code in [-128, 127] {
                for x in [-16_384, 16_384] {
                    check(width, run, &vec![code; count], [&vec![x; width], &[]]);
                    check(width, run, &vec![code; count], [&none, &vec![x / 8; width]]);
                }
            }
            // Sums of the largest integers take more bits than an f32 has, so there is one code a block.
            let one: Vec<i32> = (0..count).map(|i| if i % BLOCK == 5 { -128 } else { 0 }).collect();
            check(width, run, &one, [&vec![32_767; width], &none]);
        }
    }

    #[test]
    fn parts_are_what_they_were_made_of() {
        let x: Vec<f32> = numbers(3, 1 << 23, 96).iter().map(|n| *n as f32 * 1e-3).collect();
        for (exact, most) in [(false, 0.501), (true, 0.002)] {
            let found = split(&x, 16, exact);
            assert_eq!(found.low.len(), if exact { x.len() } else { 0 });
            for (i, x) in x.iter().enumerate() {
                let factor = f64::from(found.factors[i / BLOCK]);
                let low = found.low.get(i).map_or(0.0, |low| LOW * f32::from(*low));
                let off = ((f64::from(found.high[i]) + f64::from(low)) * factor - f64::from(*x)).abs();
                assert!(off <= most * factor, "{i}: {x} is off by {off}, exact: {exact}");
            }
        }
    }

    /// The normalised errors of products with a format: of rounded activations, and of others.
    fn errors(format: &'static Format) -> [f64; 2] {
        let (rows, width) = (64, 1024);
        // About as normal as weights and activations are.
        let normal = |seed, count: usize| -> Vec<f32> {
            let parts = numbers(seed, 1 << 22, 4 * count);
            parts
                .chunks_exact(4)
                .map(|p| p.iter().sum::<i32>() as f32 * 1e-6)
                .collect()
        };
        let x = normal(9, width);
        let w = HostWeight {
            format,
            rows,
            width,
            bytes: crate::quant::encode("w", &normal(4, rows * width), format).unwrap_or_default(),
        };
        let mut row = vec![0.0; width];
        let expected: Vec<f64> = (0..rows)
            .map(|n| {
                w.row(n, &mut row);
                row.iter().zip(&x).map(|(w, x)| f64::from(*w) * f64::from(*x)).sum()
            })
            .collect();
        [false, true].map(|exact| {
            let mut y = vec![0.0; rows];
            let of = Product {
                w: &w,
                first: 0,
                rows,
                pairs: &[(0, 0)],
                x: &x,
                exact,
            };
            product(&of, &mut y);
            let off: f64 = y.iter().zip(&expected).map(|(y, e)| (f64::from(*y) - e).powi(2)).sum();
            off / expected.iter().map(|e| e.powi(2)).sum::<f64>()
        })
    }

    #[test]
    fn rounding_activations_to_16_bits_adds_little() {
        for name in ["Q8_0", "Q4_0", "Q4_K", "Q5_K", "Q6_K"] {
            let [rounded, exact] = by_name(name).map_or([f64::NAN; 2], errors);
            assert!(exact < 1e-12, "{name}: {exact}");
            assert!((1e-11..1e-9).contains(&rounded), "{name}: {rounded}");
        }
    }

    #[test]
    fn what_is_no_number_stays_none() {
        for format in FORMATS {
            let (rows, width) = (5, 2 * format.block.max(32));
            let w = HostWeight {
                format,
                rows,
                width,
                bytes: vec![0x21; rows * width / format.block * format.bytes],
            };
            for tokens in [1, 7] {
                let pairs: Vec<_> = (0..tokens).map(|t| (t, t)).collect();
                for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                    for at in [0, 31, width - 1] {
                        let mut x = vec![0.5; tokens * width];
                        x[(tokens - 1) * width + at] = bad;
                        let mut y = vec![0.0; tokens * rows];
                        let of = Product {
                            w: &w,
                            first: 0,
                            rows,
                            pairs: &pairs,
                            x: &x,
                            exact: tokens > 1,
                        };
                        product(&of, &mut y);
                        let (good, last) = y.split_at((tokens - 1) * rows);
                        assert!(good.iter().all(|v| v.is_finite()), "{format:?}: {good:?}");
                        assert!(
                            last.iter().all(|v| !v.is_finite()),
                            "{format:?}: {bad} at {at} gave {last:?}"
                        );
                    }
                }
            }
        }
    }
}
