//! Activation functions, alone or times another branch (Shazeer, 2020); also the scale and the cap of logits.

use super::{
    Graph, Lowering, Node, Op, Run, Tensor,
    case::Case,
    lowering::{strided, u32_of},
    norm::narrow,
};
use crate::{
    cpu::exp,
    error::{Error, Result},
    shader::activate as kernel,
};
use std::f64::consts::{FRAC_1_SQRT_2, PI};

pub(crate) static OP: Op = Op {
    name: "activate",
    twin,
    fast: Some(fast),
    lower,
};

/// A function of one value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Act {
    /// `x sigmoid(x)`.
    Silu,
    /// GELU (Hendrycks and Gimpel, 2016) by its tanh approximation.
    GeluTanh,
    /// GELU, exact.
    Gelu,
    /// `x sigmoid(1.702 x)`.
    GeluQuick,
    /// `x sigmoid(slope * x)` (Ramachandran et al., 2017).
    Swish(f32),
    /// `max(x, 0)`.
    Relu,
    /// Its square (So et al., 2021).
    Relu2,
    /// The logistic function.
    Sigmoid,
    /// `scale * x`, then, if `cap` is above 0, `cap * tanh(x / cap)`.
    Cap { scale: f32, cap: f32 },
    /// `x sigmoid(slope * x)` of at most `limit`, times one more than the other branch within `limit`.
    Clamped { slope: f32, limit: f32 },
}

impl Act {
    /// The number in the shader, and its parameters.
    pub(super) fn code(self) -> (u32, [f32; 2]) {
        match self {
            Self::Silu => (0, [0.0; 2]),
            Self::GeluTanh => (1, [0.0; 2]),
            Self::Gelu => (2, [0.0; 2]),
            Self::GeluQuick => (3, [1.702, 0.0]),
            Self::Swish(slope) => (3, [slope, 0.0]),
            Self::Relu => (4, [0.0; 2]),
            Self::Relu2 => (5, [0.0; 2]),
            Self::Sigmoid => (6, [0.0; 2]),
            Self::Cap { scale, cap } => (7, [scale, cap]),
            Self::Clamped { slope, limit } => (8, [slope, limit]),
        }
    }

    /// a and b of those that are `x sigmoid(x (a + b x x))`.
    fn sigmoid(self) -> Option<[f32; 2]> {
        match self {
            Self::Silu => Some([1.0, 0.0]),
            // The halves of 1 + tanh are a sigmoid of twice as much.
            Self::GeluTanh => Some([1.595_769_2, 0.071_354_814]),
            Self::GeluQuick => Some([1.702, 0.0]),
            Self::Swish(slope) => Some([slope, 0.0]),
            _ => None,
        }
    }

    /// The product of the function of `x` and the other branch.
    fn of(self, x: f64, up: f64) -> f64 {
        let sigmoid = |v: f64| 1.0 / (1.0 + (-v).exp());
        match self {
            Self::Silu => x * sigmoid(x) * up,
            Self::GeluTanh => 0.5 * x * (1.0 + ((2.0 / PI).sqrt() * (x + 0.044_715 * x.powi(3))).tanh()) * up,
            Self::Gelu => 0.5 * x * (1.0 + erf(x * FRAC_1_SQRT_2)) * up,
            Self::GeluQuick => x * sigmoid(1.702 * x) * up,
            Self::Swish(slope) => x * sigmoid(f64::from(slope) * x) * up,
            Self::Relu => x.max(0.0) * up,
            Self::Relu2 => x.max(0.0).powi(2) * up,
            Self::Sigmoid => sigmoid(x) * up,
            Self::Cap { scale, cap } => {
                let (x, cap) = (f64::from(scale) * x, f64::from(cap));
                if cap > 0.0 { cap * (x / cap).tanh() * up } else { x * up }
            }
            Self::Clamped { slope, limit } => {
                let limit = f64::from(limit);
                let x = x.min(limit);
                x * sigmoid(f64::from(slope) * x) * (up.clamp(-limit, limit) + 1.0)
            }
        }
    }
}

/// The error function, by the series that has no cancellation.
fn erf(x: f64) -> f64 {
    if x.abs() > 6.0 {
        return x.signum();
    }
    let (mut term, mut sum, mut n) = (x, x, 0.0);
    while term.abs() > 1e-17 * sum.abs() {
        n += 1.0;
        term *= 2.0 * x * x / (2.0 * n + 1.0);
        sum += term;
    }
    2.0 / PI.sqrt() * (-x * x).exp() * sum
}

/// Configuration of the node.
#[derive(Debug, Clone, Copy)]
struct Cfg {
    act: Act,
    /// First value of a row of the other branch that counts.
    offset: usize,
    /// How many of those go with one of `x`.
    per: usize,
}

impl Cfg {
    fn plain(act: Act) -> Self {
        Self { act, offset: 0, per: 1 }
    }
}

/// `act(x)`, for `x: [T, F]`.
pub(crate) fn activate(g: &mut Graph, x: Tensor, act: Act) -> Result<Tensor> {
    let y = g.alloc(x.shape);
    g.push(&OP, Cfg::plain(act), &[x], &[y]);
    Ok(y)
}

/// The function, if a node multiplies all of one row with all of another.
pub(crate) fn gates(node: &Node) -> Option<Act> {
    let [x, up] = node.inputs[..] else { return None };
    let cfg = node.cfg::<Cfg>().ok()?;
    (cfg.per == 1 && x.shape == up.shape).then_some(cfg.act)
}

