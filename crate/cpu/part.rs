//! Rows of weights that another thread multiplies, in a memory of its own: what goes there and comes back is copied.

use super::{
    HostWeight,
    product::{Product, product},
};
use crate::{
    error::{Error, Result},
    quant,
};

/// The rows of one such thread.
pub struct Part {
    weights: Vec<HostWeight>,
    exact: bool,
}

impl Part {
    /// None yet. Unless it is to be `exact`, activations may be rounded as this thread's own are.
    pub fn new(exact: bool) -> Self {
        Self {
            weights: Vec::new(),
            exact,
        }
    }

    /// Makes room for `rows` of `width` values, of the next weight.
    ///
    /// # Errors
    /// [`Error::TooBig`] where there is no memory; [`Error::Internal`] for a format that is none.
    pub fn reserve(&mut self, format: &str, rows: usize, width: usize) -> Result<()> {
        let format = quant::by_name(format).ok_or_else(|| Error::internal(format!("no format {format}")))?;
        let size = format.size(rows as u64 * width as u64);
        let size = size.and_then(|size| usize::try_from(size).ok());
        let size = size.ok_or_else(|| Error::internal("blocks do not divide a row"))?;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(size).map_err(|_| Error::TooBig {
            what: "a part of the model in another thread".into(),
            needed: size as u64,
            available: 0,
        })?;
        bytes.resize(size, 0);
        self.weights.push(HostWeight {
            format,
            rows,
            own: rows,
            width,
            bytes,
        });
        Ok(())
    }

    /// Fills whole rows of a weight, `first ..`.
    ///
    /// # Errors
    /// [`Error::Internal`] where they are not.
    pub fn fill(&mut self, weight: usize, first: usize, bytes: &[u8]) -> Result<()> {
        let there = self.weights.get_mut(weight).and_then(|weight| {
            let at = first * weight.row_bytes();
            weight.bytes.get_mut(at..at + bytes.len())
        });
        let there = there.ok_or_else(|| Error::internal("no such rows in another thread"))?;
        there.copy_from_slice(bytes);
        Ok(())
    }

    /// The products of some weights of one width with all rows of `x`, one after the other: `[T, N]` each.
    ///
    /// # Errors
    /// [`Error::Internal`] for a weight that is not there.
    pub fn multiply(&self, weights: &[u32], x: &[f32]) -> Result<Vec<f32>> {
        let mut all = Vec::new();
        for number in weights {
            let w = self.weights.get(*number as usize);
            let w = w.ok_or_else(|| Error::internal("no such weight in another thread"))?;
            let tokens = x.len() / w.width;
            let pairs: Vec<_> = (0..tokens).map(|t| (t, t)).collect();
            let at = all.len();
            all.resize(at + tokens * w.rows, 0.0);
            let of = Product {
                w,
                first: 0,
                rows: w.rows,
                wide: w.rows,
                pairs: &pairs,
                x,
                exact: self.exact,
            };
            product(&of, &mut all[at..]);
        }
        Ok(all)
    }
}
