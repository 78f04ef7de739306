//! Gemma 4, its text model: values are normalised too, sliding layers have narrower heads, the last layers use the keys
//! and values of earlier ones, and each layer adds an embedding of its own; in some, experts stand beside the dense part.

use super::{
    Arch, Network, RopeTable,
    gemma::NORMS,
    layers::{Gain, LLAMA, Linear},
    spec::{QkNorm, Spec},
    weights::Layout,
};
use crate::{
    error::Result,
    format::Checkpoint,
    op::{Act, Affine, Blend, Embed, Graph, Norm, PRODUCT, Tensor, add, blend, embed_as, gate, narrow, norm},
};

pub(crate) static ARCH: Arch = Arch {
    name: "gemma4",
    classes: &["Gemma4ForCausalLM", "Gemma4ForConditionalGeneration"],
    names: &[LLAMA, NORMS, PER_LAYER, EXPERTS],
    open,
};

const PER_LAYER: &[(&str, &str)] = &[
    ("model.embed_tokens_per_layer.weight", "per_layer_token_embd.weight"),
    ("model.per_layer_model_projection.weight", "per_layer_model_proj.weight"),
    ("model.per_layer_projection_norm.weight", "per_layer_proj_norm.weight"),
    ("model.layers.{}.per_layer_input_gate.weight", "blk.{}.inp_gate.weight"),
    ("model.layers.{}.per_layer_projection.weight", "blk.{}.proj.weight"),
    (
        "model.layers.{}.post_per_layer_input_norm.weight",
        "blk.{}.post_norm.weight",
    ),
    ("model.layers.{}.layer_scalar", "blk.{}.layer_output_scale.weight"),
];

const EXPERTS: &[(&str, &str)] = &[
    ("model.layers.{}.router.proj.weight", "blk.{}.ffn_gate_inp.weight"),
    ("model.layers.{}.router.scale", "blk.{}.ffn_gate_inp.scale"),
    ("model.layers.{}.router.per_expert_scale", "blk.{}.ffn_down_exps.scale"),
    ("model.layers.{}.experts.gate_up_proj", "blk.{}.ffn_gate_up_exps.weight"),
    ("model.layers.{}.experts.down_proj", "blk.{}.ffn_down_exps.weight"),
    (
        "model.layers.{}.pre_feedforward_layernorm_2.weight",
        "blk.{}.pre_ffw_norm_2.weight",
    ),
    (
        "model.layers.{}.post_feedforward_layernorm_1.weight",
        "blk.{}.post_ffw_norm_1.weight",
    ),
    (
        "model.layers.{}.post_feedforward_layernorm_2.weight",
        "blk.{}.post_ffw_norm_2.weight",
    ),
];

/// Weights of the embeddings by layer, and what each layer does with its own.
struct PerLayer {
    /// Width of one.
    width: usize,
    embd: usize,
    proj: Linear,
    norm: usize,
    layers: Vec<(Linear, Linear, Gain)>,
}

/// Sizes by layer.
fn layers(spec: &mut Spec<'_>) -> Result<()> {
    let keys = &spec.keys;
    let sliding = spec.sliding(|n| (n + 1) % 6 != 0)?;
    let window = keys.need("attention.sliding_window", "sliding_window")?;
    let local = keys.need("attention.key_length_swa", "head_dim")?;
    let full = keys.size("attention.key_length", "global_head_dim")?.unwrap_or(local);
    let shared = keys.size_or_zero("attention.shared_kv_layers", "num_kv_shared_layers")?;
    let alike = keys.switch("", "attention_k_eq_v").unwrap_or(false);
    let global = keys.size("", "num_global_key_value_heads")?.filter(|_| alike);
    let double = keys.switch("", "use_double_wide_mlp").unwrap_or(false);
    let own = spec.layers.len().saturating_sub(shared);
    let tables = if keys.is_gguf() {
        let theta = keys.float("rope.freq_base_swa", "")?.unwrap_or(10_000.0);
        let rotated = keys.size("rope.dimension_count_swa", "")?.unwrap_or(local);
        [spec.ropes[0].clone(), RopeTable::plain(theta, rotated)]
    } else {
        let table = |kind, width| RopeTable::read_from(keys, &format!("rope_parameters.{kind}"), width, width);
        [table("full_attention", full)?, table("sliding_attention", local)?]
    };
    spec.ropes = tables.into();
    for (n, slides) in sliding.iter().enumerate() {
        let layer = &mut spec.layers[n];
        layer.window = if *slides { window } else { 0 };
        layer.head_dim = if *slides { local } else { full };
        layer.rope = Some([usize::from(*slides); 2]);
        if let (Some(heads), false) = (global, slides) {
            layer.kv_heads = heads;
        }
        if n >= own {
            layer.shares = sliding[..own].iter().rposition(|earlier| earlier == slides);
            layer.hidden *= if double { 2 } else { 1 };
        }
    }
    Ok(())
}

