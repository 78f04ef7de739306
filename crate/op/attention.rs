//! Attention of grouped query heads over the cache, with a running maximum and sum (Dao et al., 2022).

use super::{Fixed, Graph, Lowering, Op, Run, Tensor, VECTOR_TOKENS, lowering::u32_of, norm::narrow, route::index};
use crate::{
    cpu::{
        State,
        attend::Packed,
        cache::Cache,
        exp::{top, weigh},
        grow, simd,
    },
    error::{Error, Result},
    shader::{attention as kernel, merge},
    tensor::{Kv, block},
};
use std::ops::Range;

pub(crate) static OP: Op = Op {
    name: "attention",
    twin,
    fast: Some(fast),
    lower,
};

/// The widest head: its query, output and weights must fit 16 KiB of workgroup memory.
const WIDEST: usize = 1024;

/// The keys that a token sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sees {
    /// Its own and those before it.
    Before,
    /// Those behind it in this step too.
    Step,
    /// All that an encoder wrote.
    Encoded,
}

/// Biases of scores by head and distance (T5; Raffel et al., 2019): near keys have a bucket each, farther ones share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Buckets {
    /// How many there are; where keys behind are seen, half of them are for those.
    pub(crate) count: usize,
    /// The distance from which on all are in the last one.
    pub(crate) most: usize,
}

impl Buckets {
    /// The bucket of a key `distance` before its query, and whether keys behind have their own.
    #[allow(clippy::cast_precision_loss, reason = "distances are below 2^24")]
    fn of(self, distance: isize, halves: bool) -> usize {
        let count = if halves { self.count / 2 } else { self.count };
        let (first, exact, n) = (if distance < 0 { count } else { 0 }, count / 2, distance.unsigned_abs());
        if n < exact {
            return first + n;
        }
        let [n, near, most, rest] = [n, exact, self.most, count - exact].map(|n| n as f32);
        // A little more, so that rounding does not take away from what is whole.
        let over = (n / near).ln() / (most / near).ln() * rest + 1e-4;
        first + exact + index(over.min(rest - 1.0))
    }
}

/// Configuration of [`attention`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Attention {
    /// Query heads.
    pub(crate) heads: usize,
    /// Key-value heads, a divisor of `heads`.
    pub(crate) kv_heads: usize,
    /// Whose cache.
    pub(crate) layer: usize,
    pub(crate) sees: Sees,
    /// Multiplies the scores: `1 / sqrt(Dh)` in most families.
    pub(crate) scale: f32,
    /// Keys seen at most, the token's own included; 0 for all.
    pub(crate) window: usize,
    /// Above 0: scores become `cap * tanh(score / cap)`.
    pub(crate) cap: f32,
    /// Above 0: a key counts less by its distance (ALiBi; Press et al., 2021), by so many times the slopes.
    pub(crate) alibi: f32,
    pub(crate) buckets: Option<Buckets>,
}

impl Attention {
    /// The largest power of two up to the number of heads.
    fn power(&self) -> usize {
        1 << self.heads.max(1).ilog2()
    }

    /// What a key loses for each position of distance, by head.
    #[allow(clippy::cast_precision_loss, reason = "heads are few")]
    fn slope(&self, head: usize) -> f64 {
        let power = self.power();
        let exponent = if head < power {
            8.0 * (head + 1) as f64 / power as f64
        } else {
            4.0 * (2 * (head - power) + 1) as f64 / power as f64
        };
        f64::from(self.alibi) * (-exponent).exp2()
    }

    /// A scaled score after the cap and what the distance adds or takes away.
    fn score(&self, seen: &Seen<'_>, mut score: f64, key: usize) -> f64 {
        let cap = f64::from(self.cap);
        if cap > 0.0 {
            score = cap * (score / cap).tanh();
        }
        let distance = seen.own.wrapping_sub(key).cast_signed();
        if let Some(buckets) = self.buckets {
            let bucket = buckets.of(distance, self.sees == Sees::Step);
            score += f64::from(seen.of_heads[bucket * self.heads + seen.head]);
        }
        #[allow(clippy::cast_precision_loss, reason = "positions are below 2^53")]
        let distance = distance.unsigned_abs() as f64;
        score - self.slope(seen.head) * distance
    }
}

