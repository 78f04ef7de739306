//! The router's choice: which experts a token goes to, and with which weights. Nothing comes back to the host: the
//! kernels that follow read it where it is.

use super::{Fixed, Graph, Lowering, Op, Run, Tensor, case::Case, lowering::u32_of, norm::narrow};
use crate::{
    error::{Error, Result},
    shader::route as kernel,
    tensor::{rank, sort_by_numbers},
};

pub(crate) static OP: Op = Op {
    name: "route",
    twin,
    fast: None,
    lower,
};

/// Groups of experts at most.
const GROUPS: usize = 64;

/// Configuration of [`route`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Route {
    /// Experts a token goes to.
    pub(crate) used: usize,
    /// Whether their weights add up to 1, but for the scale; else they are shares of all experts, or sigmoids.
    pub(crate) normed: bool,
    /// Whether weights come from sigmoids of the logits, not from their softmax.
    pub(crate) sigmoid: bool,
    /// Groups of experts that follow each other, and how many of them are chosen from: those with the highest expert
    /// (DeepSeek-AI, 2024a), or with sigmoids the highest sum of two (DeepSeek-AI, 2024b).
    pub(crate) groups: [usize; 2],
    /// Multiplies the weights.
    pub(crate) scale: f32,
}

impl Default for Route {
    fn default() -> Self {
        Self {
            used: 1,
            normed: true,
            sigmoid: false,
            groups: [1, 1],
            scale: 1.0,
        }
    }
}

/// `[T, 2 * used]`: ids of the experts of highest `logits: [T, E]`, as numbers, then their weights: softmax over all
/// experts or over those chosen, or sigmoids, to which a weight `bias: [E]` is added for the choice alone. The lower id goes
/// first where they are the same.
pub(crate) fn route(g: &mut Graph, logits: Tensor, bias: Option<Tensor>, cfg: Route) -> Result<Tensor> {
    let ([t, experts], [groups, kept]) = (logits.shape.dims2(OP.name)?, cfg.groups);
    let grouped = (1..=GROUPS).contains(&groups) && (1..=groups).contains(&kept) && experts.is_multiple_of(groups);
    let enough = grouped && (1..=experts / groups * kept).contains(&cfg.used);
    if !enough || bias.is_some_and(|bias| bias.shape.count() != experts || !cfg.sigmoid) {
        let expected = format!("at least {} experts in {kept} of {groups} groups", cfg.used.max(1));
        return Err(Error::shape(OP.name, "logits", expected, logits.shape));
    }
    let y = g.alloc([t, 2 * cfg.used]);
    let state = g.fixed(Fixed::State);
    let inputs = [Some(state), Some(logits), bias];
    g.push(&OP, cfg, &inputs.into_iter().flatten().collect::<Vec<_>>(), &[y]);
    Ok(y)
}

/// An id as the tensor has it.
#[allow(clippy::cast_precision_loss, reason = "experts are few")]
pub(super) fn number(id: usize) -> f32 {
    id as f32
}

/// The id that a tensor has as a number.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "ids are whole numbers from 0"
)]
pub(super) fn index(id: f32) -> usize {
    id as usize
}

