//! Codes of 32 values as the GPU's packets: four words of nibbles, the bits above them in words of their own. Four
//! neighbouring values are the four bytes of a word, so that a shift and a mask bring them out together.

/// Values a packet.
pub(super) const VALUES: usize = 32;

/// Codes `4 * j .. 4 * j + 4`, a byte each.
fn four(codes: &[u8; VALUES], j: usize) -> u32 {
    u32::from_le_bytes(std::array::from_fn(|i| codes[4 * j + i]))
}

/// The packet of the lower nibbles: word `i` has values `8i .. 8i + 4` in its low nibbles, the next four in its high ones.
#[inline(never)]
pub(super) fn nibbles(codes: &[u8; VALUES]) -> [u32; 4] {
    std::array::from_fn(|i| four(codes, 2 * i) & 0x0f0f_0f0f | (four(codes, 2 * i + 1) & 0x0f0f_0f0f) << 4)
}

/// The codes that a file keeps as nibbles: byte `j` holds value `j` low and value `j + 16` high.
#[inline(never)]
pub(super) fn codes(bytes: &[u8; VALUES / 2]) -> [u8; VALUES] {
    let mut codes = [0; VALUES];
    split(bytes, &mut codes);
    codes
}

/// Splits bytes: the low nibbles are the first half of the codes, the high ones the second.
pub(super) fn split(bytes: &[u8], codes: &mut [u8]) {
    let (low, high) = codes.split_at_mut(bytes.len());
    for ((low, high), byte) in low.iter_mut().zip(high).zip(bytes) {
        (*low, *high) = (byte & 15, byte >> 4);
    }
}

/// The inverse of `split`, of the lower four bits.
pub(super) fn join(codes: &[u8], bytes: &mut [u8]) {
    let (low, high) = codes.split_at(bytes.len());
    for ((low, high), byte) in low.iter().zip(high).zip(bytes) {
        *byte = low & 15 | high << 4;
    }
}

/// A one in each byte.
const ONES: u64 = 0x0101_0101_0101_0101;

/// Integers of blocks of so many bytes, less a whole number: what `codes` makes of the last of them, or with the four bytes
/// before, `five_bits`. By eight bytes of a word, which needs no compiler that sees vectors.
#[inline(never)]
pub(super) fn ints(bytes: &[u8], block: usize, fifths: bool, less: u8, codes: &mut [i8]) {
    let (high, less) = (0x80 * ONES, u64::from(less) * ONES);
    for (block, codes) in bytes.chunks_exact(block).zip(codes.as_chunks_mut::<VALUES>().0) {
        let (rest, quants) = block.split_at(block.len() - VALUES / 2);
        let &[a, b] = quants.as_chunks().0 else { return };
        let (a, b) = (u64::from_le_bytes(a), u64::from_le_bytes(b));
        let mut words = [a, b, a >> 4, b >> 4].map(|word| word & (15 * ONES));
        if let (true, Some(bits)) = (fifths, rest.last_chunk::<4>()) {
            for (word, byte) in words.iter_mut().zip(bits) {
                // Byte `k` keeps bit `k`; what is not zero carries into the highest one.
                let bits = (u64::from(*byte) * ONES) & 0x8040_2010_0804_0201;
                *word |= ((bits + 0x7f * ONES) >> 7 & ONES) << 4;
            }
        }
        for (codes, word) in codes.as_chunks_mut::<8>().0.iter_mut().zip(words) {
            // The highest bit keeps bytes from borrowing of each other.
            *codes = bytemuck::cast((((word | high) - less) ^ high).to_le_bytes());
        }
    }
}

/// The same as `ints`, of what nibbles stand for.
#[inline(never)]
pub(super) fn levels(bytes: &[u8], block: usize, levels: &[i8; 16], codes: &mut [i8]) {
    for (block, codes) in bytes.chunks_exact(block).zip(codes.as_chunks_mut::<VALUES>().0) {
        let (low, high) = codes.split_at_mut(VALUES / 2);
        for ((low, high), byte) in low.iter_mut().zip(high).zip(&block[block.len() - VALUES / 2..]) {
            (*low, *high) = (levels[usize::from(byte & 15)], levels[usize::from(byte >> 4)]);
        }
    }
}

/// The same as `codes` with a fifth bit, bit `k` of `high` being that of value `k`.
pub(super) fn five_bits(bytes: &[u8; VALUES / 2], high: [u8; 4]) -> [u8; VALUES] {
    let (mut codes, high) = (codes(bytes), u32::from_le_bytes(high));
    for (k, code) in codes.iter_mut().enumerate() {
        *code |= u8::from(high >> k & 1 == 1) << 4;
    }
    codes
}

/// Splits bytes of four codes each: bits `2r` and the next of byte `k` are code `k + 32 * r` of each 128.
pub(super) fn quarters(bytes: &[u8], codes: &mut [u8]) {
    let parts = bytes.as_chunks::<VALUES>().0.iter();
    for (bytes, codes) in parts.zip(codes.as_chunks_mut::<{ 4 * VALUES }>().0) {
        for (r, run) in codes.as_chunks_mut::<VALUES>().0.iter_mut().enumerate() {
            for (code, byte) in run.iter_mut().zip(bytes) {
                *code = byte >> (2 * r) & 3;
            }
        }
    }
}

/// Bit `at` of each of a packet's codes: bit `8 * i + j` is that of value `4 * j + i`.
pub(super) fn ones(codes: &[u8; VALUES], at: u32) -> u32 {
    (0..8).fold(0, |bits, j| bits | (four(codes, j) >> at & 0x0101_0101) << j)
}

/// Bit `at` and the next of each of a packet's codes, in two words: bits `8 * i + 2 * (j % 4)` and the next of word `j / 4`
/// are those of value `4 * j + i`.
pub(super) fn twos(codes: &[u8; VALUES], at: u32) -> [u32; 2] {
    std::array::from_fn(|word| {
        (0..4).fold(0, |bits, j| {
            bits | (four(codes, 4 * word + j) >> at & 0x0303_0303) << (2 * j)
        })
    })
}
