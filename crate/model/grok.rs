//! Grok 1: experts, norms before and behind each part, and capped scores of attention. The cap of the router that some
//! files state takes no part in it.

use super::{
    Arch, Network,
    keys::{LeftOut, Number},
    spec::Spec,
};
use crate::{error::Result, format::Checkpoint, op::Act};

/// Its published checkpoint is no safetensors file.
pub(crate) static ARCH: Arch = Arch {
    name: "grok",
    classes: &[],
    names: &[],
    open,
};

/// What the first GGUF files lack, and other engines know.
const LEFT_OUT: LeftOut = &[
    ("embedding_scale", "", Number::Float(78.383_671_769_061_69)),
    ("logit_scale", "", Number::Float(0.577_350_269_189_625_7)),
    ("attention.output_scale", "", Number::Float(0.088_388_347_648_318_45)),
    ("attn_logit_softcapping", "", Number::Int(30)),
];

fn open(checkpoint: &Checkpoint) -> Result<Network> {
    let mut spec = Spec::read_with(checkpoint, &ARCH, LEFT_OUT)?;
    let of = |key| Ok(spec.number(key, "")?.unwrap_or_default());
    let (embed, logits, scores) = (
        of("embedding_scale")?,
        of("logit_scale")?,
        of("attention.output_scale")?,
    );
    let (cap, last) = (of("attn_logit_softcapping")?, of("final_logit_softcapping")?);
    (spec.embed_scale, spec.logit_scale, spec.attn_scale) = (embed, logits, Some(scores));
    (spec.attn_cap, spec.logit_cap) = (cap, last);
    spec.experts = spec.experts(true)?;
    spec.act = Act::GeluTanh;
    spec.paired = false;
    spec.post_norm = true;
    spec.renamed = &[
        ("post_attention_norm", "attn_output_norm"),
        ("post_ffw_norm", "layer_output_norm"),
    ];
    spec.network()
}
