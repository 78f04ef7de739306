//! GLM 4 of 2025: a llama with norms behind its parts too, of which half of each head turns in pairs.

use super::{
    Arch, Network,
    keys::{LeftOut, Number},
    layers::LLAMA,
    spec::Spec,
};
use crate::{error::Result, format::Checkpoint};

pub(crate) static ARCH: Arch = Arch {
    name: "glm4",
    classes: &["Glm4ForCausalLM"],
    names: &[LLAMA, NAMES],
    open,
};

const NAMES: &[(&str, &str)] = &[
    (
        "model.layers.{}.post_self_attn_layernorm.weight",
        "blk.{}.post_attention_norm.weight",
    ),
    (
        "model.layers.{}.post_attention_layernorm.weight",
        "blk.{}.ffn_norm.weight",
    ),
    (
        "model.layers.{}.post_mlp_layernorm.weight",
        "blk.{}.post_ffw_norm.weight",
    ),
    ("model.layers.{}.mlp.gate_up_proj.weight", "blk.{}.ffn_up.weight"),
];

/// What its class turns of a head where the configuration says nothing.
const LEFT_OUT: LeftOut = &[("", "partial_rotary_factor", Number::Float(0.5))];

fn open(checkpoint: &Checkpoint) -> Result<Network> {
    let mut spec = Spec::read_with(checkpoint, &ARCH, LEFT_OUT)?;
    let sections = spec.keys.list("rope.dimension_sections", "");
    if sections.is_some_and(|sections| sections.iter().any(|n| *n != 0)) {
        return Err(spec
            .keys
            .unsupported("rope.dimension_sections", "text models, without them"));
    }
    spec.paired = true;
    spec.post_norm = true;
    spec.network()
}
