//! GPT-NeoX: Pythia, Dolly, the first StableLM, Open Assistant, RedPajama. Attention and feed-forward part side by side
//! (or, in some, one after the other), each behind its LayerNorm.

use super::{
    Arch, Network,
    keys::{LeftOut, Number},
    spec::{Fused, Spec},
};
use crate::{error::Result, format::Checkpoint, op::Act};

pub(crate) static ARCH: Arch = Arch {
    name: "gptneox",
    classes: &["GPTNeoXForCausalLM"],
    names: &[NAMES],
    open,
};

const NAMES: &[(&str, &str)] = &[
    ("gpt_neox.embed_in.weight", "token_embd.weight"),
    ("gpt_neox.layers.{}.input_layernorm.weight", "blk.{}.attn_norm.weight"),
    ("gpt_neox.layers.{}.input_layernorm.bias", "blk.{}.attn_norm.bias"),
    (
        "gpt_neox.layers.{}.attention.query_key_value.weight",
        "blk.{}.attn_qkv.weight",
    ),
    (
        "gpt_neox.layers.{}.attention.query_key_value.bias",
        "blk.{}.attn_qkv.bias",
    ),
    ("gpt_neox.layers.{}.attention.dense.weight", "blk.{}.attn_output.weight"),
    ("gpt_neox.layers.{}.attention.dense.bias", "blk.{}.attn_output.bias"),
    (
        "gpt_neox.layers.{}.post_attention_layernorm.weight",
        "blk.{}.ffn_norm.weight",
    ),
    (
        "gpt_neox.layers.{}.post_attention_layernorm.bias",
        "blk.{}.ffn_norm.bias",
    ),
    ("gpt_neox.layers.{}.mlp.dense_h_to_4h.weight", "blk.{}.ffn_up.weight"),
    ("gpt_neox.layers.{}.mlp.dense_h_to_4h.bias", "blk.{}.ffn_up.bias"),
    ("gpt_neox.layers.{}.mlp.dense_4h_to_h.weight", "blk.{}.ffn_down.weight"),
    ("gpt_neox.layers.{}.mlp.dense_4h_to_h.bias", "blk.{}.ffn_down.bias"),
    ("gpt_neox.final_layer_norm.weight", "output_norm.weight"),
    ("gpt_neox.final_layer_norm.bias", "output_norm.bias"),
    ("embed_out.weight", "output.weight"),
];

/// What its class turns of a head where the configuration says nothing.
const LEFT_OUT: LeftOut = &[("", "partial_rotary_factor", Number::Float(0.25))];

fn open(checkpoint: &Checkpoint) -> Result<Network> {
    let mut spec = Spec::read_with(checkpoint, &ARCH, LEFT_OUT)?;
    spec.classic(Act::Gelu)?;
    spec.fused = Fused::Heads;
    spec.parallel = spec
        .keys
        .switch("use_parallel_residual", "use_parallel_residual")
        .unwrap_or(true);
    spec.biases = &["ffn_up", "ffn_down"];
    spec.network()
}
