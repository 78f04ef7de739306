//! OLMoE: a llama with experts, whose queries and keys are normalised by row.

use super::{
    Arch, Network,
    layers::{FFN_NORM, LLAMA},
    qwen3moe::EXPERTS,
    spec::{QkNorm, Spec},
};
use crate::{error::Result, format::Checkpoint};

pub(crate) static ARCH: Arch = Arch {
    name: "olmoe",
    classes: &["OlmoeForCausalLM"],
    names: &[LLAMA, FFN_NORM, EXPERTS],
    open,
};

fn open(checkpoint: &Checkpoint) -> Result<Network> {
    let mut spec = Spec::read(checkpoint, &ARCH)?;
    if let Some(clip) = spec.number("attention.clamp_kqv", "clip_qkv")?.filter(|n| *n != 0.0) {
        return Err(spec.keys.unsupported(format!("clip_qkv {clip}"), "olmoe without it"));
    }
    spec.experts = spec.experts(false)?;
    spec.paired = false;
    spec.qk_norm = QkNorm::Row;
    spec.network()
}
