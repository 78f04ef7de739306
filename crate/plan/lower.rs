//! From placed nodes to dispatches.

use super::Plan;
use crate::{
    error::Result,
    gpu::Caps,
    op::{Dispatch, Forms, Lowering, Shard},
};

/// The dispatches of a step, in order. `forms` says which kernels are fastest, `shards` how each weight is cut.
///
/// # Errors
/// Of an operator that has no kernel for a shape or format.
pub(crate) fn lower(plan: &Plan, caps: &Caps, forms: &Forms, shards: &[Vec<Shard>]) -> Result<Vec<Dispatch>> {
    let mut out = Vec::new();
    for node in &plan.graph.nodes {
        (node.op.lower)(&mut Lowering {
            graph: &plan.graph,
            node,
            caps,
            forms,
            shards,
            out: &mut out,
        })?;
    }
    Ok(out)
}
