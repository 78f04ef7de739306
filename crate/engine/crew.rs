//! Threads that multiply rows of weights beside this one: which rows are whose, and steps that wait for them. They share no memory,
//! so a product costs two messages; only products that take longer are shared. Whether those of a single token do is measured:
//! this thread keeps all rows of a model that is not too large, and can do without the others.

use crate::{
    cpu::Memory,
    error::{Error, Result},
    format::source::Pending,
    model::Network,
    op::{Graph, Node, Place, Tensor, as_matmul},
    plan::plan,
    tensor::Kv,
};
use std::{cell::Cell, ops::Range, rc::Rc};

/// Bytes of weights of which the first thread keeps all rows.
pub(super) const KEPT: u64 = 1 << 30;
/// Steps of one token that are timed each way, and after how many it is asked anew.
const TIMED: usize = 6;
const LASTS: usize = 600;
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
    /// A product of so many terms is worth sharing.
    fn worth(&self) -> u64;
    /// A model whose matrices have so many values is.
    fn least(&self) -> u64;
    /// Bytes of weights up to which this thread keeps all rows: the others have most of them a second time.
    fn kept(&self) -> u64 {
        KEPT
    }
    /// Begins them, for [`crate::cpu::part::Part::new`]; `None` where there can be none.
    fn begin(&self, exact: bool) -> Pending<'static, Option<Rc<dyn Helpers>>>;
}

/// How the rows of a weight are shared.
#[derive(Clone, Copy)]
struct Share {
    /// The weight.
    weight: usize,
    /// Whether this thread needs all rows.
    kept: bool,
    rows: usize,
    /// Rows that this thread multiplies, the first ones.
    own: usize,
    /// Rows that each helper multiplies; the last ones may have fewer.
    each: usize,
}

impl Share {
    /// The rows of a helper.
    fn of(&self, helper: usize) -> Range<usize> {
        let at = |n: usize| (self.own + n * self.each).min(self.rows);
        at(helper)..at(helper + 1)
    }
}

/// Helpers with their shares, numbered alike there and here.
pub(super) struct Crew {
    helpers: Rc<dyn Helpers>,
    shares: Vec<Share>,
    worth: u64,
    /// Whether one of them failed, so that none is asked any more.
    broken: Cell<bool>,
    /// Milliseconds that a step of one token took at best, without others and with them.
    best: [f64; 2],
    /// Such steps since the first that was timed.
    timed: usize,
}

/// The weight of a tensor.
fn weight(graph: &Graph, tensor: Tensor) -> Option<usize> {
    match graph.places[tensor.id] {
        Place::Weight(number, _) => Some(number),
        _ => None,
    }
}

/// How many products from a node on read the same rows, one behind the other.
fn together(nodes: &[Node]) -> usize {
    let x = |node: &Node| as_matmul(node).map(|[_, x, _]| x.id);
    let first = nodes.first().and_then(x);
    nodes
        .iter()
        .take_while(|node| first.is_some() && x(node) == first)
        .count()
}

/// The weights of a network that are multiplied with the rows of a step.
fn multiplied(network: &Network, threads: &dyn Threads) -> Result<Vec<Share>> {
    let mut graph = Graph::new(1, 1, Kv::F32);
    (network.forward)(&mut graph, network.hyper.kind.head())?;
    let graph = plan(graph, None)?.graph;
    let all = network.weights.iter().map(|w| w.bytes()).sum::<u64>();
    let (mut shares, mut others, mut at, mut total) = (Vec::<Share>::new(), Vec::new(), 0, 0);
    while at < graph.nodes.len() {
        let count = together(&graph.nodes[at..]);
        let nodes = &graph.nodes[at..at + count.max(1)];
        at += nodes.len();
        let weights = nodes.iter().flat_map(|node| &node.inputs);
        let weights: Vec<(usize, u64)> = weights
            .filter_map(|t| Some((weight(&graph, *t)?, t.shape.count() as u64)))
            .collect();
        let values = weights.iter().map(|(_, values)| values).sum::<u64>();
        for (weight, _) in weights {
            if count == 0 {
                others.push(weight);
            } else if shares.iter().all(|share| share.weight != weight) {
                shares.push(Share {
                    weight,
                    kept: all <= threads.kept() || values < threads.worth(),
                    rows: network.weights[weight].stored().rows,
                    own: 0,
                    each: 0,
                });
            }
        }
        total += if count > 0 { values } else { 0 };
    }
    if total < threads.least() {
        shares.clear();
    }
    for share in &mut shares {
        share.kept |= others.contains(&share.weight);
    }
    Ok(shares)
}

