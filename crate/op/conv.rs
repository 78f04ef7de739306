//! Convolutions along the tokens, channel by channel, over this step's and a few that were kept of those before.

use super::{
    Fixed, Graph, Lowering, Op, Run, Tensor,
    case::Case,
    lowering::{strided, u32_of},
    norm::narrow,
};
use crate::{
    error::{Error, Result},
    shader::conv as kernel,
};

pub(crate) static OP: Op = Op {
    name: "conv",
    twin,
    fast: None,
    lower,
};

/// What goes into a convolution, and what it makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Window {
    /// A column, and what comes out goes through silu.
    Silu,
    /// A product of two columns, and what comes out is multiplied by a third (LFM 2).
    Gated,
    /// A column, of which so much is the token's own as its weight says, and the rest the one before (RWKV).
    Shift,
}

/// Configuration of [`conv`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Conv {
    /// Tokens that it sees, its own included.
    pub(crate) taps: usize,
    /// Whose past: `[taps - 1, C]`.
    pub(crate) past: usize,
    pub(crate) window: Window,
}

impl Conv {
    /// Weights a channel.
    fn weights(&self) -> usize {
        if self.window == Window::Shift { 1 } else { self.taps }
    }
}

/// `y: [T, C]`, `y[t, c] = f(sum of w[c, k] u[t - taps + 1 + k, c] + bias[c])` for a weight `w: [C * taps]` and u the first C
/// columns of x. Gated: `x: [T, 3 * C]`, u is the product of the first and last third, and f multiplies by the second. A shift
/// has two taps, `1 - w[c]` and `w[c]`, and no f.
pub(crate) fn conv(g: &mut Graph, x: Tensor, w: Tensor, bias: Option<Tensor>, cfg: Conv) -> Result<Tensor> {
    let [t, width] = x.shape.dims2(OP.name)?;
    let channels = w.shape.count() / cfg.weights().max(1);
    let least = if cfg.window == Window::Gated {
        3 * channels
    } else {
        channels
    };
    let whole = w.shape.count() == channels * cfg.weights() && (cfg.taps == 2 || cfg.window != Window::Shift);
    let fits = bias.is_none_or(|b| b.shape.count() == channels) && whole;
    if !fits || channels == 0 || width < least {
        return Err(Error::shape(OP.name, "x", format!("rows of at least {least}"), x.shape));
    }
    let y = g.alloc([t, channels]);
    let (state, past) = (g.fixed(Fixed::State), g.fixed(Fixed::Past(cfg.past)));
    let inputs = [Some(state), Some(x), Some(w), bias];
    g.push(&OP, cfg, &inputs.into_iter().flatten().collect::<Vec<_>>(), &[y, past]);
    Ok(y)
}

fn twin(run: &mut Run<'_>) -> Result<()> {
    let cfg = *run.cfg::<Conv>()?;
    let (mut y, mut past) = (run.take(0)?, std::mem::take(&mut run.memory.past[cfg.past]));
    let (x, w, tensor) = (run.input(1)?, run.vector(2)?, run.tensor(1));
    let bias = if run.inputs() > 3 { run.vector(3)? } else { Vec::new() };
    let (width, len, channels) = (tensor.shape.width(), run.rows(tensor), w.len() / cfg.weights());
    let gated = cfg.window == Window::Gated;
    if run.memory.state.pos == 0 {
        past.fill(0.0);
    }
    let mut seen = Vec::new();
    for (c, w) in w.chunks_exact(cfg.weights()).enumerate() {
        let shift = [1.0 - f64::from(w[0]), f64::from(w[0])];
        let kept = past.iter().skip(c).step_by(channels).copied();
        let new = x.chunks_exact(width).take(len);
        let new = new.map(|row| if gated { row[c] * row[2 * channels + c] } else { row[c] });
        seen.clear();
        seen.extend(kept.chain(new));
        for (t, window) in seen.windows(cfg.taps).enumerate() {
            let products = window.iter().zip(w).map(|(u, w)| f64::from(*u) * f64::from(*w));
            let sum = products.sum::<f64>() + f64::from(bias.get(c).copied().unwrap_or_default());
            y[t * channels + c] = narrow(match cfg.window {
                Window::Silu => sum / (1.0 + (-sum).exp()),
                Window::Gated => sum * f64::from(x[t * width + channels + c]),
                Window::Shift => window.iter().zip(shift).map(|(u, w)| f64::from(*u) * w).sum(),
            });
        }
        for (k, u) in seen[len..].iter().enumerate() {
            past[k * channels + c] = *u;
        }
    }
    run.memory.past[cfg.past] = past;
    run.give(0, y)
}

fn lower(low: &mut Lowering<'_>) -> Result<()> {
    let cfg = *low.node.cfg::<Conv>()?;
    let (x, channels) = (low.node.inputs[1].shape, low.node.outputs[0].shape.width());
    let args = kernel::Args {
        state: low.input(0)?,
        x: low.input(1)?,
        w: low.input(2)?,
        bias: low.input_or(3, 2)?,
        past: low.output(1)?,
        y: low.output(0)?,
    };
    let params = kernel::Params {
        channels: u32_of(OP.name, channels)?,
        width: u32_of(OP.name, x.width())?,
        taps: u32_of(OP.name, cfg.taps)?,
        biased: u32::from(low.node.inputs.len() > 3),
        bucket: u32_of(OP.name, x.rows())?,
    };
    let consts = kernel::Consts {
        window: match cfg.window {
            Window::Silu => 0,
            Window::Gated => 1,
            Window::Shift => 2,
        },
    };
    low.dispatch(
        kernel::Variant {}.source(),
        consts.entries(),
        &params,
        args.bindings(),
        [strided(channels, 64), 1, 1],
    )
}

pub(super) fn cases() -> Vec<Case> {
    // Twice, so that the second shows what the first kept.
    let case = |(valid, bucket, pos, channels, taps, window): (usize, usize, usize, usize, usize, Window)| {
        let name = format!("t{valid}/{bucket} at {pos} d{channels} of {taps} {window:?}");
        Case::new(name, bucket, move |c| {
            c.valid(valid);
            c.position(pos);
            c.past(0, (taps - 1) * channels);
            let cfg = Conv { taps, past: 0, window };
            let w = c.vector(channels * cfg.weights());
            let bias = (window == Window::Silu).then(|| c.vector(channels));
            for _ in 0..2 {
                let gated = window == Window::Gated;
                let x = c.input(bucket, if gated { 3 * channels } else { channels + 4 });
                let y = conv(c.graph, x, w, bias, cfg)?;
                c.graph.output(y);
            }
            Ok(())
        })
    };
    let checked = [
        (1, 1, 5, 72, 3, Window::Gated),
        (1, 8, 5, 130, 4, Window::Silu),
        (2, 8, 0, 70, 4, Window::Silu),
        (7, 8, 0, 64, 3, Window::Gated),
        (31, 32, 9, 68, 4, Window::Silu),
        (1, 8, 5, 70, 2, Window::Shift),
        (3, 8, 0, 64, 2, Window::Shift),
    ];
    let timed = |t| case((t, t, 5, 6144, 4, Window::Silu)).timed(2 * 4 * 6144 * (4 + 3 + 2 * t), 2 * 2 * t * 4 * 6144);
    checked.into_iter().map(case).chain([1, 128].map(timed)).collect()
}
