//! Gemma: a llama with a gated GELU, a scaled embedding and gains stored as their difference from 1.

use super::{
    Arch, Network,
    layers::{FFN_NORM, LLAMA},
    spec::Spec,
};
use crate::{
    error::Result,
    format::Checkpoint,
    op::{Act, narrow},
};

pub(crate) static ARCH: Arch = Arch {
    name: "gemma",
    classes: &["GemmaForCausalLM"],
    names: &[LLAMA, FFN_NORM],
    open,
};

/// Names of the norms before and behind each part, from Gemma 2 on.
pub(super) const NORMS: &[(&str, &str)] = &[
    (
        "model.layers.{}.post_attention_layernorm.weight",
        "blk.{}.post_attention_norm.weight",
    ),
    (
        "model.layers.{}.pre_feedforward_layernorm.weight",
        "blk.{}.ffn_norm.weight",
    ),
    (
        "model.layers.{}.post_feedforward_layernorm.weight",
        "blk.{}.post_ffw_norm.weight",
    ),
];

/// What Gemma 1 to 3 share.
pub(super) fn alike(spec: &mut Spec<'_>) -> Result<()> {
    // The first configurations say gelu and mean its approximation.
    spec.act = match spec.keys.act(Act::GeluTanh)? {
        Act::Gelu => Act::GeluTanh,
        other => other,
    };
    spec.paired = false;
    // GGUF files have the 1 in the gains.
    spec.norm.plus = if spec.keys.is_gguf() { 0.0 } else { 1.0 };
    #[allow(clippy::cast_precision_loss, reason = "widths are small")]
    let width = spec.width as f64;
    spec.embed_scale = narrow(width.sqrt());
    Ok(())
}

/// What Gemma 2 and 3 share; `largest` is the number of layers of the one whose scores are scaled by the width that a
/// head would have, which GGUF files do not say.
pub(super) fn later(spec: &mut Spec<'_>, largest: usize) -> Result<()> {
    alike(spec)?;
    spec.post_norm = true;
    spec.attn_cap = spec
        .number("attn_logit_softcapping", "attn_logit_softcapping")?
        .unwrap_or(0.0);
    spec.logit_cap = spec
        .number("final_logit_softcapping", "final_logit_softcapping")?
        .unwrap_or(0.0);
    #[allow(clippy::cast_precision_loss, reason = "widths are small")]
    let share = (spec.width as f32) / (spec.heads as f32);
    let large = spec.keys.is_gguf() && spec.layers.len() == largest;
    let scalar = spec.number("", "query_pre_attn_scalar")?.or(large.then_some(share));
    spec.attn_scale = scalar.map(|scalar| 1.0 / scalar.sqrt());
    Ok(())
}

fn open(checkpoint: &Checkpoint) -> Result<Network> {
    let mut spec = Spec::read(checkpoint, &ARCH)?;
    alike(&mut spec)?;
    spec.network()
}
