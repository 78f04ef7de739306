//! gpt-oss: experts with biases and a clamped gate, sinks in attention, every other layer sliding.

use super::{
    Arch, Network,
    layers::{LLAMA, QKV_BIASES},
    spec::Spec,
};
use crate::{error::Result, format::Checkpoint, op::Act};

pub(crate) static ARCH: Arch = Arch {
    name: "gpt-oss",
    classes: &["GptOssForCausalLM"],
    names: &[LLAMA, NAMES],
    open,
};

const NAMES: &[(&str, &str)] = &[
    (
        "model.layers.{}.post_attention_layernorm.weight",
        "blk.{}.post_attention_norm.weight",
    ),
    ("model.layers.{}.self_attn.sinks", "blk.{}.attn_sinks.weight"),
    ("model.layers.{}.mlp.router.weight", "blk.{}.ffn_gate_inp.weight"),
    ("model.layers.{}.mlp.router.bias", "blk.{}.ffn_gate_inp.bias"),
    (
        "model.layers.{}.mlp.experts.gate_up_proj",
        "blk.{}.ffn_gate_exps.weight",
    ),
    ("model.layers.{}.mlp.experts.gate_up_proj", "blk.{}.ffn_up_exps.weight"),
    (
        "model.layers.{}.mlp.experts.gate_up_proj_bias",
        "blk.{}.ffn_gate_exps.bias",
    ),
    (
        "model.layers.{}.mlp.experts.gate_up_proj_bias",
        "blk.{}.ffn_up_exps.bias",
    ),
    ("model.layers.{}.mlp.experts.down_proj", "blk.{}.ffn_down_exps.weight"),
    (
        "model.layers.{}.mlp.experts.down_proj_bias",
        "blk.{}.ffn_down_exps.bias",
    ),
];

fn open(checkpoint: &Checkpoint) -> Result<Network> {
    let mut spec = Spec::read(checkpoint, &ARCH)?;
    spec.windows(|n| n % 2 == 0)?;
    spec.experts = spec.experts(true)?;
    spec.interleaved = true;
    spec.act = Act::Clamped {
        slope: 1.702,
        limit: spec.number("", "swiglu_limit")?.unwrap_or(7.0),
    };
    spec.paired = false;
    spec.sinks = true;
    spec.ffn_norm = "post_attention_norm";
    spec.biases = QKV_BIASES;
    spec.network()
}
