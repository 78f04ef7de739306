//! The product of a weight's rows with tokens. For few tokens the codes of a row are multiplied as integers; for many, four rows at a time
//! become f32 and stay in the cache while tokens pass by, two at a time, or both become integers (`wide.rs`).

use super::{
    HostWeight,
    ints::{Split, split},
    simd::{Blocks, LANES, Loops, ROWS, Rows, TOKENS, Tile, loops},
    wide,
};
use crate::tensor::{Codes, Ints};

/// Up to so many tokens integers are faster: making f32 of a row costs about as much as four products.
const FEW: usize = 4;
/// Bytes of rows that stay in a cache while the few tokens pass by.
const NEAR: usize = 65_536;
/// Values of tokens that pass by together: 256 KiB of them stay in a cache.
const TOGETHER: usize = 65_536;

/// Rows of a weight, and tokens to multiply each of them with.
pub(crate) struct Product<'a> {
    pub(crate) w: &'a HostWeight,
    /// First row of the weight, and how many.
    pub(crate) first: usize,
    pub(crate) rows: usize,
    /// Values of a row of y, which begins with theirs.
    pub(crate) wide: usize,
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
        ints => match (ints.as_ref().and_then(Ints::behind), loops.integers) {
            (Some(behind), Some(integers)) if !of.exact => wide::product(of, behind, integers, y),
            _ => many(of, ints.as_ref(), loops, y),
        },
    }
}

impl Product<'_> {
    /// Row `from` of x.
    pub(super) fn x(&self, from: usize) -> &[f32] {
        &self.x[from * self.w.width..(from + 1) * self.w.width]
    }

    /// The raw bytes of `count` rows from `n` on, or of as many as there are.
    pub(super) fn raw(&self, n: usize, count: usize) -> &[u8] {
        let bytes = self.w.row_bytes();
        let end = self.rows.min(n + count);
        &self.w.bytes[(self.first + n) * bytes..(self.first + end) * bytes]
    }
}

/// Parts of `ROWS` rows.
struct Parts<'a> {
    ints: &'a Ints,
    loops: Loops,
    width: usize,
    codes: Vec<i8>,
    factors: Vec<f32>,
    leasts: Vec<f32>,
}

impl<'a> Parts<'a> {
    fn new(ints: &'a Ints, loops: Loops, width: usize) -> Self {
        let runs = ROWS * width / ints.run;
        Self {
            ints,
            loops,
            width,
            codes: vec![0; ROWS * width],
            factors: vec![0.0; runs],
            leasts: vec![0.0; runs],
        }
    }

    /// Splits as many rows as there are in `raw`.
    fn fill(&mut self, raw: &[u8], row_bytes: usize) -> Rows<'_> {
        let codes = raw.len() / row_bytes * self.width;
        let runs = codes / self.ints.run;
        let mut to = Codes {
            codes: &mut self.codes[..codes],
            factors: &mut self.factors[..runs],
            leasts: &mut self.leasts[..runs],
        };
        (self.loops.split)(self.ints, raw, &mut to);
        Rows {
            codes: &self.codes,
            factors: &self.factors,
            leasts: &self.leasts,
        }
    }
}

fn few(of: &Product<'_>, ints: &Ints, loops: Loops, y: &mut [f32]) {
    let split = |(_, from): &(usize, usize)| split(of.x(*from), ints.run, of.exact);
    let tokens: Vec<Split> = of.pairs.iter().map(split).collect();
    let bytes = of.w.row_bytes();
    if let Some(behind) = ints.behind() {
        let near = match tokens.len() {
            1 => of.rows.max(1),
            _ => (NEAR / bytes).next_multiple_of(ROWS).max(ROWS),
        };
        for n in (0..of.rows).step_by(near) {
            let blocks = Blocks {
                bytes: of.raw(n, near),
                behind,
            };
            for ((to, _), x) in of.pairs.iter().zip(&tokens) {
                let at = to * of.wide + n;
                (loops.blocks)(blocks, x, &mut y[at..at + blocks.bytes.len() / bytes]);
            }
        }
        return;
    }
    let mut parts = Parts::new(ints, loops, of.w.width);
    for n in (0..of.rows).step_by(ROWS) {
        let rows = parts.fill(of.raw(n, ROWS), bytes);
        for ((to, _), x) in of.pairs.iter().zip(&tokens) {
            let mut dots = (loops.ints)(rows, x);
            if ints.least {
                let leasts = rows.leasts.chunks_exact(x.sums.len());
                for (dot, leasts) in dots.iter_mut().zip(leasts) {
                    *dot += (loops.dot)(leasts, &x.sums);
                }
            }
            give(of, *to, n, dots, y);
        }
    }
}

