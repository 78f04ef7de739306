//! The inner loops of the heavy operators: explicit SIMD for wasm, AVX2 where there is one, and a plain form elsewhere that is
//! what they are held to.

use super::ints::{self, LOW, Split};

/// Values that lie together in packed rows: a vector.
pub(crate) const LANES: usize = if cfg!(target_arch = "wasm32") { 4 } else { 8 };
/// Rows of a weight that are taken together.
pub(crate) const ROWS: usize = 4;
/// Tokens that are taken together.
pub(crate) const TOKENS: usize = 2;

/// Codes of some rows, and a factor for each run of them.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub(crate) codes: [&'a [i8]; ROWS],
    /// From 32 codes to the next.
    pub(crate) step: usize,
    /// One row after the other.
    pub(crate) factors: &'a [f32],
}

type Expand = fn(&[i8], [&[f32]; 2], usize, &mut [f32]);

/// The inner loops of one instruction set.
#[derive(Clone, Copy)]
pub(crate) struct Loops {
    /// Dot of two slices of the same length.
    pub(crate) dot: fn(&[f32], &[f32]) -> f32,
    /// `y += s * x`.
    pub(crate) add_scaled: fn(&mut [f32], f32, &[f32]),
    /// Dots of `ROWS` rows with `TOKENS` tokens: `[K / LANES, ROWS, LANES]` and `[K / LANES, TOKENS, LANES]`.
    pub(crate) tile: fn(&[f32], &[f32]) -> [[f32; ROWS]; TOKENS],
    /// Codes times factors plus minimums, runs of which share both, as row number `r` of `[K / LANES, ROWS, LANES]`.
    pub(crate) expand: Expand,
    /// Dots of `ROWS` rows of codes with a split token, without what minimums take away.
    pub(crate) ints: fn(Rows<'_>, &Split) -> [f32; ROWS],
}

/// Those of this machine.
pub(crate) fn loops() -> Loops {
    #[cfg(target_arch = "wasm32")]
    return wasm::LOOPS;
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
        return avx2::LOOPS;
    }
    #[cfg(not(target_arch = "wasm32"))]
    PLAIN
}

/// The plain form, which compilers turn into SIMD: independent sums, no branch in the loop.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) const PLAIN: Loops = Loops {
    dot: plain::dot,
    add_scaled: plain::add_scaled,
    tile: plain::tile,
    expand: plain::expand,
    ints: plain::ints,
};

#[cfg(not(target_arch = "wasm32"))]
mod plain {
    use super::{LANES, LOW, ROWS, Rows, Split, TOKENS, ints};

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

    pub(super) fn add_scaled(y: &mut [f32], s: f32, x: &[f32]) {
        for (y, x) in y.iter_mut().zip(x) {
            *y += s * x;
        }
    }

    pub(super) fn tile(w: &[f32], x: &[f32]) -> [[f32; ROWS]; TOKENS] {
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

    pub(super) fn expand(codes: &[i8], [factors, leasts]: [&[f32]; 2], r: usize, to: &mut [f32]) {
        let per = codes.len() / LANES / factors.len().max(1);
        let to = to.as_chunks_mut::<LANES>().0.as_chunks_mut::<ROWS>().0;
        for (i, (codes, to)) in codes.as_chunks::<LANES>().0.iter().zip(to).enumerate() {
            let (factor, least) = (factors[i / per], leasts[i / per]);
            for (v, code) in to[r].iter_mut().zip(codes) {
                *v = factor * f32::from(*code) + least;
            }
        }
    }

    pub(super) fn ints(rows: Rows<'_>, x: &Split) -> [f32; ROWS] {
        let (width, run) = (x.high.len(), x.run);
        std::array::from_fn(|r| {
            let blocks = rows.codes[r].chunks(rows.step);
            let codes = blocks.flat_map(|block| block[..ints::BLOCK].chunks_exact(run));
            let factors = &rows.factors[r * width / run..(r + 1) * width / run];
            let mut low = x.low.chunks_exact(run);
            let dots = codes.zip(x.high.chunks_exact(run)).map(|(codes, high)| {
                let low = low.next().map_or(0.0, |low| LOW * ints::dot(codes, low));
                ints::dot(codes, high) + low
            });
            let scaled = dots.zip(factors).enumerate();
            scaled
                .map(|(i, (dot, factor))| dot * (factor * x.factors[i * run / ints::BLOCK]))
                .sum()
        })
    }
}

#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code, reason = "loads of vectors")]
mod wasm {
    use super::{LANES, LOW, Loops, ROWS, Rows, Split, TOKENS, ints};
    use std::arch::wasm32::*;

