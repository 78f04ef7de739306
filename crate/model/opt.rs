//! OPT and Galactica: like GPT-2 with a ReLU, positions counted from 2 on; 350M has its norms behind the sums and an
//! embedding narrower than its layers.

use super::{
    Arch, Network,
    bloom::BIASES,
    keys::{LeftOut, Number},
    spec::Spec,
};
use crate::{error::Result, format::Checkpoint, op::Act};

pub(crate) static ARCH: Arch = Arch {
    name: "opt",
    classes: &["OPTForCausalLM"],
    names: &[NAMES],
    open,
};

const NAMES: &[(&str, &str)] = &[
    ("model.decoder.embed_tokens.weight", "token_embd.weight"),
    ("model.decoder.embed_positions.weight", "position_embd.weight"),
    ("model.decoder.project_in.weight", "embd_in.weight"),
    ("model.decoder.project_out.weight", "embd_out.weight"),
    (
        "model.decoder.layers.{}.self_attn_layer_norm.weight",
        "blk.{}.attn_norm.weight",
    ),
    (
        "model.decoder.layers.{}.self_attn_layer_norm.bias",
        "blk.{}.attn_norm.bias",
    ),
    (
        "model.decoder.layers.{}.self_attn.q_proj.weight",
        "blk.{}.attn_q.weight",
    ),
    ("model.decoder.layers.{}.self_attn.q_proj.bias", "blk.{}.attn_q.bias"),
    (
        "model.decoder.layers.{}.self_attn.k_proj.weight",
        "blk.{}.attn_k.weight",
    ),
    ("model.decoder.layers.{}.self_attn.k_proj.bias", "blk.{}.attn_k.bias"),
    (
        "model.decoder.layers.{}.self_attn.v_proj.weight",
        "blk.{}.attn_v.weight",
    ),
    ("model.decoder.layers.{}.self_attn.v_proj.bias", "blk.{}.attn_v.bias"),
    (
        "model.decoder.layers.{}.self_attn.out_proj.weight",
        "blk.{}.attn_output.weight",
    ),
    (
        "model.decoder.layers.{}.self_attn.out_proj.bias",
        "blk.{}.attn_output.bias",
    ),
    (
        "model.decoder.layers.{}.final_layer_norm.weight",
        "blk.{}.ffn_norm.weight",
    ),
    ("model.decoder.layers.{}.final_layer_norm.bias", "blk.{}.ffn_norm.bias"),
    ("model.decoder.layers.{}.fc1.weight", "blk.{}.ffn_up.weight"),
    ("model.decoder.layers.{}.fc1.bias", "blk.{}.ffn_up.bias"),
    ("model.decoder.layers.{}.fc2.weight", "blk.{}.ffn_down.weight"),
    ("model.decoder.layers.{}.fc2.bias", "blk.{}.ffn_down.bias"),
    ("model.decoder.final_layer_norm.weight", "output_norm.weight"),
    ("model.decoder.final_layer_norm.bias", "output_norm.bias"),
    ("lm_head.weight", "output.weight"),
];

/// What its class always uses.
const LEFT_OUT: LeftOut = &[("", "layer_norm_eps", Number::Float(1e-5))];

fn open(checkpoint: &Checkpoint) -> Result<Network> {
    let mut spec = Spec::read_with(checkpoint, &ARCH, LEFT_OUT)?;
    spec.only("layer_norm_elementwise_affine", true)?;
    spec.classic(Act::Relu)?;
    spec.learned_positions();
    spec.first_position = 2;
    let on = |key, otherwise| spec.keys.switch("", key).unwrap_or(otherwise);
    let before = on("do_layer_norm_before", true);
    spec.last_norm = before && !on("_remove_final_layer_norm", false);
    (spec.pre_norm, spec.post_norm, spec.norm_sums) = (before, !before, !before);
    spec.renamed = &[("post_attention_norm", "attn_norm"), ("post_ffw_norm", "ffn_norm")];
    if on("enable_bias", true) {
        spec.biases = BIASES;
    }
    spec.embd_width = spec.keys.size("", "word_embed_proj_dim")?.unwrap_or(spec.width);
    spec.network()
}