/// `y: [T, H * Dh]` from `q: [T, H * Dh]` and the cache, into which this step's keys and values were written. `of_heads`
/// are the biases of buckets, `[count * H]`, or without them sinks, `[H]`: scores of a key that has no value (gpt-oss).
pub(crate) fn attention(g: &mut Graph, q: Tensor, of_heads: Option<Tensor>, cfg: Attention) -> Result<Tensor> {
    let [_, width] = q.shape.dims2(OP.name)?;
    let divides = cfg.kv_heads > 0 && cfg.heads.is_multiple_of(cfg.kv_heads) && width.is_multiple_of(4 * cfg.heads);
    if !divides || width / cfg.heads > WIDEST {
        let expected = format!("{} heads of a multiple of 4, at most {WIDEST}", cfg.heads);
        return Err(Error::shape(OP.name, "q", expected, q.shape));
    }
    let biases = cfg.buckets.map(|b| b.count * cfg.heads);
    if biases.is_some() && biases != of_heads.map(|w| w.shape.count()) {
        let found = of_heads.map(|w| w.shape);
        return Err(Error::shape(
            OP.name,
            "biases",
            format!("{biases:?} values"),
            format!("{found:?}"),
        ));
    }
    let y = g.alloc(q.shape);
    let (state, kv) = (g.fixed(Fixed::State), g.fixed(Fixed::Kv(cfg.layer)));
    // What workgroups that share the keys find.
    let parts = parts(g, q, &cfg).map(|parts| g.alloc([cfg.heads * parts, width / cfg.heads + 2]));
    let outputs: Vec<_> = [Some(y), parts].into_iter().flatten().collect();
    let inputs = [Some(state), Some(q), Some(kv), of_heads];
    g.push(&OP, cfg, &inputs.into_iter().flatten().collect::<Vec<_>>(), &outputs);
    Ok(y)
}

/// What one head of one token sees.
struct Seen<'a> {
    head: usize,
    /// The token's own place among the keys, which may be before the first of them or behind the last.
    own: usize,
    sink: Option<f32>,
    of_heads: &'a [f32],
}

/// The queries of a step, and the cache that they look into.
struct View<'a> {
    cfg: &'a Attention,
    state: State,
    /// Valid tokens.
    tokens: usize,
    head_dim: usize,
    capacity: usize,
    q: &'a [f32],
    kv: &'a Cache,
    of_heads: Vec<f32>,
}

impl<'a> View<'a> {
    fn new(run: &'a Run<'_>) -> Result<Self> {
        let (cfg, tensor) = (run.cfg::<Attention>()?, run.tensor(1));
        Ok(Self {
            cfg,
            state: run.memory.state,
            tokens: run.rows(tensor),
            head_dim: tensor.shape.width() / cfg.heads,
            capacity: run.capacity(),
            q: run.input(1)?,
            kv: &run.memory.kv[cfg.layer],
            of_heads: if run.inputs() > 3 { run.vector(3)? } else { Vec::new() },
        })
    }

    /// The keys that a token sees. Neither end lies before that of an earlier token.
    fn keys(&self, token: usize) -> Range<usize> {
        let end = match self.cfg.sees {
            Sees::Before => self.state.pos + token + 1,
            Sees::Step => self.state.pos + self.state.len,
            Sees::Encoded => self.state.encoded,
        };
        let most = if self.cfg.window > 0 { self.cfg.window } else { end };
        end.saturating_sub(most)..end
    }

    /// Where some of the keys and of the values of a key-value head are.
    fn rows(&self, head: usize, of: &Range<usize>) -> [Range<usize>; 2] {
        [0, self.cfg.kv_heads].map(|part| {
            let base = (part + head) * self.capacity;
            base + of.start..base + of.end
        })
    }

    /// Query heads that share a key-value head.
    fn group(&self) -> usize {
        self.cfg.heads / self.cfg.kv_heads
    }

    /// Where the query of a head is, and what it gives.
    fn cell(&self, token: usize, head: usize) -> Range<usize> {
        let at = (token * self.cfg.heads + head) * self.head_dim;
        at..at + self.head_dim
    }

    fn seen(&self, token: usize, head: usize) -> Seen<'_> {
        let sinks = self.cfg.buckets.is_none();
        Seen {
            head,
            own: (self.state.pos + token).wrapping_sub(self.keys(token).start),
            sink: self.of_heads.get(head).copied().filter(|_| sinks),
            of_heads: &self.of_heads,
        }
    }
}

