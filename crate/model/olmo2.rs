//! OLMo 2 and 3: norms behind the parts instead of before them, queries and keys normalised by row. The sliding layers of
//! OLMo 3 have rotations that are not stretched.

use super::{
    Arch, Network,
    layers::LLAMA,
    spec::{QkNorm, Spec},
};
use crate::{error::Result, format::Checkpoint};

pub(crate) static ARCH: Arch = Arch {
    name: "olmo2",
    classes: &["Olmo2ForCausalLM", "Olmo3ForCausalLM"],
    names: &[LLAMA, NORMS],
    open,
};

const NORMS: &[(&str, &str)] = &[
    (
        "model.layers.{}.post_attention_layernorm.weight",
        "blk.{}.post_attention_norm.weight",
    ),
    (
        "model.layers.{}.post_feedforward_layernorm.weight",
        "blk.{}.post_ffw_norm.weight",
    ),
];

fn open(checkpoint: &Checkpoint) -> Result<Network> {
    let mut spec = Spec::read(checkpoint, &ARCH)?;
    spec.windows(|n| (n + 1) % 4 != 0)?;
    if spec.layers.iter().any(|l| l.window > 0) {
        let plain = spec.ropes[0].clone().unstretched();
        spec.ropes.push(plain);
    }
    for layer in spec.layers.iter_mut().filter(|l| l.window > 0) {
        layer.rope = Some([1, 1]);
    }
    spec.paired = false;
    (spec.pre_norm, spec.post_norm) = (false, true);
    spec.qk_norm = QkNorm::Row;
    spec.network()
}
