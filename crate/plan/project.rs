//! Products of few tokens become one `project` each with what stands around them: the norm of their row, the sum with the
//! residual stream, a gate, rotations and the write of the cache.

use crate::{
    error::{Error, Result},
    op::{
        Blend, End, Graph, Node, Norm, Parts, Place, Project, Tensor, Turn, as_matmul, gates, is_residual, parts,
        project, turns,
    },
};

/// Weights that one kernel would read as one, if they shared a buffer. The ropes of the graph are fused already.
pub(super) fn stacks(graph: &Graph) -> Vec<Vec<usize>> {
    (0..graph.nodes.len())
        .filter_map(|at| numbers(graph, &group(graph, at)?.weights))
        .collect()
}

/// Applies the rewrites; `stacks` are the weights that do share a buffer.
pub(super) fn products(graph: &mut Graph, stacks: &[Vec<usize>]) -> Result<()> {
    let mut at = 0;
    while at < graph.nodes.len() {
        let stacked = |g: &Group| numbers(graph, &g.weights).is_some_and(|n| stacks.contains(&n));
        let found = group(graph, at).filter(stacked).or_else(|| sum(graph, at));
        if let Some(found) = found {
            at = found.replace(graph, at);
        }
        at += 1;
    }
    norms(graph)
}

/// Products, the nodes that make them, and what the node that reads them does.
struct Group {
    made: Vec<usize>,
    x: Tensor,
    weights: Vec<Tensor>,
    residual: Option<Tensor>,
    end: End,
}

impl Group {
    /// Puts a `project` in the place of node `at` and takes the products away; where it then is.
    fn replace(mut self, graph: &mut Graph, at: usize) -> usize {
        let y = graph.nodes[at].outputs[0];
        let parts = Parts {
            x: self.x,
            gain: None,
            residual: self.residual,
            weights: self.weights,
        };
        let cfg = Project {
            norm: None,
            end: self.end,
        };
        project(graph, &parts, cfg, y);
        // It was recorded at the end; it belongs where its reader was.
        graph.nodes.swap_remove(at);
        self.made.sort_unstable_by(|a, b| b.cmp(a));
        self.made.iter().for_each(|made| drop(graph.nodes.remove(*made)));
        at - self.made.len()
    }
}

fn numbers(graph: &Graph, weights: &[Tensor]) -> Option<Vec<usize>> {
    let number = |w: &Tensor| match graph.places[w.id] {
        Place::Weight(number, _) => Some(number),
        _ => None,
    };
    weights.iter().map(number).collect()
}

/// How often a tensor is read, by nodes or from outside.
fn readers(graph: &Graph, tensor: Tensor) -> usize {
    let inputs = graph.nodes.iter().flat_map(|n| &n.inputs);
    inputs.chain(&graph.outputs).filter(|t| **t == tensor).count()
}

/// The products that `reads` are, if all are of one row and nothing else reads them.
fn made_by(graph: &Graph, reads: &[Tensor], end: End) -> Option<Group> {
    let mut made = Vec::new();
    let (mut weights, mut row) = (Vec::new(), None);
    for read in reads {
        let at = graph.nodes.iter().position(|n| n.outputs.contains(read))?;
        let [w, x, _] = as_matmul(&graph.nodes[at])?;
        if row.is_some_and(|row| row != x) || readers(graph, *read) != 1 {
            return None;
        }
        row = Some(x);
        made.push(at);
        weights.push(w);
    }
    Some(Group {
        made,
        x: row?,
        weights,
        residual: None,
        end,
    })
}

/// The products that a gate or a `turn` reads.
fn group(graph: &Graph, at: usize) -> Option<Group> {
    let node = &graph.nodes[at];
    if let Ok(turn) = node.cfg::<Turn>() {
        let fits = turns(turn, node.inputs[2]);
        return made_by(graph, &node.inputs[2..], End::Turn(*turn)).filter(|_| fits);
    }
    made_by(graph, &node.inputs, End::Gate(gates(node)?))
}

/// The product that is added to the residual stream.
fn sum(graph: &Graph, at: usize) -> Option<Group> {
    let node = &graph.nodes[at];
    let blend = node.cfg::<Blend>().ok()?;
    if !is_residual(&node.inputs, *blend) {
        return None;
    }
    let mut group = made_by(graph, &node.inputs[1..], End::Add(blend.of_b))?;
    group.residual = Some(node.inputs[0]);
    Some(group)
}

/// What a node is as a `project`, if it is one or a product.
fn taker(node: &Node) -> Option<(Parts, Project)> {
    let plain = |[w, x, _]: [Tensor; 3]| {
        let parts = Parts {
            x,
            gain: None,
            residual: None,
            weights: vec![w],
        };
        (
            parts,
            Project {
                norm: None,
                end: End::Rows,
            },
        )
    };
    parts(node).or_else(|| as_matmul(node).map(plain))
}

/// What reads a norm of whole rows, with a gain and no bias, if all of it can normalise them itself: those whose row it is.
fn takers(graph: &Graph, at: usize) -> Option<Vec<usize>> {
    let (node, cfg) = (&graph.nodes[at], graph.nodes[at].cfg::<Norm>().ok()?);
    let y = node.outputs[0];
    let found: Vec<usize> = (at..graph.nodes.len())
        .filter(|i| graph.nodes[*i].inputs.contains(&y))
        .collect();
    let takes = |at: &usize| {
        taker(&graph.nodes[*at])
            .is_some_and(|(parts, cfg)| parts.x == y && cfg.norm.is_none() && parts.residual != Some(y))
    };
    let plain = node.op.name == "norm" && node.inputs.len() == 3 && cfg.heads == 1 && !cfg.centred;
    (plain && !found.is_empty() && found.iter().all(takes) && !graph.outputs.contains(&y)).then_some(found)
}

/// Norms go into the products of their rows.
fn norms(graph: &mut Graph) -> Result<()> {
    let mut at = 0;
    while at < graph.nodes.len() {
        let Some(found) = takers(graph, at) else {
            at += 1;
            continue;
        };
        let node = graph.nodes.remove(at);
        let norm = Some(*node.cfg::<Norm>()?);
        for number in found.into_iter().map(|i| i - 1) {
            let old = &graph.nodes[number];
            let (mut parts, cfg) = taker(old).ok_or_else(|| Error::internal("no product reads a norm"))?;
            (parts.x, parts.gain) = (node.inputs[1], Some(node.inputs[2]));
            let y = old.outputs[0];
            project(graph, &parts, Project { norm, ..cfg }, y);
            graph.nodes.swap_remove(number);
        }
    }
    Ok(())
}
