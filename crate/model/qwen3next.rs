//! Qwen 3 Next: layers of the gated delta rule, gated attention in every fourth, and experts, one of which every token goes to.

use super::{
    Arch, Network,
    layers::LLAMA,
    qwen2moe::SHARED,
    qwen3moe::{self, EXPERTS},
    qwen35,
    spec::Spec,
};
use crate::{error::Result, format::Checkpoint};

pub(crate) static ARCH: Arch = Arch {
    name: "qwen3next",
    classes: &["Qwen3NextForCausalLM"],
    names: &[LLAMA, qwen35::NAMES, EXPERTS, SHARED, NAMES],
    open,
};

const NAMES: &[(&str, &str)] = &[
    (
        "model.layers.{}.linear_attn.in_proj_qkvz.weight",
        "blk.{}.ssm_in.weight",
    ),
    ("model.layers.{}.linear_attn.in_proj_ba.weight", "blk.{}.ssm_ba.weight"),
];

fn open(checkpoint: &Checkpoint) -> Result<Network> {
    let mut spec = Spec::read(checkpoint, &ARCH)?;
    qwen35::layers(&mut spec)?;
    // GGUF files do not say it, and all are normed.
    qwen3moe::experts(&mut spec, true)?;
    let key = ("expert_shared_feed_forward_length", "shared_expert_intermediate_size");
    if let Some(experts) = &mut spec.experts {
        experts.shared = spec.keys.size_or_zero(key.0, key.1)?;
        experts.shared_gate = true;
    }
    spec.network()
}
