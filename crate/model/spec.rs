//! What a decoder or an encoder is made of. [`Spec::read`] reads what all families state alike and assumes a plain llama; a family
//! changes what differs.

use super::{
    RopeTable,
    keys::{Keys, LeftOut},
    recurrent::Recurrence,
    weights::Finder,
};
use crate::{
    error::{Error, Result, Unsupported},
    format::Checkpoint,
    model::{Arch, Kind},
    op::{Act, Buckets, Norm, Route, Sees, narrow},
    tensor::Kept,
};

/// Which norm queries and keys go through, before they turn unless it says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum QkNorm {
    None,
    /// Each head by itself.
    Head,
    /// The same, but after they turned.
    Turned,
    /// The whole row.
    Row,
}

/// How query, key and value lie in one tensor, where they do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fused {
    /// One after the other.
    Parts,
    /// A key-value head after the other, its queries before it; in GGUF as parts.
    Heads,
}

/// How the router weighs the experts it chooses.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Experts {
    /// How many there are.
    pub(super) count: usize,
    /// Width of one.
    pub(super) hidden: usize,
    /// How it does.
    pub(super) route: Route,
    /// What its scores go through before.
    pub(super) scores: Option<Act>,
    /// Width of one that every token goes to, 0 without.
    pub(super) shared: usize,
    /// Whether that one is weighed by a gate.
    pub(super) shared_gate: bool,
    /// Layers before the first one that has them.
    pub(super) after: usize,
    /// Whether they stand beside a dense part, each of the two behind norms of its own.
    pub(super) beside: bool,
}

/// What may differ by layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct LayerSpec {
    pub(super) kv_heads: usize,
    pub(super) head_dim: usize,
    /// Feed-forward width; 0 without one.
    pub(super) hidden: usize,
    /// Keys seen at most; 0 for all.
    pub(super) window: usize,
    /// Tables of rotations for queries and keys; `None` without rotations.
    pub(super) rope: Option<[usize; 2]>,
    /// The earlier layer whose keys and values it uses.
    pub(super) shares: Option<usize>,
    pub(super) sees: Sees,
    /// Scores have biases by distance, of the first layer if a layer has none of its own.
    pub(super) buckets: Option<Buckets>,
    /// Whether it has attention.
    pub(super) attends: bool,
    /// What it has instead of attention, or beside it.
    pub(super) recurrence: Option<Recurrence>,
}

/// A decoder or an encoder.
pub(super) struct Spec<'a> {
    pub(super) keys: Keys<'a>,
    pub(super) find: Finder<'a>,
    pub(super) arch: &'static Arch,
    pub(super) kind: Kind,
    /// What GGUF's names of layers, and of what follows them, begin with.
    pub(super) prefix: &'static str,
    /// Tensors of layers that have another name in GGUF's files of this family.
    pub(super) renamed: &'static [(&'static str, &'static str)],
    pub(super) width: usize,
    /// Width of the embedding, which is projected to and from that of layers where it is another.
    pub(super) embd_width: usize,
    pub(super) heads: usize,
    pub(super) context: usize,
    pub(super) layers: Vec<LayerSpec>,
    /// What each cache so far keeps of a token.
    pub(super) caches: Vec<Kept>,
    /// Values that each recurrent operator keeps.
    pub(super) pasts: Vec<usize>,
    pub(super) ropes: Vec<RopeTable>,
    /// Of rows; norms of heads follow it.
    pub(super) norm: Norm,
    /// GGUF's name of the norm before the feed-forward part.
    pub(super) ffn_norm: &'static str,
    /// GGUF's name of the norm behind the last layer.
    pub(super) output_norm: &'static str,
    /// Whether there is that one.
    pub(super) last_norm: bool,
    /// Whether there are norms before each part, and behind.
    pub(super) pre_norm: bool,
    pub(super) post_norm: bool,
    /// Norms behind a part are of its sum with the residual stream, which they become.
    pub(super) norm_sums: bool,
    /// Layers attend to what an encoder read, too.
    pub(super) cross: bool,
    pub(super) qk_norm: QkNorm,
    /// Whether values go through a norm without a gain.
    pub(super) v_norm: bool,
    /// Whether what attention finds is multiplied by a gate.
    pub(super) attn_gated: bool,
    /// Attention and feed-forward part read the same residual stream; without a norm of its own the latter reads what
    /// the former reads.
    pub(super) parallel: bool,
    /// Rotated rows of query and key are pairs side by side in the file.
    pub(super) paired: bool,
    pub(super) fused: Fused,
    /// Weights of layers are `[in, out]` in the file.
    pub(super) transposed: bool,
    pub(super) act: Act,
    pub(super) gated: bool,
    pub(super) experts: Option<Experts>,
    /// Gate and up of the experts are columns side by side of one tensor, whose weights are `[in, out]`.
    pub(super) interleaved: bool,
    /// Whether positions have a table of their own, which is added to the embedding.
    pub(super) positions: bool,
    /// Its row for the first one.
    pub(super) first_position: usize,
    pub(super) embed_norm: bool,
    pub(super) embed_scale: f32,
    /// What attention, recurrence and feed-forward part are multiplied by.
    pub(super) part_scales: [f32; 3],
    pub(super) logit_scale: f32,
    /// Above 0: logits are capped.
    pub(super) logit_cap: f32,
    /// Multiplies scores; by default one over the root of the head width.
    pub(super) attn_scale: Option<f32>,
    /// Above 0: scores are capped.
    pub(super) attn_cap: f32,
    /// Above 0: keys count less by their distance, by so many times the slopes.
    pub(super) alibi: f32,
    pub(super) sinks: bool,
    /// Whether keys and values have to be kept in f32.
    pub(super) exact_keys: bool,
    /// Biases that must be there; others are taken where they are.
    pub(super) biases: &'static [&'static str],
}

