//! Phi 3 and 4: a llama with query, key and value in one tensor, and gate and up in another.

use super::{
    Arch, Network,
    layers::{FFN_NORM, LLAMA},
    spec::Spec,
};
use crate::{error::Result, format::Checkpoint};

pub(crate) static ARCH: Arch = Arch {
    name: "phi3",
    classes: &["Phi3ForCausalLM"],
    names: &[LLAMA, FFN_NORM, FUSED],
    open,
};

const FUSED: &[(&str, &str)] = &[
    ("model.layers.{}.self_attn.qkv_proj.weight", "blk.{}.attn_qkv.weight"),
    ("model.layers.{}.mlp.gate_up_proj.weight", "blk.{}.ffn_up.weight"),
];

fn open(checkpoint: &Checkpoint) -> Result<Network> {
    let mut spec = Spec::read(checkpoint, &ARCH)?;
    spec.windows(|_| true)?;
    spec.paired = false;
    spec.network()
}
