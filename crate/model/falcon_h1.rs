//! Falcon H1: attention and Mamba 2 beside each other in every layer, and multipliers for all that they read and write, which
//! GGUF files have in their weights.

use super::{Arch, Network, granitehybrid::MAMBA, layers::LLAMA, spec::Spec};
use crate::{
    error::{Error, Result},
    format::Checkpoint,
    op::{Act, narrow},
};

pub(crate) static ARCH: Arch = Arch {
    name: "falcon-h1",
    classes: &["FalconH1ForCausalLM"],
    names: &[LLAMA, MAMBA, NAMES],
    open,
};

const NAMES: &[(&str, &str)] = &[
    ("model.layers.{}.pre_ff_layernorm.weight", "blk.{}.ffn_norm.weight"),
    (
        "model.layers.{}.feed_forward.gate_proj.weight",
        "blk.{}.ffn_gate.weight",
    ),
    ("model.layers.{}.feed_forward.up_proj.weight", "blk.{}.ffn_up.weight"),
    (
        "model.layers.{}.feed_forward.down_proj.weight",
        "blk.{}.ffn_down.weight",
    ),
    ("model.final_layernorm.weight", "output_norm.weight"),
];

fn open(checkpoint: &Checkpoint) -> Result<Network> {
    let mut spec = Spec::read(checkpoint, &ARCH)?;
    for switch in [
        "attention_bias",
        "mlp_bias",
        "mamba_rms_norm",
        "mamba_proj_bias",
        "projectors_bias",
    ] {
        spec.only(switch, false)?;
    }
    spec.steps_without_limit()?;
    if spec.act != Act::Silu {
        return Err(spec.keys.unsupported("another activation", "silu"));
    }
    let sizes = [
        "mamba_n_heads",
        "mamba_n_groups",
        "mamba_d_state",
        "mamba_d_conv",
        "mamba_d_head",
    ];
    let mut recurrence = spec.recurrence(sizes, false)?;
    if spec.keys.is_gguf() {
        spec.paired = false;
    } else {
        let number = |key| Ok(spec.number("", key)?.unwrap_or(1.0));
        let [gate, down] = several(&spec, "mlp_multipliers")?;
        let scales: [f32; 5] = several(&spec, "ssm_multipliers")?;
        let [read, key, written] =
            ["attention_in_multiplier", "key_multiplier", "attention_out_multiplier"].map(number);
        let (read, inner) = (read?, number("ssm_in_multiplier")?);
        let scales = scales.map(|scale| scale * inner);
        // What queries, keys and values have too much or too little is in the scores, and in what comes of them.
        #[allow(clippy::cast_precision_loss, reason = "heads are narrow")]
        let root = (spec.layers[0].head_dim as f32).sqrt();
        let scores = read * read * key? / root;
        // A swish is linear but for its slope.
        let parts = [read * written?, number("ssm_out_multiplier")? * scales[0], gate * down];
        let (embed, logits) = (number("embedding_multiplier")?, number("lm_head_multiplier")?);
        recurrence.scales = Some(scales);
        spec.part_scales = parts;
        spec.act = Act::Swish(gate);
        spec.attn_scale = Some(scores);
        spec.embed_scale = embed;
        spec.logit_scale = logits;
    }
    spec.layers
        .iter_mut()
        .for_each(|layer| layer.recurrence = Some(recurrence));
    spec.network()
}

/// So many multipliers, all 1 where there are none.
fn several<const N: usize>(spec: &Spec<'_>, key: &str) -> Result<[f32; N]> {
    let Some(found) = spec.keys.json(key) else {
        return Ok([1.0; N]);
    };
    let numbers: Option<Vec<f32>> = found
        .as_array()
        .and_then(|all| all.iter().map(|n| n.as_f64().map(narrow)).collect());
    let all = numbers.and_then(|all| all.try_into().ok());
    all.ok_or_else(|| Error::bad(&spec.keys.checkpoint.name, key, format!("{N} numbers"), found))
}
