//! DeepSeek 2 and 3: keys and values of all heads are made of one narrow row a token, the latent, which is what the cache has
//! (DeepSeek-AI, 2024a); experts in groups beside some that every token goes to (2024b). Queries are brought to the latent's
//! width, where they find what they look for, and what they find is brought to the width of values.

use super::{
    Arch, Network,
    block::Decoder,
    layers::{FFN_NORM, Gain, LLAMA, Linear},
    qwen3moe::EXPERTS,
    rope::RopeTable,
    spec::Spec,
    weights::{Layout, Paired, Part},
};
use crate::{
    error::Result,
    format::Checkpoint,
    op::{
        Attention, Blend, Chosen, Graph, KvWrite, Rope, Route, Sees, Tensor, add, attention, blend, choose, join,
        kv_write, matmul_of, narrow, rope, route,
    },
};

pub(crate) static ARCH: Arch = Arch {
    name: "deepseek2",
    classes: &["DeepseekV2ForCausalLM", THIRD],
    names: &[LLAMA, FFN_NORM, EXPERTS, NAMES],
    open,
};

const THIRD: &str = "DeepseekV3ForCausalLM";

const NAMES: &[(&str, &str)] = &[
    ("model.layers.{}.self_attn.q_a_proj.weight", "blk.{}.attn_q_a.weight"),
    (
        "model.layers.{}.self_attn.q_a_layernorm.weight",
        "blk.{}.attn_q_a_norm.weight",
    ),
    ("model.layers.{}.self_attn.q_b_proj.weight", "blk.{}.attn_q_b.weight"),
    (
        "model.layers.{}.self_attn.kv_a_proj_with_mqa.weight",
        "blk.{}.attn_kv_a_mqa.weight",
    ),
    (
        "model.layers.{}.self_attn.kv_a_layernorm.weight",
        "blk.{}.attn_kv_a_norm.weight",
    ),
    ("model.layers.{}.self_attn.kv_b_proj.weight", "blk.{}.attn_kv_b.weight"),
    (
        "model.layers.{}.mlp.gate.e_score_correction_bias",
        "blk.{}.exp_probs_b.bias",
    ),
    (
        "model.layers.{}.mlp.shared_experts.gate_proj.weight",
        "blk.{}.ffn_gate_shexp.weight",
    ),
    (
        "model.layers.{}.mlp.shared_experts.up_proj.weight",
        "blk.{}.ffn_up_shexp.weight",
    ),
    (
        "model.layers.{}.mlp.shared_experts.down_proj.weight",
        "blk.{}.ffn_down_shexp.weight",
    ),
];

/// Widths of a layer's attention.
#[derive(Clone, Copy)]
struct Sizes {
    heads: usize,
    /// Of the latent.
    latent: usize,
    /// Of what queries and keys have besides, and turns.
    turned: usize,
    /// Of what of a head's queries and keys does not turn.
    still: usize,
    /// Of a value.
    value: usize,
    /// Of what queries are made of; `None` where they are made of the row itself.
    low: Option<usize>,
    /// Whether turned values are pairs side by side in the files.
    paired: bool,
    /// Multiplies scores.
    scale: f32,
}

/// Weights of a layer's attention.
struct Latent {
    low: Option<(Linear, Gain)>,
    /// What does not turn, and what does.
    queries: [Linear; 2],
    /// The latent, and what keys have besides.
    keys: [Linear; 2],
    norm: Gain,
    /// From queries to the latent, and from it to values, head by head.
    to: usize,
    from: usize,
    output: Linear,
    cache: usize,
}

