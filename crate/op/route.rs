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

/// Configuration of [`route`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Route {
    /// Experts a token goes to.
    pub(crate) used: usize,
    /// Whether their weights add up to 1; else they are shares of all experts.
    pub(crate) normed: bool,
}

/// `[T, 2 * used]`: ids of the experts of highest `logits: [T, E]`, as numbers, then their weights: softmax over all
/// experts or over those chosen. The lower id goes first where logits are the same.
pub(crate) fn route(g: &mut Graph, logits: Tensor, cfg: Route) -> Result<Tensor> {
    let [t, experts] = logits.shape.dims2(OP.name)?;
    if cfg.used == 0 || cfg.used > experts {
        let expected = format!("at least {} experts", cfg.used.max(1));
        return Err(Error::shape(OP.name, "logits", expected, logits.shape));
    }
    let y = g.alloc([t, 2 * cfg.used]);
    let state = g.fixed(Fixed::State);
    g.push(&OP, cfg, &[state, logits], &[y]);
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
    let experts = tensor.shape.width();
    let rows = logits.chunks_exact(experts).zip(y.chunks_exact_mut(2 * cfg.used));
    for (logits, y) in rows.take(run.rows(tensor)) {
        let mut ids: Vec<usize> = (0..experts).collect();
        // 0 and -0 are the same; of equals the lower id stays first.
        sort_by_numbers(&mut ids, |id| [u64::from(!rank(logits[*id] + 0.0)), 0]);
        let chosen = &ids[..cfg.used];
        let top = f64::from(logits[chosen[0]]);
        let share = |id: &usize| (f64::from(logits[*id]) - top).exp();
        let total: f64 = if cfg.normed { chosen } else { &ids }.iter().map(share).sum();
        for (i, id) in chosen.iter().enumerate() {
            y[i] = number(*id);
            y[cfg.used + i] = narrow(share(id) / total);
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
        routes: low.output(0)?,
    };
    let params = kernel::Params {
        experts: u32_of(OP.name, logits.width())?,
        used: u32_of(OP.name, cfg.used)?,
        normed: u32::from(cfg.normed),
    };
    low.dispatch(
        kernel::Variant {}.source(),
        vec![],
        &params,
        args.bindings(),
        [logits.rows(), 1, 1],
    )
}

pub(super) fn cases() -> Vec<Case> {
    let case = |(bucket, valid, experts, used): (usize, usize, usize, usize), normed| {
        let name = format!("t{valid}/{bucket} {used} of {experts}, normed {normed}");
        Case::new(name, bucket, move |c| {
            c.valid(valid);
            let logits = c.input(bucket, experts);
            if let Some(values) = c.inputs.last_mut() {
                // Coarse, so that some are the same.
                values.iter_mut().for_each(|v| *v = (*v * 4.0).round());
            }
            let y = route(c.graph, logits, Route { used, normed })?;
            c.graph.output(y);
            Ok(())
        })
    };
    let sizes = [
        (1, 1, 4, 2),
        (8, 5, 6, 6),
        (8, 7, 64, 8),
        (32, 31, 130, 4),
        (1, 1, 1, 1),
    ];
    let checked = sizes.into_iter().flat_map(|size| [case(size, false), case(size, true)]);
    let timed = |t| case((t, t, 128, 8), true).timed(4 * t * (128 + 16), t * 128 * 8);
    checked.chain([1, 128].map(timed)).collect()
}
