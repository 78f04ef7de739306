//! The llama family: LLaMA 1 to 3, Alpaca, Vicuna, Code Llama, Mistral, SmolLM, TinyLlama and their kin.

use super::{
    Arch, Network,
    layers::{FFN_NORM, LLAMA},
    spec::Spec,
};
use crate::{error::Result, format::Checkpoint};

pub(crate) static ARCH: Arch = Arch {
    name: "llama",
    classes: &["LlamaForCausalLM", "MistralForCausalLM"],
    names: &[LLAMA, FFN_NORM],
    open,
};

fn open(checkpoint: &Checkpoint) -> Result<Network> {
    let mut spec = Spec::read(checkpoint, &ARCH)?;
    spec.windows(|_| true)?;
    spec.network()
}