/// What was asked: of which products, the nodes `at..next`.
struct Asked {
    at: usize,
    next: usize,
    answers: Vec<Pending<'static, Vec<f32>>>,
}

impl Crew {
    /// Begins threads, if a network has products that are worth it.
    pub(super) async fn begin(network: &Network, threads: &dyn Threads, exact: bool) -> Result<Option<Self>> {
        let shares = multiplied(network, threads)?;
        if shares.is_empty() {
            return Ok(None);
        }
        Ok(threads
            .begin(exact)
            .await?
            .map(|helpers| Self::with(helpers, shares, threads.worth(), network)))
    }

    fn with(helpers: Rc<dyn Helpers>, mut shares: Vec<Share>, worth: u64, network: &Network) -> Self {
        let count = helpers.count();
        for share in &mut shares {
            let stored = network.weights[share.weight].stored();
            share.each = (share.rows / (count + 1)).next_multiple_of(BAND);
            share.own = share.rows.saturating_sub(share.each * count);
            for helper in 0..count {
                helpers.reserve(helper, stored.format.name, share.of(helper).len(), stored.width);
            }
        }
        Self {
            helpers,
            shares,
            worth,
            broken: Cell::new(false),
            best: [f64::INFINITY; 2],
            timed: 0,
        }
    }

    /// How many there are.
    pub(super) fn helpers(&self) -> usize {
        self.helpers.count()
    }

    /// The share of a weight, with its number.
    fn share(&self, weight: usize) -> Option<(usize, &Share)> {
        self.shares.iter().enumerate().find(|(_, share)| share.weight == weight)
    }

    /// Whether a step of one token, of which all could be done here, asks others.
    fn alone_is_slower(&self) -> bool {
        if self.timed < 2 * TIMED {
            self.timed % 2 == 1
        } else {
            self.best[1] < self.best[0]
        }
    }

    /// What a step of one token took.
    pub(super) fn took(&mut self, ms: f64) {
        let way = usize::from(self.alone_is_slower());
        self.best[way] = self.best[way].min(ms);
        self.timed += 1;
        if self.timed > LASTS {
            (self.timed, self.best) = (0, [f64::INFINITY; 2]);
        }
    }

    /// Of a weight's rows, how many this thread multiplies and how many it keeps.
    pub(super) fn own(&self, weight: usize, rows: usize) -> [usize; 2] {
        let share = self.share(weight);
        share.map_or([rows; 2], |(_, s)| [s.own, if s.kept { rows } else { s.own }])
    }

    /// Gives rows of a weight, `first ..`, to those that multiply them.
    pub(super) fn fill(&self, weight: usize, first: usize, row_bytes: usize, bytes: &[u8]) {
        let Some((number, share)) = self.share(weight) else {
            return;
        };
        let end = first + bytes.len() / row_bytes;
        for helper in 0..self.helpers() {
            let of = share.of(helper);
            let (from, to) = (of.start.max(first), of.end.min(end));
            if from < to {
                let bytes = &bytes[(from - first) * row_bytes..(to - first) * row_bytes];
                self.helpers.fill(helper, number, from - of.start, bytes);
            }
        }
    }

    /// Waits until all have what they were given; whether they can be asked. An error where nobody else has their rows.
    pub(super) async fn ready(&self) -> Result<bool> {
        for helper in 0..self.helpers() {
            match self.helpers.multiply(helper, &[], &[]).await {
                Err(_) if self.whole() => return Ok(false),
                answer => answer?,
            };
        }
        Ok(true)
    }

    /// Whether this thread has all rows.
    fn whole(&self) -> bool {
        self.shares.iter().all(|share| share.kept)
    }

