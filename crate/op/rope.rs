//! Rotary position embedding (Su et al., 2021), from a table of cos and sin made on the host.

use super::{
    Fixed, Graph, Lowering, Op, Run, Tensor,
    case::Case,
    lowering::{strided, u32_of},
};
use crate::{
    error::{Error, Result},
    shader::rope as kernel,
};

pub(crate) static OP: Op = Op {
    name: "rope",
    twin,
    fast: None,
    lower,
};

/// Configuration of [`rope`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rope {
    /// Heads in a row.
    pub(crate) heads: usize,
    /// Values of a head that are rotated, from its beginning; even.
    pub(crate) rotated: usize,
    /// Which table of rotations.
    pub(crate) table: usize,
}

/// Rotates each head of `x: [T, H * Dh]` by its position. Half-split pairing; families stored interleaved are
/// un-permuted once, on load.
pub(crate) fn rope(g: &mut Graph, x: Tensor, cfg: Rope) -> Result<Tensor> {
    let [_, width] = x.shape.dims2(OP.name)?;
    if cfg.heads == 0 || !width.is_multiple_of(cfg.heads) || cfg.rotated % 2 == 1 || cfg.rotated > width / cfg.heads {
        return Err(Error::shape(
            OP.name,
            "x",
            format!("{} heads of at least {}", cfg.heads, cfg.rotated),
            x.shape,
        ));
    }
    let y = g.alloc(x.shape);
    let (state, table) = (g.fixed(Fixed::State), g.fixed(Fixed::RopeTable(cfg.table)));
    g.push(&OP, cfg, &[state, table, x], &[y]);
    Ok(y)
}

fn twin(run: &mut Run<'_>) -> Result<()> {
    let cfg = *run.cfg::<Rope>()?;
    let mut y = run.take(0)?;
    rotate(run, 2, cfg, &mut y)?;
    run.give(0, y)
}

/// The rows of input `number`, rotated.
pub(super) fn rotate(run: &Run<'_>, number: usize, cfg: Rope, y: &mut [f32]) -> Result<()> {
    let tensor = run.tensor(number);
    let (width, x) = (tensor.shape.width(), run.input(number)?);
    let (head_dim, half) = (width / cfg.heads, cfg.rotated / 2);
    for t in 0..run.rows(tensor) {
        let table = &run.memory.rope[cfg.table][(run.memory.state.pos + t) * cfg.rotated..][..cfg.rotated];
        for h in 0..cfg.heads {
            let head = t * width + h * head_dim;
            let (x, y) = (&x[head..head + head_dim], &mut y[head..head + head_dim]);
            for i in 0..half {
                let (cos, sin) = (table[2 * i], table[2 * i + 1]);
                y[i] = x[i] * cos - x[i + half] * sin;
                y[i + half] = x[i + half] * cos + x[i] * sin;
            }
            y[cfg.rotated..].copy_from_slice(&x[cfg.rotated..]);
        }
    }
    Ok(())
}

fn lower(low: &mut Lowering<'_>) -> Result<()> {
    let cfg = low.node.cfg::<Rope>()?;
    let x = low.node.inputs[2].shape;
    let args = kernel::Args {
        state: low.input(0)?,
        table: low.input(1)?,
        x: low.input(2)?,
        y: low.output(0)?,
    };
    let params = kernel::Params {
        heads: u32_of(OP.name, cfg.heads)?,
        head_dim: u32_of(OP.name, x.width() / cfg.heads)?,
        rotated: u32_of(OP.name, cfg.rotated)?,
        bucket: u32_of(OP.name, x.rows())?,
    };
    low.dispatch(
        kernel::Variant {}.source(),
        vec![],
        &params,
        args.bindings(),
        [strided(x.count() / 2, 64), 1, 1],
    )
}

pub(super) fn cases() -> Vec<Case> {
    let case = |(t, heads, head_dim, rotated): (u16, usize, usize, usize)| {
        let rows = usize::from(t);
        Case::new(format!("t{t} h{heads} dh{head_dim} dr{rotated}"), rows, move |c| {
            c.position(7);
            c.rope_table(t + 11, rotated);
            let x = c.input(rows, heads * head_dim);
            let cfg = Rope {
                heads,
                rotated,
                table: 0,
            };
            let y = rope(c.graph, x, cfg)?;
            c.graph.output(y);
            Ok(())
        })
    };
    let timed = |t: u16| {
        let rows = usize::from(t);
        case((t, 32, 128, 128)).timed(4 * rows * (2 * 4096 + 128), 3 * rows * 4096)
    };
    let checked = [(1, 2, 16, 16), (5, 3, 24, 24), (3, 2, 64, 32)].into_iter().map(case);
    checked.chain([1, 128].into_iter().map(timed)).collect()
}
