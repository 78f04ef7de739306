//! MPT: LayerNorm and linear maps without biases, and a loss that grows with distance.

use super::{
    Arch, Network,
    keys::{LeftOut, Number},
    spec::Spec,
};
use crate::{error::Result, format::Checkpoint, op::Act};

pub(crate) static ARCH: Arch = Arch {
    name: "mpt",
    classes: &["MPTForCausalLM", "MptForCausalLM"],
    names: &[NAMES],
    open,
};

const NAMES: &[(&str, &str)] = &[
    ("transformer.wte.weight", "token_embd.weight"),
    ("transformer.blocks.{}.norm_1.weight", "blk.{}.attn_norm.weight"),
    ("transformer.blocks.{}.attn.Wqkv.weight", "blk.{}.attn_qkv.weight"),
    (
        "transformer.blocks.{}.attn.out_proj.weight",
        "blk.{}.attn_output.weight",
    ),
    ("transformer.blocks.{}.norm_2.weight", "blk.{}.ffn_norm.weight"),
    ("transformer.blocks.{}.ffn.up_proj.weight", "blk.{}.ffn_up.weight"),
    ("transformer.blocks.{}.ffn.down_proj.weight", "blk.{}.ffn_down.weight"),
    ("transformer.norm_f.weight", "output_norm.weight"),
    ("lm_head.weight", "output.weight"),
];

/// What published configurations leave to PyTorch.
const LEFT_OUT: LeftOut = &[("", "layer_norm_epsilon", Number::Float(1e-5))];

fn open(checkpoint: &Checkpoint) -> Result<Network> {
    let mut spec = Spec::read_with(checkpoint, &ARCH, LEFT_OUT)?;
    spec.only("attn_config.alibi", true)?;
    spec.only("attn_config.qk_ln", false)?;
    spec.only("attn_config.prefix_lm", false)?;
    let keys = &spec.keys;
    let most = keys.float("attention.max_alibi_bias", "attn_config.alibi_bias_max")?;
    let clip = keys.float("attention.clamp_kqv", "attn_config.clip_qkv")?;
    let odd = most.filter(|n| *n != 8.0).or(clip.filter(|n| *n != 0.0));
    if odd.is_some() || keys.json("logit_scale").is_some() {
        let logits = keys.json("logit_scale");
        let what = format!("alibi_bias_max {most:?}, clip_qkv {clip:?} and logit_scale {logits:?}");
        return Err(keys.unsupported(what, "8 and neither of the others"));
    }
    if let Some(ratio) = keys.size("", "expansion_ratio")? {
        let hidden = spec.rows(ratio, spec.width)?;
        spec.layers.iter_mut().for_each(|l| l.hidden = hidden);
    }
    spec.attn_scale = spec.number("", "attn_config.softmax_scale")?;
    spec.classic(Act::Gelu)?;
    spec.alibi = 1.0;
    spec.layers.iter_mut().for_each(|l| l.rope = None);
    spec.network()
}