fn twin(run: &mut Run<'_>) -> Result<()> {
    let cfg = *run.cfg::<Attention>()?;
    let mut y = run.take(0)?;
    let view = View::new(run)?;
    for (t, h) in (0..view.tokens).flat_map(|t| (0..cfg.heads).map(move |h| (t, h))) {
        let (seen, q) = (view.seen(t, h), &view.q[view.cell(t, h)]);
        let [keys, values] = view.rows(h / view.group(), &view.keys(t));
        let [mut room, mut more] = [const { Vec::new() }; 2];
        let (keys, values) = (view.kv.floats(keys, &mut room), view.kv.floats(values, &mut more));
        let dot = |k: &[f32]| q.iter().zip(k).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
        let keys = keys.chunks_exact(q.len()).enumerate();
        let scores: Vec<f64> = keys
            .map(|(s, k)| cfg.score(&seen, dot(k) * f64::from(cfg.scale), s))
            .collect();
        let sink = seen.sink.map_or(f64::NEG_INFINITY, f64::from);
        let top = scores.iter().copied().fold(sink, f64::max);
        let weights: Vec<f64> = scores.iter().map(|s| (s - top).exp()).collect();
        let total = weights.iter().sum::<f64>() + (sink - top).exp();
        for (d, out) in y[view.cell(t, h)].iter_mut().enumerate() {
            let sum: f64 = weights
                .iter()
                .zip(values.chunks_exact(q.len()))
                .map(|(w, v)| w * f64::from(v[d]))
                .sum();
            *out = narrow(sum / total);
        }
    }
    run.give(0, y)
}

/// Queries of a key-value head from which on it pays to lay out its keys and values anew.
const MANY: usize = 16;

fn fast(run: &mut Run<'_>) -> Result<()> {
    let cfg = *run.cfg::<Attention>()?;
    let tokens = run.rows(run.tensor(1));
    if tokens > 1 && tokens * (cfg.heads / cfg.kv_heads) >= MANY && together(run, &cfg)? {
        return Ok(());
    }
    let mut y = run.take(0)?;
    let view = View::new(run)?;
    let mut room = Room::default();
    for (t, head) in (0..view.tokens).flat_map(|t| (0..cfg.kv_heads).map(move |h| (t, h))) {
        of_one(&view, t, head, &mut y, &mut room)?;
    }
    run.give(0, y)
}

/// Where the query heads of a token find what they see.
#[derive(Default)]
struct Room {
    scaled: Vec<f32>,
    scores: Vec<f32>,
    floats: Vec<f32>,
    more: Vec<f32>,
}

/// The query heads of a token that share a key-value head: what is kept of that is made floats once for all.
fn of_one(view: &View<'_>, t: usize, head: usize, y: &mut [f32], room: &mut Room) -> Result<()> {
    let (loops, group, width) = (simd::loops(), view.group(), view.head_dim);
    let [first, last] = [head * group, head * group + group - 1].map(|h| view.cell(t, h));
    let cells = first.start..last.end;
    let Room {
        scaled,
        scores,
        floats,
        more,
    } = room;
    scaled.clear();
    scaled.extend(view.q[cells.clone()].iter().map(|q| q * view.cfg.scale));
    let seen = view.keys(t);
    let count = seen.len();
    grow(scores, group * count)?;
    grow(more, width)?;
    let [keys, values] = view.rows(head, &seen);
    view.kv.runs(keys, floats, |at, keys| {
        let of = at..at + keys.len() / width;
        for (q, scores) in scaled.chunks_exact(width).zip(scores.chunks_exact_mut(count)) {
            (loops.dots)(q, keys, &mut scores[of.clone()]);
        }
    });
    let totals: Vec<f32> = (0..group)
        .map(|h| {
            weighed(
                view.cfg,
                &view.seen(t, head * group + h),
                &mut scores[h * count..][..count],
            )
        })
        .collect();
    let y = &mut y[cells];
    if count == 0 {
        y.fill(0.0);
    }
    view.kv.runs(values, floats, |at, values| {
        let of = at..at + values.len() / width;
        for (out, weights) in y.chunks_exact_mut(width).zip(scores.chunks_exact(count)) {
            let weights = &weights[of.clone()];
            if at == 0 {
                (loops.mix)(weights, values, out);
                continue;
            }
            (loops.mix)(weights, values, more);
            for (out, more) in out.iter_mut().zip(&*more) {
                *out += more;
            }
        }
    });
    for (out, total) in y.chunks_exact_mut(width).zip(&totals) {
        out.iter_mut().for_each(|o| *o /= total);
    }
    Ok(())
}

