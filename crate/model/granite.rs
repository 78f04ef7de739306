//! Granite 3 and the dense Granite 4: a llama with scales at embedding, scores, residual stream and logits.

use super::{
    Arch, Network,
    layers::{FFN_NORM, LLAMA},
    spec::Spec,
};
use crate::{error::Result, format::Checkpoint};

pub(crate) static ARCH: Arch = Arch {
    name: "granite",
    classes: &["GraniteForCausalLM", "GraniteMoeHybridForCausalLM"],
    names: &[LLAMA, FFN_NORM, SHARED_MLP],
    open,
};

/// Names of the feed-forward part of Granite 4.
const SHARED_MLP: &[(&str, &str)] = &[
    ("model.layers.{}.shared_mlp.input_linear.weight", "blk.{}.ffn_up.weight"),
    (
        "model.layers.{}.shared_mlp.output_linear.weight",
        "blk.{}.ffn_down.weight",
    ),
];

fn open(checkpoint: &Checkpoint) -> Result<Network> {
    let mut spec = Spec::read(checkpoint, &ARCH)?;
    let number = |gguf, hf| spec.number(gguf, hf);
    let embed = number("embedding_scale", "embedding_multiplier")?;
    let residual = number("residual_scale", "residual_multiplier")?;
    let logits = number("logit_scale", "logits_scaling")?.filter(|n| *n != 0.0);
    let scores = number("attention.scale", "attention_multiplier")?;
    let keys = &spec.keys;
    if let Some(types) = keys.json("layer_types").and_then(serde_json::Value::as_array)
        && let Some(other) = types.iter().find(|kind| kind.as_str() != Some("attention"))
    {
        return Err(keys.unsupported(format!("layers of type {other}"), "attention"));
    }
    if let Some(n) = keys.float("expert_count", "num_local_experts")?.filter(|n| *n != 0.0) {
        return Err(keys.unsupported(format!("{n} experts"), "dense granite"));
    }
    let hidden = keys.size("", "shared_intermediate_size")?;
    let still = match keys.text("", "position_embedding_type") {
        None | Some("rope") => keys.switch("rope.scaling.finetuned", "") == Some(false),
        Some("nope") => true,
        Some(other) => return Err(keys.unsupported(format!("positions {other}"), "rope, nope")),
    };
    for layer in &mut spec.layers {
        layer.hidden = hidden.unwrap_or(layer.hidden);
        layer.rope = layer.rope.filter(|_| !still);
    }
    spec.embed_scale = embed.unwrap_or(1.0);
    spec.residual_scale = residual.unwrap_or(1.0);
    spec.logit_scale = 1.0 / logits.unwrap_or(1.0);
    spec.attn_scale = scores;
    spec.network()
}