fn per_layer(spec: &mut Spec<'_>) -> Result<Option<PerLayer>> {
    let key = ("embedding_length_per_layer_input", "hidden_size_per_layer_input");
    let (width, count) = (spec.keys.size_or_zero(key.0, key.1)?, spec.layers.len());
    if width == 0 {
        return Ok(None);
    }
    let whole = Layout::default();
    let rows = spec
        .find
        .entry("per_layer_token_embd.weight", None)
        .map_or(0, |e| e.shape.rows());
    let embd = spec
        .find
        .take("per_layer_token_embd.weight", None, [rows, count * width], whole)?;
    let proj = spec
        .find
        .take("per_layer_model_proj.weight", None, [count * width, spec.width], whole)?;
    let norm = spec.find.take("per_layer_proj_norm.weight", None, [width], whole)?;
    let mut layers = Vec::new();
    for n in 0..count {
        layers.push((
            spec.linear(n, "inp_gate", [width, spec.width], whole)?,
            spec.linear(n, "proj", [spec.width, width], whole)?,
            spec.gain("blk.{}.post_norm", Some(n), spec.width)?,
        ));
    }
    Ok(Some(PerLayer {
        width,
        embd,
        proj: Linear::of(proj),
        norm,
        layers,
    }))
}

fn open(checkpoint: &Checkpoint) -> Result<Network> {
    let mut spec = Spec::read(checkpoint, &ARCH)?;
    layers(&mut spec)?;
    if spec.keys.is_gguf() || spec.keys.switch("", "enable_moe_block") == Some(true) {
        spec.experts = spec.experts(true)?;
    }
    spec.only("use_bidirectional_attention", false)?;
    spec.act = spec.keys.act(Act::GeluTanh)?;
    spec.paired = false;
    spec.post_norm = true;
    spec.qk_norm = QkNorm::Head;
    spec.v_norm = true;
    spec.attn_scale = Some(1.0);
    // Scores that nothing scales down: what f16 rounds off a key moves logits by more than 2e-2.
    spec.exact_keys = true;
    spec.logit_cap = spec
        .number("final_logit_softcapping", "final_logit_softcapping")?
        .unwrap_or(0.0);
    #[allow(clippy::cast_precision_loss, reason = "widths are small")]
    let root = |width: usize| (width as f64).sqrt();
    spec.embed_scale = narrow(root(spec.width));
    let (act, eps, count, shrunk) = (spec.act, spec.norm, spec.layers.len(), narrow(1.0 / root(spec.width)));
    if let Some(experts) = &mut spec.experts {
        experts.beside = true;
        let (scale, cap) = (shrunk, 0.0);
        experts.scores = Some(Act::Cap { scale, cap });
    }
    if spec.find.has("blk.{}.ffn_gate_up_exps.weight", Some(0)) {
        spec.renamed = &[
            ("ffn_gate_exps", "ffn_gate_up_exps"),
            ("ffn_up_exps", "ffn_gate_up_exps"),
        ];
    }
    let inputs = per_layer(&mut spec)?;
    let mut scales = Vec::new();
    for n in 0..count {
        let name = "blk.{}.layer_output_scale.weight";
        let there = spec.find.has(name, Some(n));
        let scale = there.then(|| spec.find.take(name, Some(n), [1], Layout::default()));
        scales.push(scale.transpose()?);
    }
    spec.decoder()?.network(move |decoder, g, head| {
        let mut x = decoder.embed(g)?;
        let added = match &inputs {
            Some(inputs) => {
                let w = decoder.weight(g, inputs.embd);
                let cfg = Embed {
                    scale: narrow(root(inputs.width)),
                    positions: false,
                };
                let own = embed_as(g, w, cfg)?;
                let projected = decoder.linear(g, inputs.proj, x)?;
                let gain = decoder.weight(g, inputs.norm);
                Some(mix(g, own, projected, gain, shrunk, Norm { heads: count, ..eps })?)
            }
            None => None,
        };
        for (n, scale) in scales.iter().enumerate() {
            x = decoder.layer(g, n, x)?;
            if let (Some(inputs), Some(added)) = (&inputs, added) {
                let (inp_gate, proj, post) = inputs.layers[n];
                let y = decoder.linear(g, inp_gate, x)?;
                let y = gate(g, y, (added, n * inputs.width), act)?;
                let y = decoder.linear(g, proj, y)?;
                let y = decoder.norm(g, post, y)?;
                x = add(g, x, y)?;
            }
            if let Some(scale) = scale {
                let scale = decoder.weight(g, *scale);
                x = blend(g, x, scale, PRODUCT)?;
            }
        }
        decoder.head(g, x, head)
    })
}

/// The mean, but for a root of 2, of a token's own embeddings by layer and what its usual one is projected to.
fn mix(g: &mut Graph, own: Tensor, projected: Tensor, gain: Tensor, shrunk: f32, cfg: Norm) -> Result<Tensor> {
    // The scale of what is normalised matters beside eps only.
    let eps = cfg.eps / (shrunk * shrunk);
    let affine = Affine {
        gain: Some(gain),
        bias: None,
    };
    let projected = norm(g, projected, affine, Norm { eps, ..cfg })?;
    let half = std::f32::consts::FRAC_1_SQRT_2;
    let even = Blend {
        of_a: half,
        of_b: half,
        of_both: 0.0,
    };
    blend(g, own, projected, even)
}
