//! From recorded operators to a program: fuse known neighbours, place tensors in reused buffers, lower to dispatches.

mod fuse;
mod lower;
mod place;
mod project;

pub(crate) use {fuse::stacks, lower::lower};

use crate::{error::Result, op::Graph};

/// A graph whose tensors all have a place.
pub(crate) struct Plan {
    /// The graph.
    pub(crate) graph: Graph,
    /// Length of each slot, in f32 values.
    pub(crate) slots: Vec<usize>,
}

/// Fuses and places a recorded graph; for a GPU by which weights share a buffer.
///
/// # Errors
/// [`crate::Error::Internal`] if a node reads what nothing wrote.
pub(crate) fn plan(mut graph: Graph, stacks: Option<&[Vec<usize>]>) -> Result<Plan> {
    fuse::fuse(&mut graph, stacks)?;
    let slots = place::place(&mut graph)?;
    Ok(Plan { graph, slots })
}

/// Places without fusing: the reference of the rewrites.
pub(crate) fn plan_unfused(mut graph: Graph) -> Result<Plan> {
    let slots = place::place(&mut graph)?;
    Ok(Plan { graph, slots })
}
