//! A residual sum and the norm of it in one kernel: what `plan/fuse.rs` makes of an add that a norm reads.

use super::{
    Affine, Fixed, Graph, Lowering, Norm, Op, Run, Tensor,
    case::Case,
    lowering::u32_of,
    norm::{affine, check, narrow, normalise},
};
use crate::{
    error::{Error, Result},
    shader::add_norm as kernel,
};

pub(crate) static OP: Op = Op {
    name: "add_norm",
    twin,
    fast: None,
    lower,
};

/// What [`add_norm`] makes.
pub(crate) struct Residual {
    /// `a + scale * b`, the residual stream.
    pub(crate) sum: Tensor,
    /// Its norm.
    pub(crate) norm: Tensor,
}

/// Configuration of [`add_norm`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct AddNorm {
    /// Multiplies `b`.
    pub(crate) scale: f32,
    /// The norm, of whole rows.
    pub(crate) norm: Norm,
}

/// `sum = a + scale * b` and its norm, all `[T, D]`; there is a gain. `into` are tensors to write, where they exist
/// already.
pub(crate) fn add_norm(
    g: &mut Graph,
    [a, b]: [Tensor; 2],
    affine: Affine,
    cfg: AddNorm,
    into: Option<Residual>,
) -> Result<Residual> {
    check(OP.name, a, affine, cfg.norm)?;
    if a.shape != b.shape {
        return Err(Error::shape(OP.name, "b", format!("{:?}", a.shape), b.shape));
    }
    let (Some(gain), 1) = (affine.gain, cfg.norm.heads) else {
        return Err(Error::shape(OP.name, "gain", "one for whole rows", affine.gain));
    };
    let out = into.unwrap_or_else(|| Residual {
        sum: g.alloc(a.shape),
        norm: g.alloc(a.shape),
    });
    let mut inputs = vec![g.fixed(Fixed::State), a, b, gain];
    inputs.extend(affine.bias);
    g.push(&OP, cfg, &inputs, &[out.sum, out.norm]);
    Ok(out)
}

fn twin(run: &mut Run<'_>) -> Result<()> {
    let cfg = *run.cfg::<AddNorm>()?;
    let (mut sum, mut y) = (run.take(0)?, run.take(1)?);
    let (a, b, [gain, bias]) = (run.input(1)?, run.input(2)?, affine(run, 3)?);
    let width = gain.len();
    for t in 0..run.rows(run.tensor(1)) {
        let row = t * width..(t + 1) * width;
        for ((s, a), b) in sum[row.clone()].iter_mut().zip(&a[row.clone()]).zip(&b[row.clone()]) {
            *s = narrow(f64::from(*a) + f64::from(cfg.scale) * f64::from(*b));
        }
        normalise(&sum[row.clone()], &gain, &bias, cfg.norm, &mut y[row]);
    }
    run.give(0, sum)?;
    run.give(1, y)
}

fn lower(low: &mut Lowering<'_>) -> Result<()> {
    let cfg = *low.node.cfg::<AddNorm>()?;
    let x = low.node.inputs[1].shape;
    let args = kernel::Args {
        state: low.input(0)?,
        a: low.input(1)?,
        b: low.input(2)?,
        gain: low.input(3)?,
        bias: low.input_or(4, 3)?,
        sum: low.output(0)?,
        y: low.output(1)?,
    };
    let params = kernel::Params {
        width: u32_of(OP.name, x.width())?,
        biased: u32::from(low.node.inputs.len() > 4),
        centred: u32::from(cfg.norm.centred),
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
    let case = |t, width, scale, centred| {
        let cfg = AddNorm {
            scale,
            norm: Norm {
                eps: 1e-5,
                centred,
                plus: if scale == 1.0 { 0.0 } else { 1.0 },
                heads: 1,
            },
        };
        Case::new(format!("t{t} d{width} {scale} {centred}"), t, move |c| {
            let (a, b) = (c.input(t, width), c.input(t, width));
            let affine = Affine {
                gain: Some(c.vector(width)),
                bias: centred.then(|| c.vector(width)),
            };
            let out = add_norm(c.graph, [a, b], affine, cfg, None)?;
            c.graph.output(out.sum);
            c.graph.output(out.norm);
            Ok(())
        })
    };
    let timed = |(t, width)| case(t, width, 1.0, false).timed(4 * width * (4 * t + 1), 5 * t * width);
    let checked = [
        case(1, 8, 1.0, false),
        case(3, 80, 1.0, false),
        case(5, 2048, 1.0, false),
        case(3, 60, 0.4, false),
        case(3, 72, 1.0, true),
    ];
    checked
        .into_iter()
        .chain([(1, 4096), (128, 4096)].into_iter().map(timed))
        .collect()
}
