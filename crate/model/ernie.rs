//! ERNIE 4.5, dense: a llama whose heads turn in pairs side by side in both containers.

use super::{
    Arch, Network,
    layers::{FFN_NORM, LLAMA},
    spec::Spec,
};
use crate::{error::Result, format::Checkpoint};

pub(crate) static ARCH: Arch = Arch {
    name: "ernie4_5",
    classes: &["Ernie4_5ForCausalLM", "Ernie4_5_ForCausalLM"],
    names: &[LLAMA, FFN_NORM],
    open,
};

fn open(checkpoint: &Checkpoint) -> Result<Network> {
    let mut spec = Spec::read(checkpoint, &ARCH)?;
    spec.paired = true;
    spec.network()
}
