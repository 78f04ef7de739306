//! Falcon: 7B and 11B, whose parts stand side by side behind one LayerNorm, 40B and 180B, behind one each, and RW, whose parts
//! follow one another and whose keys count less by their distance.

use super::{
    Arch, Network, bloom,
    keys::{LeftOut, Number},
    spec::{Fused, Spec},
};
use crate::{error::Result, format::Checkpoint, op::Act};

pub(crate) static ARCH: Arch = Arch {
    name: "falcon",
    classes: &["FalconForCausalLM"],
    names: &[bloom::NAMES, NORMS],
    open,
};

const NORMS: &[(&str, &str)] = &[
    ("transformer.h.{}.ln_attn.weight", "blk.{}.attn_norm.weight"),
    ("transformer.h.{}.ln_attn.bias", "blk.{}.attn_norm.bias"),
    ("transformer.h.{}.ln_mlp.weight", "blk.{}.ffn_norm.weight"),
    ("transformer.h.{}.ln_mlp.bias", "blk.{}.ffn_norm.bias"),
];

const LEFT_OUT: LeftOut = &[("", "layer_norm_epsilon", Number::Float(1e-5))];

fn open(checkpoint: &Checkpoint) -> Result<Network> {
    let mut spec = Spec::read_with(checkpoint, &ARCH, LEFT_OUT)?;
    spec.classic(Act::Gelu)?;
    let on = |key, otherwise| spec.keys.switch("", key).unwrap_or(otherwise);
    let (grouped, alone) = (on("new_decoder_architecture", false), on("multi_query", true));
    spec.parallel = on("parallel_attn", true);
    if on("bias", false) {
        spec.biases = bloom::BIASES;
    }
    spec.fused = Fused::Heads;
    if !spec.keys.is_gguf() && !grouped {
        let heads = if alone { 1 } else { spec.heads };
        spec.layers.iter_mut().for_each(|l| l.kv_heads = heads);
    }
    if spec.find.has("blk.{}.attn_norm_2.weight", Some(0)) {
        spec.renamed = &[("attn_norm", "attn_norm_2"), ("ffn_norm", "attn_norm")];
    }
    if on("alibi", false) {
        // What distance takes away is scaled like the scores.
        #[allow(clippy::cast_precision_loss, reason = "heads are narrow")]
        let width = spec.layers.first().map_or(1, |l| l.head_dim) as f32;
        spec.alibi = 1.0 / width.sqrt();
        spec.layers.iter_mut().for_each(|l| l.rope = None);
    }
    spec.network()
}
