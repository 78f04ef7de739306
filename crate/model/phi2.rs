//! Phi 1 and 2: attention and feed-forward part side by side behind one LayerNorm, biases everywhere.

use super::{
    Arch, Network,
    keys::{LeftOut, Number},
    spec::Spec,
};
use crate::{error::Result, format::Checkpoint, op::Act};

pub(crate) static ARCH: Arch = Arch {
    name: "phi2",
    classes: &["PhiForCausalLM"],
    names: &[NAMES],
    open,
};

const NAMES: &[(&str, &str)] = &[
    ("model.embed_tokens.weight", "token_embd.weight"),
    ("model.layers.{}.input_layernorm.weight", "blk.{}.attn_norm.weight"),
    ("model.layers.{}.input_layernorm.bias", "blk.{}.attn_norm.bias"),
    ("model.layers.{}.self_attn.q_proj.weight", "blk.{}.attn_q.weight"),
    ("model.layers.{}.self_attn.q_proj.bias", "blk.{}.attn_q.bias"),
    ("model.layers.{}.self_attn.k_proj.weight", "blk.{}.attn_k.weight"),
    ("model.layers.{}.self_attn.k_proj.bias", "blk.{}.attn_k.bias"),
    ("model.layers.{}.self_attn.v_proj.weight", "blk.{}.attn_v.weight"),
    ("model.layers.{}.self_attn.v_proj.bias", "blk.{}.attn_v.bias"),
    ("model.layers.{}.self_attn.dense.weight", "blk.{}.attn_output.weight"),
    ("model.layers.{}.self_attn.dense.bias", "blk.{}.attn_output.bias"),
    ("model.layers.{}.mlp.fc1.weight", "blk.{}.ffn_up.weight"),
    ("model.layers.{}.mlp.fc1.bias", "blk.{}.ffn_up.bias"),
    ("model.layers.{}.mlp.fc2.weight", "blk.{}.ffn_down.weight"),
    ("model.layers.{}.mlp.fc2.bias", "blk.{}.ffn_down.bias"),
    ("model.final_layernorm.weight", "output_norm.weight"),
    ("model.final_layernorm.bias", "output_norm.bias"),
    ("lm_head.weight", "output.weight"),
    ("lm_head.bias", "output.bias"),
];

/// What its class turns of a head where the configuration says nothing.
const LEFT_OUT: LeftOut = &[("", "partial_rotary_factor", Number::Float(0.5))];

fn open(checkpoint: &Checkpoint) -> Result<Network> {
    let mut spec = Spec::read_with(checkpoint, &ARCH, LEFT_OUT)?;
    spec.classic(Act::GeluTanh)?;
    spec.only("qk_layernorm", false)?;
    spec.parallel = true;
    spec.biases = &[
        "attn_q",
        "attn_k",
        "attn_v",
        "attn_output",
        "ffn_up",
        "ffn_down",
        "output",
    ];
    spec.network()
}
