//! The last valid row: the only one of a prompt that the head needs.

use super::{Fixed, Graph, Lowering, Op, Run, Tensor, case::Case, lowering::u32_of};
use crate::{error::Result, shader::last_row as kernel};

pub(crate) static OP: Op = Op {
    name: "last_row",
    twin,
    fast: None,
    lower,
};

/// `[1, D]`: row `len - 1` of `x: [T, D]`.
pub(crate) fn last_row(g: &mut Graph, x: Tensor) -> Result<Tensor> {
    let [_, width] = x.shape.dims2(OP.name)?;
    let y = g.alloc([1, width]);
    let state = g.fixed(Fixed::State);
    g.push(&OP, (), &[state, x], &[y]);
    Ok(y)
}

fn twin(run: &mut Run<'_>) -> Result<()> {
    let mut y = run.take(0)?;
    let width = run.tensor(1).shape.width();
    let last = (run.memory.state.len - 1) * width;
    y[..width].copy_from_slice(&run.input(1)?[last..last + width]);
    run.give(0, y)
}

fn lower(low: &mut Lowering<'_>) -> Result<()> {
    let width = low.node.inputs[1].shape.width();
    let args = kernel::Args {
        state: low.input(0)?,
        x: low.input(1)?,
        y: low.output(0)?,
    };
    let params = kernel::Params {
        width: u32_of(OP.name, width)?,
    };
    low.dispatch(
        kernel::Variant {}.source(),
        vec![],
        &params,
        args.bindings(),
        [width.div_ceil(64), 1, 1],
    )
}

pub(super) fn cases() -> Vec<Case> {
    let case = |valid, bucket, width| {
        Case::new(format!("t{valid}/{bucket} d{width}"), bucket, move |c| {
            c.valid(valid);
            let x = c.input(bucket, width);
            let y = last_row(c.graph, x)?;
            c.graph.output(y);
            Ok(())
        })
    };
    vec![case(6, 8, 72), case(128, 128, 4096).timed(2 * 4 * 4096, 0)]
}
