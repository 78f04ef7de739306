//! The grids of the IQ formats: vectors of four or eight small digits, of which a code names one. Each grid is in order, the
//! last digit counting most, so it is kept as a bit for each vector that could be in it (source: ggml-org/ggml,
//! src/ggml-common.h, `iq2xxs_grid` and the like), and the list is made at the first use.

use std::sync::OnceLock;

/// One grid.
pub(super) struct Grid {
    base: u64,
    digits: u32,
    even: bool,
    bits: &'static str,
    vectors: OnceLock<Vec<u64>>,
}

impl Grid {
    /// A grid of so many digits of a base; `even` if no vector's digits have an odd sum, which then have no bit. `bits` are
    /// hexadecimal, four a digit with the first one lowest; zeros at the end are left out.
    pub(super) const fn new(base: u64, digits: u32, even: bool, bits: &'static str) -> Self {
        Self {
            base,
            digits,
            even,
            bits,
            vectors: OnceLock::new(),
        }
    }

    /// The vectors by their codes, a byte a digit.
    pub(super) fn vectors(&self) -> &[u64] {
        self.vectors.get_or_init(|| {
            let digit = |n: u64, i| (n / self.base.pow(i) % self.base) << (8 * i);
            let all = (0..self.base.pow(self.digits)).map(|n| (0..self.digits).fold(0, |v, i| v | digit(n, i)));
            let odd = |v: &u64| (0..8).fold(0, |sum, i| sum ^ v >> (8 * i)) & 1 == 1;
            let possible = all.filter(|v| !(self.even && odd(v)));
            let fours = self.bits.chars().filter_map(|c| c.to_digit(16));
            let bits = fours.flat_map(|four| (0..4).map(move |i| four >> i & 1 == 1));
            possible.zip(bits).filter_map(|(v, is)| is.then_some(v)).collect()
        })
    }
}

/// Codes of eight digits: where the sign of one is set, it is the other way round by `flip`, which has a byte for each.
pub(super) fn signed(vector: u64, signs: u8, flip: u64) -> [u8; 8] {
    let set = (0..8).fold(0, |set, i| set | u64::from(signs >> i & 1) << (8 * i));
    (vector ^ ((set * 255) & flip)).to_le_bytes()
}

/// The signs of eight digits, of which the lower seven are kept: an even number of them is set.
pub(super) fn signs(seven: u32) -> u8 {
    let seven = seven.to_le_bytes()[0] & 127;
    seven | u8::from(seven.count_ones() % 2 == 1) << 7
}

/// The scale that four bits stand for.
pub(super) fn odd(code: u8) -> i8 {
    (2 * (code & 15) + 1).cast_signed()
}
