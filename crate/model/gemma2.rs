//! Gemma 2: norms before and behind each part, capped scores and logits, every other layer sliding.

use super::{
    Arch, Network,
    gemma::{NORMS, later},
    keys::{LeftOut, Number},
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

/// What its class knows, and the first GGUF files lack.
const LEFT_OUT: LeftOut = &[
    ("attn_logit_softcapping", "attn_logit_softcapping", Number::Int(50)),
    ("final_logit_softcapping", "final_logit_softcapping", Number::Int(30)),
    ("attention.sliding_window", "sliding_window", Number::Int(4096)),
];

fn open(checkpoint: &Checkpoint) -> Result<Network> {
    let mut spec = Spec::read_with(checkpoint, &ARCH, LEFT_OUT)?;
    later(&mut spec, 46)?;
    spec.windows(|n| n % 2 == 0)?;
    spec.network()
}
