//! SmolLM 3: a llama of which every fourth layer has no rotations.

use super::{
    Arch, Network,
    layers::{FFN_NORM, LLAMA},
    spec::Spec,
};
use crate::{error::Result, format::Checkpoint};

pub(crate) static ARCH: Arch = Arch {
    name: "smollm3",
    classes: &["SmolLM3ForCausalLM"],
    names: &[LLAMA, FFN_NORM],
    open,
};

fn open(checkpoint: &Checkpoint) -> Result<Network> {
    let mut spec = Spec::read(checkpoint, &ARCH)?;
    spec.windows(|_| true)?;
    let turns = match spec.keys.list("", "no_rope_layers") {
        Some(all) => spec.all(all, "no_rope_layers")?.into_iter().map(|n| n != 0).collect(),
        None => {
            let period = spec.keys.size("", "no_rope_layer_interval")?.unwrap_or(4);
            (1..=spec.layers.len()).map(|n| n % period != 0).collect::<Vec<_>>()
        }
    };
    for (layer, turns) in spec.layers.iter_mut().zip(turns) {
        layer.rope = layer.rope.filter(|_| turns);
    }
    spec.network()
}
