//! GPT-Neo: like GPT-2 with scores that are not scaled, and layers that see a window in turn with others that see all.

use super::{Arch, Network, spec::Spec};
use crate::{error::Result, format::Checkpoint, op::Act};
use serde_json::Value as Json;

pub(crate) static ARCH: Arch = Arch {
    name: "gptneo",
    classes: &["GPTNeoForCausalLM"],
    names: &[NAMES],
    open,
};

const NAMES: &[(&str, &str)] = &[
    ("transformer.wte.weight", "token_embd.weight"),
    ("transformer.wpe.weight", "position_embd.weight"),
    ("transformer.h.{}.ln_1.weight", "blk.{}.attn_norm.weight"),
    ("transformer.h.{}.ln_1.bias", "blk.{}.attn_norm.bias"),
    ("transformer.h.{}.attn.attention.q_proj.weight", "blk.{}.attn_q.weight"),
    ("transformer.h.{}.attn.attention.k_proj.weight", "blk.{}.attn_k.weight"),
    ("transformer.h.{}.attn.attention.v_proj.weight", "blk.{}.attn_v.weight"),
    (
        "transformer.h.{}.attn.attention.out_proj.weight",
        "blk.{}.attn_output.weight",
    ),
    (
        "transformer.h.{}.attn.attention.out_proj.bias",
        "blk.{}.attn_output.bias",
    ),
    ("transformer.h.{}.ln_2.weight", "blk.{}.ffn_norm.weight"),
    ("transformer.h.{}.ln_2.bias", "blk.{}.ffn_norm.bias"),
    ("transformer.h.{}.mlp.c_fc.weight", "blk.{}.ffn_up.weight"),
    ("transformer.h.{}.mlp.c_fc.bias", "blk.{}.ffn_up.bias"),
    ("transformer.h.{}.mlp.c_proj.weight", "blk.{}.ffn_down.weight"),
    ("transformer.h.{}.mlp.c_proj.bias", "blk.{}.ffn_down.bias"),
    ("transformer.ln_f.weight", "output_norm.weight"),
    ("transformer.ln_f.bias", "output_norm.bias"),
    ("lm_head.weight", "output.weight"),
];

/// Which layers are local.
fn local(spec: &Spec<'_>) -> Result<Vec<bool>> {
    let keys = &spec.keys;
    let kind = |kind: &Json| match kind.as_str() {
        Some("local") => Ok(true),
        Some("global") => Ok(false),
        _ => Err(keys.unsupported(format!("attention {kind}"), "global, local")),
    };
    let mut all = Vec::new();
    if let Some(list) = keys.json("attention_layers").and_then(Json::as_array) {
        all = list.iter().map(kind).collect::<Result<_>>()?;
    } else if let Some(groups) = keys.json("attention_types").and_then(Json::as_array) {
        // [[kinds, repetitions], …]
        for group in groups {
            let kinds = group[0].as_array().into_iter().flatten().map(kind);
            let kinds = kinds.collect::<Result<Vec<_>>>()?;
            let times = group[1].as_u64().map_or(0, |n| n.min(1 << 16));
            // One too many is enough to be refused.
            let room = (spec.layers.len() + 1).saturating_sub(all.len());
            all.extend((0..times).flat_map(|_| kinds.iter().copied()).take(room));
        }
    }
    spec.all(all, "attention_layers")
}

fn open(checkpoint: &Checkpoint) -> Result<Network> {
    let mut spec = Spec::read(checkpoint, &ARCH)?;
    spec.classic(Act::GeluTanh)?;
    spec.learned_positions();
    let window = spec.keys.size("", "window_size")?.unwrap_or(256);
    for (n, local) in local(&spec)?.into_iter().enumerate() {
        spec.layers[n].window = if local { window } else { 0 };
    }
    spec.attn_scale = Some(1.0);
    spec.biases = &["attn_output", "ffn_up", "ffn_down"];
    spec.network()
}
