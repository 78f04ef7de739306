//! Ministral 3 and the text model of Mistral 3: a llama whose queries grow with the position.

use super::{
    Arch, Network,
    layers::{FFN_NORM, LLAMA},
    spec::Spec,
};
use crate::{error::Result, format::Checkpoint};

pub(crate) static ARCH: Arch = Arch {
    name: "mistral3",
    classes: &["Ministral3ForCausalLM", "Mistral3ForConditionalGeneration"],
    names: &[LLAMA, FFN_NORM],
    open,
};

fn open(checkpoint: &Checkpoint) -> Result<Network> {
    let mut spec = Spec::read(checkpoint, &ARCH)?;
    spec.windows(|_| true)?;
    let beta = spec
        .keys
        .float("attention.temperature_scale", "rope_parameters.llama_4_scaling_beta")?;
    let length = spec.keys.float(
        "attention.temperature_length|rope.scaling.original_context_length",
        "rope_parameters.original_max_position_embeddings",
    )?;
    if let Some(beta) = beta.filter(|beta| *beta != 0.0) {
        let head_dim = spec.layers.first().map_or(0, |l| l.head_dim);
        let (Some(length), true) = (length.filter(|l| *l > 0.0), spec.ropes[0].rotated == head_dim) else {
            return Err(spec.keys.unsupported("a temperature", "one over heads that turn whole"));
        };
        // Queries have a table of their own.
        let grown = spec.ropes[0].clone().growing(beta, length);
        spec.ropes.push(grown);
        spec.layers.iter_mut().for_each(|l| l.rope = Some([1, 0]));
    }
    spec.network()
}
