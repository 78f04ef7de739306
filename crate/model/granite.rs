//! Granite 3: a llama with scales at embedding, scores, residual stream and logits.

use super::{
    Arch, Network,
    layers::{FFN_NORM, LLAMA},
    spec::Spec,
};
use crate::{error::Result, format::Checkpoint};

pub(crate) static ARCH: Arch = Arch {
    name: "granite",
    classes: &["GraniteForCausalLM"],
    names: &[LLAMA, FFN_NORM],
    open,
};

fn open(checkpoint: &Checkpoint) -> Result<Network> {
    let spec = read(checkpoint, &ARCH)?;
    match spec.experts(true)? {
        None => spec.network(),
        Some(experts) => Err(spec
            .keys
            .unsupported(format!("{} experts", experts.count), "dense granite")),
    }
}

/// What all Granites state.
pub(super) fn read<'a>(checkpoint: &'a Checkpoint, arch: &'static Arch) -> Result<Spec<'a>> {
    let mut spec = Spec::read(checkpoint, arch)?;
    let number = |gguf, hf| spec.number(gguf, hf);
    let embed = number("embedding_scale", "embedding_multiplier")?;
    let residual = number("residual_scale", "residual_multiplier")?;
    let logits = number("logit_scale", "logits_scaling")?.filter(|n| *n != 0.0);
    let scores = number("attention.scale", "attention_multiplier")?;
    let keys = &spec.keys;
    // The hybrids turn nothing unless they say so.
    let unsaid = if keys.is_gguf() || arch.name == ARCH.name {
        "rope"
    } else {
        "nope"
    };
    let still = match keys.text("", "position_embedding_type").unwrap_or(unsaid) {
        "rope" => keys.switch("rope.scaling.finetuned", "") == Some(false),
        "nope" => true,
        other => return Err(keys.unsupported(format!("positions {other}"), "rope, nope")),
    };
    for layer in &mut spec.layers {
        layer.rope = layer.rope.filter(|_| !still);
    }
    spec.embed_scale = embed.unwrap_or(1.0);
    spec.part_scales = [residual.unwrap_or(1.0); 3];
    spec.logit_scale = 1.0 / logits.unwrap_or(1.0);
    spec.attn_scale = scores;
    Ok(spec)
}
