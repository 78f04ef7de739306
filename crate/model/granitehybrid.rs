//! Granite 4: a granite with layers of Mamba 2 instead of attention, and experts beside the feed-forward part, or without
//! either.

use super::{
    Arch, Network, granite,
    layers::{FFN_NORM, LLAMA},
};
use crate::{error::Result, format::Checkpoint};

pub(crate) static ARCH: Arch = Arch {
    name: "granitehybrid",
    classes: &["GraniteMoeHybridForCausalLM"],
    names: &[LLAMA, FFN_NORM, MAMBA, NAMES],
    open,
};

/// Names of layers of Mamba 2.
pub(super) const MAMBA: &[(&str, &str)] = &[
    ("model.layers.{}.mamba.in_proj.weight", "blk.{}.ssm_in.weight"),
    ("model.layers.{}.mamba.in_proj.bias", "blk.{}.ssm_in.bias"),
    ("model.layers.{}.mamba.conv1d.weight", "blk.{}.ssm_conv1d.weight"),
    ("model.layers.{}.mamba.conv1d.bias", "blk.{}.ssm_conv1d.bias"),
    ("model.layers.{}.mamba.A_log", "blk.{}.ssm_a"),
    ("model.layers.{}.mamba.D", "blk.{}.ssm_d"),
    ("model.layers.{}.mamba.dt_bias", "blk.{}.ssm_dt.bias"),
    ("model.layers.{}.mamba.norm.weight", "blk.{}.ssm_norm.weight"),
    ("model.layers.{}.mamba.out_proj.weight", "blk.{}.ssm_out.weight"),
    ("model.layers.{}.mamba.out_proj.bias", "blk.{}.ssm_out.bias"),
];

const NAMES: &[(&str, &str)] = &[
    (
        "model.layers.{}.block_sparse_moe.router.layer.weight",
        "blk.{}.ffn_gate_inp.weight",
    ),
    (
        "model.layers.{}.block_sparse_moe.input_linear.weight",
        "blk.{}.ffn_gate_exps.weight",
    ),
    (
        "model.layers.{}.block_sparse_moe.input_linear.weight",
        "blk.{}.ffn_up_exps.weight",
    ),
    (
        "model.layers.{}.block_sparse_moe.output_linear.weight",
        "blk.{}.ffn_down_exps.weight",
    ),
    // All of the feed-forward part, or what stands beside the experts.
    ("model.layers.{}.shared_mlp.input_linear.weight", "blk.{}.ffn_up.weight"),
    (
        "model.layers.{}.shared_mlp.input_linear.weight",
        "blk.{}.ffn_up_shexp.weight",
    ),
    (
        "model.layers.{}.shared_mlp.output_linear.weight",
        "blk.{}.ffn_down.weight",
    ),
    (
        "model.layers.{}.shared_mlp.output_linear.weight",
        "blk.{}.ffn_down_shexp.weight",
    ),
];

fn open(checkpoint: &Checkpoint) -> Result<Network> {
    let mut spec = granite::read(checkpoint, &ARCH)?;
    spec.steps_without_limit()?;
    spec.experts = spec.experts(true)?;
    let shared = spec
        .keys
        .size_or_zero("expert_shared_feed_forward_length", "shared_intermediate_size")?;
    match &mut spec.experts {
        Some(experts) => experts.shared = shared,
        None if shared > 0 => spec.layers.iter_mut().for_each(|layer| layer.hidden = shared),
        None => {}
    }
    let sizes = [
        "mamba_n_heads",
        "mamba_n_groups",
        "mamba_d_state",
        "mamba_d_conv",
        "mamba_d_head",
    ];
    spec.recur(["mamba", "attention"], sizes, false)?;
    spec.network()
}
