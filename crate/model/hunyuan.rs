//! HunYuan, dense: a llama that normalises each head of queries and keys behind its turn.

use super::{
    Arch, Network,
    layers::{FFN_NORM, LLAMA},
    spec::{QkNorm, Spec},
};
use crate::{error::Result, format::Checkpoint};

pub(crate) static ARCH: Arch = Arch {
    name: "hunyuan-dense",
    classes: &["HunYuanDenseV1ForCausalLM"],
    names: &[LLAMA, FFN_NORM, NORMS],
    open,
};

const NORMS: &[(&str, &str)] = &[
    (
        "model.layers.{}.self_attn.query_layernorm.weight",
        "blk.{}.attn_q_norm.weight",
    ),
    (
        "model.layers.{}.self_attn.key_layernorm.weight",
        "blk.{}.attn_k_norm.weight",
    ),
];

fn open(checkpoint: &Checkpoint) -> Result<Network> {
    let mut spec = Spec::read(checkpoint, &ARCH)?;
    spec.paired = false;
    spec.qk_norm = QkNorm::Turned;
    spec.network()
}