/// Widths of a head and the like that have to be given before anything else can be read.
fn heads(keys: &Keys<'_>, width: usize) -> Result<[usize; 3]> {
    let heads = keys.need("attention.head_count", "num_attention_heads|n_head|num_heads|n_heads")?;
    let kv_heads = match keys.list("attention.head_count_kv", "") {
        Some(_) => heads,
        None => keys
            .size("attention.head_count_kv", "num_key_value_heads|num_kv_heads")?
            .unwrap_or(heads),
    };
    let head_dim = keys
        .size("attention.key_length", "head_dim|d_kv")?
        .unwrap_or(width / heads);
    if head_dim == 0 {
        let expected = format!("at most {width} heads");
        return Err(Error::bad(
            &keys.checkpoint.name,
            "attention.head_count",
            expected,
            heads,
        ));
    }
    Ok([heads, kv_heads, head_dim])
}

impl<'a> Spec<'a> {
    /// Reads what all families state alike.
    pub(super) fn read(checkpoint: &'a Checkpoint, arch: &'static Arch) -> Result<Self> {
        Self::read_with(checkpoint, arch, &[])
    }

    /// The same where files may leave values out.
    pub(super) fn read_with(checkpoint: &'a Checkpoint, arch: &'static Arch, left_out: LeftOut) -> Result<Self> {
        let keys = Keys::new(checkpoint, arch.name)?.left_out(left_out);
        let method = keys.text("", "quantization_config.quant_method");
        let form = keys.text("", "quantization_config.format").unwrap_or_default();
        let known = |method: &&str| match *method {
            "mxfp4" | "fp8" | "fbgemm_fp8" => true,
            "compressed-tensors" => form == "float-quantized",
            _ => false,
        };
        if let Some(method) = method.filter(|method| !known(method)) {
            return Err(Error::Unsupported {
                kind: Unsupported::Format,
                file: checkpoint.name.clone(),
                what: format!("{method} {form} of safetensors").replace("  ", " "),
                supported: "mxfp4, fp8, weights that are not quantised, or GGUF".into(),
            });
        }
        let mut find = Finder::new(checkpoint, arch);
        let count = keys.need("block_count", "num_hidden_layers|n_layer|num_layers|n_layers")?;
        keys.layers("block_count", count)?;
        let width = keys.need("embedding_length", "hidden_size|n_embd|n_embed|d_model")?;
        let hidden = match keys.list("feed_forward_length", "") {
            Some(_) => None,
            None => keys.size(
                "feed_forward_length",
                "intermediate_size|n_inner|d_ff|ffn_dim|ffn_hidden_size",
            )?,
        };
        let [heads, kv_heads, head_dim] = heads(&keys, width)?;
        let ropes = vec![RopeTable::read(&keys, &mut find, head_dim)?];
        let eps = keys.float(
            "attention.layer_norm_rms_epsilon",
            "rms_norm_eps|layer_norm_epsilon|layer_norm_eps|norm_eps",
        )?;
        let eps = match eps {
            Some(eps) => eps,
            None => keys.float("attention.layer_norm_epsilon", "")?.unwrap_or(1e-6),
        };
        let context = keys
            .size(
                "context_length",
                "max_position_embeddings|n_positions|seq_length|max_seq_len|context_length",
            )?
            .unwrap_or(2048);
        let layer = LayerSpec {
            kv_heads,
            head_dim,
            hidden: hidden.unwrap_or(4 * width),
            window: 0,
            rope: Some([0, 0]),
            shares: None,
            sees: Sees::Before,
            buckets: None,
            attends: true,
            recurrence: None,
        };
        let (act, paired) = (keys.act(Act::Silu), keys.is_gguf());
        let mut spec = Self {
            keys,
            find,
            arch,
            kind: Kind::Decoder,
            prefix: "",
            renamed: &[],
            width,
            embd_width: width,
            heads,
            context,
            layers: vec![layer; count],
            caches: Vec::new(),
            pasts: Vec::new(),
            ropes,
            norm: Norm {
                eps: narrow(eps),
                centred: false,
                plus: 0.0,
                heads: 1,
            },
            ffn_norm: "ffn_norm",
            output_norm: "output_norm",
            last_norm: true,
            pre_norm: true,
            post_norm: false,
            norm_sums: false,
            cross: false,
            qk_norm: QkNorm::None,
            v_norm: false,
            attn_gated: false,
            parallel: false,
            paired,
            fused: Fused::Parts,
            transposed: false,
            act: act?,
            gated: true,
            experts: None,
            interleaved: false,
            positions: false,
            first_position: 0,
            embed_norm: false,
            embed_scale: 1.0,
            part_scales: [1.0; 3],
            logit_scale: 1.0,
            logit_cap: 0.0,
            attn_scale: None,
            attn_cap: 0.0,
            alibi: 0.0,
            sinks: false,
            exact_keys: false,
            biases: &[],
        };
        spec.each("feed_forward_length", 1, &|layer, n| layer.hidden = n)?;
        // Recurrent layers have none.
        spec.each("attention.head_count_kv", 0, &|layer, n| layer.kv_heads = n)?;
        Ok(spec)
    }

