//! Threads that multiply rows of weights beside this one: which rows are whose, and steps that wait for them. They share no memory,
//! so a product costs two messages; only products that take longer are shared.

use crate::{
    cpu::Memory,
    error::{Error, Result},
    format::source::Pending,
    model::Network,
    op::{Graph, Node, Place, Tensor, as_matmul},
    plan::plan,
};
use std::{collections::HashMap, rc::Rc};

/// Rows of a share are a multiple of so many, as many as the loops take together.
const BAND: usize = 16;

/// Threads under way, each with a [`crate::cpu::part::Part`]; what one is told it does in that order.
pub trait Helpers {
    /// How many.
    fn count(&self) -> usize;
    /// `Part::reserve` of one.
    fn reserve(&self, helper: usize, format: &str, rows: usize, width: usize);
    /// `Part::fill` of one.
    fn fill(&self, helper: usize, weight: usize, first: usize, bytes: &[u8]);
    /// `Part::multiply` of one; `x` is read before this returns. What went wrong there since the last time is said here.
    fn multiply(&self, helper: usize, weights: &[u32], x: &[f32]) -> Pending<'static, Vec<f32>>;
}

/// Where threads come from.
pub trait Threads: std::fmt::Debug {
    /// Weights that one product reads together have to have so many values to be worth sharing.
    fn worth(&self) -> usize;
    /// Begins them, for [`crate::cpu::part::Part::new`]; `None` where there can be none.
    fn begin(&self, exact: bool) -> Pending<'static, Option<Rc<dyn Helpers>>>;
}

/// How the rows of a weight are shared.
#[derive(Clone, Copy)]
struct Share {
    /// Its number among those that are.
    number: u32,
    /// Rows that this thread multiplies, the first ones.
    own: usize,
    /// Rows that each helper multiplies, but the last, which may have fewer.
    each: usize,
    rows: usize,
    /// Whether this thread needs the others, too.
    kept: bool,
}

impl Share {
    /// The rows of a helper.
    fn of(&self, helper: usize) -> std::ops::Range<usize> {
        let at = |n: usize| (self.own + n * self.each).min(self.rows);
        at(helper)..at(helper + 1)
    }
}

/// Helpers with their shares.
pub(super) struct Crew {
    helpers: Rc<dyn Helpers>,
    /// By number of the weight.
    shares: HashMap<usize, Share>,
}

/// The weight of a tensor.
fn weight(graph: &Graph, tensor: Tensor) -> Option<usize> {
    match graph.places[tensor.id] {
        Place::Weight(number, _) => Some(number),
        _ => None,
    }
}

/// The products from a node on that read the same rows, one behind the other.
fn together(nodes: &[Node]) -> Vec<[Tensor; 3]> {
    let mut all: Vec<[Tensor; 3]> = Vec::new();
    for of in nodes.iter().map_while(as_matmul) {
        if all.first().is_some_and(|first| first[1].id != of[1].id) {
            break;
        }
        all.push(of);
    }
    all
}

impl Crew {
    /// Begins threads, if a network has products that are worth it.
    pub(super) async fn begin(network: &Network, threads: &dyn Threads, exact: bool) -> Result<Option<Self>> {
        let mut graph = Graph::new(1, 1, false);
        (network.forward)(&mut graph, network.hyper.kind.head())?;
        let graph = plan(graph, None)?.graph;
        let (mut shared, mut others) = (Vec::new(), Vec::new());
        let mut nodes = &graph.nodes[..];
        while let Some((node, rest)) = nodes.split_first() {
            let all = together(nodes);
            let values: usize = all.iter().map(|[w, ..]| w.shape.count()).sum();
            if all.is_empty() || values < threads.worth() {
                others.extend(node.inputs.iter().filter_map(|t| weight(&graph, *t)));
                nodes = rest;
                continue;
            }
            shared.extend(all.iter().filter_map(|[w, ..]| weight(&graph, *w)));
            nodes = &nodes[all.len()..];
        }
        if shared.is_empty() {
            return Ok(None);
        }
        let Some(helpers) = threads.begin(exact).await? else {
            return Ok(None);
        };
        let mut shares = HashMap::new();
        for number in shared {
            let stored = network.weights[number].stored();
            let each = (stored.rows / (helpers.count() + 1)).next_multiple_of(BAND);
            let own = stored.rows.saturating_sub(each * helpers.count());
            let share = Share {
                number: u32::try_from(shares.len()).unwrap_or(u32::MAX),
                own,
                each,
                rows: stored.rows,
                kept: others.contains(&number),
            };
            if shares.contains_key(&number) {
                continue;
            }
            for helper in 0..helpers.count() {
                helpers.reserve(helper, stored.format.name, share.of(helper).len(), stored.width);
            }
            shares.insert(number, share);
        }
        Ok(Some(Self { helpers, shares }))
    }

