//! GPT-J: attention and feed-forward part side by side behind one LayerNorm, a part of each head turned in pairs.

use super::{Arch, Network, spec::Spec};
use crate::{error::Result, format::Checkpoint, op::Act};

pub(crate) static ARCH: Arch = Arch {
    name: "gptj",
    classes: &["GPTJForCausalLM"],
    names: &[NAMES],
    open,
};

const NAMES: &[(&str, &str)] = &[
    ("transformer.wte.weight", "token_embd.weight"),
    ("transformer.h.{}.ln_1.weight", "blk.{}.attn_norm.weight"),
    ("transformer.h.{}.ln_1.bias", "blk.{}.attn_norm.bias"),
    ("transformer.h.{}.attn.q_proj.weight", "blk.{}.attn_q.weight"),
    ("transformer.h.{}.attn.k_proj.weight", "blk.{}.attn_k.weight"),
    ("transformer.h.{}.attn.v_proj.weight", "blk.{}.attn_v.weight"),
    ("transformer.h.{}.attn.out_proj.weight", "blk.{}.attn_output.weight"),
    ("transformer.h.{}.mlp.fc_in.weight", "blk.{}.ffn_up.weight"),
    ("transformer.h.{}.mlp.fc_in.bias", "blk.{}.ffn_up.bias"),
    ("transformer.h.{}.mlp.fc_out.weight", "blk.{}.ffn_down.weight"),
    ("transformer.h.{}.mlp.fc_out.bias", "blk.{}.ffn_down.bias"),
    ("transformer.ln_f.weight", "output_norm.weight"),
    ("transformer.ln_f.bias", "output_norm.bias"),
    ("lm_head.weight", "output.weight"),
    ("lm_head.bias", "output.bias"),
];

fn open(checkpoint: &Checkpoint) -> Result<Network> {
    let mut spec = Spec::read(checkpoint, &ARCH)?;
    spec.classic(Act::GeluTanh)?;
    spec.parallel = true;
    spec.paired = true;
    spec.biases = &["ffn_up", "ffn_down", "output"];
    spec.network()
}