impl Spec<'_> {
    fn sizes(&mut self) -> Result<Sizes> {
        let keys = &self.keys;
        let turned = keys.need("rope.dimension_count", "qk_rope_head_dim")?;
        let still = if keys.is_gguf() {
            let whole = keys.need("attention.key_length_mla|attention.key_length", "")?;
            let still = whole.checked_sub(turned).filter(|still| *still > 0);
            let what = || format!("heads of {whole}, of which {turned} turn");
            still.ok_or_else(|| keys.unsupported(what(), "heads of which a part does not turn"))?
        } else {
            keys.need("", "qk_nope_head_dim")?
        };
        let objects = |key: &str| format!("rope_parameters.{key}|rope_scaling.{key}");
        let factor = keys.float("rope.scaling.factor", &objects("factor"))?.unwrap_or(1.0);
        let all = keys.float("rope.scaling.yarn_log_multiplier", &objects("mscale_all_dim"))?;
        let all = all.unwrap_or(0.0);
        self.ropes = vec![RopeTable::read(keys, &mut self.find, turned)?];
        let rotated = self.ropes[0].rotated;
        if rotated != turned {
            return Err(keys.unsupported(format!("{rotated} of {turned} values that turn"), "all of them"));
        }
        // GGUF has a tenth of it in these families, and what multiplies rotations is always 1.
        let tenth = if keys.is_gguf() { 1.0 } else { 0.1 };
        if keys.is_gguf() && all != 0.0 {
            self.ropes[0].size = 1.0;
        }
        let size = 1.0 + tenth * all * factor.max(1.0).ln();
        #[allow(clippy::cast_precision_loss, reason = "heads are narrow")]
        let root = ((still + turned) as f64).sqrt();
        Ok(Sizes {
            heads: self.heads,
            latent: keys.need("attention.kv_lora_rank", "kv_lora_rank")?,
            turned,
            still,
            value: keys.need("attention.value_length_mla|attention.value_length", "v_head_dim")?,
            low: keys.size("attention.q_lora_rank", "q_lora_rank")?,
            paired: keys.switch("", "rope_interleave") != Some(false),
            scale: narrow(size * size / root),
        })
    }

    fn latent(&mut self, n: usize, s: Sizes) -> Result<Latent> {
        let (width, whole) = (self.width, Layout::default());
        let (still, turned, latent) = (s.still, s.turned, s.latent);
        let part = |offset, block, stride| Layout {
            part: Some(Part { offset, block, stride }),
            ..whole
        };
        let turning = |offset, stride| Layout {
            paired: s.paired.then_some(Paired {
                head_dim: turned,
                rotated: turned,
            }),
            ..part(offset, turned, stride)
        };
        let (low, name, read) = match s.low {
            Some(rank) => {
                let linear = self.linear(n, "attn_q_a", [rank, width], whole)?;
                let gain = self.gain("blk.{}.attn_q_a_norm", Some(n), rank)?;
                (Some((linear, gain)), "attn_q_b", rank)
            }
            None => (None, "attn_q", width),
        };
        let [still_rows, turned_rows, values] = [still, turned, s.value].map(|each| self.rows(s.heads, each));
        let (still_rows, values) = (still_rows?, values?);
        let all = self.rows(s.heads, latent)?;
        let queries = [
            self.linear(n, name, [still_rows, read], part(0, still, still + turned))?,
            self.linear(n, name, [turned_rows?, read], turning(still, still + turned))?,
        ];
        let keys = [
            self.linear(n, "attn_kv_a_mqa", [latent, width], part(0, latent, latent + turned))?,
            self.linear(n, "attn_kv_a_mqa", [turned, width], turning(latent, latent + turned))?,
        ];
        let both = "blk.{}.attn_kv_b.weight";
        let (to, from) = if self.find.has(both, Some(n)) {
            let stride = still + s.value;
            let each = Part {
                offset: 0,
                block: still,
                stride,
            };
            (
                self.find.take_transposed(both, n, [all, still], each)?,
                self.find
                    .take(both, Some(n), [values, latent], part(still, s.value, stride))?,
            )
        } else {
            (
                self.find.take("blk.{}.attn_k_b.weight", Some(n), [all, still], whole)?,
                self.find
                    .take("blk.{}.attn_v_b.weight", Some(n), [values, latent], whole)?,
            )
        };
        Ok(Latent {
            low,
            queries,
            keys,
            norm: self.gain("blk.{}.attn_kv_a_norm", Some(n), latent)?,
            to,
            from,
            output: self.linear(n, "attn_output", [width, values], whole)?,
            cache: self.cache(self.layers[n]),
        })
    }

    /// The experts as these families choose them.
    fn grouped(&mut self) -> Result<()> {
        let (keys, gguf) = (&self.keys, self.keys.is_gguf());
        let third = !gguf && keys.classes()?.iter().any(|class| class == THIRD);
        let kind = match keys.size_or_zero("expert_gating_func", "")? {
            0 => keys
                .text("", "scoring_func")
                .unwrap_or(if third { "sigmoid" } else { "softmax" }),
            1 => "softmax",
            2 => "sigmoid",
            _ => "another function",
        };
        let otherwise = if third { "noaux_tc" } else { "greedy" };
        let method = keys.text("", "topk_method").unwrap_or(otherwise);
        let every = keys.size("", "moe_layer_freq")?.unwrap_or(1);
        let normed = keys.switch("expert_weights_norm", "norm_topk_prob").unwrap_or(third);
        let known = match (kind, method) {
            ("softmax" | "sigmoid", _) if gguf => true,
            ("softmax", "greedy" | "group_limited_greedy") => !third && !normed,
            ("sigmoid", "noaux_tc") => third,
            _ => false,
        };
        if !known || every != 1 {
            let what = format!("experts of every {every} layers by {kind}, {method}, normed {normed}");
            let supported =
                "softmax with greedy or group_limited_greedy, not normed; sigmoid with noaux_tc; in all layers";
            return Err(keys.unsupported(what, supported));
        }
        let groups = if !gguf && method == "greedy" {
            [1, 1]
        } else {
            [
                keys.size("expert_group_count", "n_group")?.unwrap_or(1),
                keys.size("expert_group_used_count", "topk_group")?.unwrap_or(1),
            ]
        };
        let scale = self.number("expert_weights_scale", "routed_scaling_factor")?;
        let shared = keys.size_or_zero("expert_shared_count", "n_shared_experts")?;
        let after = keys.size_or_zero("leading_dense_block_count", "first_k_dense_replace")?;
        self.experts = self.experts(normed)?;
        let hidden = self.experts.map_or(0, |experts| experts.hidden);
        let shared = self.rows(shared, hidden)?;
        if let Some(experts) = &mut self.experts {
            experts.after = after;
            experts.shared = shared;
            experts.route = Route {
                normed,
                sigmoid: kind == "sigmoid",
                groups,
                scale: scale.filter(|scale| *scale != 0.0).unwrap_or(1.0),
                ..experts.route
            };
        }
        Ok(())
    }
}