fn plain(of: &Product<'_>, loops: Loops, y: &mut [f32]) {
    let mut row = vec![0.0; of.w.width];
    for n in 0..of.rows {
        of.w.row(of.first + n, &mut row);
        for (to, from) in of.pairs {
            y[to * of.wide + n] = (loops.dot)(&row, of.x(*from));
        }
    }
}

fn many(of: &Product<'_>, ints: Option<&Ints>, loops: Loops, y: &mut [f32]) {
    let (width, bytes) = (of.w.width, of.w.row_bytes());
    let packed = width.next_multiple_of(LANES);
    let mut row = vec![0.0; packed];
    let mut w = vec![0.0; ROWS * packed];
    let behind = ints.and_then(Ints::behind);
    let mut parts = ints
        .filter(|_| behind.is_none())
        .map(|ints| Parts::new(ints, loops, width));
    let together = (TOGETHER / packed).next_multiple_of(TOKENS).max(8 * TOKENS);
    let most = together.min(of.pairs.len().next_multiple_of(TOKENS));
    let mut tokens = vec![0.0; most * packed];
    let mut dots = vec![Tile::default(); most / TOKENS];
    for pairs in of.pairs.chunks(together) {
        for (two, to) in pairs.chunks(TOKENS).zip(tokens.chunks_exact_mut(TOKENS * packed)) {
            for (t, (_, from)) in two.iter().enumerate() {
                pack(of.x(*from), t, TOKENS, to);
            }
        }
        for n in (0..of.rows).step_by(ROWS) {
            let raw = of.raw(n, ROWS);
            if let Some(behind) = behind {
                (loops.unpack)(Blocks { bytes: raw, behind }, &mut w);
            } else if let Some(parts) = &mut parts {
                (loops.expand)(parts.fill(raw, bytes), &mut w);
            } else {
                for (r, raw) in raw.chunks_exact(bytes).enumerate() {
                    (of.w.format.decode)(raw, &mut row[..width]);
                    pack(&row, r, ROWS, &mut w);
                }
            }
            let dots = &mut dots[..pairs.len().div_ceil(TOKENS)];
            (loops.tiles)(&w, &tokens, dots);
            for ((to, _), dots) in pairs.iter().zip(dots.as_flattened()) {
                give(of, *to, n, *dots, y);
            }
        }
    }
}

/// Puts what `ROWS` rows from `n` on gave, of which the last ones may not be there.
#[inline(always)]
fn give(of: &Product<'_>, to: usize, n: usize, dots: [f32; ROWS], y: &mut [f32]) {
    let at = to * of.wide + n;
    let there = ROWS.min(of.rows - n);
    // No copy of so many bytes, which is a call in wasm.
    for (y, dot) in y[at..at + there].iter_mut().zip(dots) {
        *y = dot;
    }
}

