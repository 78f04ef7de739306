//! The weights of a decoder's layers: finds those that a [`Spec`] asks for, in one tensor or in several.

use super::{
    recurrent::Recurrent,
    spec::{Experts, Fused, LayerSpec, QkNorm, Spec},
    weights::{Layout, Paired, Part, Widen},
};
use crate::{
    error::{Error, Result},
    op::Sees,
    tensor::Kept,
};

/// Names of published checkpoints that follow llama, by their GGUF names.
pub(super) const LLAMA: &[(&str, &str)] = &[
    ("model.embed_tokens.weight", "token_embd.weight"),
    ("model.layers.{}.input_layernorm.weight", "blk.{}.attn_norm.weight"),
    ("model.layers.{}.self_attn.q_proj.weight", "blk.{}.attn_q.weight"),
    ("model.layers.{}.self_attn.q_proj.bias", "blk.{}.attn_q.bias"),
    ("model.layers.{}.self_attn.k_proj.weight", "blk.{}.attn_k.weight"),
    ("model.layers.{}.self_attn.k_proj.bias", "blk.{}.attn_k.bias"),
    ("model.layers.{}.self_attn.v_proj.weight", "blk.{}.attn_v.weight"),
    ("model.layers.{}.self_attn.v_proj.bias", "blk.{}.attn_v.bias"),
    ("model.layers.{}.self_attn.q_norm.weight", "blk.{}.attn_q_norm.weight"),
    ("model.layers.{}.self_attn.k_norm.weight", "blk.{}.attn_k_norm.weight"),
    ("model.layers.{}.self_attn.o_proj.weight", "blk.{}.attn_output.weight"),
    ("model.layers.{}.self_attn.o_proj.bias", "blk.{}.attn_output.bias"),
    ("model.layers.{}.mlp.gate_proj.weight", "blk.{}.ffn_gate.weight"),
    ("model.layers.{}.mlp.gate_proj.bias", "blk.{}.ffn_gate.bias"),
    ("model.layers.{}.mlp.up_proj.weight", "blk.{}.ffn_up.weight"),
    ("model.layers.{}.mlp.up_proj.bias", "blk.{}.ffn_up.bias"),
    ("model.layers.{}.mlp.down_proj.weight", "blk.{}.ffn_down.weight"),
    ("model.layers.{}.mlp.down_proj.bias", "blk.{}.ffn_down.bias"),
    ("model.norm.weight", "output_norm.weight"),
    ("lm_head.weight", "output.weight"),
];

/// The second norm of a layer, where it stands before the feed-forward part.
pub(super) const FFN_NORM: &[(&str, &str)] = &[(
    "model.layers.{}.post_attention_layernorm.weight",
    "blk.{}.ffn_norm.weight",
)];

/// Biases of query, key and value.
pub(super) const QKV_BIASES: &[&str] = &["attn_q", "attn_k", "attn_v"];

/// Weight and bias of a linear map.
#[derive(Debug, Clone, Copy)]
pub(super) struct Linear {
    pub(super) weight: usize,
    pub(super) bias: Option<usize>,
}

impl Linear {
    /// A weight without a bias.
    pub(super) fn of(weight: usize) -> Self {
        Self { weight, bias: None }
    }
}

/// Gain and bias of a norm.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gain {
    pub(super) gain: usize,
    pub(super) bias: Option<usize>,
}

/// The feed-forward part: the other branch of a gate, if there is one, goes through the activation.
pub(super) struct Dense {
    pub(super) gate: Option<Linear>,
    pub(super) up: Linear,
    pub(super) down: Linear,
}

/// A feed-forward part of many, of which a token goes through a few.
pub(super) struct Mixture {
    pub(super) router: Linear,
    pub(super) gate: Linear,
    pub(super) up: Linear,
    pub(super) down: Linear,
    /// Added to what experts are chosen by, but not to their weights.
    pub(super) bias: Option<usize>,
    /// Multiplies the weights, expert by expert.
    pub(super) scales: Option<usize>,
    /// One more, that every token goes to, and what weighs it.
    pub(super) shared: Option<(Dense, Option<Linear>)>,
    pub(super) cfg: Experts,
}

/// Experts beside a dense part.
pub(super) struct Beside {
    pub(super) mixture: Mixture,
    /// Before the router, before the experts, behind the dense part, behind the experts.
    pub(super) norms: [Gain; 4],
}

/// The feed-forward part of a layer.
pub(super) enum Ffn {
    Dense(Dense),
    Mixture(Box<Mixture>),
}

