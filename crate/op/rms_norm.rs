//! Root-mean-square normalisation (Zhang and Sennrich, 2019).

use super::{Fixed, Graph, Lowering, Op, Run, Tensor, case::Case, lowering::u32_of};
use crate::{
    error::{Error, Result},
    shader::rms_norm as kernel,
};

pub(crate) static OP: Op = Op {
    name: "rms_norm",
    twin,
    fast: None,
    lower,
};

/// Configuration of [`rms_norm`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct RmsNorm {
    /// Added to the mean square.
    pub(crate) eps: f32,
}

/// `x: [T, D]` scaled to unit mean square by row, times `gain: [D]`.
pub(crate) fn rms_norm(g: &mut Graph, x: Tensor, gain: Tensor, cfg: RmsNorm) -> Result<Tensor> {
    check(OP.name, x, gain)?;
    let y = g.alloc(x.shape);
    let state = g.fixed(Fixed::State);
    g.push(&OP, cfg, &[state, x, gain], &[y]);
    Ok(y)
}

pub(super) fn check(op: &'static str, x: Tensor, gain: Tensor) -> Result<()> {
    if gain.shape.count() != x.shape.width() {
        return Err(Error::shape(op, "gain", format!("[{}]", x.shape.width()), gain.shape));
    }
    Ok(())
}

/// One row; sums in f64.
pub(super) fn normalise(x: &[f32], gain: &[f32], eps: f32, y: &mut [f32]) {
    let mean = x.iter().map(|v| f64::from(*v) * f64::from(*v)).sum::<f64>() / x.len() as f64;
    let scale = 1.0 / (mean + f64::from(eps)).sqrt();
    for ((y, x), g) in y.iter_mut().zip(x).zip(gain) {
        *y = narrow(f64::from(*x) * scale * f64::from(*g));
    }
}

/// f64 to f32, the one rounding of a twin.
#[allow(clippy::cast_possible_truncation, reason = "rounding to f32 is the point")]
pub(crate) fn narrow(value: f64) -> f32 {
    value as f32
}

fn twin(run: &mut Run<'_>) -> Result<()> {
    let cfg = run.cfg::<RmsNorm>()?;
    let mut y = run.take(0)?;
    let (x, gain) = (run.input(1)?, run.vector(2)?);
    let width = gain.len();
    for (y, x) in y
        .chunks_exact_mut(width)
        .zip(x.chunks_exact(width))
        .take(run.rows(run.tensor(1)))
    {
        normalise(x, &gain, cfg.eps, y);
    }
    run.give(0, y)
}

fn lower(low: &mut Lowering<'_>) -> Result<()> {
    let x = low.node.inputs[1].shape;
    let args = kernel::Args {
        state: low.input(0)?,
        x: low.input(1)?,
        gain: low.input(2)?,
        y: low.output(0)?,
    };
    let params = kernel::Params {
        width: u32_of(OP.name, x.width())?,
        eps: low.node.cfg::<RmsNorm>()?.eps,
    };
    let variant = kernel::Variant {
        subgroups: low.caps.subgroups(),
    };
    low.dispatch(
        variant.source(),
        kernel::Consts::default().entries(),
        &params,
        args.bindings(),
        [x.rows(), 1, 1],
    )
}

pub(super) fn cases() -> Vec<Case> {
    let case = |(t, width)| {
        Case::new(format!("t{t} d{width}"), t, move |c| {
            let x = c.input(t, width);
            let gain = c.vector(width);
            let y = rms_norm(c.graph, x, gain, RmsNorm { eps: 1e-5 })?;
            c.graph.output(y);
            Ok(())
        })
    };
    let timed = |(t, width)| case((t, width)).timed(4 * width * (2 * t + 1), 4 * t * width);
    let checked = [(1, 8), (3, 80), (5, 2048)].into_iter().map(case);
    checked.chain([(1, 4096), (128, 4096)].into_iter().map(timed)).collect()
}