    pub(super) const LOOPS: Loops = Loops {
        dot,
        add_scaled,
        tile,
        expand,
        ints,
    };

    #[inline(always)]
    fn four(x: &[f32], at: usize) -> v128 {
        debug_assert!(at + 4 <= x.len());
        // SAFETY: callers stay within the slice; any alignment will do.
        unsafe { v128_load(x.as_ptr().add(at).cast()) }
    }

    #[inline(always)]
    fn eight(x: &[i16], at: usize) -> v128 {
        debug_assert!(at + 8 <= x.len());
        // SAFETY: callers stay within the slice; any alignment will do.
        unsafe { v128_load(x.as_ptr().add(at).cast()) }
    }

    #[inline(always)]
    fn sixteen(x: &[i8], at: usize) -> v128 {
        debug_assert!(at + 16 <= x.len());
        // SAFETY: callers stay within the slice; any alignment will do.
        unsafe { v128_load(x.as_ptr().add(at).cast()) }
    }

    #[inline(always)]
    fn splat(x: &[f32], at: usize) -> v128 {
        debug_assert!(at < x.len());
        // SAFETY: callers stay within the slice.
        unsafe { v128_load32_splat(x.as_ptr().add(at).cast()) }
    }

    fn sum(x: v128) -> f32 {
        let [a, b, c, d] = [
            f32x4_extract_lane::<0>(x),
            f32x4_extract_lane::<1>(x),
            f32x4_extract_lane::<2>(x),
            f32x4_extract_lane::<3>(x),
        ];
        (a + b) + (c + d)
    }

    #[inline(always)]
    fn dot(a: &[f32], b: &[f32]) -> f32 {
        let (mut s, mut t) = (f32x4_splat(0.0), f32x4_splat(0.0));
        let len = a.len().min(b.len());
        let most = len / 8 * 8;
        let mut i = 0;
        while i < most {
            s = f32x4_add(s, f32x4_mul(four(a, i), four(b, i)));
            t = f32x4_add(t, f32x4_mul(four(a, i + 4), four(b, i + 4)));
            i += 8;
        }
        let rest: f32 = a[most..len].iter().zip(&b[most..len]).map(|(a, b)| a * b).sum();
        sum(f32x4_add(s, t)) + rest
    }

    #[inline(always)]
    fn add_scaled(y: &mut [f32], s: f32, x: &[f32]) {
        let by = f32x4_splat(s);
        let (y, y_rest) = y.as_chunks_mut::<4>();
        let (x, x_rest) = x.as_chunks::<4>();
        for (y, x) in y.iter_mut().zip(x) {
            let sum = f32x4_add(four(y, 0), f32x4_mul(by, four(x, 0)));
            // SAFETY: four values, of any alignment.
            unsafe { v128_store(y.as_mut_ptr().cast(), sum) };
        }
        for (y, x) in y_rest.iter_mut().zip(x_rest) {
            *y += s * x;
        }
    }

    /// An array with an expression for each of the rows, of which the compiler makes locals at any level of optimisation.
    macro_rules! rows {
        ($r:ident => $value:expr) => {{
            let (a, b, c, d) = (
                rows!(0, $r, $value),
                rows!(1, $r, $value),
                rows!(2, $r, $value),
                rows!(3, $r, $value),
            );
            [a, b, c, d]
        }};
        ($n:literal, $r:ident, $value:expr) => {{
            const $r: usize = $n;
            $value
        }};
    }

