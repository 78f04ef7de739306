//! Rows side by side, head by head: some values of one tensor, then some of another.

use super::{
    Graph, Lowering, Op, Run, Tensor,
    case::Case,
    lowering::{strided, u32_of},
};
use crate::{
    error::{Error, Result},
    shader::join as kernel,
};

pub(crate) static OP: Op = Op {
    name: "join",
    twin,
    fast: None,
    lower,
};

/// `y: [T, H * (first + rest)]`: of each of H `heads` the first `first` values of `a: [T, H * _]`, then the first `rest` of
/// `b: [T, H * _]`.
pub(crate) fn join(
    g: &mut Graph,
    heads: usize,
    (a, first): (Tensor, usize),
    (b, rest): (Tensor, usize),
) -> Result<Tensor> {
    let [[t, wide], [rows, other]] = [a.shape.dims2(OP.name)?, b.shape.dims2(OP.name)?];
    let fits = heads > 0 && wide.is_multiple_of(heads) && other.is_multiple_of(heads);
    if t != rows || !fits || first > wide / heads || rest > other / heads {
        let expected = format!("{t} rows of {heads} heads of at least {rest}");
        return Err(Error::shape(OP.name, "b", expected, b.shape));
    }
    let y = g.alloc([t, heads * (first + rest)]);
    g.push(&OP, [heads, first, rest], &[a, b], &[y]);
    Ok(y)
}

fn twin(run: &mut Run<'_>) -> Result<()> {
    let [heads, first, rest] = *run.cfg::<[usize; 3]>()?;
    let mut y = run.take(0)?;
    let count = run.rows(run.tensor(0)) * heads;
    let wide = |input: usize| run.tensor(input).shape.width() / heads;
    let rows = run
        .input(0)?
        .chunks_exact(wide(0))
        .zip(run.input(1)?.chunks_exact(wide(1)));
    for (y, (a, b)) in y.chunks_exact_mut(first + rest).zip(rows).take(count) {
        y[..first].copy_from_slice(&a[..first]);
        y[first..].copy_from_slice(&b[..rest]);
    }
    run.give(0, y)
}

fn lower(low: &mut Lowering<'_>) -> Result<()> {
    let [heads, first, rest] = *low.node.cfg::<[usize; 3]>()?;
    let wide = |input: usize| u32_of(OP.name, low.node.inputs[input].shape.width() / heads);
    let count = low.node.outputs[0].shape.count();
    let params = kernel::Params {
        count: u32_of(OP.name, count)?,
        first: u32_of(OP.name, first)?,
        width: u32_of(OP.name, first + rest)?,
        a_width: wide(0)?,
        b_width: wide(1)?,
    };
    let args = kernel::Args {
        a: low.input(0)?,
        b: low.input(1)?,
        y: low.output(0)?,
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
    let case = |t: usize, heads: usize, [a_width, first, b_width, rest]: [usize; 4]| {
        let name = format!("t{t} h{heads} {first} of {a_width} and {rest} of {b_width}");
        Case::new(name, t, move |c| {
            let (a, b) = (c.input(t, heads * a_width), c.input(t, heads * b_width));
            let y = join(c.graph, heads, (a, first), (b, rest))?;
            c.graph.output(y);
            Ok(())
        })
    };
    let timed = |t| case(t, 16, [512, 512, 64, 64]).timed(2 * 4 * t * 16 * 576, 0);
    let checked = [
        case(1, 1, [7, 7, 5, 5]),
        case(5, 3, [12, 8, 4, 4]),
        case(8, 4, [40, 32, 40, 0]),
    ];
    checked.into_iter().chain([1, 128].map(timed)).collect()
}
