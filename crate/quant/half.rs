//! The 16-bit floats and `f32`, by integer arithmetic: exact in both directions, nearest even when rounding.

/// The value of f16 bits; subnormals are exact, NaNs become quiet.
#[inline]
pub(crate) fn f16_to_f32(bits: u16) -> f32 {
    let size = u32::from(bits & 0x7fff) << 13;
    if size < 0x1f << 23 {
        return finite(bits);
    }
    let quiet = if size > 0x1f << 23 { 1 << 22 } else { 0 };
    f32::from_bits(size | 0xff << 23 | quiet | u32::from(bits & 0x8000) << 16)
}

/// The value of two little-endian bytes.
#[inline]
pub(super) fn f16(bytes: [u8; 2]) -> f32 {
    f16_to_f32(u16::from_le_bytes(bytes))
}

/// The exponent of infinity and of what is no number.
const SPECIAL: u16 = 0x7c00;

/// The value of bits that are not special, without a branch. No operand is a subnormal f32, with which arithmetic takes some
/// processors a hundred cycles; scales in f16 often are subnormal f16, Q6_K's most of all.
#[inline(always)]
fn finite(bits: u16) -> f32 {
    let size = u32::from(bits & 0x7fff) << 13;
    let least = 113 << 23;
    let value = if size < 1 << 23 {
        f32::from_bits(least + size) - f32::from_bits(least)
    } else {
        f32::from_bits(size + (112 << 23))
    };
    f32::from_bits(value.to_bits() | u32::from(bits & 0x8000) << 16)
}

/// The values of little-endian bits that are aligned.
pub(crate) fn values(halves: &[u16], to: &mut [f32]) {
    let most = halves
        .iter()
        .fold(0, |most, bits| most.max(u16::from_le(*bits) & SPECIAL));
    for (to, bits) in to.iter_mut().zip(halves) {
        *to = finite(u16::from_le(*bits));
    }
    if most == SPECIAL {
        for (to, bits) in to.iter_mut().zip(halves) {
            *to = f16_to_f32(u16::from_le(*bits));
        }
    }
}

/// The values of the first two bytes of each block, for formats that are read more than others.
pub(super) fn firsts<const N: usize>(blocks: &[[u8; N]], to: &mut [f32]) {
    let mut special = false;
    for (to, block) in to.iter_mut().zip(blocks) {
        let bits = u16::from_le_bytes([block[0], block[1]]);
        special |= bits & SPECIAL == SPECIAL;
        *to = finite(bits);
    }
    if special {
        scales(blocks.as_flattened(), N, 0, to);
    }
}

/// The values of two bytes of each block of so many, from byte `at` on.
#[inline(never)]
pub(super) fn scales(bytes: &[u8], block: usize, at: usize, to: &mut [f32]) {
    for (to, block) in to.iter_mut().zip(bytes.chunks_exact(block)) {
        *to = f16([block[at], block[at + 1]]);
    }
}

/// The f16 bits nearest to `value`, ties to even; 65520 and more become infinite, NaNs quiet.
#[inline]
pub(crate) fn f32_to_f16(value: f32) -> u16 {
    let sign = low(value.to_bits() >> 16 & 0x8000);
    let abs = value.to_bits() & 0x7fff_ffff;
    let bits = if abs > 0xff << 23 {
        0x7e00 | low(abs >> 13 & 0x3ff)
    } else if abs >= 0x4780_0000 {
        0x7c00
    } else if abs < 0x3880_0000 {
        // Below 2^-14: the sum with one half rounds at 2^-24, the unit of f16 subnormals.
        low((f32::from_bits(abs) + 0.5).to_bits() - 0x3f00_0000)
    } else {
        low((abs + 0xfff + (abs >> 13 & 1) - (112 << 23)) >> 13)
    };
    sign | bits
}

/// The value of bf16 bits.
#[inline]
pub(crate) fn bf16_to_f32(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

/// The bf16 bits nearest to `value`, ties to even; NaNs quiet.
#[inline]
pub(crate) fn f32_to_bf16(value: f32) -> u16 {
    let bits = value.to_bits();
    if value.is_nan() {
        low(bits >> 16) | 0x40
    } else {
        low((bits + 0x7fff + (bits >> 16 & 1)) >> 16)
    }
}

/// Packs 16-bit values two a word, the even one low; what is over is zero.
pub(super) fn pack(row: &[u8], plane: &mut [u32]) {
    plane.fill(0);
    let (pairs, rest) = row.as_chunks::<4>();
    for (w, b) in plane.iter_mut().zip(pairs) {
        *w = u32::from_le_bytes(*b);
    }
    if let [low, high] = rest {
        place(plane, 2 * pairs.len(), [*low, *high]);
    }
}

/// Puts the `index`th 16-bit value into a plane that was zero.
pub(super) fn place(plane: &mut [u32], index: usize, bytes: [u8; 2]) {
    if let Some(word) = plane.get_mut(index / 2) {
        *word |= u32::from(u16::from_le_bytes(bytes)) << (16 * (index % 2));
    }
}

#[inline]
#[allow(clippy::cast_possible_truncation, reason = "the low 16 bits are what is wanted")]
fn low(bits: u32) -> u16 {
    bits as u16
}
