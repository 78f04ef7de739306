//! Gemma 2: norms before and behind each part, capped scores and logits, every other layer sliding.

use super::{
    Arch, Network,
    gemma::{NORMS, later},
    layers::LLAMA,
    spec::Spec,
};
use crate::{error::Result, format::Checkpoint};

pub(crate) static ARCH: Arch = Arch {
    name: "gemma2",
    classes: &["Gemma2ForCausalLM"],
    names: &[LLAMA, NORMS],
    open,
};

fn open(checkpoint: &Checkpoint) -> Result<Network> {
    let mut spec = Spec::read(checkpoint, &ARCH)?;
    later(&mut spec, 46)?;
    spec.windows(|n| n % 2 == 0)?;
    spec.network()
}