/// `act(x) * up`, for `x: [T, F]` and as many values of each row of `up`, from `offset` on.
pub(crate) fn gate(g: &mut Graph, x: Tensor, (up, offset): (Tensor, usize), act: Act) -> Result<Tensor> {
    let [[t, width], [rows, up_width]] = [x.shape.dims2(OP.name)?, up.shape.dims2(OP.name)?];
    if t != rows || offset.checked_add(width).is_none_or(|end| end > up_width) {
        return Err(Error::shape(
            OP.name,
            "up",
            format!("{:?} from {offset} on", x.shape),
            up.shape,
        ));
    }
    let y = g.alloc(x.shape);
    let cfg = Cfg {
        offset,
        ..Cfg::plain(act)
    };
    g.push(&OP, cfg, &[x, up], &[y]);
    Ok(y)
}

/// `act(x) * up`, for one value a row, `x: [T, 1]`, and `up: [T, F]`.
pub(crate) fn gate_rows(g: &mut Graph, x: Tensor, up: Tensor, act: Act) -> Result<Tensor> {
    let [rows, per] = up.shape.dims2(OP.name)?;
    if x.shape.dims2(OP.name)? != [rows, 1] {
        return Err(Error::shape(OP.name, "x", format!("[{rows}, 1]"), x.shape));
    }
    let y = g.alloc(up.shape);
    let cfg = Cfg { per, ..Cfg::plain(act) };
    g.push(&OP, cfg, &[x, up], &[y]);
    Ok(y)
}

fn twin(run: &mut Run<'_>) -> Result<()> {
    let cfg = *run.cfg::<Cfg>()?;
    let mut y = run.take(0)?;
    let (tensor, x) = (run.tensor(0), run.input(0)?);
    let width = tensor.shape.width() * cfg.per;
    let up = if run.inputs() > 1 {
        Some((run.input(1)?, run.tensor(1).shape.width()))
    } else {
        None
    };
    for i in 0..run.rows(tensor) * width {
        let up = up.map_or(1.0, |(up, wide)| {
            f64::from(up[i / width * wide + cfg.offset + i % width])
        });
        y[i] = narrow(cfg.act.of(f64::from(x[i / cfg.per]), up));
    }
    run.give(0, y)
}

fn fast(run: &mut Run<'_>) -> Result<()> {
    let cfg = *run.cfg::<Cfg>()?;
    let (Some(by), [_, up], 1) = (cfg.act.sigmoid(), &run.node().inputs[..], cfg.per) else {
        return twin(run);
    };
    let mut y = run.take(0)?;
    let (tensor, x, ups) = (run.tensor(0), run.input(0)?, run.input(1)?);
    let (width, up_width) = (tensor.shape.width(), up.shape.width());
    for t in 0..run.rows(tensor) {
        let (row, up) = (t * width..(t + 1) * width, &ups[t * up_width + cfg.offset..]);
        exp::gate(&x[row.clone()], up, by, &mut y[row]);
    }
    run.give(0, y)
}

fn lower(low: &mut Lowering<'_>) -> Result<()> {
    let cfg = *low.node.cfg::<Cfg>()?;
    let y = low.node.outputs[0].shape;
    let gates = low.node.inputs.len() > 1;
    let args = kernel::Args {
        x: low.input(0)?,
        up: low.input_or(1, 0)?,
        y: low.output(0)?,
    };
    let (kind, [ka, kb]) = cfg.act.code();
    let up_width = low.node.inputs.get(1).map_or(0, |up| up.shape.width());
    let vectors = cfg.per == 1 && [y.width(), up_width, cfg.offset].iter().all(|n| n.is_multiple_of(4));
    let each = if vectors { 4 } else { 1 };
    let params = kernel::Params {
        rows: u32_of(OP.name, y.rows())?,
        width: u32_of(OP.name, y.width() / each)?,
        up_width: u32_of(OP.name, up_width / each)?,
        offset: u32_of(OP.name, cfg.offset / each)?,
        ka,
        kb,
    };
    let consts = kernel::Consts {
        kind,
        gates: u32::from(gates),
        per: u32_of(OP.name, cfg.per)?,
    };
    low.dispatch(
        kernel::Variant { vectors }.source(),
        consts.entries(),
        &params,
        args.bindings(),
        [strided(y.width() / each, 64), y.rows().min(65_535), 1],
    )
}

pub(super) fn cases() -> Vec<Case> {
    let kinds = [
        Act::Silu,
        Act::GeluTanh,
        Act::Gelu,
        Act::GeluQuick,
        Act::Swish(0.8),
        Act::Relu,
        Act::Relu2,
        Act::Sigmoid,
        Act::Cap { scale: 0.7, cap: 0.0 },
        Act::Cap { scale: 30.0, cap: 4.0 },
        Act::Clamped {
            slope: 1.702,
            limit: 2.0,
        },
    ];
    let case = |act: Act, gated: Option<usize>| {
        Case::new(format!("{act:?} {gated:?}"), 8, move |c| {
            c.valid(7);
            let x = c.input(8, 68);
            let y = match gated {
                Some(width) => {
                    let up = c.input(8, width);
                    gate(c.graph, x, (up, 72), act)?
                }
                None => activate(c.graph, x, act)?,
            };
            c.graph.output(y);
            Ok(())
        })
    };
    let swiglu = Case::elementwise(5, |g, a, b| gate(g, a, (b, 0), Act::Silu));
    let kinds = kinds
        .into_iter()
        .flat_map(|act| [case(act, None), case(act, Some(150)), case(act, Some(152))]);
    let by_row = Case::new("a value a row".into(), 8, |c| {
        c.valid(7);
        let (x, up) = (c.input(8, 1), c.input(8, 36));
        let y = gate_rows(c.graph, x, up, Act::Sigmoid)?;
        c.graph.output(y);
        Ok(())
    });
    swiglu.into_iter().chain(kinds).chain([by_row]).collect()
}
