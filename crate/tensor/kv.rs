//! What a key-value cache is made of.

/// How the key-value cache is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kv {
    /// 32-bit floats.
    #[default]
    F32,
    /// 16-bit floats, packed in pairs.
    F16,
    /// Codes of 8 bits, and for each block of them, 32 where that divides a head, the largest magnitude in f32.
    Q8,
}

/// Values of a block of [`Kv::Q8`] at most.
const BLOCK: usize = 32;

impl Kv {
    /// What options call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Q8 => "q8",
        }
    }

    /// Bytes of so many values.
    pub(crate) fn bytes(self, values: u64, width: usize) -> u64 {
        match self {
            Self::F32 => 4 * values,
            Self::F16 => 2 * values,
            Self::Q8 => values + 4 * (values / block(width) as u64),
        }
    }
}

/// Values of a head of this width, a multiple of 4, that have their codes in common units: the most that divide it, in whole words or,
/// where a head is of whole pairs of words, in those.
pub(crate) fn block(width: usize) -> usize {
    let unit = if width.is_multiple_of(8) { 8 } else { 4 };
    let fits = |block: &usize| width.is_multiple_of(*block);
    (unit..=BLOCK).rev().step_by(unit).find(fits).unwrap_or(unit)
}

/// What a layer keeps of a token: `[2 * Hk, Dh]`, keys before values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Of keys and of values, `2 * Hk`.
    pub(crate) count: usize,
    /// `Dh`.
    pub(crate) width: usize,
}

impl Kept {
    pub(crate) fn values(self) -> usize {
        self.count * self.width
    }
}
