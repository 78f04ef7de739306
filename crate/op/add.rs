//! Elementwise sum: the residual stream.

use super::{
    Graph, Lowering, Op, Run, Tensor,
    case::Case,
    lowering::{strided, u32_of},
};
use crate::{
    error::{Error, Result},
    shader::add as kernel,
};

pub(crate) static OP: Op = Op {
    name: "add",
    twin,
    fast: None,
    lower,
};

/// `a + b`, both `[T, D]`.
pub(crate) fn add(g: &mut Graph, a: Tensor, b: Tensor) -> Result<Tensor> {
    same(OP.name, a, b)?;
    let y = g.alloc(a.shape);
    g.push(&OP, (), &[a, b], &[y]);
    Ok(y)
}

pub(super) fn same(op: &'static str, a: Tensor, b: Tensor) -> Result<()> {
    if a.shape != b.shape {
        return Err(Error::shape(op, "second input", format!("{:?}", a.shape), b.shape));
    }
    Ok(())
}

/// Runs `f` over the valid rows of two inputs.
pub(super) fn elementwise(run: &mut Run<'_>, f: impl Fn(f32, f32) -> f32) -> Result<()> {
    let mut y = run.take(0)?;
    let tensor = run.tensor(0);
    let count = run.rows(tensor) * tensor.shape.width();
    for ((y, a), b) in y.iter_mut().zip(run.input(0)?).zip(run.input(1)?).take(count) {
        *y = f(*a, *b);
    }
    run.give(0, y)
}

fn twin(run: &mut Run<'_>) -> Result<()> {
    elementwise(run, |a, b| a + b)
}

fn lower(low: &mut Lowering<'_>) -> Result<()> {
    let count = low.node.inputs[0].shape.count();
    let args = kernel::Args {
        a: low.input(0)?,
        b: low.input(1)?,
        y: low.output(0)?,
    };
    let params = kernel::Params {
        count: u32_of(OP.name, count)?,
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
    Case::elementwise(1, add)
}
