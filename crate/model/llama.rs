//! The llama family: LLaMA 1 to 3, Alpaca, Vicuna, Code Llama, Mistral, Mixtral, SmolLM, TinyLlama and their kin.

use super::{
    Arch, Network,
    layers::{FFN_NORM, LLAMA},
    spec::Spec,
};
use crate::{error::Result, format::Checkpoint};

pub(crate) static ARCH: Arch = Arch {
    name: "llama",
    classes: &["LlamaForCausalLM", "MistralForCausalLM", "MixtralForCausalLM"],
    names: &[LLAMA, FFN_NORM, MIXTRAL],
    open,
};

const MIXTRAL: &[(&str, &str)] = &[
    (
        "model.layers.{}.block_sparse_moe.gate.weight",
        "blk.{}.ffn_gate_inp.weight",
    ),
    (
        "model.layers.{}.block_sparse_moe.experts.{}.w1.weight",
        "blk.{}.ffn_gate_exps.weight",
    ),
    (
        "model.layers.{}.block_sparse_moe.experts.{}.w3.weight",
        "blk.{}.ffn_up_exps.weight",
    ),
    (
        "model.layers.{}.block_sparse_moe.experts.{}.w2.weight",
        "blk.{}.ffn_down_exps.weight",
    ),
];

fn open(checkpoint: &Checkpoint) -> Result<Network> {
    let mut spec = Spec::read(checkpoint, &ARCH)?;
    spec.windows(|_| true)?;
    spec.experts = spec.experts(true)?;
    spec.network()
}
