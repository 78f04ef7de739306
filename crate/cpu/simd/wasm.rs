//! The loops in simd128.

#![allow(unsafe_code, reason = "loads of vectors")]

use super::{Behind, Blocks, LANES, Loops, ROWS, Rows, Split, TOKENS, Tile, wasm_cache, wasm_split::split, wasm_wide};
use crate::{
    cpu::ints::{BLOCK, LOW},
    quant::half::f16_to_f32,
};
use std::{
    arch::wasm32::*,
    mem::transmute,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

pub(super) const LOOPS: Loops = Loops {
    halves: wasm_cache::halves,
    coded: wasm_cache::coded,
    dot,
    dots,
    mix,
    tiles,
    split,
    expand,
    unpack,
    ints,
    blocks,
    integers: Some(wasm_wide::INTEGERS),
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

/// The sum of products of slices shorter than a vector.
#[inline(always)]
fn rest(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[inline(always)]
fn put(to: &mut [f32; 4], values: v128) {
    // SAFETY: four values, of any alignment.
    unsafe { v128_store(to.as_mut_ptr().cast(), values) }
}

/// The sums of each of four vectors, as one.
#[inline(always)]
fn across([a, b, c, d]: [v128; ROWS], add: fn(v128, v128) -> v128) -> v128 {
    let ab = add(i32x4_shuffle::<0, 4, 1, 5>(a, b), i32x4_shuffle::<2, 6, 3, 7>(a, b));
    let cd = add(i32x4_shuffle::<0, 4, 1, 5>(c, d), i32x4_shuffle::<2, 6, 3, 7>(c, d));
    add(i64x2_shuffle::<0, 2>(ab, cd), i64x2_shuffle::<1, 3>(ab, cd))
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

fn dots(q: &[f32], rows: &[f32], out: &mut [f32]) {
    let width = q.len();
    assert!(rows.len() >= out.len() * width);
    let most = width / 4 * 4;
    for (n, out) in out.as_chunks_mut::<ROWS>().0.iter_mut().enumerate() {
        let at = n * ROWS * width;
        let mut sums = [f32x4_splat(0.0); ROWS];
        let mut i = 0;
        while i < most {
            let q = four(q, i);
            sums = rows!(R => f32x4_add(sums[R], f32x4_mul(q, four(rows, at + R * width + i))));
            i += 4;
        }
        put(out, across(sums, f32x4_add));
        if most < width {
            for (r, out) in out.iter_mut().enumerate() {
                *out += rest(&q[most..], &rows[at + r * width + most..at + (r + 1) * width]);
            }
        }
    }
    let done = out.len() / ROWS * ROWS;
    for (n, out) in out.iter_mut().enumerate().skip(done) {
        *out = dot(q, &rows[n * width..][..width]);
    }
}

fn mix(weights: &[f32], rows: &[f32], out: &mut [f32]) {
    let width = out.len();
    assert!(rows.len() >= weights.len() * width);
    let mut at = 0;
    while at + 32 <= width {
        let [mut sums, mut more] = [[f32x4_splat(0.0); 4]; 2];
        for (n, weight) in weights.iter().enumerate() {
            let (by, from) = (f32x4_splat(*weight), n * width + at);
            sums = rows!(R => f32x4_add(sums[R], f32x4_mul(by, four(rows, from + 4 * R))));
            more = rows!(R => f32x4_add(more[R], f32x4_mul(by, four(rows, from + 16 + 4 * R))));
        }
        for (sum, out) in sums.iter().chain(&more).zip(out[at..].as_chunks_mut().0) {
            put(out, *sum);
        }
        at += 32;
    }
    while at + 16 <= width {
        let mut sums = [f32x4_splat(0.0); 4];
        for (n, weight) in weights.iter().enumerate() {
            let (by, from) = (f32x4_splat(*weight), n * width + at);
            sums = rows!(R => f32x4_add(sums[R], f32x4_mul(by, four(rows, from + 4 * R))));
        }
        for (sum, out) in sums.iter().zip(out[at..].as_chunks_mut().0) {
            put(out, *sum);
        }
        at += 16;
    }
    while at < width {
        out[at] = weights
            .iter()
            .enumerate()
            .map(|(n, weight)| weight * rows[n * width + at])
            .sum();
        at += 1;
    }
}

fn tiles(w: &[f32], x: &[f32], out: &mut [Tile]) {
    assert!(x.len() >= out.len() * TOKENS * w.len() / ROWS);
    match RELAXED.load(Relaxed) {
        0 => {
            for (out, x) in out.iter_mut().zip(x.chunks_exact(w.len() / ROWS * TOKENS)) {
                *out = tile(w, x);
            }
        }
        // SAFETY: `relax` was told that such a function stands there, and everything that it reads is there.
        at => unsafe {
            let tiles = transmute::<usize, Tiles>(at);
            tiles(
                w.as_ptr(),
                x.as_ptr(),
                w.len() / ROWS / LANES,
                out.as_mut_ptr(),
                out.len(),
            );
        },
    }
}

/// `relaxed.wat`, as the build assembled it.
pub(crate) const RELAXED_MODULE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/relaxed.wasm"));

/// Where in the table a function of `relaxed.wat` stands; 0 is nowhere.
static RELAXED: AtomicUsize = AtomicUsize::new(0);

/// What multiplies, for people.
pub(crate) fn name() -> &'static str {
    if RELAXED.load(Relaxed) > 0 {
        "relaxed simd"
    } else {
        "simd128"
    }
}

/// Takes what stands at `at` in the table for `tiles` of `relaxed.wat`, if it makes the same of whole numbers.
pub(crate) fn relax(at: u32) {
    let whole = |count: usize| -> Vec<f32> { (0..count).map(|i| (i * 7919 % 31) as f32 - 15.0).collect() };
    let (w, x) = (whole(ROWS * 8 * LANES), whole(3 * TOKENS * 8 * LANES));
    let mut found = [[Tile::default(); 3]; 2];
    tiles(&w, &x, &mut found[0]);
    RELAXED.store(at as usize, Relaxed);
    tiles(&w, &x, &mut found[1]);
    if found[0] != found[1] {
        RELAXED.store(0, Relaxed);
    }
}

/// `tiles` of `relaxed.wat`: where rows and tokens are, vectors a row, where the dots go, and how many pairs of tokens.
///
/// # Safety
/// All of that has to be there.
type Tiles = unsafe extern "C" fn(*const f32, *const f32, usize, *mut Tile, usize);

#[inline(always)]
fn tile(w: &[f32], x: &[f32]) -> Tile {
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

fn expand(rows: Rows<'_>, to: &mut [f32]) {
    let width = rows.codes.len() / ROWS;
    let run = rows.codes.len() / rows.factors.len().max(1);
    let to = to.as_chunks_mut::<LANES>().0.as_chunks_mut::<ROWS>().0;
    let mut sides = rows.factors.iter().zip(rows.leasts);
    for (r, codes) in rows.codes.chunks_exact(width).enumerate() {
        let runs = codes.chunks_exact(run).zip(to.chunks_exact_mut(run / LANES));
        for ((codes, to), (factor, least)) in runs.zip(&mut sides) {
            let (factor, least) = (f32x4_splat(*factor), f32x4_splat(*least));
            let value = |v| f32x4_add(f32x4_mul(f32x4_convert_i32x4(v), factor), least);
            for (codes, to) in codes.as_chunks::<8>().0.iter().zip(to.as_chunks_mut::<2>().0) {
                // SAFETY: eight codes.
                let codes = unsafe { i16x8_load_extend_i8x8(codes.as_ptr()) };
                put(&mut to[0][r], value(i32x4_extend_low_i16x8(codes)));
                put(&mut to[1][r], value(i32x4_extend_high_i16x8(codes)));
            }
        }
    }
}

fn unpack(of: Blocks<'_>, to: &mut [f32]) {
    let to = to.as_chunks_mut::<LANES>().0.as_chunks_mut::<ROWS>().0;
    let bytes = of.behind.bytes();
    for (r, row) in of.bytes.chunks_exact(to.len() / 8 * bytes).enumerate() {
        for (block, to) in row.chunks_exact(bytes).zip(to.as_chunks_mut::<8>().0) {
            let factor = f32x4_splat(f16_to_f32(u16::from_le_bytes([block[0], block[1]])));
            // SAFETY: a whole block.
            let codes = unsafe {
                match of.behind {
                    Behind::Bytes => in_order::<34>(block.as_ptr()),
                    Behind::Nibbles => in_order::<18>(block.as_ptr()),
                }
            };
            rows!(P => {
                let of = [i32x4_extend_low_i16x8(codes[P]), i32x4_extend_high_i16x8(codes[P])];
                put(&mut to[2 * P][r], f32x4_mul(f32x4_convert_i32x4(of[0]), factor));
                put(&mut to[2 * P + 1][r], f32x4_mul(f32x4_convert_i32x4(of[1]), factor));
            });
        }
    }
}

/// The codes of a block of `N` bytes.
///
/// # Safety
/// The block is there.
#[inline(always)]
pub(super) unsafe fn in_order<const N: usize>(block: *const u8) -> [v128; 4] {
    // SAFETY: the caller's.
    let codes = unsafe { codes::<N>(block) };
    if N == 34 {
        return codes;
    }
    let [a, b, c, d] = rows!(P => i16x8_sub(codes[P], i16x8_splat(8)));
    [
        i16x8_shuffle::<0, 8, 1, 9, 2, 10, 3, 11>(a, b),
        i16x8_shuffle::<4, 12, 5, 13, 6, 14, 7, 15>(a, b),
        i16x8_shuffle::<0, 8, 1, 9, 2, 10, 3, 11>(c, d),
        i16x8_shuffle::<4, 12, 5, 13, 6, 14, 7, 15>(c, d),
    ]
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
    assert!(rows.codes.len() >= ROWS * width && rows.factors.len() >= ROWS * count);
    assert!(x.factors.len() * BLOCK >= width && (!EXACT || x.low.len() >= width));
    let mut sums = f32x4_splat(0.0);
    for i in 0..count {
        let at = i * 16 * N;
        let codes = rows!(R => extended::<N>(rows.codes, R * width + at));
        let factors = f32x4(
            rows.factors[i],
            rows.factors[count + i],
            rows.factors[2 * count + i],
            rows.factors[3 * count + i],
        );
        let dots = dots_of::<N, EXACT>(codes, x, at);
        sums = f32x4_add(sums, f32x4_mul(dots, f32x4_mul(factors, splat(&x.factors, i * N / 2))));
    }
    let mut out = [0.0; ROWS];
    put(&mut out, sums);
    out
}

/// Codes of 16 bits of up to 32 bytes.
#[inline(always)]
fn extended<const N: usize>(codes: &[i8], at: usize) -> [v128; 4] {
    debug_assert!(at + 16 * N <= codes.len());
    // SAFETY: callers stay within the slice; of 16 codes, the first come again.
    rows!(P => unsafe { i16x8_load_extend_i8x8(codes.as_ptr().add(at + 8 * (P % (2 * N)))) })
}

/// Dots of `N` times 16 codes of each row with a token from `at` on.
#[inline(always)]
fn dots_of<const N: usize, const EXACT: bool>(codes: [[v128; 4]; ROWS], x: &Split, at: usize) -> v128 {
    let high = sums_of::<N>(codes, &x.high, at);
    if EXACT {
        f32x4_add(high, f32x4_mul(sums_of::<N>(codes, &x.low, at), f32x4_splat(LOW)))
    } else {
        high
    }
}

#[inline(always)]
fn sums_of<const N: usize>(codes: [[v128; 4]; ROWS], x: &[i16], at: usize) -> v128 {
    let sums = rows!(R => {
        let half = both([codes[R][0], codes[R][1]], [eight(x, at), eight(x, at + 8)]);
        if N == 1 {
            half
        } else {
            i32x4_add(half, both([codes[R][2], codes[R][3]], [eight(x, at + 16), eight(x, at + 24)]))
        }
    });
    f32x4_convert_i32x4(across(sums, i32x4_add))
}

#[inline(always)]
fn both([a, b]: [v128; 2], [x, y]: [v128; 2]) -> v128 {
    i32x4_add(i32x4_dot_i16x8(a, x), i32x4_dot_i16x8(b, y))
}

fn blocks(of: Blocks<'_>, x: &Split, y: &mut [f32]) {
    // Everything that is read below lies within these.
    let count = x.factors.len();
    assert!(of.bytes.len() >= y.len() * count * of.behind.bytes() && x.high.len() >= count * BLOCK);
    assert!(x.low.is_empty() || x.low.len() >= count * BLOCK);
    match (of.behind, x.low.is_empty()) {
        (Behind::Bytes, true) => rows::<34, false>(of.bytes, x, y),
        (Behind::Bytes, false) => rows::<34, true>(of.bytes, x, y),
        (Behind::Nibbles, true) => rows::<18, false>(of.bytes, &apart(x), y),
        (Behind::Nibbles, false) => rows::<18, true>(of.bytes, &apart(x), y),
    }
}

/// Rows of blocks of `N` bytes, one after the other and block by block: what fetches memory ahead follows one line well, and four
/// of them, a row apart, at half the speed or less; and engines move all loads of a turn to its beginning, where those of one block
/// still find registers. The factors of four rows come first, as they are wanted: those of the weight times those of the token.
fn rows<const N: usize, const EXACT: bool>(bytes: &[u8], x: &Split, y: &mut [f32]) {
    let count = x.factors.len();
    let repeated = x.factors.repeat(ROWS);
    let mut factors = vec![0.0; repeated.len()];
    let [less, less_low] = [&x.high, &x.low].map(|x| if N == 18 { eights(x) } else { Vec::new() });
    let mut block = bytes.as_ptr();
    for y in y.chunks_mut(ROWS) {
        // SAFETY: as many blocks and integers are there, and a factor for each block of four rows.
        unsafe {
            scales::<N>(block, y.len() * count, &repeated, &mut factors);
            let mut factor = factors.as_ptr();
            for y in y {
                let [mut high, mut low] = [(x.high.as_ptr(), less.as_ptr()), (x.low.as_ptr(), less_low.as_ptr())];
                let mut sums = f32x4_splat(0.0);
                let end = block.add(count * N);
                while block < end {
                    let by = v128_load32_splat(factor.cast());
                    let mut dots = part::<N>(block, &mut high);
                    if EXACT {
                        dots = f32x4_add(dots, f32x4_mul(part::<N>(block, &mut low), f32x4_splat(LOW)));
                    }
                    sums = f32x4_add(sums, f32x4_mul(dots, by));
                    (block, factor) = (block.add(N), factor.add(1));
                }
                *y = sum(sums);
            }
        }
    }
}

/// Four parts of the dot of a block with integers, to which those of nibbles are added.
///
/// # Safety
/// All of that is there.
#[inline(always)]
unsafe fn part<const N: usize>(block: *const u8, (x, less): &mut (*const i16, *const v128)) -> v128 {
    // SAFETY: the caller's.
    unsafe {
        let four = |p: usize| v128_load(x.add(8 * p).cast());
        let [a, b, c, d] = codes::<N>(block);
        let mut dot = i32x4_add(both([a, b], [four(0), four(1)]), both([c, d], [four(2), four(3)]));
        *x = x.add(BLOCK);
        if N == 18 {
            dot = i32x4_add(dot, **less);
            *less = less.add(1);
        }
        f32x4_convert_i32x4(dot)
    }
}

/// The factors of `count` blocks times `by`.
///
/// # Safety
/// The blocks are there.
#[inline(always)]
unsafe fn scales<const N: usize>(blocks: *const u8, count: usize, by: &[f32], to: &mut [f32]) {
    for (i, to) in to.as_chunks_mut().0[..count.div_ceil(4)].iter_mut().enumerate() {
        // Where there are no more blocks, the last one stands for them.
        // SAFETY: the caller's.
        let of = unsafe { halves(rows!(R => blocks.add((4 * i + R).min(count - 1) * N))) };
        put(to, f32x4_mul(of, four(by, 4 * i)));
    }
}

/// Parts of -8 times the sums of blocks: nibbles are 8 more than the codes they stand for.
fn eights(x: &[i16]) -> Vec<v128> {
    let part = |x: &[i16], p: usize| i32x4_dot_i16x8(eight(x, 8 * p), i16x8_splat(-8));
    let blocks = x.as_chunks::<BLOCK>().0.iter();
    blocks
        .map(|x| i32x4_add(i32x4_add(part(x, 0), part(x, 1)), i32x4_add(part(x, 2), part(x, 3))))
        .collect()
}

/// The codes of a block of `N` bytes; those of nibbles are 8 more, and lie as `apart` has them.
///
/// # Safety
/// The block is there.
#[inline(always)]
unsafe fn codes<const N: usize>(block: *const u8) -> [v128; 4] {
    if N == 34 {
        // SAFETY: 32 bytes behind the first two.
        return rows!(P => unsafe { i16x8_load_extend_i8x8(block.add(2 + 8 * P).cast()) });
    }
    // SAFETY: 16 bytes behind the first two.
    let bytes = unsafe { v128_load(block.add(2).cast()) };
    let low = i16x8_splat(15);
    [
        v128_and(bytes, low),
        v128_and(u16x8_shr(bytes, 8), low),
        v128_and(u16x8_shr(bytes, 4), low),
        u16x8_shr(bytes, 12),
    ]
}

/// A token whose integers lie as the nibbles of a block do: of each 16 the even ones, then the odd ones.
fn apart(x: &Split) -> Split {
    let order = |from: &[i16]| {
        let mut to = vec![0; from.len()];
        for (from, to) in from.as_chunks::<16>().0.iter().zip(to.as_chunks_mut::<16>().0) {
            let (a, b) = (eight(from, 0), eight(from, 8));
            let even = i16x8_shuffle::<0, 2, 4, 6, 8, 10, 12, 14>(a, b);
            let odd = i16x8_shuffle::<1, 3, 5, 7, 9, 11, 13, 15>(a, b);
            // SAFETY: sixteen integers.
            unsafe {
                v128_store(to.as_mut_ptr().cast(), even);
                v128_store(to.as_mut_ptr().add(8).cast(), odd);
            }
        }
        to
    };
    Split {
        run: x.run,
        high: order(&x.high),
        low: order(&x.low),
        factors: x.factors.clone(),
        sums: Vec::new(),
    }
}

/// The f16 at each of four places; what is no finite number becomes none at all.
///
/// # Safety
/// There are two bytes at each.
#[inline(always)]
unsafe fn halves(at: [*const u8; ROWS]) -> v128 {
    let none = i32x4_splat(0);
    // SAFETY: the caller's.
    let bits = unsafe {
        let bits = v128_load16_lane::<0>(none, at[0].cast());
        let bits = v128_load16_lane::<2>(bits, at[1].cast());
        let bits = v128_load16_lane::<4>(bits, at[2].cast());
        v128_load16_lane::<6>(bits, at[3].cast())
    };
    let (value, none) = of_bits(bits);
    v128_or(value, none)
}

/// The values of four f16, each in the lower half of a lane, and where they are no finite numbers; those there are left open.
#[inline(always)]
pub(super) fn of_bits(bits: v128) -> (v128, v128) {
    let size = v128_and(bits, i32x4_splat(0x7fff));
    let sign = i32x4_shl(v128_andnot(bits, i32x4_splat(0x7fff)), 16);
    let (moved, least) = (i32x4_shl(size, 13), i32x4_splat(113 << 23));
    // Without a subnormal operand, as `quant::half` has it.
    let small = f32x4_sub(i32x4_add(moved, least), least);
    let value = i32x4_add(moved, i32x4_splat(112 << 23));
    let value = v128_or(v128_bitselect(small, value, i32x4_lt(size, i32x4_splat(0x400))), sign);
    (value, i32x4_gt(size, i32x4_splat(0x7bff)))
}
