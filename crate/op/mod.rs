//! Operators: what a network is written with. Each file has the recording function a model calls, the twin (its plain
//! meaning on the CPU, summed in f64), the lowering to kernels, and cases that hold the two together.

mod activate;
mod add;
mod add_norm;
mod attention;
mod attention_cases;
pub(crate) mod case;
mod conv;
mod embed;
mod form;
pub(crate) mod graph;
mod join;
mod kv_write;
mod last_row;
mod lowering;
mod matmul;
mod mix;
mod norm;
mod norm_add;
mod project;
mod rope;
mod route;
mod run;
mod sample;
mod scan;
mod shard;
mod sort;
mod turn;
mod turn_heads;
mod wkv;

pub(crate) use activate::{Act, activate, gate, gate_rows, gates};
pub(crate) use add::{Blend, PRODUCT, SUM, add, add_of, blend, is_residual};
pub(crate) use add_norm::{AddNorm, Residual, add_norm};
pub(crate) use attention::{Attention, Buckets, Sees, attention, plain};
pub(crate) use conv::{Conv, Window, conv};
pub(crate) use embed::{Embed, embed_as};
pub(crate) use form::{Form, Forms};
pub(crate) use graph::{Fixed, Graph, Node, Place, Tensor};
pub(crate) use join::join;
pub(crate) use kv_write::{KvWrite, cache_of, kv_write, packed};
pub(crate) use last_row::last_row;
pub(crate) use lowering::{Bind, Dispatch, Lowering, u32_of};
pub(crate) use matmul::{Chosen, VECTOR_TOKENS, as_matmul, choose, matmul, matmul_of, of_experts, reads};
pub(crate) use mix::mix;
pub(crate) use norm::{Affine, Norm, narrow, norm};
pub(crate) use norm_add::{NormAdd, norm_add};
pub(crate) use project::{End, Parts, Project, parts, project, takes, turns};
pub(crate) use rope::{Rope, rope};
pub(crate) use route::{Route, route};
pub(crate) use run::Run;
pub(crate) use sample::{NO_TOKEN, RING, SAMPLER, STOPPED, drawn, sample, sampler_words};
pub(crate) use scan::{Scan, Steps, scan};
pub(crate) use shard::{Shard, Stored, lay};
pub(crate) use turn::{Turn, turn};
pub(crate) use turn_heads::{TurnHeads, turn_heads, turned};
pub(crate) use wkv::wkv;

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

/// Operators that keep a past, with their cases: what a GPU is held to before it runs them.
pub(crate) static RECURRENT: [(&Op, Cases); 3] = [
    (&conv::OP, conv::cases),
    (&scan::OP, scan::cases),
    (&wkv::OP, wkv::cases),
];

/// Every operator with its cases: here and not in [`Op`], so that they are left out where nobody asks for them.
pub(crate) static OPS: &[(&Op, Cases)] = &[
    (&embed::OP, embed::cases),
    (&norm::OP, norm::cases),
    (&matmul::OP, matmul::cases),
    (&route::OP, route::cases),
    (&sort::OP, sort::cases),
    (&mix::OP, mix::cases),
    (&rope::OP, rope::cases),
    (&kv_write::OP, kv_write::cases),
    (&turn::OP, turn::cases),
    (&project::OP, project::cases),
    (&turn_heads::OP, turn_heads::cases),
    (&attention::OP, attention_cases::cases),
    (&conv::OP, conv::cases),
    (&scan::OP, scan::cases),
    (&wkv::OP, wkv::cases),
    (&join::OP, join::cases),
    (&activate::OP, activate::cases),
    (&add::OP, add::cases),
    (&add_norm::OP, add_norm::cases),
    (&norm_add::OP, norm_add::cases),
    (&last_row::OP, last_row::cases),
    (&sample::OP, sample::cases),
];
