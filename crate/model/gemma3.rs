//! Gemma 3, its text model: Gemma 2 with normalised queries and keys in place of caps, and other rotations in its sliding
//! layers, five of six.

use super::{
    Arch, Network, RopeTable,
    gemma::{NORMS, later},
    keys::{LeftOut, Number},
    layers::LLAMA,
    spec::{QkNorm, Spec},
};
use crate::{error::Result, format::Checkpoint};

pub(crate) static ARCH: Arch = Arch {
    name: "gemma3",
    classes: &["Gemma3ForCausalLM", "Gemma3ForConditionalGeneration"],
    names: &[LLAMA, NORMS],
    open,
};

/// What the published configurations of models with images leave out.
const LEFT_OUT: LeftOut = &[
    ("", "num_attention_heads", Number::Int(8)),
    ("", "num_key_value_heads", Number::Int(4)),
    ("", "head_dim", Number::Int(256)),
    ("", "query_pre_attn_scalar", Number::Int(256)),
    ("", "max_position_embeddings", Number::Int(131_072)),
    ("", "rope_theta", Number::Int(1_000_000)),
];

fn open(checkpoint: &Checkpoint) -> Result<Network> {
    let mut spec = Spec::read_with(checkpoint, &ARCH, LEFT_OUT)?;
    later(&mut spec, 62)?;
    spec.windows(|n| (n + 1) % 6 != 0)?;
    spec.only("use_bidirectional_attention", false)?;
    let keys = &spec.keys;
    let [full, local] = ["full_attention", "sliding_attention"].map(|kind| format!("rope_parameters.{kind}"));
    let rotated = spec.ropes[0].rotated;
    if keys.json(&full).is_some() {
        spec.ropes[0] = RopeTable::read_from(keys, &full, rotated, rotated)?;
    }
    let theta = keys.float(
        "rope.freq_base_swa",
        &format!("rope_local_base_freq|{local}.rope_theta"),
    )?;
    spec.ropes.push(RopeTable::plain(theta.unwrap_or(10_000.0), rotated));
    for layer in spec.layers.iter_mut().filter(|l| l.window > 0) {
        layer.rope = Some([1, 1]);
    }
    spec.qk_norm = QkNorm::Head;
    spec.network()
}
