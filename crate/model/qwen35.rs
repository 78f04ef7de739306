//! Qwen 3.5, its text model: layers of the gated delta rule, and gated attention in every fourth.

use super::{
    Arch, Network,
    layers::LLAMA,
    spec::{QkNorm, Spec},
};
use crate::{error::Result, format::Checkpoint};

pub(crate) static ARCH: Arch = Arch {
    name: "qwen35",
    classes: &["Qwen3_5ForCausalLM", "Qwen3_5ForConditionalGeneration"],
    names: &[LLAMA, NAMES],
    open,
};

pub(super) const NAMES: &[(&str, &str)] = &[
    (
        "model.layers.{}.post_attention_layernorm.weight",
        "blk.{}.post_attention_norm.weight",
    ),
    (
        "model.layers.{}.linear_attn.in_proj_qkv.weight",
        "blk.{}.attn_qkv.weight",
    ),
    (
        "model.layers.{}.linear_attn.in_proj_z.weight",
        "blk.{}.attn_gate.weight",
    ),
    (
        "model.layers.{}.linear_attn.in_proj_a.weight",
        "blk.{}.ssm_alpha.weight",
    ),
    ("model.layers.{}.linear_attn.in_proj_b.weight", "blk.{}.ssm_beta.weight"),
    ("model.layers.{}.linear_attn.conv1d.weight", "blk.{}.ssm_conv1d.weight"),
    ("model.layers.{}.linear_attn.A_log", "blk.{}.ssm_a"),
    ("model.layers.{}.linear_attn.dt_bias", "blk.{}.ssm_dt.bias"),
    ("model.layers.{}.linear_attn.norm.weight", "blk.{}.ssm_norm.weight"),
    ("model.layers.{}.linear_attn.out_proj.weight", "blk.{}.ssm_out.weight"),
];

fn open(checkpoint: &Checkpoint) -> Result<Network> {
    let mut spec = Spec::read(checkpoint, &ARCH)?;
    layers(&mut spec)?;
    spec.network()
}

/// Layers of either kind.
pub(super) fn layers(spec: &mut Spec<'_>) -> Result<()> {
    spec.only("attn_output_gate", true)?;
    let sizes = [
        "linear_num_value_heads",
        "linear_num_key_heads",
        "linear_key_head_dim",
        "linear_conv_kernel_dim",
        "linear_value_head_dim",
    ];
    spec.recur(["linear_attention", "full_attention"], sizes, true)?;
    // GGUF has the gains of norms with the one added, but for those behind the matrices, which have none.
    spec.norm.plus = if spec.keys.is_gguf() { 0.0 } else { 1.0 };
    spec.paired = false;
    spec.qk_norm = QkNorm::Head;
    spec.attn_gated = true;
    spec.ffn_norm = "post_attention_norm";
    Ok(())
}
