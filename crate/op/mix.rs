//! The sum of what a token's experts made, by their weights.

use super::{
    Graph, Lowering, Op, Run, Tensor,
    case::Case,
    lowering::{strided, u32_of},
    norm::narrow,
};
use crate::{
    error::{Error, Result},
    shader::mix as kernel,
};

pub(crate) static OP: Op = Op {
    name: "mix",
    twin,
    fast: None,
    lower,
};

/// `y: [T, D]` from `x: [T, used * D]` and `routes: [T, 2 * used]`, whose latter half has the weights.
pub(crate) fn mix(g: &mut Graph, x: Tensor, routes: Tensor) -> Result<Tensor> {
    let [[t, all], [rows, double]] = [x.shape.dims2(OP.name)?, routes.shape.dims2(OP.name)?];
    let used = double / 2;
    if t != rows || used == 0 || !all.is_multiple_of(used) {
        return Err(Error::shape(OP.name, "x", format!("[{rows}, {used} rows]"), x.shape));
    }
    let y = g.alloc([t, all / used]);
    g.push(&OP, (), &[x, routes], &[y]);
    Ok(y)
}

fn twin(run: &mut Run<'_>) -> Result<()> {
    let mut y = run.take(0)?;
    let (x, routes) = (run.input(0)?, run.input(1)?);
    let used = run.tensor(1).shape.width() / 2;
    let width = run.tensor(0).shape.width() / used;
    for t in 0..run.rows(run.tensor(0)) {
        for d in 0..width {
            let term = |j: usize| {
                let weight = f64::from(routes[t * 2 * used + used + j]);
                weight * f64::from(x[(t * used + j) * width + d])
            };
            y[t * width + d] = narrow((0..used).map(term).sum());
        }
    }
    run.give(0, y)
}

fn lower(low: &mut Lowering<'_>) -> Result<()> {
    let used = low.node.inputs[1].shape.width() / 2;
    let (x, count) = (low.node.inputs[0].shape, low.node.inputs[0].shape.count() / used);
    let args = kernel::Args {
        x: low.input(0)?,
        routes: low.input(1)?,
        y: low.output(0)?,
    };
    let params = kernel::Params {
        count: u32_of(OP.name, count)?,
        width: u32_of(OP.name, x.width() / used)?,
        used: u32_of(OP.name, used)?,
    };
    low.dispatch(
        kernel::Variant {}.source(),
        vec![],
        &params,
        args.bindings(),
        [strided(count, 64), 1, 1],
    )
}

pub(super) fn cases() -> Vec<Case> {
    let case = |t, used: usize, width: usize| {
        Case::new(format!("t{t} {used} of d{width}"), t, move |c| {
            let (x, routes) = (c.input(t, used * width), c.input(t, 2 * used));
            let y = mix(c.graph, x, routes)?;
            c.graph.output(y);
            Ok(())
        })
    };
    let timed = |t| case(t, 8, 2048).timed(4 * t * 9 * 2048, 2 * t * 8 * 2048);
    let checked = [case(1, 1, 8), case(3, 2, 84), case(32, 8, 100)];
    checked.into_iter().chain([1, 128].map(timed)).collect()
}
