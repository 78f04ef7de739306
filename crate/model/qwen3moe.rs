//! Qwen 3 with experts.

use super::{
    Arch, Network,
    layers::{FFN_NORM, LLAMA},
    spec::{QkNorm, Spec},
};
use crate::{error::Result, format::Checkpoint};

pub(crate) static ARCH: Arch = Arch {
    name: "qwen3moe",
    classes: &["Qwen3MoeForCausalLM"],
    names: &[LLAMA, FFN_NORM, EXPERTS],
    open,
};

/// Names of experts that are tensors of their own.
pub(super) const EXPERTS: &[(&str, &str)] = &[
    ("model.layers.{}.mlp.gate.weight", "blk.{}.ffn_gate_inp.weight"),
    (
        "model.layers.{}.mlp.experts.{}.gate_proj.weight",
        "blk.{}.ffn_gate_exps.weight",
    ),
    (
        "model.layers.{}.mlp.experts.{}.up_proj.weight",
        "blk.{}.ffn_up_exps.weight",
    ),
    (
        "model.layers.{}.mlp.experts.{}.down_proj.weight",
        "blk.{}.ffn_down_exps.weight",
    ),
];

fn open(checkpoint: &Checkpoint) -> Result<Network> {
    let mut spec = Spec::read(checkpoint, &ARCH)?;
    spec.late_windows()?;
    // HF's default, which configurations state; GGUF files do not, and all are normed.
    spec.experts = spec.experts(spec.keys.is_gguf())?;
    if let Some(list) = spec.keys.list("", "mlp_only_layers").filter(|l| !l.is_empty()) {
        return Err(spec
            .keys
            .unsupported(format!("dense layers {list:?}"), "experts in all layers"));
    }
    spec.paired = false;
    spec.qk_norm = QkNorm::Head;
    spec.network()
}
