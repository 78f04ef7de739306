//! Causal attention of grouped query heads over the cache, with a running maximum and sum (Dao et al., 2022).

use super::{
    Fixed, Graph, KvWrite, Lowering, Op, Run, Tensor, case::Case, kv_write, lowering::u32_of, rms_norm::narrow,
};
use crate::{
    cpu::simd,
    error::{Error, Result},
    shader::attention as kernel,
};

pub(crate) static OP: Op = Op {
    name: "attention",
    twin,
    fast: Some(fast),
    lower,
};

/// The widest head: its query, output and weights must fit 16 KiB of workgroup memory.
const WIDEST: usize = 1024;

/// Configuration of [`attention`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Attention {
    /// Query heads.
    pub(crate) heads: usize,
    /// Key-value heads, a divisor of `heads`.
    pub(crate) kv_heads: usize,
    /// Whose cache.
    pub(crate) layer: usize,
    /// Multiplies the scores: `1 / sqrt(Dh)` in most families.
    pub(crate) scale: f32,
    /// Keys seen at most, the token's own included; 0 for all.
    pub(crate) window: usize,
}

/// `y: [T, H * Dh]` from `q: [T, H * Dh]` and the cache, into which this step's keys and values were written.
pub(crate) fn attention(g: &mut Graph, q: Tensor, cfg: Attention) -> Result<Tensor> {
    let [_, width] = q.shape.dims2(OP.name)?;
    let divides = cfg.kv_heads > 0 && cfg.heads.is_multiple_of(cfg.kv_heads) && width.is_multiple_of(4 * cfg.heads);
    if !divides || width / cfg.heads > WIDEST {
        let expected = format!("{} heads of a multiple of 4, at most {WIDEST}", cfg.heads);
        return Err(Error::shape(OP.name, "q", expected, q.shape));
    }
    let y = g.alloc(q.shape);
    let (state, kv) = (g.fixed(Fixed::State), g.fixed(Fixed::Kv(cfg.layer)));
    g.push(&OP, cfg, &[state, q, kv], &[y]);
    Ok(y)
}

/// Calls `head(query, keys, values, out)` for each valid token and head; keys and values are the rows it may see.
fn walk(run: &mut Run<'_>, mut head: impl FnMut(&[f32], &[f32], &[f32], &mut [f32])) -> Result<()> {
    let cfg = run.cfg::<Attention>()?;
    let mut y = run.take(0)?;
    let tensor = run.tensor(1);
    let (q, width, capacity) = (run.input(1)?, tensor.shape.width(), run.capacity());
    let (head_dim, kv) = (width / cfg.heads, &run.memory.kv[cfg.layer]);
    for t in 0..run.rows(tensor) {
        let end = run.memory.state.pos + t + 1;
        let start = if cfg.window > 0 {
            end.saturating_sub(cfg.window)
        } else {
            0
        };
        for h in 0..cfg.heads {
            let rows = |part: usize| {
                let base = (part * cfg.kv_heads + h / (cfg.heads / cfg.kv_heads)) * capacity;
                &kv[(base + start) * head_dim..(base + end) * head_dim]
            };
            let cell = t * width + h * head_dim;
            head(
                &q[cell..cell + head_dim],
                rows(0),
                rows(1),
                &mut y[cell..cell + head_dim],
            );
        }
    }
    run.give(0, y)
}

fn twin(run: &mut Run<'_>) -> Result<()> {
    let scale = f64::from(run.cfg::<Attention>()?.scale);
    walk(run, |q, keys, values, out| {
        let score = |k: &[f32]| q.iter().zip(k).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>() * scale;
        let scores: Vec<f64> = keys.chunks_exact(q.len()).map(score).collect();
        let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = scores.iter().map(|s| (s - top).exp()).collect();
        let total: f64 = weights.iter().sum();
        for (d, out) in out.iter_mut().enumerate() {
            let sum: f64 = weights
                .iter()
                .zip(values.chunks_exact(q.len()))
                .map(|(w, v)| w * f64::from(v[d]))
                .sum();
            *out = narrow(sum / total);
        }
    })
}

fn fast(run: &mut Run<'_>) -> Result<()> {
    let scale = run.cfg::<Attention>()?.scale;
    let mut scores = Vec::new();
    walk(run, |q, keys, values, out| {
        scores.clear();
        scores.extend(keys.chunks_exact(q.len()).map(|k| simd::dot(q, k) * scale));
        let top = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let mut total = 0.0;
        out.fill(0.0);
        for (s, v) in scores.iter().zip(values.chunks_exact(q.len())) {
            let weight = (s - top).exp();
            total += weight;
            simd::add_scaled(out, weight, v);
        }
        out.iter_mut().for_each(|o| *o /= total);
    })
}