    /// An error if a graph needs rows of a weight that are not in this thread.
    pub(super) fn check(&self, graph: &Graph) -> Result<()> {
        let away = |t: &Tensor| weight(graph, *t).is_some_and(|w| self.share(w).is_some_and(|(_, s)| !s.kept));
        let mut nodes = graph.nodes.iter();
        match nodes.find(|node| as_matmul(node).is_none() && node.inputs.iter().any(away)) {
            Some(node) => Err(Error::internal(format!(
                "{} reads rows of another thread",
                node.op.name
            ))),
            None => Ok(()),
        }
    }

    /// Runs a placed graph, as `Graph::run`.
    pub(super) async fn run(&self, graph: &Graph, memory: &mut Memory) -> Result<()> {
        let mut at = 0;
        while let Some(asked) = self.ask(graph, memory, at)? {
            at = asked.next;
            let nodes = &graph.nodes[asked.at..at];
            for (helper, answer) in asked.answers.into_iter().enumerate() {
                match answer.await {
                    Ok(values) => self.place(graph, nodes, memory, helper, &values)?,
                    Err(_) if self.whole() => {
                        // What it should have done is done here, and all the rest.
                        self.broken.set(true);
                        memory.shared = false;
                        nodes.iter().try_for_each(|node| graph.run_node(node, memory, false))?;
                        break;
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    /// Runs nodes from `at` on, up to the next products that others have a part of, and what of those is this thread's.
    fn ask(&self, graph: &Graph, memory: &mut Memory, mut at: usize) -> Result<Option<Asked>> {
        while at < graph.nodes.len() {
            let nodes = &graph.nodes[at..at + together(&graph.nodes[at..])];
            let shares: Vec<(usize, &Share)> = nodes
                .iter()
                .map_while(|node| self.share(weight(graph, node.inputs[1])?))
                .collect();
            let next = at + shares.len().max(1);
            let mut answers = Vec::new();
            if let (false, Some([_, x, _])) = (shares.is_empty(), as_matmul(&graph.nodes[at])) {
                let (tokens, width) = (x.shape.rows().min(memory.state.len), x.shape.width());
                let rows = shares.iter().map(|(_, s)| s.rows as u64).sum::<u64>();
                let terms = rows * width as u64 * tokens as u64;
                let asks = terms >= self.worth && (memory.state.len > 1 || self.alone_is_slower());
                let needed = shares.iter().any(|(_, share)| !share.kept);
                if needed || asks && !self.broken.get() {
                    let values = &memory.slots[slot(graph, x)?][..tokens * width];
                    let numbers: Vec<u32> = shares.iter().map(|(n, _)| u32::try_from(*n).unwrap_or(0)).collect();
                    answers.extend((0..self.helpers()).map(|helper| self.helpers.multiply(helper, &numbers, values)));
                }
            }
            memory.shared = !answers.is_empty();
            for node in &graph.nodes[at..next] {
                graph.run_node(node, memory, false)?;
            }
            if !answers.is_empty() {
                return Ok(Some(Asked { at, next, answers }));
            }
            at = next;
        }
        Ok(None)
    }

    /// Puts what a helper multiplied where it belongs.
    fn place(
        &self,
        graph: &Graph,
        nodes: &[Node],
        memory: &mut Memory,
        helper: usize,
        mut values: &[f32],
    ) -> Result<()> {
        for node in nodes {
            let tokens = node.inputs[2].shape.rows().min(memory.state.len);
            let y = &mut memory.slots[slot(graph, node.outputs[0])?];
            let Some((_, share)) = weight(graph, node.inputs[1]).and_then(|w| self.share(w)) else {
                continue;
            };
            let of = share.of(helper);
            for y in y.chunks_exact_mut(share.rows).take(tokens) {
                let (theirs, rest) = values
                    .split_at_checked(of.len())
                    .ok_or_else(|| Error::internal("another thread gave too few values"))?;
                y[of.clone()].copy_from_slice(theirs);
                values = rest;
            }
        }
        Ok(())
    }
}

fn slot(graph: &Graph, tensor: Tensor) -> Result<usize> {
    match graph.places[tensor.id] {
        Place::Slot(slot) => Ok(slot),
        place => Err(Error::internal(format!("no slot but {place:?}"))),
    }
}
