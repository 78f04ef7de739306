//! From placed nodes to dispatches.

use super::Plan;
use crate::{
    error::Result,
    gpu::Caps,
    op::{Dispatch, Lowering, Shard},
};

/// The dispatches of a step, in order. `shards` says how each weight is cut.
///
/// # Errors
/// Of an operator that has no kernel for a shape or format.
pub(crate) fn lower(plan: &Plan, caps: &Caps, shards: &[Vec<Shard>]) -> Result<Vec<Dispatch>> {
    let mut out = Vec::new();
    for node in &plan.graph.nodes {
        (node.op.lower)(&mut Lowering {
            graph: &plan.graph,
            node,
            caps,
            shards,
            out: &mut out,
        })?;
    }
    Ok(out)
}
