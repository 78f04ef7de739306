//! Normalisation of rows or of the heads of a row: by root mean square (Zhang and Sennrich, 2019) or, with the mean
//! taken away first, LayerNorm (Ba et al., 2016).

use super::{Fixed, Graph, Lowering, Op, Run, Tensor, case::Case, lowering::u32_of};
use crate::{
    error::{Error, Result},
    shader::norm as kernel,
};

pub(crate) static OP: Op = Op {
    name: "norm",
    twin,
    fast: None,
    lower,
};

/// Configuration of [`norm`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Norm {
    /// Added to the mean square.
    pub(crate) eps: f32,
    /// Take the mean away first.
    pub(crate) centred: bool,
    /// Added to each gain.
    pub(crate) plus: f32,
    /// Groups a row, each normalised by itself.
    pub(crate) heads: usize,
}

/// Weights of a norm, as far as there are any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Affine {
    /// `[D]`, or with heads `[Dh]` for all of them or `[H * Dh]`.
    pub(crate) gain: Option<Tensor>,
    /// The same shape; not without a gain.
    pub(crate) bias: Option<Tensor>,
}

/// `x: [T, D]` brought to unit size by row or by head, times the gain, plus the bias.
pub(crate) fn norm(g: &mut Graph, x: Tensor, affine: Affine, cfg: Norm) -> Result<Tensor> {
    check(OP.name, x, affine, cfg)?;
    let y = g.alloc(x.shape);
    let state = g.fixed(Fixed::State);
    let inputs = [Some(state), Some(x), affine.gain, affine.bias];
    g.push(&OP, cfg, &inputs.into_iter().flatten().collect::<Vec<_>>(), &[y]);
    Ok(y)
}

pub(super) fn check(op: &'static str, x: Tensor, affine: Affine, cfg: Norm) -> Result<()> {
    let width = x.shape.width();
    if cfg.heads == 0 || !width.is_multiple_of(cfg.heads) || (affine.gain.is_none() && affine.bias.is_some()) {
        return Err(Error::shape(op, "x", format!("rows of {} heads", cfg.heads), x.shape));
    }
    for part in [affine.gain, affine.bias].into_iter().flatten() {
        if ![width, width / cfg.heads].contains(&part.shape.count()) {
            return Err(Error::shape(op, "gain", format!("[{}]", width / cfg.heads), part.shape));
        }
    }
    if let (Some(gain), Some(bias)) = (affine.gain, affine.bias)
        && gain.shape.count() != bias.shape.count()
    {
        return Err(Error::shape(op, "bias", format!("{:?}", gain.shape), bias.shape));
    }
    Ok(())
}

/// One group; sums in f64. `gain` and `bias` may be empty.
pub(super) fn normalise(x: &[f32], gain: &[f32], bias: &[f32], cfg: Norm, y: &mut [f32]) {
    let count = x.len() as f64;
    let mean = if cfg.centred {
        x.iter().map(|v| f64::from(*v)).sum::<f64>() / count
    } else {
        0.0
    };
    let square = x.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / count;
    let scale = 1.0 / (square + f64::from(cfg.eps)).sqrt();
    for (i, (y, x)) in y.iter_mut().zip(x).enumerate() {
        let gain = gain.get(i).map_or(1.0, |g| f64::from(cfg.plus) + f64::from(*g));
        let bias = bias.get(i).copied().unwrap_or_default();
        *y = narrow((f64::from(*x) - mean) * scale * gain + f64::from(bias));
    }
}

/// f64 to f32, the one rounding of a twin.
#[allow(clippy::cast_possible_truncation, reason = "rounding to f32 is the point")]
pub(crate) fn narrow(value: f64) -> f32 {
    value as f32
}

