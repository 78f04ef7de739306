//! A matrix a head that every token decays and adds to: Mamba (Gu and Dao, 2023), Mamba 2 (Dao and Gu, 2024), and the gated
//! delta rule (Yang et al., 2025), which adds what a key does not yet find.

use super::{Fixed, Graph, Lowering, Op, Run, Tensor, case::Case, lowering::u32_of, norm::narrow};
use crate::{
    error::{Error, Result},
    shader::scan as kernel,
};

pub(crate) static OP: Op = Op {
    name: "scan",
    twin,
    fast: None,
    lower,
};

/// Cells of a workgroup's columns: 16 KiB.
const CELLS: usize = 4096;

/// Configuration of [`scan`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scan {
    /// Heads, each with a matrix `[keys, values]`.
    pub(crate) heads: usize,
    /// Keys and queries a token: a divisor of `heads`.
    pub(crate) groups: usize,
    /// Heads side by side that have the same key; those that follow begin again with the first.
    pub(crate) share: usize,
    /// Width of a key.
    pub(crate) keys: usize,
    /// Width of a value.
    pub(crate) values: usize,
    /// Whether it is the delta rule; else Mamba.
    pub(crate) delta: bool,
    /// Whether each value has a step of its own, and each cell its decay (Mamba 1).
    pub(crate) each: bool,
    /// Whether what decays is given as the logarithm of its negative.
    pub(crate) logged: bool,
    /// Whose past: `[heads, keys, values]`.
    pub(crate) past: usize,
}

impl Scan {
    /// Values that it keeps.
    pub(crate) fn kept(&self) -> usize {
        self.heads * self.keys * self.values
    }

    /// Steps a token.
    pub(crate) fn steps(&self) -> usize {
        self.heads * if self.each { self.values } else { 1 }
    }

    /// How fast it forgets: so many numbers.
    pub(crate) fn decays(&self) -> usize {
        self.steps() * if self.each { self.keys } else { 1 }
    }

    /// Values a token that go in.
    pub(crate) fn width(&self) -> usize {
        2 * self.groups * self.keys + self.heads * self.values
    }

    /// Where queries, keys and values begin in a row, and by what queries are multiplied.
    #[allow(clippy::cast_precision_loss, reason = "keys are narrow")]
    fn parts(&self) -> ([usize; 3], f64) {
        let (all_keys, all_values) = (self.groups * self.keys, self.heads * self.values);
        if self.delta {
            ([0, all_keys, 2 * all_keys], 1.0 / (self.keys as f64).sqrt())
        } else {
            ([all_values + all_keys, all_values, 0], 1.0)
        }
    }
}

/// What a token's steps are, and what goes with them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Steps {
    /// `[T, _]`: in each row the steps of the heads, and from where.
    pub(crate) steps: (Tensor, usize),
    /// A weight `[H]`: how fast a head forgets; `[H * values, keys]` with a step for each value.
    pub(crate) decay: Tensor,
    /// A weight, as long as there are steps, that is added to them.
    pub(crate) bias: Tensor,
    /// Delta rule: `[T, H]`, how much is added. Mamba: a weight, as long as there are steps, how much of the value passes by.
    pub(crate) extra: Tensor,
}

/// `y: [T, H * values]` from `x`, whose rows begin with queries, keys and values (delta rule) or with values, keys and queries
/// (Mamba 2).
pub(crate) fn scan(g: &mut Graph, x: Tensor, steps: Steps, cfg: Scan) -> Result<Tensor> {
    let ([t, width], (dt, first)) = (x.shape.dims2(OP.name)?, steps.steps);
    let Scan { heads, groups, .. } = cfg;
    let vectors = steps.decay.shape.count() == cfg.decays() && steps.bias.shape.count() == cfg.steps();
    let extra = steps.extra.shape.count() == if cfg.delta { t * heads } else { cfg.steps() };
    let fits = vectors && extra && width >= cfg.width() && dt.shape.width() >= first + cfg.steps();
    let sound = !(cfg.each && cfg.delta)
        && groups > 0
        && heads.is_multiple_of(groups)
        && cfg.share > 0
        && (1..=CELLS).contains(&cfg.keys);
    if !fits || !sound {
        let expected = format!("rows of at least {} for keys of {CELLS} at most", cfg.width());
        return Err(Error::shape(OP.name, "x", expected, x.shape));
    }
    let y = g.alloc([t, heads * cfg.values]);
    let (state, past) = (g.fixed(Fixed::State), g.fixed(Fixed::Past(cfg.past)));
    let inputs = [state, x, dt, steps.decay, steps.bias, steps.extra];
    g.push(&OP, (cfg, first), &inputs, &[y, past]);
    Ok(y)
}

