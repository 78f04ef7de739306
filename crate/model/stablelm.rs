//! StableLM 2 and 3B: a llama with LayerNorm and partly turned heads; the 12B form has its parts side by side and
//! normalises each head of queries and keys by gains of its own.

use super::{
    Arch, Network,
    keys::{LeftOut, Number},
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

/// What its class turns of a head where the configuration says nothing.
const LEFT_OUT: LeftOut = &[("", "partial_rotary_factor", Number::Float(0.25))];

fn open(checkpoint: &Checkpoint) -> Result<Network> {
    let mut spec = Spec::read_with(checkpoint, &ARCH, LEFT_OUT)?;
    spec.classic(Act::Silu)?;
    spec.gated = true;
    // GGUF files say that it is where nobody said otherwise.
    spec.parallel = !spec.find.has("blk.{}.ffn_norm.weight", Some(0));
    if spec.find.has("blk.{}.attn_q_norm.weight", Some(0)) {
        spec.qk_norm = QkNorm::Head;
    }
    if spec.keys.switch("", "use_qkv_bias") == Some(true) {
        spec.biases = super::layers::QKV_BIASES;
    }
    spec.network()
}
