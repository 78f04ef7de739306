//! Products of few tokens become one `project` each with what stands around them: the norm of their row, the sum with the
//! residual stream, a gate, rotations and the write of the cache.

use crate::{
    error::{Error, Result},
    op::{
        Blend, End, Graph, Node, Norm, Parts, Place, Project, SUM, Tensor, Turn, TurnHeads, as_matmul, gates,
        is_residual, parts, project, turn_heads, turns,
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
    /// What becomes of heads behind the products, with gains or biases.
    heads: Option<(TurnHeads, Vec<Tensor>)>,
}

impl Group {
    /// Puts a `project` in the place of node `at` and takes the products away; where it then is, or what reads it.
    fn replace(mut self, graph: &mut Graph, at: usize) -> usize {
        let mut outputs = graph.nodes[at].outputs.clone();
        let heads = self.heads.take().map(|(cfg, beside)| {
            let rows = self.weights.iter().map(|w| w.shape.rows()).sum::<usize>();
            let x = graph.alloc([self.x.shape.rows(), rows]);
            turn_heads(graph, x, &beside, cfg, &outputs);
            outputs = vec![x];
            graph.nodes.pop()
        });
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
        project(graph, &parts, cfg, &outputs);
        // It was recorded at the end; it belongs where its reader was, or before it.
        graph.nodes.swap_remove(at);
        let here = at + usize::from(heads.is_some());
        graph.nodes.splice(here..here, heads.flatten());
        self.made.sort_unstable_by(|a, b| b.cmp(a));
        self.made.iter().for_each(|made| drop(graph.nodes.remove(*made)));
        here - self.made.len()
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
        heads: None,
    })
}

/// The node that makes a tensor which nothing else reads.
pub(super) fn maker(graph: &Graph, tensor: Tensor) -> Option<usize> {
    let at = graph.nodes.iter().position(|n| n.outputs.contains(&tensor))?;
    (readers(graph, tensor) == 1).then_some(at)
}

/// Products that a `turn` reads by way of norms of their heads, or of biases.
fn by_heads(graph: &Graph, at: usize, turn: Turn) -> Option<Group> {
    let reads = &graph.nodes[at].inputs[2..];
    let head_dim = reads[0].shape.width() / turn.queries.heads;
    let (mut between, mut products, mut beside, mut norms) = (vec![], vec![], vec![], vec![]);
    for (read, heads) in reads.iter().zip([turn.queries.heads, turn.keys.heads, 0]) {
        let made = maker(graph, *read)?;
        let node = &graph.nodes[made];
        if as_matmul(node).is_some() {
            products.push(*read);
            continue;
        }
        let (product, other) = match (node.cfg::<Norm>(), node.cfg::<Blend>(), &node.inputs[..]) {
            (Ok(norm), _, [_, x, gain]) if node.op.name == "norm" && norm.heads == heads && !norm.centred => {
                norms.push(Norm { heads: 1, ..*norm });
                (*x, (*gain, head_dim))
            }
            (_, Ok(blend), [x, bias]) if *blend == SUM && matches!(graph.places[bias.id], Place::Weight(..)) => {
                (*x, (*bias, x.shape.width()))
            }
            _ => return None,
        };
        if other.0.shape.count() != other.1 {
            return None;
        }
        between.push(made);
        products.push(product);
        beside.push(other.0);
    }
    let norm = match (&norms[..], beside.len()) {
        ([q, k], 2) if q == k => Some(*q),
        ([], 3) => None,
        _ => return None,
    };
    let mut group = made_by(graph, &products, End::Rows)?;
    group.made.extend(between);
    group.heads = Some((TurnHeads { turn, norm }, beside));
    Some(group)
}

/// The products that a gate or a `turn` reads.
fn group(graph: &Graph, at: usize) -> Option<Group> {
    let node = &graph.nodes[at];
    if let Ok(turn) = node.cfg::<Turn>() {
        let plain = || made_by(graph, &node.inputs[2..], End::Turn(*turn));
        return turns(turn, node.inputs[2])
            .then(|| plain().or_else(|| by_heads(graph, at, *turn)))
            .flatten();
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
            let outputs = old.outputs.clone();
            project(graph, &parts, Project { norm, ..cfg }, &outputs);
            graph.nodes.swap_remove(number);
        }
    }
    Ok(())
}