/// Makes of the scaled scores of what is seen weights; their sum.
fn weighed(cfg: &Attention, seen: &Seen<'_>, scores: &mut [f32]) -> f32 {
    if cfg.cap > 0.0 || cfg.alibi > 0.0 || cfg.buckets.is_some() {
        for (s, score) in scores.iter_mut().enumerate() {
            *score = narrow(cfg.score(seen, f64::from(*score), s));
        }
    }
    let sink = seen.sink.unwrap_or(f32::NEG_INFINITY);
    // What is no number is found in the sum.
    let top = top(scores, sink);
    (sink - top).exp() + weigh(scores, top)
}

/// Takes the queries that share keys together, those of a few tokens at a time; `false` if there is no memory for it.
fn together(run: &mut Run<'_>, cfg: &Attention) -> Result<bool> {
    let mut y = run.take(0)?;
    let view = View::new(run)?;
    let group = view.group();
    let tokens = MANY.div_ceil(group);
    let all = view.keys(0).start..view.keys(view.tokens - 1).end;
    let Some(mut packed) = Packed::new(view.head_dim, all.len(), tokens * group) else {
        return run.give(0, y).map(|()| false);
    };
    let mut room = Vec::new();
    for head in 0..cfg.kv_heads {
        let [keys, values] = view.rows(head, &all);
        view.kv.runs(keys, &mut room, |at, keys| packed.keys(at, keys));
        view.kv.runs(values, &mut room, |at, values| packed.values(at, values));
        for first in (0..view.tokens).step_by(tokens) {
            let last = view.tokens.min(first + tokens) - 1;
            let rows = || (first..=last).flat_map(|t| (0..group).map(move |h| (t, head * group + h)));
            for (row, (t, h)) in rows().enumerate() {
                packed.query(row, &view.q[view.cell(t, h)], cfg.scale);
            }
            packed.score(view.keys(first).start - all.start..view.keys(last).end - all.start);
            for (row, (t, h)) in rows().enumerate() {
                let keys = view.keys(t);
                let keys = keys.start - all.start..keys.end - all.start;
                packed.weigh(row, keys, |scores| weighed(cfg, &view.seen(t, h), scores));
            }
            packed.mix();
            for (row, (t, h)) in rows().enumerate() {
                packed.give(row, &mut y[view.cell(t, h)]);
            }
        }
    }
    run.give(0, y).map(|()| true)
}

/// Workgroups for one token that keep a GPU busy.
const BUSY: usize = 256;
/// Keys that are worth a workgroup, and workgroups that are worth another dispatch.
const WORTH: [usize; 2] = [64, 4];

/// Workgroups that share the keys of a head at most, where many are in the cache and one token's few heads would leave a GPU idle.
fn parts(g: &Graph, q: Tensor, cfg: &Attention) -> Option<usize> {
    let parts = (BUSY / cfg.kv_heads).clamp(WORTH[1], 32);
    (g.long && q.shape.rows() == 1).then_some(parts)
}

/// How many do.
fn splits(low: &Lowering<'_>, cfg: &Attention) -> Option<usize> {
    let seen = if cfg.window > 0 { cfg.window } else { low.graph.capacity };
    let splits = parts(low.graph, low.node.inputs[1], cfg)?.min(seen.div_ceil(WORTH[0]));
    (low.caps.shares_keys() && splits >= WORTH[1]).then_some(splits)
}

/// Most rows that a workgroup takes, heads of one token or of some.
const ROWS: usize = 8;
/// Bytes of memory that every workgroup may have.
const MEMORY: usize = 16_384;

/// Query heads that one workgroup takes, where each needs `row` bytes of its memory: as many of a group as divide it.
fn share(group: usize, row: usize) -> usize {
    (1..=group.min(ROWS))
        .rev()
        .find(|n| group.is_multiple_of(*n) && n * row <= MEMORY)
        .unwrap_or(1)
}

