//! T5, its version 1.1, Flan-T5 and mT5: an encoder and a decoder beside it, scores that nothing scales but that have biases
//! by distance.

use super::{
    Arch, Head, Kind, Network,
    spec::{LayerSpec, Spec},
};
use crate::{
    error::Result,
    format::Checkpoint,
    op::{Act, Buckets, Sees, narrow},
};

pub(crate) static ARCH: Arch = Arch {
    name: "t5",
    classes: &["T5ForConditionalGeneration", "MT5ForConditionalGeneration"],
    names: &[NAMES],
    open,
};

const NAMES: &[(&str, &str)] = &[
    ("shared.weight", "token_embd.weight"),
    ("encoder.embed_tokens.weight", "token_embd.weight"),
    ("decoder.embed_tokens.weight", "token_embd.weight"),
    ("lm_head.weight", "output.weight"),
    (
        "encoder.block.{}.layer.0.SelfAttention.q.weight",
        "enc.blk.{}.attn_q.weight",
    ),
    (
        "encoder.block.{}.layer.0.SelfAttention.k.weight",
        "enc.blk.{}.attn_k.weight",
    ),
    (
        "encoder.block.{}.layer.0.SelfAttention.v.weight",
        "enc.blk.{}.attn_v.weight",
    ),
    (
        "encoder.block.{}.layer.0.SelfAttention.o.weight",
        "enc.blk.{}.attn_o.weight",
    ),
    (
        "encoder.block.{}.layer.0.SelfAttention.relative_attention_bias.weight",
        "enc.blk.{}.attn_rel_b.weight",
    ),
    (
        "encoder.block.{}.layer.0.layer_norm.weight",
        "enc.blk.{}.attn_norm.weight",
    ),
    (
        "encoder.block.{}.layer.1.DenseReluDense.wi.weight",
        "enc.blk.{}.ffn_up.weight",
    ),
    (
        "encoder.block.{}.layer.1.DenseReluDense.wi_0.weight",
        "enc.blk.{}.ffn_gate.weight",
    ),
    (
        "encoder.block.{}.layer.1.DenseReluDense.wi_1.weight",
        "enc.blk.{}.ffn_up.weight",
    ),
    (
        "encoder.block.{}.layer.1.DenseReluDense.wo.weight",
        "enc.blk.{}.ffn_down.weight",
    ),
    (
        "encoder.block.{}.layer.1.layer_norm.weight",
        "enc.blk.{}.ffn_norm.weight",
    ),
    ("encoder.final_layer_norm.weight", "enc.output_norm.weight"),
    (
        "decoder.block.{}.layer.0.SelfAttention.q.weight",
        "dec.blk.{}.attn_q.weight",
    ),
    (
        "decoder.block.{}.layer.0.SelfAttention.k.weight",
        "dec.blk.{}.attn_k.weight",
    ),
    (
        "decoder.block.{}.layer.0.SelfAttention.v.weight",
        "dec.blk.{}.attn_v.weight",
    ),
    (
        "decoder.block.{}.layer.0.SelfAttention.o.weight",
        "dec.blk.{}.attn_o.weight",
    ),
    (
        "decoder.block.{}.layer.0.SelfAttention.relative_attention_bias.weight",
        "dec.blk.{}.attn_rel_b.weight",
    ),
    (
        "decoder.block.{}.layer.0.layer_norm.weight",
        "dec.blk.{}.attn_norm.weight",
    ),
    (
        "decoder.block.{}.layer.1.EncDecAttention.q.weight",
        "dec.blk.{}.cross_attn_q.weight",
    ),
    (
        "decoder.block.{}.layer.1.EncDecAttention.k.weight",
        "dec.blk.{}.cross_attn_k.weight",
    ),
    (
        "decoder.block.{}.layer.1.EncDecAttention.v.weight",
        "dec.blk.{}.cross_attn_v.weight",
    ),
    (
        "decoder.block.{}.layer.1.EncDecAttention.o.weight",
        "dec.blk.{}.cross_attn_o.weight",
    ),
    (
        "decoder.block.{}.layer.1.EncDecAttention.relative_attention_bias.weight",
        "dec.blk.{}.cross_attn_rel_b.weight",
    ),
    (
        "decoder.block.{}.layer.1.layer_norm.weight",
        "dec.blk.{}.cross_attn_norm.weight",
    ),
    (
        "decoder.block.{}.layer.2.DenseReluDense.wi.weight",
        "dec.blk.{}.ffn_up.weight",
    ),
    (
        "decoder.block.{}.layer.2.DenseReluDense.wi_0.weight",
        "dec.blk.{}.ffn_gate.weight",
    ),
    (
        "decoder.block.{}.layer.2.DenseReluDense.wi_1.weight",
        "dec.blk.{}.ffn_up.weight",
    ),
    (
        "decoder.block.{}.layer.2.DenseReluDense.wo.weight",
        "dec.blk.{}.ffn_down.weight",
    ),
    (
        "decoder.block.{}.layer.2.layer_norm.weight",
        "dec.blk.{}.ffn_norm.weight",
    ),
    ("decoder.final_layer_norm.weight", "dec.output_norm.weight"),
];

