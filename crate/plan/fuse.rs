//! Rewrites of neighbours into one operator. Each fused operator has the unfused pair as its reference.

use super::project;
use crate::{
    error::Result,
    op::{
        AddNorm, Affine, Attention, Blend, Graph, KvWrite, Node, Norm, NormAdd, Residual, Rope, Tensor, Turn, add_norm,
        cache_of, is_residual, norm_add, takes, turn,
    },
};

/// Applies every rewrite; for a GPU, where `stacks` are the weights that share a buffer, those that only kernels have.
pub(super) fn fuse(graph: &mut Graph, stacks: Option<&[Vec<usize>]>) -> Result<()> {
    ropes_and_write(graph)?;
    if let Some(stacks) = stacks.filter(|_| takes(graph.bucket)) {
        project::products(graph, stacks)?;
    }
    add_then_norm(graph)?;
    norm_then_add(graph);
    Ok(())
}

/// Weights of a step that few tokens take, which a GPU should have in one buffer: each group is read by one kernel then.
///
/// # Errors
/// As [`fuse`].
pub(crate) fn stacks(mut graph: Graph) -> Result<Vec<Vec<usize>>> {
    ropes_and_write(&mut graph)?;
    Ok(project::stacks(&graph))
}

/// Whether `norm` is one of whole rows, with a gain, that reads `sum`.
fn reads(norm: &Node, sum: Tensor) -> bool {
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

/// A `norm` that nothing but an `add` to the residual stream reads becomes one `norm_add`.
fn norm_then_add(graph: &mut Graph) {
    let mut at = 0;
    while at < graph.nodes.len() {
        if let Some((made, parts, cfg)) = norm_of(graph, at) {
            let y = graph.nodes[at].outputs[0];
            norm_add(graph, parts, cfg, y);
            graph.nodes.swap_remove(at);
            graph.nodes.remove(made);
            at -= 1;
        }
        at += 1;
    }
}

/// The norm that the node at `at` adds, and what takes the place of both.
fn norm_of(graph: &Graph, at: usize) -> Option<(usize, [Tensor; 3], NormAdd)> {
    let node = &graph.nodes[at];
    let blend = node.cfg::<Blend>().ok()?;
    if !is_residual(&node.inputs, *blend) {
        return None;
    }
    let (a, b) = (node.inputs[0], node.inputs[1]);
    let made = project::maker(graph, b)?;
    let norm = &graph.nodes[made];
    let cfg = *norm.cfg::<Norm>().ok()?;
    let [_, x, gain] = norm.inputs[..] else { return None };
    let whole = norm.op.name == "norm" && cfg.heads == 1 && !cfg.centred && gain.shape.count() == x.shape.width();
    let of = NormAdd {
        scale: blend.of_b,
        norm: cfg,
    };
    (whole && a != b).then_some((made, [a, x, gain], of))
}

/// The `rope` that makes a tensor which no node before `until` reads, and how it is configured.
fn turned(graph: &Graph, tensor: Tensor, until: usize) -> Option<(usize, Rope)> {
    let at = graph.nodes[..until].iter().position(|n| n.outputs.contains(&tensor))?;
    let read = graph.nodes[at..until].iter().any(|n| n.inputs.contains(&tensor));
    let rope = graph.nodes[at].op.name == "rope" && !read;
    rope.then(|| Some((at, *graph.nodes[at].cfg::<Rope>().ok()?)))?
}

/// Queries and keys that are turned by one table, and these keys and their values that are written, become one `turn`.
fn ropes_and_write(graph: &mut Graph) -> Result<()> {
    let mut at = 0;
    while at < graph.nodes.len() {
        if let Some((node, [first, second])) = turn_of(graph, at)? {
            graph.nodes[at] = node;
            graph.nodes.remove(first.max(second));
            graph.nodes.remove(first.min(second));
            at -= 2;
        }
        at += 1;
    }
    Ok(())
}

/// What takes the place of the `kv_write` at `at`, and the two nodes that then go.
fn turn_of(graph: &mut Graph, at: usize) -> Result<Option<(Node, [usize; 2])>> {
    let node = &graph.nodes[at];
    let (Ok(write), [_, k, v], [kv]) = (node.cfg::<KvWrite>().copied(), &node.inputs[..], &node.outputs[..]) else {
        return Ok(None);
    };
    let (k, v, kv) = (*k, *v, *kv);
    let later = &graph.nodes[at + 1..];
    let cache = cache_of(graph, at);
    let reader = later
        .iter()
        .find(|n| n.cfg::<Attention>().is_ok() && cache.is_some_and(|kv| n.inputs.contains(&kv)));
    let Some(q) = reader.map(|n| n.inputs[1]) else {
        return Ok(None);
    };
    let (Some((first, queries)), Some((second, keys))) = (turned(graph, q, at), turned(graph, k, at)) else {
        return Ok(None);
    };
    let cfg = Turn { queries, keys, write };
    let read = later.iter().any(|n| n.inputs.contains(&k)) || graph.outputs.contains(&k);
    let alone = !read && k != v;
    if first == second || !alone || !cfg.fits(q.shape, k.shape) {
        return Ok(None);
    }
    let parts = [graph.nodes[first].inputs[2], graph.nodes[second].inputs[2], v];
    turn(graph, parts, cfg, [q, kv])?;
    Ok(graph.nodes.pop().map(|node| (node, [first, second])))
}