fn twin(run: &mut Run<'_>) -> Result<()> {
    let (cfg, first) = *run.cfg::<(Scan, usize)>()?;
    let (mut y, mut past) = (run.take(0)?, std::mem::take(&mut run.memory.past[cfg.past]));
    let (x, tensor, dt, dt_width) = (run.input(1)?, run.tensor(1), run.input(2)?, run.tensor(2).shape.width());
    let (decay, bias, extra) = (run.vector(3)?, run.vector(4)?, run.values(5)?);
    let ([query, key, value], scale) = cfg.parts();
    // One over the length of a row, where lengths do not count.
    let size = |row: &[f32]| {
        let square: f64 = row.iter().map(|v| f64::from(*v).powi(2)).sum();
        if cfg.delta { 1.0 / (square + 1e-6).sqrt() } else { 1.0 }
    };
    // softplus
    let step = |n: usize, i: usize| {
        let step = f64::from(dt[n * dt_width + first + i]) + f64::from(bias[i]);
        step.max(0.0) + (-step.abs()).exp().ln_1p()
    };
    if run.memory.state.pos == 0 {
        past.fill(0.0);
    }
    let (mut u, mut out) = (vec![0.0; cfg.values], vec![0.0; cfg.values]);
    for (n, x) in x.chunks_exact(tensor.shape.width()).take(run.rows(tensor)).enumerate() {
        for (h, cells) in past.chunks_exact_mut(cfg.keys * cfg.values).enumerate() {
            let group = h / cfg.share % cfg.groups * cfg.keys;
            let part = |from: usize| &x[from + group..][..cfg.keys];
            let (query, key) = (part(query), part(key));
            let forget = |a: f32, step: f64| {
                let a = f64::from(a);
                (if cfg.logged { -a.exp() } else { a } * step).exp()
            };
            if cfg.each {
                for p in 0..cfg.values {
                    let i = h * cfg.values + p;
                    let (step, v) = (step(n, i), f64::from(x[value + i]));
                    let mut out = f64::from(extra[i]) * v;
                    for (k, a) in decay[i * cfg.keys..][..cfg.keys].iter().enumerate() {
                        let c = &mut cells[k * cfg.values + p];
                        let cell = forget(*a, step) * f64::from(*c) + step * v * f64::from(key[k]);
                        *c = narrow(cell);
                        out += f64::from(query[k]) * cell;
                    }
                    y[n * cfg.heads * cfg.values + i] = narrow(out);
                }
                continue;
            }
            let (of_query, of_key) = (scale * size(query), size(key));
            let step = step(n, h);
            let keep = forget(decay[h], step);
            // How much of a value is added, and how much passes by.
            let (mut much, mut passes) = (step, 0.0);
            if cfg.delta {
                much = 1.0 / (1.0 + (-f64::from(extra[n * cfg.heads + h])).exp());
            } else {
                passes = f64::from(extra[h]);
            }
            let value = &x[value + h * cfg.values..][..cfg.values];
            for ((u, out), v) in u.iter_mut().zip(&mut out).zip(value) {
                (*u, *out) = (f64::from(*v), passes * f64::from(*v));
            }
            if cfg.delta {
                for (k, row) in key.iter().zip(cells.chunks_exact(cfg.values)) {
                    let found = keep * of_key * f64::from(*k);
                    u.iter_mut().zip(row).for_each(|(u, c)| *u -= found * f64::from(*c));
                }
            }
            for ((k, q), row) in key.iter().zip(query).zip(cells.chunks_exact_mut(cfg.values)) {
                let (k, q) = (much * of_key * f64::from(*k), of_query * f64::from(*q));
                for ((c, u), out) in row.iter_mut().zip(&u).zip(&mut out) {
                    let cell = keep * f64::from(*c) + k * u;
                    *c = narrow(cell);
                    *out += q * cell;
                }
            }
            let to = &mut y[(n * cfg.heads + h) * cfg.values..];
            to.iter_mut().zip(&out).for_each(|(y, o)| *y = narrow(*o));
        }
    }
    run.memory.past[cfg.past] = past;
    run.give(0, y)
}

