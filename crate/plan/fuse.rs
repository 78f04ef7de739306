//! Rewrites of neighbours into one operator. Each fused operator has the unfused pair as its reference.

use crate::{
    error::Result,
    op::{Graph, Residual, RmsNorm, add_rms_norm},
};

/// Applies every rewrite.
pub(super) fn fuse(graph: &mut Graph) -> Result<()> {
    add_then_norm(graph)
}

/// An `add` whose sum an `rms_norm` reads becomes one `add_rms_norm` that writes both.
fn add_then_norm(graph: &mut Graph) -> Result<()> {
    let mut at = 0;
    while at < graph.nodes.len() {
        let node = &graph.nodes[at];
        let sum = node.outputs[0];
        let reader = (node.op.name == "add")
            .then(|| {
                graph.nodes[at + 1..]
                    .iter()
                    .position(|n| n.op.name == "rms_norm" && n.inputs[1] == sum)
            })
            .flatten();
        if let Some(offset) = reader {
            let pair = [node.inputs[0], node.inputs[1]];
            let norm = graph.nodes.remove(at + 1 + offset);
            let out = Residual {
                sum,
                norm: norm.outputs[0],
            };
            add_rms_norm(graph, pair, norm.inputs[2], *norm.cfg::<RmsNorm>()?, Some(out))?;
            // The new node was recorded at the end; it belongs where the add was.
            graph.nodes.swap_remove(at);
        }
        at += 1;
    }
    Ok(())
}
