//! The residual stream and the norm of what is added to it in one kernel: what `plan/fuse.rs` makes of a norm that an add reads.

use super::{
    Fixed, Graph, Lowering, Norm, Op, Run, Tensor,
    case::Case,
    lowering::u32_of,
    norm::{Affine, narrow, norm, normalise},
};
use crate::{error::Result, shader::norm_add as kernel};

pub(crate) static OP: Op = Op {
    name: "norm_add",
    twin,
    fast: None,
    lower,
};

/// Configuration of [`norm_add`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct NormAdd {
    /// Multiplies the norm.
    pub(crate) scale: f32,
    /// The norm, of whole rows, not centred.
    pub(crate) norm: Norm,
}

/// `y = a + scale * norm(b)`, all `[T, D]`, with a gain `[D]`.
pub(crate) fn norm_add(g: &mut Graph, [a, b, gain]: [Tensor; 3], cfg: NormAdd, y: Tensor) {
    let state = g.fixed(Fixed::State);
    g.push(&OP, cfg, &[state, a, b, gain], &[y]);
}

fn twin(run: &mut Run<'_>) -> Result<()> {
    let cfg = *run.cfg::<NormAdd>()?;
    let mut y = run.take(0)?;
    let (a, b, gain) = (run.input(1)?, run.input(2)?, run.vector(3)?);
    let width = gain.len();
    for t in 0..run.rows(run.tensor(1)) {
        let row = t * width..(t + 1) * width;
        normalise(&b[row.clone()], &gain, &[], cfg.norm, &mut y[row.clone()]);
        for (y, a) in y[row.clone()].iter_mut().zip(&a[row]) {
            *y = narrow(f64::from(*a) + f64::from(cfg.scale) * f64::from(*y));
        }
    }
    run.give(0, y)
}

fn lower(low: &mut Lowering<'_>) -> Result<()> {
    let cfg = *low.node.cfg::<NormAdd>()?;
    let x = low.node.inputs[1].shape;
    let args = kernel::Args {
        state: low.input(0)?,
        a: low.input(1)?,
        b: low.input(2)?,
        gain: low.input(3)?,
        y: low.output(0)?,
    };
    let params = kernel::Params {
        width: u32_of(OP.name, x.width())?,
        plus: cfg.norm.plus,
        eps: cfg.norm.eps,
        scale: cfg.scale,
    };
    let variant = kernel::Variant {
        subgroups: low.caps.subgroups(),
    };
    low.dispatch(
        variant.source(),
        kernel::Consts { wg: low.a_row() }.entries(),
        &params,
        args.bindings(),
        [x.rows(), 1, 1],
    )
}

pub(super) fn cases() -> Vec<Case> {
    let case = |t, width, scale, plus| {
        let cfg = Norm {
            eps: 1e-5,
            centred: false,
            plus,
            heads: 1,
        };
        Case::new(format!("t{t} d{width} {scale} {plus}"), t, move |c| {
            let (a, b) = (c.input(t, width), c.input(t, width));
            let affine = Affine {
                gain: Some(c.vector(width)),
                bias: None,
            };
            let n = norm(c.graph, b, affine, cfg)?;
            let by = super::Blend {
                of_b: scale,
                ..super::SUM
            };
            let y = super::blend(c.graph, a, n, by)?;
            c.graph.output(y);
            Ok(())
        })
    };
    let timed = |(t, width)| case(t, width, 1.0, 0.0).timed(4 * width * (3 * t + 1), 5 * t * width);
    let checked = [
        case(1, 8, 1.0, 0.0),
        case(3, 80, 1.0, 1.0),
        case(5, 2048, 1.0, 0.0),
        case(3, 60, 0.4, 0.0),
    ];
    checked.into_iter().chain([(1, 4096), (128, 4096)].map(timed)).collect()
}