/// Puts a row, which is continued by zeros, as number `r` of `count` between each other.
#[inline(always)]
pub(super) fn pack(row: &[f32], r: usize, count: usize, to: &mut [f32]) {
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
        cpu::{
            ints::{BLOCK, LOW},
            simd::{PLAIN, PLAIN_INTEGERS, Wide},
        },
        quant::{FORMATS, by_name, half::f32_to_f16},
        tensor::{Behind, Format},
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

    /// What is computed of rows of codes and a token of integers, by which everything is exact in f32; of runs of 32 also where
    /// they lie in blocks, as nibbles if that is what they are.
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
        let rows = codes.len() / width;
        let compare = |found: &[f32], what: &str| {
            for (r, found) in found.iter().enumerate() {
                let whole = |with: &[i32]| -> i64 {
                    let term = |(i, with): (usize, &i32)| {
                        let scale = power((r * width + i) / run) * power(i / BLOCK + 1);
                        i64::from(codes[r * width + i]) * i64::from(*with) * i64::from(scale)
                    };
                    with.iter().enumerate().map(term).sum()
                };
                #[allow(clippy::cast_precision_loss, reason = "exact")]
                let expected = whole(high) as f64 + whole(low) as f64 * f64::from(LOW);
                assert_eq!(
                    f64::from(*found),
                    expected,
                    "{what}, {width} by {run}, row {r} of {rows}"
                );
            }
        };
        let codes: Vec<i8> = codes.iter().map(|c| i8::try_from(*c).unwrap_or_default()).collect();
        if rows == ROWS {
            let of = Rows {
                codes: &codes,
                factors: &(0..rows * width / run).map(|i| float(power(i))).collect::<Vec<_>>(),
                leasts: &[],
            };
            compare(&(PLAIN.ints)(of, &x), "plain");
            compare(&(loops().ints)(of, &x), "codes");
        }
        let nibbles = codes.iter().all(|c| (-8..8).contains(c));
        for behind in [Some(Behind::Bytes), Some(Behind::Nibbles).filter(|_| nibbles)] {
            let Some(behind) = behind.filter(|_| run == BLOCK) else {
                continue;
            };
            let mut bytes = Vec::new();
            for (i, block) in codes.as_chunks::<BLOCK>().0.iter().enumerate() {
                bytes.extend(f32_to_f16(float(power(i))).to_le_bytes());
                let nibble = |c: i8| (c + 8).cast_unsigned();
                match behind {
                    Behind::Bytes => bytes.extend(block.map(i8::cast_unsigned)),
                    Behind::Nibbles => bytes.extend((0..16).map(|j| nibble(block[j]) | nibble(block[j + 16]) << 4)),
                }
            }
            let of = Blocks { bytes: &bytes, behind };
            for (loops, what) in [(PLAIN, "plain"), (loops(), "fast")] {
                let mut y = vec![0.0; rows];
                (loops.blocks)(of, &x, &mut y);
                compare(&y, &format!("{what} {behind:?}"));
            }
        }
    }

    #[test]
    fn dots_of_integers_are_exact() {
        for (width, run) in [(32, 32), (32, 16), (96, 32), (96, 16), (256, 16), (288, 32)] {
            let count = ROWS * width;
            let none = vec![0; width];
            let (large, small) = (numbers(1, 255, width), numbers(2, 255, width));
            for codes in [
                numbers(7, 127, count),
                numbers(7, 7, count),
                numbers(8, 7, 7 * width),
                numbers(9, 127, width),
            ] {
                check(width, run, &codes, [&large, &[]]);
                check(width, run, &codes, [&large, &none]);
                check(width, run, &codes, [&none, &small]);
            }
            for code in [-128, -8, 7, 127] {
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

    /// Rows and tokens of many numbers, and what is right in f64: of wide rows, of which not all lie in a cache together, in an
    /// order that is not theirs.
    #[test]
    fn products_are_those_of_decoded_rows() {
        let float =
            |seed, count| -> Vec<f32> { numbers(seed, 1 << 20, count).iter().map(|n| *n as f32 * 1e-6).collect() };
        for format in FORMATS {
            for (rows, width, tokens) in [(7, 8192, 21), (130, 1024, 3), (5, 256, 1)] {
                let x = float(3, tokens * width);
                let values = float(5, rows * width);
                let bytes = crate::quant::encode("w", &values, format)
                    .unwrap_or_else(|_| vec![0x21; rows * width / format.block * format.bytes]);
                let w = HostWeight {
                    format,
                    rows,
                    own: rows,
                    width,
                    bytes,
                };
                let pairs: Vec<_> = (0..tokens).map(|t| (t, (t * 2 + 1) % tokens)).collect();
                for (exact, most) in [(true, 1e-11), (false, 2e-8)] {
                    let of = Product {
                        w: &w,
                        first: 2,
                        rows: rows - 3,
                        wide: rows - 3,
                        pairs: &pairs,
                        x: &x,
                        exact,
                    };
                    let off = off(&of);
                    let name = format.name;
                    assert!(
                        off <= most,
                        "{name} of {rows} x {width} with {tokens}, exact {exact}: {off}"
                    );
                }
            }
        }
    }

    /// The mean square of what a product is off by, in that of what is right in f64.
    fn off(of: &Product<'_>) -> f64 {
        let mut y = vec![0.0; of.pairs.len() * of.rows];
        product(of, &mut y);
        let (mut row, mut off, mut all) = (vec![0.0; of.w.width], 0.0, 0.0);
        for n in 0..of.rows {
            of.w.row(of.first + n, &mut row);
            for (to, from) in of.pairs {
                let terms = row.iter().zip(of.x(*from));
                let right: f64 = terms.map(|(w, x)| f64::from(*w) * f64::from(*x)).sum();
                off += (f64::from(y[to * of.rows + n]) - right).powi(2);
                all += right.powi(2);
            }
        }
        off / all
    }

    /// Tiles of integers, by which everything is exact in f32, of as many rows and tokens as there may be.
    #[test]
    fn tiles_of_integers_are_exact() {
        let Some(fast) = loops().integers else { return };
        for (behind, most) in [(Behind::Bytes, 127), (Behind::Nibbles, 7)] {
            for (rows, tokens, width) in [(1, 4, 32), (2, 8, 96), (7, 4, 288), (16, 12, 64)] {
                let count = width / BLOCK;
                let codes = numbers(3, most, rows * width);
                let mut bytes = Vec::new();
                for (i, block) in codes.as_chunks::<BLOCK>().0.iter().enumerate() {
                    bytes.extend(f32_to_f16([1.0, 0.5, -2.0][i % 3]).to_le_bytes());
                    let code = |c: i32| i8::try_from(c).unwrap_or_default().cast_unsigned();
                    let nibble = |c: i32| code(c + 8);
                    match behind {
                        Behind::Bytes => bytes.extend(block.map(code)),
                        Behind::Nibbles => bytes.extend((0..16).map(|j| nibble(block[j]) | nibble(block[j + 16]) << 4)),
                    }
                }
                let whole = |n: &i32| i16::try_from(*n).unwrap_or_default();
                let x: Vec<i16> = numbers(5, 255, tokens * width).iter().map(whole).collect();
                let by: Vec<f32> = (0..tokens * count).map(|i| [4.0, 1.0, -0.25][i % 3]).collect();
                let even = rows.next_multiple_of(2);
                let [found, expected] = [fast, PLAIN_INTEGERS].map(|loops| {
                    let (mut codes, mut factors) = (vec![0; even * width], vec![0.0; even * count]);
                    let bytes = &bytes;
                    (loops.widen)(Blocks { bytes, behind }, width, &mut codes, &mut factors);
                    let mut out = vec![0.0; tokens * even];
                    let (codes, factors) = (&codes[..], &factors[..]);
                    let x = Wide {
                        codes: &x,
                        factors: &by,
                    };
                    (loops.wide)(width, Wide { codes, factors }, x, &mut out);
                    (codes.to_vec(), factors.to_vec(), out)
                });
                assert!(
                    found == expected,
                    "{behind:?}, {rows} rows, {tokens} tokens, width {width}"
                );
                assert!(found.2.iter().any(|dot| *dot != 0.0));
            }
        }
    }

    /// Rows that attention sees: of any width and number.
    #[test]
    fn dots_and_mixes_are_sums() {
        for width in [1, 4, 12, 16, 24, 33, 64, 80] {
            for rows in 1..10 {
                let float = |seed, count| -> Vec<f32> { numbers(seed, 100, count).iter().map(|n| *n as f32).collect() };
                let (q, of, weights) = (float(1, width), float(2, rows * width), float(3, rows));
                for loops in [PLAIN, loops()] {
                    let (mut dots, mut mix) = (vec![1.0; rows], vec![1.0; width]);
                    (loops.dots)(&q, &of, &mut dots);
                    (loops.mix)(&weights, &of, &mut mix);
                    for (r, row) in of.chunks_exact(width).enumerate() {
                        let right: f32 = row.iter().zip(&q).map(|(a, b)| a * b).sum();
                        assert_eq!(dots[r], right, "row {r} of {rows} x {width}");
                    }
                    for (i, found) in mix.iter().enumerate() {
                        let right: f32 = weights.iter().enumerate().map(|(r, w)| w * of[r * width + i]).sum();
                        assert_eq!(*found, right, "value {i} of {rows} x {width}");
                    }
                }
            }
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
            own: rows,
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
                wide: rows,
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

    /// Blocks of any bytes, scales that are no numbers among them.
    #[test]
    fn codes_are_split_alike() {
        for format in FORMATS {
            let Some(ints) = &format.ints else { continue };
            let (blocks, count) = (9, 9 * format.block);
            let bytes: Vec<u8> = numbers(11, 255, blocks * format.bytes)
                .iter()
                .map(|n| n.to_le_bytes()[0])
                .collect();
            let [expected, found] = [PLAIN, loops()].map(|loops| {
                let (mut codes, mut sides) = (
                    vec![0; count],
                    [vec![0.0; count / ints.run], vec![0.0; count / ints.run]],
                );
                let [factors, leasts] = &mut sides;
                let (codes_to, factors, leasts) = (&mut codes[..], &mut factors[..], &mut leasts[..]);
                let mut to = Codes {
                    codes: codes_to,
                    factors,
                    leasts,
                };
                (loops.split)(ints, &bytes, &mut to);
                (
                    codes,
                    sides.map(|side| {
                        side.iter()
                            .map(|v| if v.is_nan() { 1 } else { v.to_bits() })
                            .collect::<Vec<_>>()
                    }),
                )
            });
            assert!(expected == found, "{}", format.name);
            assert!(expected.0.iter().any(|code| *code != expected.0[0]), "{}", format.name);
        }
    }

    #[test]
    fn what_is_no_number_stays_none() {
        for format in FORMATS {
            let (rows, width) = (5, 2 * format.block.max(32));
            let w = HostWeight {
                format,
                rows,
                own: rows,
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
                            wide: rows,
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
