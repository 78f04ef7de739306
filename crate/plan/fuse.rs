//! Rewrites of neighbours into one operator. Each fused operator has the unfused pair as its reference.

use crate::{
    error::Result,
    op::{AddNorm, Affine, Blend, Graph, Node, Norm, Residual, add_norm, is_residual},
};

/// Applies every rewrite.
pub(super) fn fuse(graph: &mut Graph) -> Result<()> {
    add_then_norm(graph)
}

/// Whether `norm` is one of whole rows, with a gain, that reads `sum`.
fn reads(norm: &Node, sum: crate::op::Tensor) -> bool {
    let whole = |n: &Node| n.cfg::<Norm>().is_ok_and(|cfg| cfg.heads == 1);
    norm.op.name == "norm" && norm.inputs[1] == sum && norm.inputs.len() > 2 && whole(norm)
}

/// An `add` whose sum a `norm` reads becomes one `add_norm` that writes both.
fn add_then_norm(graph: &mut Graph) -> Result<()> {
    let mut at = 0;
    while at < graph.nodes.len() {
        let node = &graph.nodes[at];
        let sum = node.outputs[0];
        let scale = match node.cfg::<Blend>() {
            Ok(blend) if is_residual(&node.inputs, *blend) => Some(blend.of_b),
            _ => None,
        };
        let reader = || graph.nodes[at + 1..].iter().position(|n| reads(n, sum));
        if let Some((scale, offset)) = scale.and_then(|scale| Some((scale, reader()?))) {
            let pair = [node.inputs[0], node.inputs[1]];
            let norm = graph.nodes.remove(at + 1 + offset);
            let out = Residual {
                sum,
                norm: norm.outputs[0],
            };
            let affine = Affine {
                gain: norm.inputs.get(2).copied(),
                bias: norm.inputs.get(3).copied(),
            };
            let cfg = AddNorm {
                scale,
                norm: *norm.cfg::<Norm>()?,
            };
            add_norm(graph, pair, affine, cfg, Some(out))?;
            // The new node was recorded at the end; it belongs where the add was.
            graph.nodes.swap_remove(at);
        }
        at += 1;
    }
    Ok(())
}
