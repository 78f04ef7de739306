//! Qwen 3: a llama whose queries and keys are normalised by head.

use super::{
    Arch, Network,
    layers::{FFN_NORM, LLAMA},
    spec::{QkNorm, Spec},
};
use crate::{error::Result, format::Checkpoint};

pub(crate) static ARCH: Arch = Arch {
    name: "qwen3",
    classes: &["Qwen3ForCausalLM"],
    names: &[LLAMA, FFN_NORM],
    open,
};

fn open(checkpoint: &Checkpoint) -> Result<Network> {
    let mut spec = Spec::read(checkpoint, &ARCH)?;
    spec.late_windows()?;
    spec.paired = false;
    spec.qk_norm = QkNorm::Head;
    spec.network()
}
