//! A residual sum and the norm of it in one kernel: what `plan/fuse.rs` makes of an add that a norm reads.

use super::{
    Fixed, Graph, Lowering, Op, RmsNorm, Run, Tensor,
    case::Case,
    lowering::u32_of,
    rms_norm::{check, normalise},
};
use crate::{
    error::{Error, Result},
    shader::add_rms_norm as kernel,
};

pub(crate) static OP: Op = Op {
    name: "add_rms_norm",
    twin,
    fast: None,
    lower,
};

/// What [`add_rms_norm`] makes.
pub(crate) struct Residual {
    /// `a + b`, the residual stream.
    pub(crate) sum: Tensor,
    /// Its norm.
    pub(crate) norm: Tensor,
}

/// `sum = a + b` and its norm, all `[T, D]`; `gain: [D]`. `into` are tensors to write, where they exist already.
pub(crate) fn add_rms_norm(
    g: &mut Graph,
    [a, b]: [Tensor; 2],
    gain: Tensor,
    cfg: RmsNorm,
    into: Option<Residual>,
) -> Result<Residual> {
    check(OP.name, a, gain)?;
    if a.shape != b.shape {
        return Err(Error::shape(OP.name, "b", format!("{:?}", a.shape), b.shape));
    }
    let out = into.unwrap_or_else(|| Residual {
        sum: g.alloc(a.shape),
        norm: g.alloc(a.shape),
    });
    let state = g.fixed(Fixed::State);
    g.push(&OP, cfg, &[state, a, b, gain], &[out.sum, out.norm]);
    Ok(out)
}

fn twin(run: &mut Run<'_>) -> Result<()> {
    let cfg = run.cfg::<RmsNorm>()?;
    let (mut sum, mut y) = (run.take(0)?, run.take(1)?);
    let (a, b, gain) = (run.input(1)?, run.input(2)?, run.vector(3)?);
    let width = gain.len();
    for t in 0..run.rows(run.tensor(1)) {
        let row = t * width..(t + 1) * width;
        for ((s, a), b) in sum[row.clone()].iter_mut().zip(&a[row.clone()]).zip(&b[row.clone()]) {
            *s = a + b;
        }
        normalise(&sum[row.clone()], &gain, cfg.eps, &mut y[row]);
    }
    run.give(0, sum)?;
    run.give(1, y)
}

fn lower(low: &mut Lowering<'_>) -> Result<()> {
    let x = low.node.inputs[1].shape;
    let args = kernel::Args {
        state: low.input(0)?,
        a: low.input(1)?,
        b: low.input(2)?,
        gain: low.input(3)?,
        sum: low.output(0)?,
        y: low.output(1)?,
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
            let (a, b) = (c.input(t, width), c.input(t, width));
            let gain = c.vector(width);
            let out = add_rms_norm(c.graph, [a, b], gain, RmsNorm { eps: 1e-5 }, None)?;
            c.graph.output(out.sum);
            c.graph.output(out.norm);
            Ok(())
        })
    };
    let timed = |(t, width)| case((t, width)).timed(4 * width * (4 * t + 1), 5 * t * width);
    let checked = [(1, 8), (3, 80), (5, 2048)].into_iter().map(case);
    checked.chain([(1, 4096), (128, 4096)].into_iter().map(timed)).collect()
}
