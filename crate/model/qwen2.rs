//! Qwen 2 and 2.5: a llama with biases on query, key and value.

use super::{
    Arch, Network,
    layers::{FFN_NORM, LLAMA, QKV_BIASES},
    spec::Spec,
};
use crate::{error::Result, format::Checkpoint};

pub(crate) static ARCH: Arch = Arch {
    name: "qwen2",
    classes: &["Qwen2ForCausalLM"],
    names: &[LLAMA, FFN_NORM],
    open,
};

fn open(checkpoint: &Checkpoint) -> Result<Network> {
    let mut spec = Spec::read(checkpoint, &ARCH)?;
    spec.late_windows()?;
    spec.paired = false;
    spec.biases = QKV_BIASES;
    spec.network()
}