    #[inline(always)]
    fn tile(w: &[f32], x: &[f32]) -> [[f32; ROWS]; TOKENS] {
        let [mut first, mut second] = [[f32x4_splat(0.0); ROWS]; TOKENS];
        let w = w.as_chunks::<{ LANES * ROWS }>().0;
        let x = x.as_chunks::<{ LANES * TOKENS }>().0;
        for (w, x) in w.iter().zip(x) {
            let (a, b) = (four(x, 0), four(x, LANES));
            let w = rows!(R => four(w, LANES * R));
            first = rows!(R => f32x4_add(first[R], f32x4_mul(w[R], a)));
            second = rows!(R => f32x4_add(second[R], f32x4_mul(w[R], b)));
        }
        [rows!(R => sum(first[R])), rows!(R => sum(second[R]))]
    }

    #[inline(always)]
    fn expand(codes: &[i8], [factors, leasts]: [&[f32]; 2], r: usize, to: &mut [f32]) {
        let run = codes.len() / factors.len().max(1);
        let to = to.as_chunks_mut::<LANES>().0.as_chunks_mut::<ROWS>().0;
        let runs = codes.chunks_exact(run).zip(factors.iter().zip(leasts));
        for ((codes, (factor, least)), to) in runs.zip(to.chunks_exact_mut(run / LANES)) {
            let (factor, least) = (f32x4_splat(*factor), f32x4_splat(*least));
            for (codes, to) in codes.as_chunks::<8>().0.iter().zip(to.as_chunks_mut::<2>().0) {
                // SAFETY: eight codes.
                let codes = unsafe { i16x8_load_extend_i8x8(codes.as_ptr()) };
                let values = [i32x4_extend_low_i16x8(codes), i32x4_extend_high_i16x8(codes)];
                for (values, to) in values.into_iter().zip(to) {
                    let values = f32x4_add(f32x4_mul(f32x4_convert_i32x4(values), factor), least);
                    // SAFETY: four values, of any alignment.
                    unsafe { v128_store(to[r].as_mut_ptr().cast(), values) };
                }
            }
        }
    }

    fn ints(rows: Rows<'_>, x: &Split) -> [f32; ROWS] {
        match (x.run, x.low.is_empty()) {
            (16, true) => runs::<1, false>(rows, x),
            (16, false) => runs::<1, true>(rows, x),
            (_, true) => runs::<2, false>(rows, x),
            (_, false) => runs::<2, true>(rows, x),
        }
    }

    /// Runs of `N` times 16 codes, with one integer a value or two.
    fn runs<const N: usize, const EXACT: bool>(rows: Rows<'_>, x: &Split) -> [f32; ROWS] {
        let width = x.high.len();
        let count = width / (16 * N);
        // Everything that is read below lies within these.
        let last = (width / ints::BLOCK).saturating_sub(1) * rows.step;
        assert!(rows.codes.iter().all(|codes| codes.len() >= last + ints::BLOCK) && rows.factors.len() >= ROWS * count);
        assert!(x.factors.len() * ints::BLOCK >= width && (!EXACT || x.low.len() >= width));
        let mut sums = [f32x4_splat(0.0); ROWS];
        for i in 0..count {
            let (mut high, mut low) = ([i32x4_splat(0); ROWS], [i32x4_splat(0); ROWS]);
            for n in 0..N {
                let at = (i * N + n) * 16;
                let with = [eight(&x.high, at), eight(&x.high, at + 8)];
                let from = at / ints::BLOCK * rows.step + at % ints::BLOCK;
                let codes = rows!(R => sixteen(rows.codes[R], from));
                let a = rows!(R => i16x8_extend_low_i8x16(codes[R]));
                let b = rows!(R => i16x8_extend_high_i8x16(codes[R]));
                high = rows!(R => both(high[R], [a[R], b[R]], with));
                if EXACT {
                    let with = [eight(&x.low, at), eight(&x.low, at + 8)];
                    low = rows!(R => both(low[R], [a[R], b[R]], with));
                }
            }
            let of_x = splat(&x.factors, i * N / 2);
            sums = rows!(R => {
                let mut dot = f32x4_convert_i32x4(high[R]);
                if EXACT {
                    dot = f32x4_add(dot, f32x4_mul(f32x4_convert_i32x4(low[R]), f32x4_splat(LOW)));
                }
                let factor = f32x4_mul(splat(rows.factors, R * count + i), of_x);
                f32x4_add(sums[R], f32x4_mul(dot, factor))
            });
        }
        rows!(R => sum(sums[R]))
    }

