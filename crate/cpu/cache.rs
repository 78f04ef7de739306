//! The keys and values of a layer as they are kept, and as floats.

use super::{simd::loops, zeros};
use crate::{
    error::Result,
    quant::half,
    tensor::{Kept, Kv, block},
};
use std::ops::Range;

/// `[2 * Hk, S, Dh]`; row `head * S + position` is of one head of one token.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    /// What it keeps of a token.
    pub(crate) kept: Kept,
    cells: Cells,
}

#[derive(Debug, Clone)]
enum Cells {
    F32(Vec<f32>),
    F16(Vec<u16>),
    /// Codes, and the largest magnitude of each block: a value is that times code / 127.
    Q8(Vec<i8>, Vec<f32>),
}

/// The largest code.
pub(crate) const MOST: f32 = 127.0;
/// Rows that are made floats at a time: with a usual width they stay in the nearest cache.
const ROWS: usize = 32;

impl Cache {
    /// One of zeros for so many tokens.
    pub(crate) fn new(kv: Kv, kept: Kept, tokens: usize) -> Result<Self> {
        let values = kept.values() * tokens;
        let cells = match kv {
            Kv::F32 => Cells::F32(zeros(values)?),
            Kv::F16 => Cells::F16(zeros(values)?),
            Kv::Q8 => Cells::Q8(zeros(values)?, zeros(values / block(kept.width))?),
        };
        Ok(Self { kept, cells })
    }

    /// Writes one row.
    #[allow(clippy::cast_possible_truncation, reason = "codes are at most 127")]
    pub(crate) fn write(&mut self, row: usize, values: &[f32]) {
        let at = row * self.kept.width..(row + 1) * self.kept.width;
        match &mut self.cells {
            Cells::F32(cells) => cells[at].copy_from_slice(values),
            Cells::F16(cells) => {
                for (cell, value) in cells[at].iter_mut().zip(values) {
                    *cell = half::f32_to_f16(*value);
                }
            }
            Cells::Q8(codes, most) => {
                let block = block(self.kept.width);
                let largest = &mut most[at.start / block..at.end / block];
                let blocks = codes[at].chunks_exact_mut(block).zip(values.chunks_exact(block));
                for (largest, (codes, values)) in largest.iter_mut().zip(blocks) {
                    // By their bits, so that what is no number is the largest.
                    let most = values.iter().map(|v| v.abs().to_bits()).max().unwrap_or(0);
                    *largest = f32::from_bits(most);
                    let scale = if *largest > 0.0 { MOST / *largest } else { 0.0 };
                    for (code, value) in codes.iter_mut().zip(values) {
                        *code = (value * scale + 0.5).floor() as i8;
                    }
                }
            }
        }
    }

    /// Calls `take(how many rows came before, some rows as floats)` for rows in turn; `room` is for those that have to be made.
    pub(crate) fn runs(&self, rows: Range<usize>, room: &mut Vec<f32>, mut take: impl FnMut(usize, &[f32])) {
        let each = if matches!(self.cells, Cells::F32(_)) {
            rows.len().max(1)
        } else {
            ROWS
        };
        for row in rows.clone().step_by(each) {
            take(row - rows.start, self.floats(row..rows.end.min(row + each), room));
        }
    }

    /// Rows as floats, in `room` if they have to be made.
    pub(crate) fn floats<'a>(&'a self, rows: Range<usize>, room: &'a mut Vec<f32>) -> &'a [f32] {
        let width = self.kept.width;
        let at = rows.start * width..rows.end * width;
        if let Cells::F32(cells) = &self.cells {
            return &cells[at];
        }
        if room.len() < at.len() {
            room.resize(at.len(), 0.0);
        }
        let values = &mut room[..at.len()];
        match &self.cells {
            Cells::F32(_) => {}
            Cells::F16(cells) => (loops().halves)(&cells[at], values),
            Cells::Q8(codes, most) => {
                let block = block(width);
                let most = &most[at.start / block..at.end / block];
                (loops().coded)(&codes[at], most, values);
            }
        }
        values
    }

    /// All of it as a GPU has it.
    #[cfg(feature = "gpu")]
    pub(crate) fn bytes(&self) -> Vec<u8> {
        match &self.cells {
            Cells::F32(cells) => bytemuck::cast_slice(cells).to_vec(),
            Cells::F16(cells) => bytemuck::cast_slice(cells).to_vec(),
            Cells::Q8(codes, most) => [bytemuck::cast_slice(codes), bytemuck::cast_slice(most)].concat(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::simd::PLAIN;

    /// What is written comes back, rounded as the kind says, whatever vectors a head is made of; and plain loops read the same.
    #[test]
    fn rows_come_back_rounded() -> Result<()> {
        for (kv, most) in [(Kv::F32, 0.0), (Kv::F16, 0.0005), (Kv::Q8, 0.004)] {
            for width in [4, 12, 24, 48, 64, 80, 100] {
                let kept = Kept { count: 2, width };
                let mut cache = Cache::new(kv, kept, 50)?;
                let value = |i: usize| {
                    if i.is_multiple_of(11) {
                        0.0
                    } else {
                        3.0 - f32::from(u16::try_from(i * 37 % 601).unwrap_or(0)) / 100.0
                    }
                };
                let values: Vec<f32> = (0..2 * 50 * width).map(value).collect();
                for (row, values) in values.chunks_exact(width).enumerate() {
                    cache.write(row, values);
                }
                let mut read = Vec::new();
                cache.runs(3..95, &mut Vec::new(), |at, rows| {
                    assert_eq!(at * width, read.len());
                    read.extend_from_slice(rows);
                });
                assert_eq!(read.len(), 92 * width);
                for (read, value) in read.iter().zip(&values[3 * width..]) {
                    assert!(
                        (read - value).abs() <= most * 3.1,
                        "{kv:?} {width}: {read}, not {value}"
                    );
                }
                let mut plain = vec![0.0; read.len()];
                match &cache.cells {
                    Cells::F32(_) => continue,
                    Cells::F16(cells) => (PLAIN.halves)(&cells[3 * width..95 * width], &mut plain),
                    Cells::Q8(codes, most) => {
                        let block = block(width);
                        (PLAIN.coded)(
                            &codes[3 * width..95 * width],
                            &most[3 * width / block..95 * width / block],
                            &mut plain,
                        );
                    }
                }
                assert_eq!(read, plain, "{kv:?} {width}");
            }
        }
        Ok(())
    }

    #[test]
    fn what_is_no_number_is_none_when_read() -> Result<()> {
        let kept = Kept { count: 1, width: 16 };
        for bad in [f32::NAN, f32::INFINITY] {
            let mut cache = Cache::new(Kv::Q8, kept, 1)?;
            let mut row = [1.0; 16];
            row[5] = bad;
            cache.write(0, &row);
            assert!(cache.floats(0..1, &mut Vec::new()).iter().all(|v| !v.is_finite()));
        }
        let mut cache = Cache::new(Kv::F16, kept, 1)?;
        let mut row = [1.0; 16];
        (row[2], row[9], row[15]) = (f32::NAN, f32::INFINITY, -1e-7);
        cache.write(0, &row);
        let mut room = Vec::new();
        let read = cache.floats(0..1, &mut room);
        assert!(
            read[2].is_nan() && read[9].is_infinite() && (read[15] + 1e-7).abs() < 6e-8,
            "{read:?}"
        );
        Ok(())
    }
}
