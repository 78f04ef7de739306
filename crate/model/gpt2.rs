//! GPT-2, and Cerebras-GPT: LayerNorm with biases everywhere, positions learned, a plain feed-forward part.

use super::{Arch, Network, bloom::BIASES, spec::Spec};
use crate::{error::Result, format::Checkpoint, op::Act};

pub(crate) static ARCH: Arch = Arch {
    name: "gpt2",
    classes: &["GPT2LMHeadModel"],
    names: &[NAMES],
    open,
};

const NAMES: &[(&str, &str)] = &[
    ("transformer.wte.weight", "token_embd.weight"),
    ("transformer.wpe.weight", "position_embd.weight"),
    ("transformer.h.{}.ln_1.weight", "blk.{}.attn_norm.weight"),
    ("transformer.h.{}.ln_1.bias", "blk.{}.attn_norm.bias"),
    ("transformer.h.{}.attn.c_attn.weight", "blk.{}.attn_qkv.weight"),
    ("transformer.h.{}.attn.c_attn.bias", "blk.{}.attn_qkv.bias"),
    ("transformer.h.{}.attn.c_proj.weight", "blk.{}.attn_output.weight"),
    ("transformer.h.{}.attn.c_proj.bias", "blk.{}.attn_output.bias"),
    ("transformer.h.{}.ln_2.weight", "blk.{}.ffn_norm.weight"),
    ("transformer.h.{}.ln_2.bias", "blk.{}.ffn_norm.bias"),
    ("transformer.h.{}.mlp.c_fc.weight", "blk.{}.ffn_up.weight"),
    ("transformer.h.{}.mlp.c_fc.bias", "blk.{}.ffn_up.bias"),
    ("transformer.h.{}.mlp.c_proj.weight", "blk.{}.ffn_down.weight"),
    ("transformer.h.{}.mlp.c_proj.bias", "blk.{}.ffn_down.bias"),
    ("transformer.ln_f.weight", "output_norm.weight"),
    ("transformer.ln_f.bias", "output_norm.bias"),
    ("lm_head.weight", "output.weight"),
];

fn open(checkpoint: &Checkpoint) -> Result<Network> {
    let mut spec = Spec::read(checkpoint, &ARCH)?;
    spec.only("scale_attn_by_inverse_layer_idx", false)?;
    spec.only("scale_attn_weights", true)?;
    spec.classic(Act::GeluTanh)?;
    spec.learned_positions();
    // Published checkpoints have the weights of layers the other way round.
    spec.transposed = !spec.keys.is_gguf();
    spec.biases = BIASES;
    spec.network()
}