/// The weights of a norm that are inputs from number `first` on.
pub(super) fn affine(run: &Run<'_>, first: usize) -> Result<[Vec<f32>; 2]> {
    let part = |input| {
        if input < run.inputs() {
            run.vector(input)
        } else {
            Ok(Vec::new())
        }
    };
    Ok([part(first)?, part(first + 1)?])
}

fn twin(run: &mut Run<'_>) -> Result<()> {
    let cfg = *run.cfg::<Norm>()?;
    let mut y = run.take(0)?;
    let (x, [gain, bias]) = (run.input(1)?, affine(run, 2)?);
    let tensor = run.tensor(1);
    let width = tensor.shape.width() / cfg.heads;
    let groups = y.chunks_exact_mut(width).zip(x.chunks_exact(width));
    for (n, (y, x)) in groups.take(run.rows(tensor) * cfg.heads).enumerate() {
        let of = |all: &[f32]| {
            let first = if all.len() > width { n % cfg.heads * width } else { 0 };
            all.get(first..first + width).unwrap_or_default().to_vec()
        };
        normalise(x, &of(&gain), &of(&bias), cfg, y);
    }
    run.give(0, y)
}

fn lower(low: &mut Lowering<'_>) -> Result<()> {
    let cfg = *low.node.cfg::<Norm>()?;
    let x = low.node.inputs[1].shape;
    let width = x.width() / cfg.heads;
    let gain = low.node.inputs.get(2).copied();
    let args = kernel::Args {
        state: low.input(0)?,
        x: low.input(1)?,
        gain: low.input_or(2, 1)?,
        bias: low.input_or(3, 1)?,
        y: low.output(0)?,
    };
    let params = kernel::Params {
        width: u32_of(OP.name, width)?,
        heads: u32_of(OP.name, cfg.heads)?,
        gains: gain.map_or(0, |g| if g.shape.count() > width { 2 } else { 1 }),
        biased: u32::from(low.node.inputs.len() > 3),
        centred: u32::from(cfg.centred),
        plus: cfg.plus,
        eps: cfg.eps,
    };
    let variant = kernel::Variant {
        subgroups: low.caps.subgroups(),
    };
    low.dispatch(
        variant.source(),
        kernel::Consts { wg: low.a_row() }.entries(),
        &params,
        args.bindings(),
        [cfg.heads, x.rows(), 1],
    )
}

pub(super) fn cases() -> Vec<Case> {
    let rms = Norm {
        eps: 1e-5,
        centred: false,
        plus: 0.0,
        heads: 1,
    };
    // (T, width of a head, values of gain, values of bias)
    let case = |(t, width, gains, biases): (usize, usize, usize, usize), cfg: Norm| {
        let name = format!("t{t} d{width} g{gains} b{biases} {cfg:?}");
        Case::new(name, t, move |c| {
            let x = c.input(t, width * cfg.heads);
            let mut part = |count| (count > 0).then(|| c.vector(count));
            let affine = Affine {
                gain: part(gains),
                bias: part(biases),
            };
            let y = norm(c.graph, x, affine, cfg)?;
            c.graph.output(y);
            Ok(())
        })
    };
    let layer = Norm { centred: true, ..rms };
    let heads = |heads, cfg| Norm { heads, ..cfg };
    let checked = [
        case((1, 8, 8, 0), rms),
        case((3, 80, 80, 0), rms),
        case((5, 2048, 2048, 0), rms),
        case(
            (3, 24, 24, 0),
            Norm {
                plus: 1.0,
                ..heads(4, rms)
            },
        ),
        case((3, 24, 0, 0), heads(2, rms)),
        case((2, 60, 60, 60), layer),
        case((4, 16, 96, 0), heads(6, layer)),
        case((2, 16, 48, 48), heads(3, layer)),
    ];
    let timed = |(t, width)| case((t, width, width, 0), rms).timed(4 * width * (2 * t + 1), 4 * t * width);
    checked
        .into_iter()
        .chain([(1, 4096), (128, 4096)].into_iter().map(timed))
        .collect()
}