impl Latent {
    fn attention(&self, decoder: &Decoder, g: &mut Graph, x: Tensor, (s, each): (Sizes, Chosen)) -> Result<Tensor> {
        let read = match self.low {
            Some((linear, gain)) => {
                let y = decoder.linear(g, linear, x)?;
                decoder.norm(g, gain, y)?
            }
            None => x,
        };
        let turn = |g: &mut Graph, x, heads| {
            let (rotated, table) = (s.turned, 0);
            rope(g, x, Rope { heads, rotated, table })
        };
        let [still, turned] = self.queries;
        let still = decoder.linear(g, still, read)?;
        let turned = decoder.linear(g, turned, read)?;
        let turned = turn(g, turned, s.heads)?;
        let to = decoder.weight(g, self.to);
        let still = matmul_of(g, to, still, each)?;
        let q = join(g, s.heads, (still, s.latent), (turned, s.turned))?;
        let [latent, turned] = self.keys;
        let latent = decoder.linear(g, latent, x)?;
        let latent = decoder.norm(g, self.norm, latent)?;
        let turned = decoder.linear(g, turned, x)?;
        let turned = turn(g, turned, 1)?;
        let k = join(g, 1, (latent, s.latent), (turned, s.turned))?;
        let (heads, layer) = (1, self.cache);
        kv_write(g, k, k, KvWrite { heads, layer })?;
        let cfg = Attention {
            heads: s.heads,
            kv_heads: 1,
            layer,
            sees: Sees::Before,
            scale: s.scale,
            window: 0,
            cap: 0.0,
            alibi: 0.0,
            buckets: None,
        };
        let y = attention(g, q, None, cfg)?;
        // A value is the latent alone.
        let y = join(g, s.heads, (y, s.latent), (y, 0))?;
        let from = decoder.weight(g, self.from);
        let y = matmul_of(g, from, y, each)?;
        decoder.linear(g, self.output, y)
    }
}

/// Every head for every token, in their order: of experts of the same logits the first are chosen.
fn all_heads(g: &mut Graph, x: Tensor, heads: usize) -> Result<Chosen> {
    let nothing = Blend {
        of_a: 0.0,
        of_b: 0.0,
        of_both: 0.0,
    };
    let same = blend(g, x, x, nothing)?;
    let cfg = Route {
        used: heads,
        ..Route::default()
    };
    let routes = route(g, same, None, cfg)?;
    choose(g, routes, heads)
}

fn open(checkpoint: &Checkpoint) -> Result<Network> {
    let mut spec = Spec::read(checkpoint, &ARCH)?;
    spec.only("attention_bias", false)?;
    spec.only("mlp_bias", false)?;
    let sizes = spec.sizes()?;
    spec.grouped()?;
    // Layers that foretell more than one token.
    let (count, more) = (
        spec.layers.len(),
        spec.keys.size_or_zero("", "num_nextn_predict_layers")?,
    );
    for n in count..count + more.min(count) {
        spec.find.note_all(&format!("model.layers.{n}."));
    }
    for layer in &mut spec.layers {
        layer.kv_heads = 1;
        layer.head_dim = sizes.latent + sizes.turned;
        layer.attends = false;
    }
    let latents = (0..count).map(|n| spec.latent(n, sizes)).collect::<Result<Vec<_>>>()?;
    spec.decoder()?.network(move |decoder, g, head| {
        let mut x = decoder.embed(g)?;
        let each = all_heads(g, x, sizes.heads)?;
        for (latent, layer) in latents.iter().zip(&decoder.layers) {
            let y = layer.attn_norm.map_or(Ok(x), |gain| decoder.norm(g, gain, x))?;
            let y = latent.attention(decoder, g, y, (sizes, each))?;
            x = add(g, x, y)?;
            x = decoder.rest(g, layer, x)?;
        }
        decoder.head(g, x, head)
    })
}