    /// Sets what a GGUF file has a list of, a number of at least `least` a layer.
    fn each(&mut self, key: &str, least: usize, set: &dyn Fn(&mut LayerSpec, usize)) -> Result<()> {
        let Some(list) = self.keys.list(key, "") else {
            return Ok(());
        };
        let list = self.all(list, key)?;
        for (layer, n) in self.layers.iter_mut().zip(list) {
            let n = usize::try_from(n).ok().filter(|n| (least..=1 << 31).contains(n));
            let bad = || {
                let expected = format!("numbers of at least {least}");
                Error::bad(&self.keys.checkpoint.name, key, expected, "another")
            };
            set(layer, n.ok_or_else(bad)?);
        }
        Ok(())
    }

    /// What most families before llama share: LayerNorm, a feed-forward part without a gate, rotations by halves.
    pub(super) fn classic(&mut self, otherwise: Act) -> Result<()> {
        self.act = self.keys.act(otherwise)?;
        self.norm.centred = true;
        self.gated = false;
        self.paired = false;
        Ok(())
    }

    /// Positions by a table that is added to the embedding, and no rotations.
    pub(super) fn learned_positions(&mut self) {
        self.positions = true;
        self.layers.iter_mut().for_each(|l| l.rope = None);
    }

    /// Lets layers see a window, those that the files name or else those for which `otherwise` holds.
    pub(super) fn windows(&mut self, otherwise: impl Fn(usize) -> bool) -> Result<()> {
        self.windows_of(&otherwise)
    }

    fn windows_of(&mut self, otherwise: &dyn Fn(usize) -> bool) -> Result<()> {
        let keys = &self.keys;
        let used = keys.switch("", "use_sliding_window").unwrap_or(true);
        let window = keys.size_or_zero("attention.sliding_window", "sliding_window")?;
        if window == 0 || !used {
            return Ok(());
        }
        let sliding = self.sliding_of(otherwise)?;
        for (layer, sliding) in self.layers.iter_mut().zip(sliding) {
            layer.window = if sliding { window } else { 0 };
        }
        Ok(())
    }

    /// The windows of Qwen, which `config.json` alone has, and only where it switches them on.
    pub(super) fn late_windows(&mut self) -> Result<()> {
        if self.keys.switch("", "use_sliding_window") != Some(true) {
            return Ok(());
        }
        let dense = self.keys.json("max_window_layers").and_then(serde_json::Value::as_u64);
        self.windows(|n| n as u64 >= dense.unwrap_or(28))
    }

