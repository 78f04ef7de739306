//! The loops of integers of 16 bits in simd128.

#![allow(unsafe_code, reason = "loads of vectors")]

use super::{Behind, Blocks, Integers, QUAD, WIDE, Wide, wasm::in_order};
use crate::{cpu::ints::BLOCK, quant::half::f16_to_f32};
use std::arch::wasm32::*;

pub(super) const INTEGERS: Integers = Integers { widen, wide };

fn widen(of: Blocks<'_>, width: usize, to: &mut [i16], factors: &mut [f32]) {
    match of.behind {
        Behind::Bytes => widened::<34>(of.bytes, width, to, factors),
        Behind::Nibbles => widened::<18>(of.bytes, width, to, factors),
    }
}

fn widened<const N: usize>(bytes: &[u8], width: usize, to: &mut [i16], factors: &mut [f32]) {
    let count = width / BLOCK;
    let rows = bytes.len() / (count * N);
    // Everything that is written below lies within these.
    assert!(to.len() >= rows.next_multiple_of(2) * width && factors.len() >= rows.next_multiple_of(2) * count);
    let mut block = bytes.as_ptr();
    for r in 0..rows {
        // SAFETY: whole blocks, and room for as many.
        unsafe {
            let mut to = to.as_mut_ptr().add(r / 2 * 2 * width + r % 2 * WIDE);
            let mut factor = factors.as_mut_ptr().add(r / 2 * 2 * count + r % 2);
            let end = block.add(count * N);
            while block < end {
                *factor = f16_to_f32(u16::from_le_bytes([*block, *block.add(1)]));
                let codes = in_order::<N>(block);
                rows!(P => v128_store(to.add(2 * P * WIDE).cast(), codes[P]));
                (block, to, factor) = (block.add(N), to.wrapping_add(2 * BLOCK), factor.wrapping_add(2));
            }
        }
    }
}

fn wide(width: usize, w: Wide<'_>, x: Wide<'_>, out: &mut [f32]) {
    let count = width / BLOCK;
    let (rows, tokens) = (w.codes.len() / width / 2 * 2, x.codes.len() / width / QUAD * QUAD);
    // Everything that is read below lies within these.
    assert!(w.factors.len() >= rows * count && x.factors.len() >= tokens * count && out.len() >= tokens * rows);
    // Known at run time only, or the loop over the vectors of a block would be unrolled: engines move all loads of a turn to its
    // beginning, where those of one vector of each row and token still find registers.
    let vectors = width / count / WIDE;
    for (t, n) in (0..tokens)
        .step_by(QUAD)
        .flat_map(|t| (0..rows).step_by(2).map(move |n| (t, n)))
    {
        let mut sums = [f32x4_splat(0.0); QUAD];
        // SAFETY: all of that is there, as was asked above.
        unsafe {
            let (mut row, mut factor) = (w.codes.as_ptr().add(n * width), w.factors.as_ptr().add(n * count));
            let (mut token, mut by) = (x.codes.as_ptr().add(t * width), x.factors.as_ptr().add(t * count));
            let end = factor.add(2 * count);
            while factor < end {
                let (mut a, mut b) = ([i32x4_splat(0); QUAD], [i32x4_splat(0); QUAD]);
                let stop = row.add(2 * vectors * WIDE);
                while row < stop {
                    let x = rows!(T => v128_load(token.add(T * WIDE).cast()));
                    let (v, w) = (v128_load(row.cast()), v128_load(row.add(WIDE).cast()));
                    a = rows!(T => i32x4_add(a[T], i32x4_dot_i16x8(v, x[T])));
                    b = rows!(T => i32x4_add(b[T], i32x4_dot_i16x8(w, x[T])));
                    (row, token) = (row.add(2 * WIDE), token.add(QUAD * WIDE));
                }
                let factors = v128_load64_splat(factor.cast());
                sums = rows!(T => {
                    let (low, high) = (
                        i32x4_shuffle::<0, 4, 1, 5>(a[T], b[T]),
                        i32x4_shuffle::<2, 6, 3, 7>(a[T], b[T]),
                    );
                    let dots = f32x4_convert_i32x4(i32x4_add(low, high));
                    f32x4_add(sums[T], f32x4_mul(dots, f32x4_mul(factors, v128_load32_splat(by.add(T).cast()))))
                });
                (factor, by) = (factor.add(2), by.add(QUAD));
            }
            rows!(T => {
                let both = f32x4_add(sums[T], i64x2_shuffle::<1, 0>(sums[T], sums[T]));
                v128_store64_lane::<0>(both, out.as_mut_ptr().add((t + T) * rows + n).cast());
            });
        }
    }
}
