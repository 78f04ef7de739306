//! Operators: what a network is written with. Each file has the recording function a model calls, the twin (its plain
//! meaning on the CPU, summed in f64), the lowering to kernels, and cases that hold the two together.

mod add;
mod add_rms_norm;
mod argmax;
mod attention;
pub(crate) mod case;
mod embed;
pub(crate) mod graph;
mod kv_write;
mod last_row;
mod lowering;
mod matmul;
mod rms_norm;
mod rope;
mod run;
mod swiglu;

pub(crate) use add::add;
pub(crate) use add_rms_norm::{Residual, add_rms_norm};
pub(crate) use argmax::{NO_TOKEN, RING, argmax};
pub(crate) use attention::{Attention, attention};
pub(crate) use embed::embed;
pub(crate) use graph::{Fixed, Graph, Place, Tensor};
pub(crate) use kv_write::{KvWrite, kv_write};
pub(crate) use last_row::last_row;
pub(crate) use lowering::{Bind, Dispatch, Lowering, Shard, u32_of};
pub(crate) use matmul::matmul;
pub(crate) use rms_norm::{RmsNorm, narrow, rms_norm};
pub(crate) use rope::{Rope, rope};
pub(crate) use run::Run;
pub(crate) use swiglu::swiglu;

use crate::error::Result;

/// An operator: one row of [`OPS`].
pub(crate) struct Op {
    /// Name, also of its shader and of its rows in the benchmark.
    pub(crate) name: &'static str,
    /// Its plain meaning.
    pub(crate) twin: fn(&mut Run<'_>) -> Result<()>,
    /// The CPU's fast version, where there is one.
    pub(crate) fast: Option<fn(&mut Run<'_>) -> Result<()>>,
    /// Its kernels: pushes one dispatch or more.
    pub(crate) lower: fn(&mut Lowering<'_>) -> Result<()>,
}

/// Inputs on which kernels and fast versions must agree with the twin.
pub(crate) type Cases = fn() -> Vec<case::Case>;

/// Every operator with its cases: here and not in [`Op`], so that they are left out where nobody asks for them.
pub(crate) static OPS: &[(&Op, Cases)] = &[
    (&embed::OP, embed::cases),
    (&rms_norm::OP, rms_norm::cases),
    (&matmul::OP, matmul::cases),
    (&rope::OP, rope::cases),
    (&kv_write::OP, kv_write::cases),
    (&attention::OP, attention::cases),
    (&swiglu::OP, swiglu::cases),
    (&add::OP, add::cases),
    (&add_rms_norm::OP, add_rms_norm::cases),
    (&last_row::OP, last_row::cases),
    (&argmax::OP, argmax::cases),
];
