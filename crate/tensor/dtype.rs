//! What a block format is: one row of the table in `quant/`.

/// The most planes a repacked weight has.
pub const MAX_PLANES: usize = 2;

/// A block format: how values lie in a file, and how they lie on the GPU. The rows are in `quant::FORMATS`.
pub struct Format {
    /// Name as GGUF tools print it, for example `Q8_0`.
    pub name: &'static str,
    /// Type number in GGUF, where that container has it.
    pub ggml: Option<u32>,
    /// Name in safetensors, where that container has it.
    pub safetensors: Option<&'static str>,
    /// Values a block.
    pub block: usize,
    /// Bytes a block in the file.
    pub bytes: usize,
    /// Decodes whole blocks: `values.len() == bytes.len() / self.bytes * self.block`.
    pub decode: fn(bytes: &[u8], values: &mut [f32]),
    /// How it is written; `None` for a format that is only read.
    pub encoding: Option<Encoding>,
    /// How its values are whole numbers; `None` where they are not, or only by a detour.
    pub ints: Option<Ints>,
    /// Words (`u32`) that a row of `width` values takes in each plane of the GPU layout; each is a multiple of 4
    /// (16 bytes), unused planes are 0.
    pub plane_words: fn(width: usize) -> [usize; MAX_PLANES],
    /// Packs one row of a file into its part of each plane (lengths as `plane_words` says; padding is written as 0).
    pub pack: fn(row: &[u8], planes: [&mut [u32]; MAX_PLANES]),
    /// File in `shaders/quant/` that decodes the planes, without its ending; formats with the same planes share it.
    pub shader: &'static str,
}

/// Values that are whole numbers of 8 bits times a factor, plus a minimum; a run of them shares both.
pub struct Ints {
    /// Values that do: 16 or 32.
    pub run: usize,
    /// Whether there are minimums.
    pub least: bool,
    /// How codes lie in the file.
    pub lie: Lie,
    /// Splits whole blocks: `value = factor * code + minimum`. Minimums may be left alone where there are none.
    pub split: fn(bytes: &[u8], to: &mut Codes<'_>),
}

/// How codes lie in the file, of what loops know more of than to split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// In blocks of 32 behind an f16 factor, and that is all: such codes are read where they are.
    Behind(Behind),
    /// As Q4_K has them.
    Fours,
    /// As Q5_K has them.
    Fives,
    /// As Q6_K has them.
    Sixes,
    /// Otherwise.
    Other,
}

impl Ints {
    /// How codes lie behind their factor, if they do.
    pub(crate) fn behind(&self) -> Option<Behind> {
        match self.lie {
            Lie::Behind(behind) => Some(behind),
            _ => None,
        }
    }
}

/// How 32 codes lie behind their factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behind {
    /// A byte each.
    Bytes,
    /// Nibbles, which are 8 more than the code: byte `j` has code `j` low and code `j + 16` high.
    Nibbles,
}

impl Behind {
    /// Bytes of a block with its factor.
    pub(crate) fn bytes(self) -> usize {
        match self {
            Self::Bytes => 34,
            Self::Nibbles => 18,
        }
    }
}

/// Where the parts of whole blocks go.
pub struct Codes<'a> {
    /// A value each.
    pub codes: &'a mut [i8],
    /// A run each.
    pub factors: &'a mut [f32],
    /// A run each.
    pub leasts: &'a mut [f32],
}

/// How a format is written.
pub struct Encoding {
    /// Encodes whole blocks; the inverse of `decode` in lengths.
    pub encode: fn(values: &[f32], bytes: &mut [u8]),
    /// `general.file_type` of a GGUF file whose matrices are mostly of this format.
    pub file_type: u32,
}

impl Format {
    /// Whole blocks of this format for as many values; `None` if it is only read.
    pub fn encode(&self, values: &[f32]) -> Option<Vec<u8>> {
        let encoding = self.encoding.as_ref()?;
        let mut bytes = vec![0; values.len() / self.block * self.bytes];
        (encoding.encode)(values, &mut bytes);
        Some(bytes)
    }

    /// Values of whole blocks.
    pub fn decode(&self, bytes: &[u8]) -> Vec<f32> {
        let mut values = vec![0.0; bytes.len() / self.bytes * self.block];
        (self.decode)(bytes, &mut values);
        values
    }

    /// Bytes that `values` values take in a file; `None` if the blocks do not divide them or the product overflows.
    pub fn size(&self, values: u64) -> Option<u64> {
        let block = self.block as u64;
        if !values.is_multiple_of(block) {
            return None;
        }
        (values / block).checked_mul(self.bytes as u64)
    }

    /// Bytes that a row of `width` values takes on the GPU.
    pub fn row_bytes_gpu(&self, width: usize) -> usize {
        (self.plane_words)(width).iter().sum::<usize>() * 4
    }
}

impl PartialEq for Format {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Format {}

impl std::fmt::Debug for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}
