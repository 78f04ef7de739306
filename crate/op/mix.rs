//! The sum of what a token's experts made, by their weights, and by what an expert's weight is multiplied with.

use super::{
    Graph, Lowering, Op, Run, Tensor,
    case::Case,
    lowering::{strided, u32_of},
    norm::narrow,
    route::index,
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

/// `y: [T, D]` from `x: [T, used * D]` and `routes: [T, 2 * used]`, whose latter half has the weights. A weight
/// `scales: [E]` multiplies them, expert by expert.
pub(crate) fn mix(g: &mut Graph, x: Tensor, routes: Tensor, scales: Option<Tensor>) -> Result<Tensor> {
    let [[t, all], [rows, double]] = [x.shape.dims2(OP.name)?, routes.shape.dims2(OP.name)?];
    let used = double / 2;
    if t != rows || used == 0 || !all.is_multiple_of(used) {
        return Err(Error::shape(OP.name, "x", format!("[{rows}, {used} rows]"), x.shape));
    }
    let y = g.alloc([t, all / used]);
    let inputs = [Some(x), Some(routes), scales];
    g.push(&OP, (), &inputs.into_iter().flatten().collect::<Vec<_>>(), &[y]);
    Ok(y)
}

fn twin(run: &mut Run<'_>) -> Result<()> {
    let mut y = run.take(0)?;
    let (x, routes) = (run.input(0)?, run.input(1)?);
    let scales = if run.inputs() > 2 { run.vector(2)? } else { Vec::new() };
    let used = run.tensor(1).shape.width() / 2;
    let width = run.tensor(0).shape.width() / used;
    for t in 0..run.rows(run.tensor(0)) {
        for d in 0..width {
            let term = |j: usize| {
                let route = t * 2 * used + j;
                let scale = scales.get(index(routes[route])).map_or(1.0, |s| f64::from(*s));
                let weight = scale * f64::from(routes[route + used]);
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
        scales: low.input_or(2, 1)?,
        y: low.output(0)?,
    };
    let params = kernel::Params {
        count: u32_of(OP.name, count)?,
        width: u32_of(OP.name, x.width() / used)?,
        used: u32_of(OP.name, used)?,
        scaled: u32::from(low.node.inputs.len() > 2),
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
    let case = |t, used: usize, width: usize, experts: usize| {
        Case::new(format!("t{t} {used} of d{width}, {experts} scales"), t, move |c| {
            let x = c.input(t, used * width);
            let routes = c.routes(t, used, experts.max(used));
            let scales = (experts > 0).then(|| c.vector(experts));
            let y = mix(c.graph, x, routes, scales)?;
            c.graph.output(y);
            Ok(())
        })
    };
    let timed = |t| case(t, 8, 2048, 0).timed(4 * t * 9 * 2048, 2 * t * 8 * 2048);
    let checked = [case(1, 1, 8, 0), case(3, 2, 84, 6), case(32, 8, 100, 0)];
    checked.into_iter().chain([1, 128].map(timed)).collect()
}
