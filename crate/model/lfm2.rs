//! LFM 2: short gated convolutions, and attention in some layers.

use super::{
    Arch, Network,
    recurrent::Recurrence,
    spec::{QkNorm, Spec},
};
use crate::{error::Result, format::Checkpoint};

pub(crate) static ARCH: Arch = Arch {
    name: "lfm2",
    classes: &["Lfm2ForCausalLM"],
    names: &[NAMES],
    open,
};

pub(super) const NAMES: &[(&str, &str)] = &[
    ("model.embed_tokens.weight", "token_embd.weight"),
    ("model.layers.{}.operator_norm.weight", "blk.{}.attn_norm.weight"),
    ("model.layers.{}.conv.in_proj.weight", "blk.{}.shortconv.in_proj.weight"),
    ("model.layers.{}.conv.in_proj.bias", "blk.{}.shortconv.in_proj.bias"),
    ("model.layers.{}.conv.conv.weight", "blk.{}.shortconv.conv.weight"),
    ("model.layers.{}.conv.conv.bias", "blk.{}.shortconv.conv.bias"),
    (
        "model.layers.{}.conv.out_proj.weight",
        "blk.{}.shortconv.out_proj.weight",
    ),
    ("model.layers.{}.conv.out_proj.bias", "blk.{}.shortconv.out_proj.bias"),
    ("model.layers.{}.self_attn.q_proj.weight", "blk.{}.attn_q.weight"),
    ("model.layers.{}.self_attn.k_proj.weight", "blk.{}.attn_k.weight"),
    ("model.layers.{}.self_attn.v_proj.weight", "blk.{}.attn_v.weight"),
    (
        "model.layers.{}.self_attn.q_layernorm.weight",
        "blk.{}.attn_q_norm.weight",
    ),
    (
        "model.layers.{}.self_attn.k_layernorm.weight",
        "blk.{}.attn_k_norm.weight",
    ),
    ("model.layers.{}.self_attn.out_proj.weight", "blk.{}.attn_output.weight"),
    ("model.layers.{}.ffn_norm.weight", "blk.{}.ffn_norm.weight"),
    ("model.layers.{}.feed_forward.w1.weight", "blk.{}.ffn_gate.weight"),
    ("model.layers.{}.feed_forward.w3.weight", "blk.{}.ffn_up.weight"),
    ("model.layers.{}.feed_forward.w2.weight", "blk.{}.ffn_down.weight"),
    ("model.embedding_norm.weight", "token_embd_norm.weight"),
    ("lm_head.weight", "output.weight"),
];

fn open(checkpoint: &Checkpoint) -> Result<Network> {
    read(checkpoint, &ARCH)?.network()
}

/// What those with experts state too.
pub(super) fn read<'a>(checkpoint: &'a Checkpoint, arch: &'static Arch) -> Result<Spec<'a>> {
    let mut spec = Spec::read(checkpoint, arch)?;
    let taps = spec.taps("shortconv.l_cache", "conv_L_cache")?;
    let recurrence = Recurrence::of(taps, None);
    let recurrent = match spec.keys.list("", "full_attn_idxs") {
        Some(full) => (0..).take(spec.layers.len()).map(|n| !full.contains(&n)).collect(),
        None => spec.recurrent_layers(["conv", "full_attention"])?,
    };
    for (n, recurrent) in recurrent.into_iter().enumerate() {
        spec.layers[n].recurrence = recurrent.then_some(recurrence);
        spec.layers[n].attends = !recurrent;
        // The configuration states the width before it is rounded.
        if let Some(entry) = spec.find.entry("blk.{}.ffn_gate.weight", Some(n)) {
            spec.layers[n].hidden = entry.shape.rows();
        }
    }
    spec.qk_norm = QkNorm::Head;
    spec.paired = false;
    spec.output_norm = "token_embd_norm";
    Ok(spec)
}