    /// A sum and the products of two pairs.
    #[inline(always)]
    fn both(sum: v128, [a, b]: [v128; 2], [x, y]: [v128; 2]) -> v128 {
        i32x4_add(sum, i32x4_add(i32x4_dot_i16x8(a, x), i32x4_dot_i16x8(b, y)))
    }
}

#[cfg(target_arch = "x86_64")]
#[allow(
    unsafe_code,
    reason = "loads of vectors, and calls of what the machine was asked for"
)]
mod avx2 {
    use super::{LANES, LOW, Loops, ROWS, Rows, Split, TOKENS};
    use std::arch::x86_64::*;

    /// Only where AVX2 and FMA were found.
    pub(super) const LOOPS: Loops = Loops {
        // SAFETY: the instructions are there.
        dot: |a, b| unsafe { dot(a, b) },
        // SAFETY: as above.
        add_scaled: |y, s, x| unsafe { add_scaled(y, s, x) },
        // SAFETY: as above.
        tile: |w, x| unsafe { tile(w, x) },
        // SAFETY: as above.
        expand: |codes, sides, r, to| unsafe { expand(codes, sides, r, to) },
        // SAFETY: as above.
        ints: |rows, x| unsafe { ints(rows, x) },
    };

    #[inline]
    #[target_feature(enable = "avx2")]
    fn eight(x: &[f32; LANES]) -> __m256 {
        // SAFETY: eight values, of any alignment.
        unsafe { _mm256_loadu_ps(x.as_ptr()) }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn sixteen(x: &[i16; 16]) -> __m256i {
        // SAFETY: 32 bytes, of any alignment.
        unsafe { _mm256_loadu_si256(x.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn codes(x: &[i8; 16]) -> __m256i {
        // SAFETY: 16 bytes, of any alignment.
        _mm256_cvtepi8_epi16(unsafe { _mm_loadu_si128(x.as_ptr().cast()) })
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn sum(x: __m256) -> f32 {
        let four = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps::<1>(x));
        let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
        _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
    }

    #[target_feature(enable = "avx2,fma")]
    fn dot(a: &[f32], b: &[f32]) -> f32 {
        let mut sums = [_mm256_setzero_ps(); 4];
        let (a, a_rest) = a.as_chunks::<LANES>();
        let (b, b_rest) = b.as_chunks::<LANES>();
        let ((a, a_last), (b, b_last)) = (a.as_chunks::<4>(), b.as_chunks::<4>());
        for (a, b) in a.iter().zip(b) {
            for i in 0..4 {
                sums[i] = _mm256_fmadd_ps(eight(&a[i]), eight(&b[i]), sums[i]);
            }
        }
        for (a, b) in a_last.iter().zip(b_last) {
            sums[0] = _mm256_fmadd_ps(eight(a), eight(b), sums[0]);
        }
        let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
        let [s, t, u, v] = sums;
        sum(_mm256_add_ps(_mm256_add_ps(s, t), _mm256_add_ps(u, v))) + rest
    }

    #[target_feature(enable = "avx2,fma")]
    fn add_scaled(y: &mut [f32], s: f32, x: &[f32]) {
        for (y, x) in y.iter_mut().zip(x) {
            *y = x.mul_add(s, *y);
        }
    }

    #[target_feature(enable = "avx2,fma")]
    fn tile(w: &[f32], x: &[f32]) -> [[f32; ROWS]; TOKENS] {
        let mut sums = [[_mm256_setzero_ps(); ROWS]; TOKENS];
        let w = w.as_chunks::<LANES>().0.as_chunks::<ROWS>().0;
        let x = x.as_chunks::<LANES>().0.as_chunks::<TOKENS>().0;
        for (w, x) in w.iter().zip(x) {
            let x = [eight(&x[0]), eight(&x[1])];
            for r in 0..ROWS {
                let w = eight(&w[r]);
                for t in 0..TOKENS {
                    sums[t][r] = _mm256_fmadd_ps(w, x[t], sums[t][r]);
                }
            }
        }
        let mut out = [[0.0; ROWS]; TOKENS];
        for (out, sums) in out.iter_mut().flatten().zip(sums.iter().flatten()) {
            *out = sum(*sums);
        }
        out
    }

    #[target_feature(enable = "avx2,fma")]
    fn expand(codes: &[i8], [factors, leasts]: [&[f32]; 2], r: usize, to: &mut [f32]) {
        let per = codes.len() / LANES / factors.len().max(1);
        let runs = codes.chunks_exact(LANES * per).zip(factors.iter().zip(leasts));
        for ((codes, (factor, least)), to) in runs.zip(to.chunks_exact_mut(LANES * ROWS * per)) {
            let (factor, least) = (_mm256_set1_ps(*factor), _mm256_set1_ps(*least));
            let to = to.as_chunks_mut::<LANES>().0.as_chunks_mut::<ROWS>().0;
            for (codes, to) in codes.as_chunks::<LANES>().0.iter().zip(to) {
                // SAFETY: eight codes.
                let codes = _mm256_cvtepi8_epi32(unsafe { _mm_loadl_epi64(codes.as_ptr().cast()) });
                let values = _mm256_fmadd_ps(_mm256_cvtepi32_ps(codes), factor, least);
                // SAFETY: eight values, of any alignment.
                unsafe { _mm256_storeu_ps(to[r].as_mut_ptr(), values) };
            }
        }
    }

    #[target_feature(enable = "avx2,fma")]
    fn ints(rows: Rows<'_>, x: &Split) -> [f32; ROWS] {
        match (x.run, x.low.is_empty()) {
            (16, true) => runs::<1, false>(rows, x),
            (16, false) => runs::<1, true>(rows, x),
            (_, true) => runs::<2, false>(rows, x),
            (_, false) => runs::<2, true>(rows, x),
        }
    }

    /// Runs of `N` times 16 codes, with one integer a value or two.
    #[target_feature(enable = "avx2,fma")]
    fn runs<const N: usize, const EXACT: bool>(rows: Rows<'_>, x: &Split) -> [f32; ROWS] {
        let count = x.high.len() / (16 * N);
        let parts = |half| -> &[[[i16; 16]; 2]] { <[i16]>::as_chunks(half).0.as_chunks().0 };
        let (high, low) = (parts(&x.high), parts(&x.low));
        let mut out = [0.0; ROWS];
        for (r, out) in out.iter_mut().enumerate() {
            let factors = rows.factors[r * count..(r + 1) * count].chunks_exact(2 / N);
            let blocks = rows.codes[r].chunks(rows.step).zip(factors);
            let mut sums = _mm256_setzero_ps();
            for (b, (((block, factors), high), of_x)) in blocks.zip(high).zip(&x.factors).enumerate() {
                let block = block.as_chunks().0;
                let (mut h, mut l) = (_mm256_setzero_si256(), _mm256_setzero_si256());
                for n in 0..2 {
                    let codes = codes(&block[n]);
                    h = _mm256_add_epi32(h, _mm256_madd_epi16(codes, sixteen(&high[n])));
                    if EXACT {
                        l = _mm256_add_epi32(l, _mm256_madd_epi16(codes, sixteen(&low[b][n])));
                    }
                    if N == 1 || n == 1 {
                        let mut dot = _mm256_cvtepi32_ps(h);
                        if EXACT {
                            dot = _mm256_fmadd_ps(_mm256_cvtepi32_ps(l), _mm256_set1_ps(LOW), dot);
                        }
                        let factor = _mm256_set1_ps(factors[n / N] * of_x);
                        sums = _mm256_fmadd_ps(dot, factor, sums);
                        (h, l) = (_mm256_setzero_si256(), _mm256_setzero_si256());
                    }
                }
            }
            *out = sum(sums);
        }
        out
    }
}
