//! SiLU of the gate times the other branch (Shazeer, 2020).

use super::{
    Graph, Lowering, Op, Run, Tensor,
    add::{elementwise, same},
    case::Case,
    lowering::{strided, u32_of},
    rms_norm::narrow,
};
use crate::{error::Result, shader::swiglu as kernel};

pub(crate) static OP: Op = Op {
    name: "swiglu",
    twin,
    fast: None,
    lower,
};

/// `silu(gate) * up`, both `[T, F]`.
pub(crate) fn swiglu(g: &mut Graph, gate: Tensor, up: Tensor) -> Result<Tensor> {
    same(OP.name, gate, up)?;
    let y = g.alloc(gate.shape);
    g.push(&OP, (), &[gate, up], &[y]);
    Ok(y)
}

fn twin(run: &mut Run<'_>) -> Result<()> {
    elementwise(run, |gate, up| {
        let gate = f64::from(gate);
        narrow(gate / (1.0 + (-gate).exp()) * f64::from(up))
    })
}

fn lower(low: &mut Lowering<'_>) -> Result<()> {
    let count = low.node.inputs[0].shape.count();
    let args = kernel::Args {
        gate: low.input(0)?,
        up: low.input(1)?,
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
    Case::elementwise(5, swiglu)
}
