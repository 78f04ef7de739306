//! Where weights lie on a GPU: cut by rows if one binding does not hold them, or several in one buffer, as one kernel reads them.

use crate::{
    error::{Error, Result},
    tensor::Format,
};

/// Rows of a weight that lie in one buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shard {
    /// First row.
    pub(crate) first: usize,
    /// Number of rows.
    pub(crate) rows: usize,
    /// Number of the buffer.
    pub(crate) buffer: usize,
    /// Rows of other weights before them.
    pub(crate) at: usize,
    /// Rows of the buffer.
    pub(crate) of: usize,
}

impl Shard {
    /// Whether its buffer has nothing else.
    pub(crate) fn alone(&self) -> bool {
        self.of == self.rows
    }
}

/// A weight to be stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stored<'a> {
    /// For messages.
    pub(crate) name: &'a str,
    pub(crate) format: &'static Format,
    pub(crate) rows: usize,
    pub(crate) width: usize,
}

impl Stored<'_> {
    fn row(&self) -> u64 {
        self.format.row_bytes_gpu(self.width) as u64
    }

    fn like(&self, other: &Stored<'_>) -> bool {
        self.format.name == other.format.name && self.width == other.width
    }
}

/// Weights with a place each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Laid {
    /// Shards of each weight.
    pub(crate) shards: Vec<Vec<Shard>>,
    /// The first weight in each buffer, and the bytes of it.
    pub(crate) buffers: Vec<(usize, u64)>,
    /// Weights that share a buffer, in its order.
    pub(crate) stacks: Vec<Vec<usize>>,
}

/// Gives each weight a place. Those of `stacks` that are alike, and that a binding holds together, share a buffer.
///
/// # Errors
/// [`Error::TooBig`] if not even one row fits.
pub(crate) fn lay(weights: &[Stored<'_>], stacks: &[Vec<usize>], max_binding: u64) -> Result<Laid> {
    let mut laid = Laid {
        shards: vec![Vec::new(); weights.len()],
        ..Laid::default()
    };
    let rows = |stack: &[usize]| stack.iter().map(|n| weights[*n].rows).sum::<usize>();
    for stack in stacks {
        let first = &weights[stack[0]];
        let (alike, of) = (stack.iter().all(|n| weights[*n].like(first)), rows(stack));
        let bytes = first.row().saturating_mul(of as u64);
        let taken = |(i, n): (usize, &usize)| !laid.shards[*n].is_empty() || stack[..i].contains(n);
        if !alike || bytes > max_binding || stack.iter().enumerate().any(taken) {
            continue;
        }
        let mut at = 0;
        for number in stack {
            let rows = weights[*number].rows;
            let buffer = laid.buffers.len();
            laid.shards[*number].push(Shard {
                first: 0,
                rows,
                buffer,
                at,
                of,
            });
            at += rows;
        }
        laid.buffers.push((stack[0], bytes));
        laid.stacks.push(stack.clone());
    }
    for (number, (weight, shards)) in weights.iter().zip(&mut laid.shards).enumerate() {
        if !shards.is_empty() {
            continue;
        }
        let row = weight.row();
        let most = usize::try_from(max_binding / row.max(1)).unwrap_or(usize::MAX);
        let most = most.min(weight.rows);
        if most == 0 {
            return Err(Error::TooBig {
                what: format!("one row of {}", weight.name),
                needed: row,
                available: max_binding,
            });
        }
        for first in (0..weight.rows).step_by(most) {
            let rows = most.min(weight.rows - first);
            shards.push(Shard {
                first,
                rows,
                buffer: laid.buffers.len(),
                at: 0,
                of: rows,
            });
            laid.buffers.push((number, row * rows as u64));
        }
    }
    Ok(laid)
}
