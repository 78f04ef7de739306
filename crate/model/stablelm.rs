//! StableLM 2 and 3B: a llama with LayerNorm and partly turned heads; the 12B form has its parts side by side and
//! normalises each head of queries and keys by gains of its own.

use super::{
    Arch, Network,
    layers::{FFN_NORM, LLAMA},
    spec::{QkNorm, Spec},
};
use crate::{error::Result, format::Checkpoint, op::Act};

pub(crate) static ARCH: Arch = Arch {
    name: "stablelm",
    classes: &["StableLmForCausalLM", "StableLMEpochForCausalLM"],
    names: &[LLAMA, FFN_NORM, NORMS],
    open,
};

const NORMS: &[(&str, &str)] = &[
    ("model.layers.{}.input_layernorm.bias", "blk.{}.attn_norm.bias"),
    ("model.layers.{}.post_attention_layernorm.bias", "blk.{}.ffn_norm.bias"),
    (
        "model.layers.{}.self_attn.q_layernorm.norms.{}.weight",
        "blk.{}.attn_q_norm.weight",
    ),
    (
        "model.layers.{}.self_attn.k_layernorm.norms.{}.weight",
        "blk.{}.attn_k_norm.weight",
    ),
    ("model.norm.bias", "output_norm.bias"),
];

fn open(checkpoint: &Checkpoint) -> Result<Network> {
    let mut spec = Spec::read(checkpoint, &ARCH)?;
    spec.classic(Act::Silu)?;
    spec.gated = true;
    spec.parallel = spec
        .keys
        .switch("use_parallel_residual", "use_parallel_residual")
        .unwrap_or(false);
    if spec.find.has("blk.{}.attn_q_norm.weight", Some(0)) {
        spec.qk_norm = QkNorm::Head;
    }
    if spec.keys.switch("", "use_qkv_bias") == Some(true) {
        spec.biases = super::layers::QKV_BIASES;
    }
    spec.network()
}
