//! BLOOM and BLOOMZ: positions by a loss that grows with distance, and a LayerNorm behind the embedding.

use super::{
    Arch, Network,
    spec::{Fused, Spec},
};
use crate::{error::Result, format::Checkpoint, op::Act};

pub(crate) static ARCH: Arch = Arch {
    name: "bloom",
    classes: &["BloomForCausalLM", "BloomModel"],
    names: &[NAMES],
    open,
};

pub(super) const NAMES: &[(&str, &str)] = &[
    ("transformer.word_embeddings.weight", "token_embd.weight"),
    ("transformer.word_embeddings_layernorm.weight", "token_embd_norm.weight"),
    ("transformer.word_embeddings_layernorm.bias", "token_embd_norm.bias"),
    ("transformer.h.{}.input_layernorm.weight", "blk.{}.attn_norm.weight"),
    ("transformer.h.{}.input_layernorm.bias", "blk.{}.attn_norm.bias"),
    (
        "transformer.h.{}.self_attention.query_key_value.weight",
        "blk.{}.attn_qkv.weight",
    ),
    (
        "transformer.h.{}.self_attention.query_key_value.bias",
        "blk.{}.attn_qkv.bias",
    ),
    (
        "transformer.h.{}.self_attention.dense.weight",
        "blk.{}.attn_output.weight",
    ),
    ("transformer.h.{}.self_attention.dense.bias", "blk.{}.attn_output.bias"),
    (
        "transformer.h.{}.post_attention_layernorm.weight",
        "blk.{}.ffn_norm.weight",
    ),
    ("transformer.h.{}.post_attention_layernorm.bias", "blk.{}.ffn_norm.bias"),
    ("transformer.h.{}.mlp.dense_h_to_4h.weight", "blk.{}.ffn_up.weight"),
    ("transformer.h.{}.mlp.dense_h_to_4h.bias", "blk.{}.ffn_up.bias"),
    ("transformer.h.{}.mlp.dense_4h_to_h.weight", "blk.{}.ffn_down.weight"),
    ("transformer.h.{}.mlp.dense_4h_to_h.bias", "blk.{}.ffn_down.bias"),
    ("transformer.ln_f.weight", "output_norm.weight"),
    ("transformer.ln_f.bias", "output_norm.bias"),
    ("lm_head.weight", "output.weight"),
];

/// All biases of linear maps.
pub(super) const BIASES: &[&str] = &["attn_q", "attn_k", "attn_v", "attn_output", "ffn_up", "ffn_down"];

fn open(checkpoint: &Checkpoint) -> Result<Network> {
    let mut spec = Spec::read(checkpoint, &ARCH)?;
    spec.only("apply_residual_connection_post_layernorm", false)?;
    spec.classic(Act::GeluTanh)?;
    spec.fused = Fused::Heads;
    spec.embed_norm = true;
    spec.alibi = 1.0;
    spec.layers.iter_mut().for_each(|l| l.rope = None);
    spec.biases = BIASES;
    spec.network()
}