    /// Of a weight's rows, how many this thread multiplies and how many it keeps.
    pub(super) fn own(&self, weight: usize, rows: usize) -> [usize; 2] {
        let share = self.shares.get(&weight);
        share.map_or([rows; 2], |s| [s.own, if s.kept { rows } else { s.own }])
    }

    /// Gives rows of a weight, `first ..`, to those that multiply them.
    pub(super) fn fill(&self, weight: usize, first: usize, row_bytes: usize, bytes: &[u8]) {
        let Some(share) = self.shares.get(&weight) else { return };
        let end = first + bytes.len() / row_bytes;
        for helper in 0..self.helpers.count() {
            let of = share.of(helper);
            let (from, to) = (of.start.max(first), of.end.min(end));
            if from < to {
                let bytes = &bytes[(from - first) * row_bytes..(to - first) * row_bytes];
                self.helpers.fill(helper, share.number as usize, from - of.start, bytes);
            }
        }
    }

    /// Waits until all have what they were given.
    pub(super) async fn ready(&self) -> Result<()> {
        for helper in 0..self.helpers.count() {
            self.helpers.multiply(helper, &[], &[]).await?;
        }
        Ok(())
    }

    /// An error if a graph needs rows of a weight that are not in this thread.
    pub(super) fn check(&self, graph: &Graph) -> Result<()> {
        let mut nodes = graph.nodes.iter().filter(|node| as_matmul(node).is_none());
        let away =
            |tensor: &Tensor| weight(graph, *tensor).is_some_and(|w| self.shares.get(&w).is_some_and(|s| !s.kept));
        match nodes.find(|node| node.inputs.iter().any(away)) {
            Some(node) => Err(Error::internal(format!(
                "{} reads rows that another thread has",
                node.op.name
            ))),
            None => Ok(()),
        }
    }

    /// The products from node `at` on that are shared and asked together.
    fn shared(&self, graph: &Graph, at: usize) -> Vec<([Tensor; 3], Share)> {
        let of = |of: [Tensor; 3]| Some((of, *self.shares.get(&weight(graph, of[0])?)?));
        together(&graph.nodes[at..]).into_iter().map_while(of).collect()
    }

    /// Runs a placed graph, as `Graph::run`.
    pub(super) async fn run(&self, graph: &Graph, memory: &mut Memory) -> Result<()> {
        let slot = |tensor: Tensor| match graph.places[tensor.id] {
            Place::Slot(slot) => Ok(slot),
            place => Err(Error::internal(format!("no slot but {place:?}"))),
        };
        let mut at = 0;
        while let Some(node) = graph.nodes.get(at) {
            let all = self.shared(graph, at);
            let Some(([_, x, _], _)) = all.first() else {
                graph.run_node(node, memory, false)?;
                at += 1;
                continue;
            };
            let tokens = x.shape.rows().min(memory.state.len);
            let weights: Vec<u32> = all.iter().map(|(_, share)| share.number).collect();
            let values = &memory.slots[slot(*x)?][..tokens * x.shape.width()];
            let ask = |helper| self.helpers.multiply(helper, &weights, values);
            let asked: Vec<_> = (0..self.helpers.count()).map(ask).collect();
            for node in &graph.nodes[at..at + all.len()] {
                graph.run_node(node, memory, false)?;
            }
            for (helper, answer) in asked.into_iter().enumerate() {
                let values = answer.await?;
                let mut values = &values[..];
                for ([_, _, y], share) in &all {
                    let (of, y) = (share.of(helper), &mut memory.slots[slot(*y)?]);
                    let (theirs, rest) = values
                        .split_at_checked(tokens * of.len())
                        .ok_or_else(|| Error::internal("another thread gave too few values"))?;
                    values = rest;
                    if of.is_empty() {
                        continue;
                    }
                    for (y, theirs) in y.chunks_exact_mut(share.rows).zip(theirs.chunks_exact(of.len())) {
                        y[of.clone()].copy_from_slice(theirs);
                    }
                }
            }
            at += all.len();
        }
        Ok(())
    }
}
