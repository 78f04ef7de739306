//! The CPU as a device: its memory, and the fast products of the heavy operators.

pub(crate) mod attend;
pub(crate) mod cache;
pub(crate) mod draw;
pub(crate) mod exp;
pub(crate) mod ints;
pub(crate) mod part;
pub(crate) mod philox;
pub(crate) mod product;
pub(crate) mod simd;
mod wide;

use crate::{
    error::{Error, Result},
    tensor::Format,
};
use cache::Cache;
use draw::Draw;

/// The step's place in the context.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct State {
    /// Position of the first token of the step.
    pub(crate) pos: usize,
    /// Valid tokens in the step.
    pub(crate) len: usize,
    /// Keys that an encoder wrote.
    pub(crate) encoded: usize,
}

/// A weight as it lies in the file.
#[derive(Clone)]
pub(crate) struct HostWeight {
    /// Block format.
    pub(crate) format: &'static Format,
    /// Product of all dimensions but the last.
    pub(crate) rows: usize,
    /// Length of a row.
    pub(crate) width: usize,
    /// Of them, how many this thread multiplies: the first. Others do the rest, see [`part`].
    pub(crate) own: usize,
    /// All rows, or those only.
    pub(crate) bytes: Vec<u8>,
}

impl HostWeight {
    /// Bytes of one row.
    pub(crate) fn row_bytes(&self) -> usize {
        self.width / self.format.block * self.format.bytes
    }

    /// The raw bytes of row `row`.
    #[inline]
    pub(crate) fn raw(&self, row: usize) -> &[u8] {
        let bytes = self.row_bytes();
        &self.bytes[row * bytes..(row + 1) * bytes]
    }

    /// Decodes row `row`.
    pub(crate) fn row(&self, row: usize, values: &mut [f32]) {
        (self.format.decode)(self.raw(row), values);
    }
}

/// How the next token is chosen, and what ends an answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Sampler {
    /// How to draw.
    pub(crate) draw: Draw,
    /// Ids after which nothing goes on.
    pub(crate) stops: Vec<u32>,
}

/// Everything a model has on the CPU.
#[derive(Default, Clone)]
pub(crate) struct Memory {
    /// Where the step is.
    pub(crate) state: State,
    /// Ids of the step's tokens.
    pub(crate) tokens: Vec<u32>,
    /// How the next token is chosen.
    pub(crate) sampler: Sampler,
    /// The id that the last step chose; `None` if its logits were no numbers.
    pub(crate) chosen: Option<u32>,
    /// cos and sin by position: `[S, Dr/2, 2]`, by table.
    pub(crate) rope: Vec<Vec<f32>>,
    /// Keys and values by layer.
    pub(crate) kv: Vec<Cache>,
    /// What recurrent operators keep of the tokens before, by number.
    pub(crate) past: Vec<Vec<f32>>,
    /// Whether activations may not be rounded.
    pub(crate) exact: bool,
    /// Whether others multiply the rows that are not this thread's own.
    pub(crate) shared: bool,
    /// Weights by number.
    pub(crate) weights: Vec<HostWeight>,
    /// Activations by slot.
    pub(crate) slots: Vec<Vec<f32>>,
}

/// Zeroed memory, or an error where there is none.
pub(crate) fn zeros<T: Clone + Default>(count: usize) -> Result<Vec<T>> {
    let mut cells = Vec::new();
    grow(&mut cells, count)?;
    Ok(cells)
}

/// Makes room for `count`, if there is less.
pub(crate) fn grow<T: Clone + Default>(cells: &mut Vec<T>, count: usize) -> Result<()> {
    let more = count.saturating_sub(cells.len());
    cells.try_reserve_exact(more).map_err(|_| Error::TooBig {
        what: "one more part of the model on the CPU".into(),
        needed: (more * size_of::<T>()) as u64,
        available: 0,
    })?;
    cells.resize(cells.len() + more, T::default());
    Ok(())
}