    /// Which layers are of the sliding kind.
    pub(super) fn sliding(&self, otherwise: impl Fn(usize) -> bool) -> Result<Vec<bool>> {
        self.sliding_of(&otherwise)
    }

    fn sliding_of(&self, otherwise: &dyn Fn(usize) -> bool) -> Result<Vec<bool>> {
        let (keys, count) = (&self.keys, self.layers.len());
        let pattern = "attention.sliding_window_pattern";
        if let Some(all) = self.types(["sliding_attention", "full_attention"])? {
            return Ok(all);
        }
        if let Some(all) = keys.list(pattern, "") {
            return self.all(all.into_iter().map(|n| n != 0).collect(), pattern);
        }
        let period = keys.size(pattern, "sliding_window_pattern|_sliding_window_pattern")?;
        Ok((0..count)
            .map(|n| period.map_or_else(|| otherwise(n), |period| (n + 1) % period != 0))
            .collect())
    }

    /// Which layers are of the first of two types, where `config.json` has a list of them.
    fn types(&self, types: [&str; 2]) -> Result<Option<Vec<bool>>> {
        let keys = &self.keys;
        let Some(list) = keys.json("layer_types").and_then(serde_json::Value::as_array) else {
            return Ok(None);
        };
        let first = |kind: &serde_json::Value| match types.iter().position(|t| kind.as_str() == Some(t)) {
            Some(at) => Ok(at == 0),
            None => Err(keys.unsupported(format!("layers of type {kind}"), types.join(", "))),
        };
        let all = list.iter().map(first).collect::<Result<Vec<_>>>()?;
        self.all(all, "layer_types").map(Some)
    }

    /// Which layers are recurrent: those of the first type, or as a list or an interval says, or those without heads for keys.
    pub(super) fn recurrent_layers(&self, types: [&str; 2]) -> Result<Vec<bool>> {
        if let Some(all) = self.types(types)? {
            return Ok(all);
        }
        let listed = "attention.recurrent_layers";
        if let Some(all) = self.keys.list(listed, "") {
            return self.all(all.into_iter().map(|n| n != 0).collect(), listed);
        }
        let interval = self.keys.size("full_attention_interval", "full_attention_interval")?;
        let recurrent = |(n, l): (usize, &LayerSpec)| interval.map_or(l.kv_heads == 0, |i| (n + 1) % i != 0);
        Ok(self.layers.iter().enumerate().map(recurrent).collect())
    }

    /// A list with an element for each layer.
    pub(super) fn all<T>(&self, list: Vec<T>, key: &str) -> Result<Vec<T>> {
        if list.len() == self.layers.len() {
            return Ok(list);
        }
        let expected = format!("a list of {} layers", self.layers.len());
        Err(Error::bad(&self.keys.checkpoint.name, key, expected, list.len()))
    }

    /// The experts that the files state; `normed` unless they say otherwise.
    pub(super) fn experts(&self, normed: bool) -> Result<Option<Experts>> {
        let keys = &self.keys;
        let count = keys.size_or_zero("expert_count", "num_local_experts|num_experts|n_routed_experts")?;
        if count == 0 {
            return Ok(None);
        }
        let hidden = keys.size("expert_feed_forward_length", "moe_intermediate_size")?;
        Ok(Some(Experts {
            count,
            hidden: hidden.or(self.layers.first().map(|l| l.hidden)).unwrap_or(0),
            route: Route {
                used: keys.need(
                    "expert_used_count",
                    "num_experts_per_tok|experts_per_token|top_k_experts",
                )?,
                normed: keys.switch("", "norm_topk_prob").unwrap_or(normed),
                ..Route::default()
            },
            scores: None,
            shared: 0,
            shared_gate: false,
            after: 0,
            beside: false,
        }))
    }

    /// A number that the family states, as a scale or a cap.
    pub(super) fn number(&self, gguf: &str, hf: &str) -> Result<Option<f32>> {
        Ok(self.keys.float(gguf, hf)?.map(narrow))
    }

    /// An error if a switch of `config.json` says other than what the family can do.
    pub(super) fn only(&self, key: &str, value: bool) -> Result<()> {
        match self.keys.switch("", key) {
            Some(found) if found != value => {
                let supported = format!("{key} {value}");
                Err(self.keys.unsupported(format!("{key} {found}"), supported))
            }
            _ => Ok(()),
        }
    }
}