fn open(checkpoint: &Checkpoint) -> Result<Network> {
    let mut spec = Spec::read(checkpoint, &ARCH)?;
    let keys = &spec.keys;
    let layers = keys
        .size("decoder_block_count", "num_decoder_layers")?
        .unwrap_or(spec.layers.len());
    keys.layers("decoder_block_count", layers)?;
    let start = keys.size_or_zero("decoder_start_token_id", "decoder_start_token_id|pad_token_id")?;
    let count = keys.size("attention.relative_buckets_count", "relative_attention_num_buckets")?;
    let most = keys.size("", "relative_attention_max_distance")?;
    let buckets = Buckets {
        count: count.unwrap_or(32),
        most: most.unwrap_or(128),
    };
    let sound = buckets.count.is_multiple_of(4) && buckets.count <= 4096 && buckets.most <= 1 << 24;
    if !sound || buckets.most <= buckets.count / 2 {
        return Err(keys.unsupported(format!("{buckets:?}"), "32 buckets, a distance of 128"));
    }
    spec.gated = spec.find.has("enc.blk.{}.ffn_gate.weight", Some(0));
    let usual = if spec.gated { "gated-gelu" } else { "relu" };
    spec.act = match keys.text("", "feed_forward_proj").unwrap_or(usual) {
        "relu" => keys.act(Act::Relu),
        "gated-gelu" => keys.act(Act::GeluTanh),
        other => Err(keys.unsupported(format!("feed_forward_proj {other}"), "relu, gated-gelu")),
    }?;
    spec.renamed = &[("attn_output", "attn_o"), ("cross_attn_output", "cross_attn_o")];
    spec.paired = false;
    spec.attn_scale = Some(1.0);
    // Scores that nothing scales down: rounding a key to f16 would move them too far.
    spec.exact_keys = true;
    for layer in &mut spec.layers {
        layer.rope = None;
        layer.sees = Sees::Step;
        layer.buckets = Some(buckets);
    }
    spec.prefix = "enc.";
    let encoder = spec.stack()?;
    let norm = spec.gain("enc.output_norm", None, spec.width)?;
    let layer = LayerSpec {
        sees: Sees::Before,
        ..spec.layers[0]
    };
    spec.layers = vec![layer; layers];
    spec.prefix = "dec.";
    spec.cross = true;
    spec.kind = Kind::EncoderDecoder(u32::try_from(start).unwrap_or(u32::MAX));
    // Copies of the embedding, and biases that nobody uses.
    spec.find.note("token_embd.weight", None);
    spec.find.note("dec.blk.{}.cross_attn_rel_b.weight", Some(0));
    let own = spec.find.has("output.weight", None);
    if spec
        .keys
        .switch("", "tie_word_embeddings")
        .unwrap_or(!(spec.keys.is_gguf() && own))
    {
        #[allow(clippy::cast_precision_loss, reason = "widths are small")]
        let root = (spec.width as f64).sqrt();
        spec.logit_scale = narrow(1.0 / root);
    }
    spec.decoder()?.network(move |decoder, g, head| {
        if head != Head::Encode {
            return decoder.plain(g, head);
        }
        let mut x = decoder.embed(g)?;
        for layer in &encoder {
            x = decoder.block(g, layer, x)?;
        }
        let x = decoder.norm(g, norm, x)?;
        for (_, cross) in decoder.layers.iter().filter_map(|l| l.cross.as_ref()) {
            decoder.remember(g, cross, x)?;
        }
        Ok(None)
    })
}
