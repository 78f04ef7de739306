//! BERT, as sentence embeddings use it: all tokens see each other, positions are learned, and a LayerNorm stands behind
//! each sum.

use super::{Arch, Kind, Network, spec::Spec};
use crate::{
    error::Result,
    format::Checkpoint,
    op::{Act, Sees},
};

pub(crate) static ARCH: Arch = Arch {
    name: "bert",
    classes: &["BertModel"],
    names: &[NAMES],
    open,
};

const NAMES: &[(&str, &str)] = &[
    ("bert.embeddings.word_embeddings.weight", "token_embd.weight"),
    ("bert.embeddings.position_embeddings.weight", "position_embd.weight"),
    ("bert.embeddings.token_type_embeddings.weight", "token_types.weight"),
    ("bert.embeddings.LayerNorm.weight", "token_embd_norm.weight"),
    ("bert.embeddings.LayerNorm.bias", "token_embd_norm.bias"),
    (
        "bert.encoder.layer.{}.attention.self.query.weight",
        "blk.{}.attn_q.weight",
    ),
    ("bert.encoder.layer.{}.attention.self.query.bias", "blk.{}.attn_q.bias"),
    (
        "bert.encoder.layer.{}.attention.self.key.weight",
        "blk.{}.attn_k.weight",
    ),
    ("bert.encoder.layer.{}.attention.self.key.bias", "blk.{}.attn_k.bias"),
    (
        "bert.encoder.layer.{}.attention.self.value.weight",
        "blk.{}.attn_v.weight",
    ),
    ("bert.encoder.layer.{}.attention.self.value.bias", "blk.{}.attn_v.bias"),
    (
        "bert.encoder.layer.{}.attention.output.dense.weight",
        "blk.{}.attn_output.weight",
    ),
    (
        "bert.encoder.layer.{}.attention.output.dense.bias",
        "blk.{}.attn_output.bias",
    ),
    (
        "bert.encoder.layer.{}.attention.output.LayerNorm.weight",
        "blk.{}.attn_output_norm.weight",
    ),
    (
        "bert.encoder.layer.{}.attention.output.LayerNorm.bias",
        "blk.{}.attn_output_norm.bias",
    ),
    (
        "bert.encoder.layer.{}.intermediate.dense.weight",
        "blk.{}.ffn_up.weight",
    ),
    ("bert.encoder.layer.{}.intermediate.dense.bias", "blk.{}.ffn_up.bias"),
    ("bert.encoder.layer.{}.output.dense.weight", "blk.{}.ffn_down.weight"),
    ("bert.encoder.layer.{}.output.dense.bias", "blk.{}.ffn_down.bias"),
    (
        "bert.encoder.layer.{}.output.LayerNorm.weight",
        "blk.{}.layer_output_norm.weight",
    ),
    (
        "bert.encoder.layer.{}.output.LayerNorm.bias",
        "blk.{}.layer_output_norm.bias",
    ),
];

fn open(checkpoint: &Checkpoint) -> Result<Network> {
    let mut spec = Spec::read(checkpoint, &ARCH)?;
    spec.only("is_decoder", false)?;
    let positions = spec.keys.text("", "position_embedding_type").unwrap_or("absolute");
    if positions != "absolute" {
        return Err(spec
            .keys
            .unsupported(format!("{positions} positions"), "absolute positions"));
    }
    spec.classic(Act::Gelu)?;
    spec.learned_positions();
    spec.layers.iter_mut().for_each(|l| l.sees = Sees::Step);
    spec.kind = Kind::Encoder;
    spec.embed_norm = true;
    spec.pre_norm = false;
    spec.post_norm = true;
    spec.norm_sums = true;
    spec.renamed = &[
        ("post_attention_norm", "attn_output_norm"),
        ("post_ffw_norm", "layer_output_norm"),
    ];
    spec.biases = &["attn_q", "attn_k", "attn_v", "attn_output", "ffn_up", "ffn_down"];
    // One cache for all layers is small, and exact.
    spec.exact_keys = true;
    spec.network()
}
