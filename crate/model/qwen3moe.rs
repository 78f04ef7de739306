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

/// Experts in all layers.
pub(super) fn experts(spec: &mut Spec<'_>, normed: bool) -> Result<()> {
    spec.experts = spec.experts(normed)?;
    let keys = &spec.keys;
    let dense = keys.list("", "mlp_only_layers").filter(|l| !l.is_empty());
    let step = keys.size("", "decoder_sparse_step")?.unwrap_or(1);
    if dense.is_none() && step == 1 {
        return Ok(());
    }
    let what = format!("mlp_only_layers {dense:?} and decoder_sparse_step {step}");
    Err(keys.unsupported(what, "experts in all layers"))
}

fn open(checkpoint: &Checkpoint) -> Result<Network> {
    let mut spec = Spec::read(checkpoint, &ARCH)?;
    spec.late_windows()?;
    // HF's default, which configurations state; GGUF files do not, and all are normed.
    let normed = spec.keys.is_gguf();
    experts(&mut spec, normed)?;
    spec.paired = false;
    spec.qk_norm = QkNorm::Head;
    spec.network()
}