fn twin(run: &mut Run<'_>) -> Result<()> {
    let cfg = *run.cfg::<Route>()?;
    let mut y = run.take(0)?;
    let (tensor, logits) = (run.tensor(1), run.input(1)?);
    let bias = if run.inputs() > 2 { run.vector(2)? } else { Vec::new() };
    let (experts, [groups, kept]) = (tensor.shape.width(), cfg.groups);
    let sigmoid = |logit: f32| 1.0 / (1.0 + (-f64::from(logit)).exp());
    let rows = logits.chunks_exact(experts).zip(y.chunks_exact_mut(2 * cfg.used));
    for (logits, y) in rows.take(run.rows(tensor)) {
        let each = logits.iter().enumerate();
        let score = |(id, logit): (usize, &f32)| match cfg.sigmoid {
            true => narrow(sigmoid(*logit) + f64::from(bias.get(id).copied().unwrap_or_default())),
            false => *logit,
        };
        let scores: Vec<f32> = each.map(score).collect();
        // 0 and -0 are the same; of equals the lower id stays first.
        let order = |values: &[f32], ids: &mut Vec<usize>| {
            sort_by_numbers(ids, |id| [u64::from(!rank(values[*id] + 0.0)), 0]);
        };
        let of_groups = scores.chunks_exact(experts / groups).map(|group| {
            let mut ids: Vec<usize> = (0..group.len()).collect();
            order(group, &mut ids);
            ids.iter()
                .take(if cfg.sigmoid { 2 } else { 1 })
                .map(|id| group[*id])
                .sum()
        });
        let of_groups: Vec<f32> = of_groups.collect();
        let mut first: Vec<usize> = (0..groups).collect();
        order(&of_groups, &mut first);
        let within = |id: &usize| first[..kept].contains(&(id / (experts / groups)));
        let mut ids: Vec<usize> = (0..experts).filter(within).collect();
        order(&scores, &mut ids);
        let chosen = &ids[..cfg.used];
        let top = f64::from(logits[chosen[0]]);
        let share = |id: usize| match cfg.sigmoid {
            true => sigmoid(logits[id]),
            false => (f64::from(logits[id]) - top).exp(),
        };
        let total: f64 = match (cfg.normed, cfg.sigmoid) {
            (true, _) => chosen.iter().map(|id| share(*id)).sum(),
            (false, true) => 1.0,
            (false, false) => (0..experts).map(share).sum(),
        };
        for (i, id) in chosen.iter().enumerate() {
            y[i] = number(*id);
            y[cfg.used + i] = narrow(f64::from(cfg.scale) * share(*id) / total);
        }
    }
    run.give(0, y)
}

fn lower(low: &mut Lowering<'_>) -> Result<()> {
    let cfg = *low.node.cfg::<Route>()?;
    let logits = low.node.inputs[1].shape;
    let args = kernel::Args {
        state: low.input(0)?,
        logits: low.input(1)?,
        bias: low.input_or(2, 1)?,
        routes: low.output(0)?,
    };
    let params = kernel::Params {
        experts: u32_of(OP.name, logits.width())?,
        used: u32_of(OP.name, cfg.used)?,
        normed: u32::from(cfg.normed),
        biased: u32::from(low.node.inputs.len() > 2),
        groups: u32_of(OP.name, cfg.groups[0])?,
        kept: u32_of(OP.name, cfg.groups[1])?,
        scale: cfg.scale,
    };
    let consts = kernel::Consts {
        sigmoid: u32::from(cfg.sigmoid),
    };
    low.dispatch(
        kernel::Variant {}.source(),
        consts.entries(),
        &params,
        args.bindings(),
        [logits.rows(), 1, 1],
    )
}

pub(super) fn cases() -> Vec<Case> {
    let case = |(bucket, valid, experts): (usize, usize, usize), cfg: Route| {
        let name = format!("t{valid}/{bucket} of {experts} {cfg:?}");
        Case::new(name, bucket, move |c| {
            c.valid(valid);
            let logits = c.input(bucket, experts);
            if let Some(values) = c.inputs.last_mut() {
                // Coarse, so that some are the same.
                values.iter_mut().for_each(|v| *v = (*v * 4.0).round());
            }
            let bias = cfg.sigmoid.then(|| c.vector(experts));
            let y = route(c.graph, logits, bias, cfg)?;
            c.graph.output(y);
            Ok(())
        })
    };
    let of = |used, normed| Route {
        used,
        normed,
        ..Route::default()
    };
    let sizes = [
        ((1, 1, 4), 2),
        ((8, 5, 6), 6),
        ((8, 7, 64), 8),
        ((32, 31, 130), 4),
        ((1, 1, 1), 1),
    ];
    let checked = sizes
        .into_iter()
        .flat_map(|(size, used)| [false, true].map(|normed| case(size, of(used, normed))));
    let grouped = |used, groups, sigmoid| Route {
        groups,
        sigmoid,
        scale: 2.5,
        ..of(used, sigmoid)
    };
    let others = [
        case((8, 7, 24), grouped(4, [6, 2], false)),
        case((8, 5, 256), grouped(8, [8, 4], true)),
        case(
            (1, 1, 70),
            Route {
                normed: false,
                ..grouped(3, [1, 1], true)
            },
        ),
    ];
    let timed = |t| case((t, t, 128), of(8, true)).timed(4 * t * (128 + 16), t * 128 * 8);
    checked.chain(others).chain([1, 128].map(timed)).collect()
}
