//! Qwen 1.5 and 2 with experts: one more, behind a gate of its own, is there for every token.

use super::{
    Arch, Network,
    layers::{FFN_NORM, LLAMA, QKV_BIASES},
    qwen3moe::{EXPERTS, experts},
    spec::Spec,
};
use crate::{error::Result, format::Checkpoint};

pub(crate) static ARCH: Arch = Arch {
    name: "qwen2moe",
    classes: &["Qwen2MoeForCausalLM"],
    names: &[LLAMA, FFN_NORM, EXPERTS, SHARED],
    open,
};

/// Names of the expert that every token goes to, and of its gate.
pub(super) const SHARED: &[(&str, &str)] = &[
    (
        "model.layers.{}.mlp.shared_expert_gate.weight",
        "blk.{}.ffn_gate_inp_shexp.weight",
    ),
    (
        "model.layers.{}.mlp.shared_expert.gate_proj.weight",
        "blk.{}.ffn_gate_shexp.weight",
    ),
    (
        "model.layers.{}.mlp.shared_expert.up_proj.weight",
        "blk.{}.ffn_up_shexp.weight",
    ),
    (
        "model.layers.{}.mlp.shared_expert.down_proj.weight",
        "blk.{}.ffn_down_shexp.weight",
    ),
];

fn open(checkpoint: &Checkpoint) -> Result<Network> {
    let mut spec = Spec::read(checkpoint, &ARCH)?;
    spec.late_windows()?;
    experts(&mut spec, false)?;
    if let Some(experts) = &mut spec.experts {
        let key = ("expert_shared_feed_forward_length", "shared_expert_intermediate_size");
        experts.shared = spec.keys.need(key.0, key.1)?;
        experts.shared_gate = true;
    }
    spec.paired = false;
    if spec.keys.switch("", "qkv_bias") != Some(false) {
        spec.biases = QKV_BIASES;
    }
    spec.network()
}