/// Query heads that one workgroup takes: as many of a group as divide it, at most 8, within 16 KiB of its memory.
fn share(group: usize, head_dim: usize, wg: usize) -> usize {
    (1..=group.min(8))
        .rev()
        .find(|n| group.is_multiple_of(*n) && n * (2 * head_dim + 2 * wg) * 4 <= 16_384)
        .unwrap_or(1)
}

fn lower(low: &mut Lowering<'_>) -> Result<()> {
    let cfg = low.node.cfg::<Attention>()?;
    let q = low.node.inputs[1].shape;
    let head_dim = q.width() / cfg.heads;
    let args = kernel::Args {
        state: low.input(0)?,
        q: low.input(1)?,
        kv: low.input(2)?,
        y: low.output(0)?,
    };
    let params = kernel::Params {
        heads: u32_of(OP.name, cfg.heads)?,
        kv_heads: u32_of(OP.name, cfg.kv_heads)?,
        capacity: u32_of(OP.name, low.graph.capacity)?,
        window: u32_of(OP.name, cfg.window)?,
        scale: cfg.scale,
    };
    let consts = kernel::Consts::default();
    let share = share(cfg.heads / cfg.kv_heads, head_dim, consts.wg as usize);
    let consts = kernel::Consts {
        share: u32_of(OP.name, share)?,
        dh: u32_of(OP.name, head_dim)?,
        ..consts
    };
    let kv = if low.graph.kv_f16 {
        kernel::Kv::KvF16
    } else {
        kernel::Kv::KvF32
    };
    let variant = kernel::Variant {
        kv,
        subgroups: low.caps.subgroups(),
    };
    low.dispatch(
        variant.source(),
        consts.entries(),
        &params,
        args.bindings(),
        [cfg.heads / share, q.rows(), 1],
    )
}

/// Cases of (pos, bucket, valid, configuration, Dh): a first step fills the cache up to `pos`, the case goes on.
pub(super) fn written(rows: &[(usize, usize, usize, Attention, usize)]) -> Vec<Case> {
    let case = |&(pos, bucket, valid, cfg, head_dim): &(usize, usize, usize, Attention, usize), f16| {
        let store = if f16 { "f16" } else { "f32" };
        let name = format!(
            "{store} pos{pos} t{valid} h{}/{} dh{head_dim} w{}",
            cfg.heads, cfg.kv_heads, cfg.window
        );
        Case::new(name, bucket, move |c| {
            c.position(pos);
            c.valid(valid);
            c.graph.kv_f16 = f16;
            c.graph.capacity = 256;
            c.cache(cfg.layer, cfg.kv_heads, head_dim);
            let q = c.input(bucket, cfg.heads * head_dim);
            let (k, v) = (
                c.input(bucket, cfg.kv_heads * head_dim),
                c.input(bucket, cfg.kv_heads * head_dim),
            );
            kv_write(
                c.graph,
                k,
                v,
                KvWrite {
                    heads: cfg.kv_heads,
                    layer: cfg.layer,
                },
            )?;
            let y = attention(c.graph, q, cfg)?;
            c.graph.output(y);
            Ok(())
        })
    };
    rows.iter()
        .flat_map(|row| [case(row, false), case(row, true)])
        .collect()
}

pub(super) fn cases() -> Vec<Case> {
    let cfg = |heads, kv_heads, window| Attention {
        heads,
        kv_heads,
        layer: 0,
        scale: 0.2,
        window,
    };
    let timed = |pos: usize, t: usize| {
        let (cfg, head_dim) = (cfg(32, 8, 0), 128);
        let case = Case::new(format!("f16 pos{pos} t{t} h32/8 dh128"), t, move |c| {
            c.position(pos);
            c.graph.kv_f16 = true;
            c.graph.capacity = pos + t;
            c.cache(0, cfg.kv_heads, head_dim);
            let q = c.input(t, cfg.heads * head_dim);
            let y = attention(c.graph, q, cfg)?;
            c.graph.output(y);
            Ok(())
        });
        let pairs = t * pos + t * (t + 1) / 2;
        let bytes = 2 * 2 * cfg.kv_heads * (pos + t) * head_dim + 2 * 4 * t * cfg.heads * head_dim;
        case.timed(bytes, 4 * pairs * cfg.heads * head_dim)
    };
    let checked = written(&[
        (0, 1, 1, cfg(5, 5, 0), 16),
        (3, 8, 7, cfg(4, 2, 0), 24),
        (63, 8, 8, cfg(4, 1, 0), 32),
        (130, 32, 31, cfg(8, 4, 0), 64),
        (100, 1, 1, cfg(16, 1, 0), 128),
        (90, 8, 6, cfg(4, 2, 33), 32),
        (20, 8, 3, cfg(8, 1, 0), 256),
        (2, 1, 1, cfg(2, 1, 0), 1024),
    ]);
    let timed = [timed(511, 1), timed(2047, 1), timed(448, 64)];
    checked.into_iter().chain(timed).collect()
}