/// Weights of attention.
pub(super) struct Attend {
    pub(super) spec: LayerSpec,
    /// Number of its cache.
    pub(super) cache: usize,
    pub(super) q: Linear,
    /// What the result is multiplied by, if there is one.
    pub(super) gate: Option<Linear>,
    /// `None` where an earlier layer's are used; without a value the key is one.
    pub(super) kv: Option<(Linear, Option<Linear>)>,
    pub(super) q_norm: Option<usize>,
    pub(super) k_norm: Option<usize>,
    /// Sinks, or biases by distance.
    pub(super) of_heads: Option<usize>,
    pub(super) output: Linear,
}

/// Weights of one layer.
pub(super) struct Layer {
    pub(super) attn_norm: Option<Gain>,
    pub(super) attend: Option<Attend>,
    pub(super) recurrent: Option<Recurrent>,
    pub(super) attn_post: Option<Gain>,
    /// Attention to what an encoder read, and the norm before it.
    pub(super) cross: Option<(Gain, Attend)>,
    pub(super) ffn_norm: Option<Gain>,
    pub(super) ffn: Option<Ffn>,
    pub(super) beside: Option<Beside>,
    pub(super) ffn_post: Option<Gain>,
}

impl Spec<'_> {
    /// What the names of a layer's tensors called `name` begin with.
    fn stem(&self, name: &str) -> String {
        let renamed = self.renamed.iter().find(|(usual, _)| *usual == name);
        let name = renamed.map_or(name, |(_, name)| name);
        format!("{}blk.{{}}.{name}", self.prefix)
    }

    /// The name of a tensor of a layer.
    fn blk(&self, name: &str, part: &str) -> String {
        format!("{}.{part}", self.stem(name))
    }

    /// A weight `[rows, columns]` of layer `n` and its bias.
    pub(super) fn linear(&mut self, n: usize, name: &str, shape: [usize; 2], layout: Layout) -> Result<Linear> {
        self.linear_of(n, name, name, shape, layout)
    }

    fn linear_of(&mut self, n: usize, role: &str, name: &str, shape: [usize; 2], layout: Layout) -> Result<Linear> {
        let layout = Layout {
            transposed: self.transposed,
            ..layout
        };
        let weight = self.blk(name, "weight");
        let weight = self.find.take(&weight, Some(n), shape, layout)?;
        let bias = self.blk(name, "bias");
        let wanted = self.find.has(&bias, Some(n)) || self.biases.contains(&role);
        let bias = wanted.then(|| self.find.take(&bias, Some(n), [shape[0]], layout.of_bias()));
        Ok(Linear {
            weight,
            bias: bias.transpose()?,
        })
    }

    /// The gain, and the bias if there is one, of a norm of whole rows.
    pub(super) fn gain(&mut self, name: &str, n: Option<usize>, width: usize) -> Result<Gain> {
        let weight = format!("{name}.weight");
        // Some files of llama.cpp leave out what the name ends with.
        let short = self.find.has(name, n) && !self.find.has(&weight, n);
        let gain = if short { name } else { &weight };
        let gain = self.find.take(gain, n, [width], Layout::default())?;
        let bias = format!("{name}.bias");
        let bias = self
            .find
            .has(&bias, n)
            .then(|| self.find.take(&bias, n, [width], Layout::default()));
        Ok(Gain {
            gain,
            bias: bias.transpose()?,
        })
    }

    fn layer_gain(&mut self, there: bool, name: &str, n: usize) -> Result<Option<Gain>> {
        if !there {
            return Ok(None);
        }
        let name = self.stem(name);
        self.gain(&name, Some(n), self.width).map(Some)
    }

    /// The layouts of query, key and value: which tensor, and where in it.
    fn qkv(&self, n: usize, layer: LayerSpec, of: &str) -> [(String, Layout); 3] {
        let whole = format!("{of}_qkv");
        let fused = self.find.has(&self.blk(&whole, "weight"), Some(n));
        let head = layer.head_dim;
        let rows = [self.heads, layer.kv_heads, layer.kv_heads].map(|h| h * head);
        let total = rows.iter().sum();
        let before = [0, rows[0], rows[0] + rows[1]];
        let each = self.heads / layer.kv_heads;
        let part = |i: usize| match self.fused {
            Fused::Heads if !self.keys.is_gguf() => Part {
                offset: [0, each, each + 1][i] * head,
                block: [each, 1, 1][i] * head,
                stride: (each + 2) * head,
            },
            _ => Part {
                offset: before[i],
                block: rows[i],
                stride: total,
            },
        };
        let rotated = layer
            .rope
            .and_then(|[q, _]| self.ropes.get(q))
            .map_or(head, |r| r.rotated);
        let paired = Some(Paired {
            head_dim: head,
            rotated,
        })
        .filter(|_| self.paired);
        [(0, "q", paired), (1, "k", paired), (2, "v", None)].map(|(i, name, paired)| {
            let layout = Layout {
                part: fused.then(|| part(i)),
                paired,
                rows: Widen::to_four(head),
                ..Layout::default()
            };
            let name = if fused { whole.clone() } else { format!("{of}_{name}") };
            (name, layout)
        })
    }

    /// Attention of layer `n`, whose tensors are called `of`: its keys and values go into this cache.
    fn attend(&mut self, n: usize, layer: LayerSpec, of: &str, cache: usize) -> Result<Attend> {
        if !self.heads.is_multiple_of(layer.kv_heads) {
            let expected = format!("a divisor of {}", self.heads);
            let file = &self.keys.checkpoint.name;
            return Err(Error::bad(file, "key-value heads", expected, layer.kv_heads));
        }
        let (width, wide) = (self.width, layer.head_dim.next_multiple_of(4));
        let (q_rows, kv_rows) = (self.rows(self.heads, wide)?, self.rows(layer.kv_heads, wide)?);
        let [(q_name, mut q), (k_name, k), (v_name, v)] = self.qkv(n, layer, of);
        let gate = self.attn_gated.then(|| {
            // Queries and gates lie head by head in one tensor.
            let [gate, query] = [layer.head_dim, 0].map(|offset| Part {
                offset,
                block: layer.head_dim,
                stride: 2 * layer.head_dim,
            });
            q.part = Some(query);
            let layout = Layout {
                part: Some(gate),
                paired: None,
                ..q
            };
            self.linear(n, &q_name, [q_rows, width], layout)
        });
        let gate = gate.transpose()?;
        let q = self.linear_of(n, "attn_q", &q_name, [q_rows, width], q)?;
        let kv = if layer.shares.is_some() {
            self.skip(n, &["attn_k", "attn_v", "attn_k_norm"]);
            None
        } else {
            let k = self.linear_of(n, "attn_k", &k_name, [kv_rows, width], k)?;
            let there = self.find.has(&self.blk(&v_name, "weight"), Some(n));
            let v = there.then(|| self.linear_of(n, "attn_v", &v_name, [kv_rows, width], v));
            if v.is_none() && !self.v_norm {
                let name = self.blk(&v_name, "weight").replace("{}", &n.to_string());
                return Err(Error::bad(&self.keys.checkpoint.name, name, "a tensor", "none"));
            }
            Some((k, v.transpose()?))
        };
        let columns = Layout {
            columns: Widen::to_four(layer.head_dim),
            ..Layout::default()
        };
        let output = self.linear_of(n, "attn_output", &format!("{of}_output"), [width, q_rows], columns)?;
        let (q_norm, k_norm) = match self.qk_norm {
            QkNorm::None => (None, None),
            kind => {
                let rows = [self.heads * layer.head_dim, layer.kv_heads * layer.head_dim];
                let mut take = |name, rows: usize| -> Result<usize> {
                    let name = self.blk(&format!("{of}_{name}"), "weight");
                    // A gain for all heads, or one for each.
                    let each = self
                        .find
                        .entry(&name, Some(n))
                        .is_some_and(|e| e.shape.dims() == [layer.head_dim]);
                    let stacked = self.find.count(&name, Some(n)) > 1;
                    let count = if kind != QkNorm::Row && each && !stacked {
                        layer.head_dim
                    } else {
                        rows
                    };
                    self.find.take(&name, Some(n), [count], Layout::default())
                };
                let q = take("q_norm", rows[0])?;
                let k = kv.is_some().then(|| take("k_norm", rows[1])).transpose()?;
                (Some(q), k)
            }
        };
        if matches!(self.qk_norm, QkNorm::Head | QkNorm::Turned) && wide != layer.head_dim {
            let what = format!("norms of heads of {}", layer.head_dim);
            return Err(self.keys.unsupported(what, "heads of a multiple of 4"));
        }
        let of_heads = match (self.sinks, layer.buckets) {
            (true, _) => Some((self.blk(&format!("{of}_sinks"), "weight"), self.heads)),
            (_, Some(buckets)) => {
                let name = self.blk(&format!("{of}_rel_b"), "weight");
                let own = n == 0 || self.find.has(&name, Some(n));
                own.then_some((name, buckets.count * self.heads))
            }
            _ => None,
        };
        let of_heads = of_heads.map(|(name, count)| self.find.take(&name, Some(n), [count], Layout::default()));
        Ok(Attend {
            spec: layer,
            cache,
            q,
            gate,
            kv,
            q_norm,
            k_norm,
            of_heads: of_heads.transpose()?,
            output,
        })
    }

    /// A cache for the keys and values of a layer.
    pub(super) fn cache(&mut self, layer: LayerSpec) -> usize {
        self.caches.push(Kept {
            count: 2 * layer.kv_heads,
            width: layer.head_dim.next_multiple_of(4),
        });
        self.caches.len() - 1
    }

    /// All layers. What one lacks of an earlier one, it shares.
    pub(super) fn stack(&mut self) -> Result<Vec<Layer>> {
        let mut layers = Vec::<Layer>::new();
        for n in 0..self.layers.len() {
            let spec = self.layers[n];
            // Without a past, keys and values are gone when their layer is.
            let earlier = if spec.sees == Sees::Step { Some(0) } else { spec.shares };
            let earlier = earlier.and_then(|earlier| layers.get(earlier)?.attend.as_ref());
            let cache = earlier.map(|earlier| earlier.cache);
            let mut layer = self.layer(n, cache)?;
            if let Some(attend) = &mut layer.attend {
                let first = layers.first().and_then(|first| first.attend.as_ref()?.of_heads);
                attend.of_heads = attend.of_heads.or(first);
            }
            layers.push(layer);
        }
        Ok(layers)
    }

    /// All weights of layer `n`, whose keys and values go into this cache or else one of its own.
    fn layer(&mut self, n: usize, cache: Option<usize>) -> Result<Layer> {
        let layer = self.layers[n];
        let attn_norm = self.layer_gain(self.pre_norm, "attn_norm", n)?;
        let recurrent = layer.recurrence.map(|recurrence| self.recurrent(n, recurrence));
        let recurrent = recurrent.transpose()?;
        let attend = layer.attends.then(|| {
            let cache = cache.unwrap_or_else(|| self.cache(layer));
            self.attend(n, layer, "attn", cache)
        });
        let attend = attend.transpose()?;
        let attn_post = self.layer_gain(self.post_norm, "post_attention_norm", n)?;
        let cross = match self.layer_gain(self.cross, "cross_attn_norm", n)? {
            Some(norm) => {
                let seen = LayerSpec {
                    sees: Sees::Encoded,
                    buckets: None,
                    ..layer
                };
                let cache = self.cache(seen);
                Some((norm, self.attend(n, seen, "cross_attn", cache)?))
            }
            None => None,
        };
        // Parallel parts may read the same norm.
        let own = self.find.has(&self.blk(self.ffn_norm, "weight"), Some(n));
        let fed = layer.hidden > 0;
        let ffn_norm = self.layer_gain(fed && self.pre_norm && (own || !self.parallel), self.ffn_norm, n)?;
        let experts = self.experts.filter(|e| n >= e.after);
        let ffn = match experts.filter(|e| !e.beside) {
            Some(cfg) => Some(Ffn::Mixture(Box::new(self.mixture(n, cfg)?))),
            None if fed => Some(Ffn::Dense(self.dense(n, layer.hidden, "")?)),
            None => None,
        };
        let beside = experts.filter(|e| e.beside).map(|cfg| self.beside(n, cfg));
        let ffn_post = self.layer_gain(self.post_norm, "post_ffw_norm", n)?;
        Ok(Layer {
            attn_norm,
            attend,
            recurrent,
            attn_post,
            cross,
            ffn_norm,
            ffn,
            beside: beside.transpose()?,
            ffn_post,
        })
    }

    /// Weights that a layer has but does not use, since it takes an earlier layer's results.
    fn skip(&mut self, n: usize, names: &[&str]) {
        for name in names {
            let name = self.blk(name, "weight");
            self.find.note(&name, Some(n));
        }
    }

    /// Rows of so many heads.
    pub(super) fn rows(&self, heads: usize, head_dim: usize) -> Result<usize> {
        let rows = heads.checked_mul(head_dim).filter(|n| *n < 1 << 31);
        let file = &self.keys.checkpoint.name;
        rows.ok_or_else(|| Error::bad(file, "heads", "heads times their width below 2^31", heads))
    }

    /// A dense feed-forward part, its names ending like this. Its inner width is made a multiple of 4.
    fn dense(&mut self, n: usize, hidden: usize, ending: &str) -> Result<Dense> {
        let [gate_name, up_name, down_name] = ["gate", "up", "down"].map(|part| format!("ffn_{part}{ending}"));
        let (width, wide) = (self.width, hidden.next_multiple_of(4));
        let rows = Layout {
            rows: Widen::to_four(hidden),
            ..Layout::default()
        };
        let part = |i| Layout {
            part: Some(Part {
                offset: i * hidden,
                block: hidden,
                stride: 2 * hidden,
            }),
            ..rows
        };
        let columns = Layout {
            columns: rows.rows,
            ..Layout::default()
        };
        // Gate and up may be one tensor.
        let apart = self.find.has(&self.blk(&gate_name, "weight"), Some(n));
        let (gate, up) = match (self.gated, apart) {
            (false, _) => (None, self.linear(n, &up_name, [wide, width], rows)?),
            (true, true) => (
                Some(self.linear(n, &gate_name, [wide, width], rows)?),
                self.linear(n, &up_name, [wide, width], rows)?,
            ),
            (true, false) => (
                Some(self.linear(n, &up_name, [wide, width], part(0))?),
                self.linear(n, &up_name, [wide, width], part(1))?,
            ),
        };
        let down = self.linear(n, &down_name, [width, wide], columns)?;
        Ok(Dense { gate, up, down })
    }

    /// Experts beside a dense part.
    fn beside(&mut self, n: usize, cfg: Experts) -> Result<Beside> {
        let (name, width) = (self.blk("ffn_gate_inp", "scale"), self.width);
        let router = self.find.take(&name, Some(n), [width], Layout::default())?;
        let mut norm = |name| self.gain(&format!("blk.{{}}.{name}"), Some(n), width);
        Ok(Beside {
            norms: [
                Gain {
                    gain: router,
                    bias: None,
                },
                norm("pre_ffw_norm_2")?,
                norm("post_ffw_norm_1")?,
                norm("post_ffw_norm_2")?,
            ],
            mixture: self.mixture(n, cfg)?,
        })
    }

    /// A feed-forward part of experts, one below the other in each weight.
    fn mixture(&mut self, n: usize, cfg: Experts) -> Result<Mixture> {
        let (width, count) = (self.width, cfg.count);
        let wide = self.rows(count, cfg.hidden.next_multiple_of(4))?;
        let one = wide / count;
        // Gate and up may be one tensor, row by row or expert by expert.
        let stored = |name| self.find.entry(&self.blk(name, "weight"), Some(n)).map(|e| &e.name);
        let fused = stored("ffn_gate_exps") == stored("ffn_up_exps");
        let block = if self.interleaved { 1 } else { cfg.hidden };
        let rows = |i| Layout {
            part: fused.then_some(Part {
                offset: i * block,
                block,
                stride: 2 * block,
            }),
            rows: Widen::to_four(cfg.hidden),
            ..Layout::default()
        };
        let columns = Layout {
            columns: Widen::to_four(cfg.hidden),
            ..Layout::default()
        };
        let router = self.linear(n, "ffn_gate_inp", [count, width], Layout::default())?;
        // Published floats are `[in, out]`, blocks are not.
        let down = self.find.entry(&self.blk("ffn_down_exps", "weight"), Some(n));
        self.transposed = self.interleaved && fused && down.is_some_and(|e| e.format.block == 1);
        let gate = self.linear(n, "ffn_gate_exps", [wide, width], rows(0))?;
        let up = self.linear(n, "ffn_up_exps", [wide, width], rows(1))?;
        let down = self.linear(n, "ffn_down_exps", [self.rows(count, width)?, one], columns)?;
        self.transposed = false;
        let [bias, scales] =
            [("exp_probs_b", "bias"), ("ffn_down_exps", "scale")].map(|(name, part)| self.blk(name, part));
        let biased = self.find.has(&bias, Some(n)) || self.biases.contains(&"exp_probs_b");
        let shared = (cfg.shared > 0).then(|| {
            let gate = cfg
                .shared_gate
                .then(|| self.linear(n, "ffn_gate_inp_shexp", [1, width], Layout::default()));
            Ok((self.dense(n, cfg.shared, "_shexp")?, gate.transpose()?))
        });
        let mut of_experts = |name: String, there: bool| {
            let number = there.then(|| self.find.take(&name, Some(n), [count], Layout::default()));
            number.transpose()
        };
        Ok(Mixture {
            router,
            gate,
            up,
            down,
            bias: of_experts(bias, biased)?,
            scales: of_experts(scales, cfg.beside)?,
            shared: shared.transpose()?,
            cfg,
        })
    }
}
