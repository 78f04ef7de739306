//! LFM 2 with experts, from some layer on: chosen by a sigmoid and a bias, weighed by the sigmoid alone.

use super::{Arch, Network, lfm2};
use crate::{error::Result, format::Checkpoint};

pub(crate) static ARCH: Arch = Arch {
    name: "lfm2moe",
    classes: &["Lfm2MoeForCausalLM"],
    names: &[lfm2::NAMES, EXPERTS],
    open,
};

const EXPERTS: &[(&str, &str)] = &[
    ("model.layers.{}.feed_forward.gate.weight", "blk.{}.ffn_gate_inp.weight"),
    ("model.layers.{}.feed_forward.expert_bias", "blk.{}.exp_probs_b.bias"),
    (
        "model.layers.{}.feed_forward.experts.{}.w1.weight",
        "blk.{}.ffn_gate_exps.weight",
    ),
    (
        "model.layers.{}.feed_forward.experts.{}.w3.weight",
        "blk.{}.ffn_up_exps.weight",
    ),
    (
        "model.layers.{}.feed_forward.experts.{}.w2.weight",
        "blk.{}.ffn_down_exps.weight",
    ),
];

fn open(checkpoint: &Checkpoint) -> Result<Network> {
    let mut spec = lfm2::read(checkpoint, &ARCH)?;
    spec.only("use_expert_bias", true)?;
    let kind = spec.keys.size("expert_gating_func", "")?.unwrap_or(2);
    if kind != 2 {
        return Err(spec.keys.unsupported(format!("expert_gating_func {kind}"), "2"));
    }
    let after = spec
        .keys
        .size_or_zero("leading_dense_block_count", "num_dense_layers")?;
    let scale = spec.number("expert_weights_scale", "routed_scaling_factor")?;
    spec.experts = spec.experts(true)?;
    if let Some(experts) = &mut spec.experts {
        experts.after = after;
        experts.route.sigmoid = true;
        experts.route.scale = scale.unwrap_or(1.0);
    }
    spec.biases = &["exp_probs_b"];
    spec.network()
}
