//! Row-major shapes of up to four dimensions, outermost first; weights are `[out, in]`.

use crate::error::{Error, Result};
use std::fmt;

/// A row-major shape of one to four dimensions.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
    dims: [usize; 4],
    rank: u8,
}

impl Shape {
    /// A shape from its dimensions, outermost first. `None` if there are none or more than four.
    pub fn new(dims: &[usize]) -> Option<Self> {
        let rank = u8::try_from(dims.len()).ok().filter(|r| (1..=4).contains(r))?;
        let mut all = [1; 4];
        all[..dims.len()].copy_from_slice(dims);
        Some(Self { dims: all, rank })
    }

    /// The dimensions, outermost first.
    pub fn dims(&self) -> &[usize] {
        &self.dims[..usize::from(self.rank)]
    }

    /// The last dimension: the length of a row.
    pub fn width(&self) -> usize {
        self.dims[usize::from(self.rank) - 1]
    }

    /// The product of all dimensions but the last.
    pub fn rows(&self) -> usize {
        self.dims().iter().rev().skip(1).product()
    }

    /// The number of values.
    pub fn count(&self) -> usize {
        self.dims().iter().product()
    }

    /// Both dimensions of a matrix, or an error that names the operator.
    ///
    /// # Errors
    /// [`Error::Shape`] if the rank is not two.
    pub fn dims2(&self, op: &'static str) -> Result<[usize; 2]> {
        match *self.dims() {
            [a, b] => Ok([a, b]),
            _ => Err(Error::shape(op, "input", "two dimensions", self)),
        }
    }
}

impl From<[usize; 1]> for Shape {
    fn from([a]: [usize; 1]) -> Self {
        Self {
            dims: [a, 1, 1, 1],
            rank: 1,
        }
    }
}

impl From<[usize; 2]> for Shape {
    fn from([a, b]: [usize; 2]) -> Self {
        Self {
            dims: [a, b, 1, 1],
            rank: 2,
        }
    }
}

impl From<[usize; 3]> for Shape {
    fn from([a, b, c]: [usize; 3]) -> Self {
        Self {
            dims: [a, b, c, 1],
            rank: 3,
        }
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.dims()).finish()
    }
}