fn lower(low: &mut Lowering<'_>) -> Result<()> {
    let (cfg, first) = *low.node.cfg::<(Scan, usize)>()?;
    let (x, dt) = (low.node.inputs[1].shape, low.node.inputs[2].shape);
    let args = kernel::Args {
        state: low.input(0)?,
        x: low.input(1)?,
        steps: low.input(2)?,
        decay: low.input(3)?,
        bias: low.input(4)?,
        extra: low.input(5)?,
        past: low.output(1)?,
        y: low.output(0)?,
    };
    let ([query, key, value], scale) = cfg.parts();
    let size = |n| u32_of(OP.name, n);
    let params = kernel::Params {
        width: size(x.width())?,
        heads: size(cfg.heads)?,
        values: size(cfg.values)?,
        groups: size(cfg.groups)?,
        share: size(cfg.share)?,
        query: size(query)?,
        key: size(key)?,
        value: size(value)?,
        step_width: size(dt.width())?,
        step_first: size(first)?,
        logged: u32::from(cfg.logged),
        bucket: size(x.rows())?,
        scale: narrow(scale),
    };
    // A power of two, as many columns as there are and fit.
    let wg = 1 << (CELLS / cfg.keys).min(cfg.values.next_power_of_two()).min(64).ilog2();
    let consts = kernel::Consts {
        wg: size(wg)?,
        n: size(cfg.keys)?,
        delta: u32::from(cfg.delta),
        each: u32::from(cfg.each),
    };
    low.dispatch(
        kernel::Variant {}.source(),
        consts.entries(),
        &params,
        args.bindings(),
        [cfg.values.div_ceil(wg), cfg.heads, 1],
    )
}

pub(super) fn cases() -> Vec<Case> {
    let plain = Scan {
        heads: 4,
        groups: 2,
        share: 2,
        keys: 16,
        values: 16,
        delta: false,
        each: false,
        logged: false,
        past: 0,
    };
    // Twice, so that the second shows what the first kept.
    let case = |(valid, bucket, pos): (usize, usize, usize), cfg: Scan| {
        Case::new(format!("t{valid}/{bucket} at {pos} {cfg:?}"), bucket, move |c| {
            c.valid(valid);
            c.position(pos);
            c.past(0, cfg.kept());
            let (decay, bias) = (c.vector(cfg.decays()), c.vector(cfg.steps()));
            for _ in 0..2 {
                let (x, dt) = (c.input(bucket, cfg.width() + 4), c.input(bucket, cfg.steps() + 3));
                let extra = if cfg.delta {
                    c.input(bucket, cfg.heads)
                } else {
                    c.vector(cfg.steps())
                };
                let steps = Steps {
                    steps: (dt, 3),
                    decay,
                    bias,
                    extra,
                };
                let y = scan(c.graph, x, steps, cfg)?;
                c.graph.output(y);
            }
            Ok(())
        })
    };
    let logged = Scan { logged: true, ..plain };
    let delta = Scan { delta: true, ..logged };
    let each = |heads, values| Scan {
        heads,
        values,
        groups: 1,
        share: heads,
        each: true,
        ..logged
    };
    let large = |delta| Scan {
        heads: 32,
        groups: 16,
        keys: 128,
        values: 128,
        delta,
        ..logged
    };
    let checked = [
        case((1, 1, 5), logged),
        case((1, 1, 5), delta),
        case((2, 8, 0), logged),
        case((1, 1, 5), each(1, 130)),
        case((7, 8, 0), each(2, 20)),
        case((3, 8, 0), Scan { share: 1, ..delta }),
        case(
            (31, 32, 9),
            Scan {
                values: 20,
                keys: 24,
                groups: 1,
                share: 4,
                ..logged
            },
        ),
        case(
            (31, 32, 9),
            Scan {
                values: 70,
                keys: 130,
                ..delta
            },
        ),
    ];
    let timed = |t, delta| {
        let cfg = large(delta);
        let (kept, width) = (cfg.kept(), cfg.width() + cfg.heads * cfg.values);
        case((t, t, 5), cfg).timed(2 * 4 * (2 * kept + t * width), 2 * 6 * t * kept)
    };
    let mamba = each(1, 1536);
    let mamba = |t| case((t, t, 5), mamba).timed(2 * 4 * (2 * mamba.kept() + t * 3 * 1536), 2 * 6 * t * mamba.kept());
    let timed = [timed(1, true), timed(128, true), timed(1, false), mamba(1), mamba(128)];
    checked.into_iter().chain(timed).collect()
}