/// Tokens that it takes of so many.
fn span(tokens: usize, share: usize, row: usize) -> usize {
    if tokens <= VECTOR_TOKENS {
        return 1;
    }
    [8, 4, 2]
        .into_iter()
        .find(|span| span * share <= ROWS && tokens.is_multiple_of(*span) && span * share * row <= MEMORY)
        .unwrap_or(1)
}

fn lower(low: &mut Lowering<'_>) -> Result<()> {
    let cfg = low.node.cfg::<Attention>()?;
    let q = low.node.inputs[1].shape;
    let head_dim = q.width() / cfg.heads;
    let lanes = low.caps.cpu_lanes() > 0;
    let splits = splits(low, cfg);
    let args = kernel::Args {
        state: low.input(0)?,
        q: low.input(1)?,
        kv: low.input(2)?,
        of_heads: low.input_or(3, 1)?,
        y: low.output(usize::from(splits.is_some()))?,
    };
    let sunk = low.node.inputs.len() > 3 && cfg.buckets.is_none();
    let params = kernel::Params {
        heads: u32_of(OP.name, cfg.heads)?,
        kv_heads: u32_of(OP.name, cfg.kv_heads)?,
        capacity: u32_of(OP.name, low.graph.capacity)?,
        window: u32_of(OP.name, cfg.window)?,
        scale: cfg.scale,
        cap: cfg.cap,
        alibi: cfg.alibi,
        sunk: u32::from(sunk),
        sees: match cfg.sees {
            Sees::Before => 0,
            Sees::Step => 1,
            Sees::Encoded => 2,
        },
        buckets: u32_of(OP.name, cfg.buckets.map_or(0, |b| b.count))?,
        most: u32_of(OP.name, cfg.buckets.map_or(0, |b| b.most))?,
    };
    let group = cfg.heads / cfg.kv_heads;
    let mut consts = kernel::Consts::default();
    if low.caps.software && !low.caps.subgroups() {
        // SwiftShader's compiler writes a store for each word of a workgroup's memory.
        consts.wg /= 2;
    }
    // Bytes of that memory a row; the form by lanes needs none.
    let row = if lanes {
        0
    } else {
        4 * (2 * head_dim + consts.wg as usize)
    };
    let share = share(group, row);
    let span = span(q.rows(), share, row);
    let consts = kernel::Consts {
        share: u32_of(OP.name, share)?,
        span: u32_of(OP.name, span)?,
        dh: u32_of(OP.name, head_dim)?,
        splits: u32_of(OP.name, splits.unwrap_or(1))?,
        block: u32_of(OP.name, block(head_dim))?,
        chunk: consts.wg,
        ..consts
    };
    let kv = match low.graph.kv {
        Kv::F32 => kernel::Kv::KvF32,
        Kv::F16 => kernel::Kv::KvF16,
        Kv::Q8 => kernel::Kv::KvQ8,
    };
    let variant = kernel::Variant {
        kv,
        form: match (low.caps.cpu_lanes(), low.caps.subgroups()) {
            (8.., _) if head_dim.is_multiple_of(8) => kernel::Form::Wide,
            (1.., _) => kernel::Form::Lanes,
            (_, true) => kernel::Form::Subgroups,
            _ => kernel::Form::Alone,
        },
    };
    low.dispatch(
        variant.source(),
        consts.entries(),
        &params,
        args.bindings(),
        [cfg.heads / share, q.rows().div_ceil(span), splits.unwrap_or(1)],
    )?;
    if splits.is_none() {
        return Ok(());
    }
    let consts = merge::Consts {
        dh: consts.dh,
        splits: consts.splits,
        chunk: consts.chunk,
    };
    let params = merge::Params {
        window: params.window,
        sunk: params.sunk,
        sees: params.sees,
    };
    let args = merge::Args {
        state: low.input(0)?,
        parts: low.output(1)?,
        of_heads: low.input_or(3, 1)?,
        y: low.output(0)?,
    };
    low.dispatch(
        merge::Variant {}.source(),
        consts.entries(),
        &params,
        args.bindings(),
        [cfg.heads, 1, 1],
    )
}

/// Attention as most families have it.
pub(crate) fn plain(heads: usize, kv_heads: usize) -> Attention {
    Attention {
        heads,
        kv_heads,
        layer: 0,
        sees: Sees::Before,
        scale: 0.25,
        window: 0,
        cap: 0.0,
        alibi: 0.0,
        buckets: None,
    }
}
