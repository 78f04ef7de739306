//! The blocks of decoders: embedding, attention, feed-forward part and head, recorded with operators.

use super::{
    Head, Hyper, Network,
    layers::{Attend, Dense, Ffn, Gain, Layer, Linear, Mixer, Mixture},
    spec::{QkNorm, Spec},
    weights::Layout,
};
use crate::{
    error::{Error, Result},
    op::{
        Act, Affine, Attention, Blend, Chosen, Embed, Graph, KvWrite, Norm, Rope, Route, SUM, Tensor, activate, add,
        add_of, argmax, attention, blend, choose, embed_as, gate, kv_write, last_row, matmul, matmul_of, mix, norm,
        rope, route,
    },
    tensor::{Format, Shape},
};

/// A decoder: its configuration and the numbers of its weights.
pub(super) struct Decoder {
    spec: Shared,
    layers: Vec<Layer>,
    token_embd: usize,
    position_embd: Option<usize>,
    embed_norm: Option<Gain>,
    output_norm: Gain,
    output: Linear,
    /// Format and shape of each weight.
    weights: Vec<(&'static Format, Shape)>,
    /// What the engine has to know.
    hyper: Hyper,
    family: &'static str,
    found: Vec<super::Weight>,
}

/// What a forward pass needs of a [`Spec`].
#[derive(Clone, Copy)]
struct Shared {
    heads: usize,
    norm: Norm,
    v_norm: bool,
    /// Whether queries and keys are normalised by row, not by head.
    by_row: bool,
    parallel: bool,
    act: Act,
    embed_scale: f32,
    residual_scale: f32,
    logit_scale: f32,
    logit_cap: f32,
    attn_scale: Option<f32>,
    attn_cap: f32,
    alibi: bool,
    rotated: [usize; 4],
}

impl Spec<'_> {
    /// Finds all weights.
    pub(super) fn decoder(mut self) -> Result<Decoder> {
        let (width, file) = (self.width, &self.keys.checkpoint.name);
        let Some(embedding) = self.find.entry("token_embd.weight", None) else {
            return Err(Error::bad(file, "token_embd.weight", "a tensor", "none"));
        };
        let vocabulary = embedding.shape.rows();
        let whole = Layout::default();
        let token_embd = self.find.take("token_embd.weight", None, [vocabulary, width], whole)?;
        let (mut position_embd, mut most) = (None, usize::MAX);
        if self.positions {
            let rows = self
                .find
                .entry("position_embd.weight", None)
                .map_or(0, |e| e.shape.rows());
            position_embd = Some(self.find.take("position_embd.weight", None, [rows, width], whole)?);
            (self.context, most) = (rows, rows);
        }
        let embed_norm = self
            .embed_norm
            .then(|| self.gain("token_embd_norm", None, width))
            .transpose()?;
        let (mut layers, mut caches, mut pasts) = (Vec::<Layer>::new(), Vec::new(), Vec::new());
        for n in 0..self.layers.len() {
            let spec = self.layers[n];
            let cache = match spec.shares.and_then(|earlier| layers.get(earlier)) {
                Some(earlier) => earlier.cache,
                None if spec.recurrence.is_some() => 0,
                None => {
                    caches.push(2 * spec.kv_heads * spec.head_dim.next_multiple_of(4));
                    caches.len() - 1
                }
            };
            layers.push(self.layer(n, cache, &mut pasts)?);
        }
        let output_norm = self.gain(self.output_norm, None, width)?;
        let tied = self.keys.switch("", "tie_word_embeddings").unwrap_or(false);
        let weight = if tied || !self.find.has("output.weight", None) {
            self.find.note("output.weight", None);
            token_embd
        } else {
            self.find.take("output.weight", None, [vocabulary, width], whole)?
        };
        let bias = self.find.has("output.bias", None) || self.biases.contains(&"output");
        let bias = bias.then(|| self.find.take("output.bias", None, [vocabulary], whole));
        let output = Linear {
            weight,
            bias: bias.transpose()?,
        };
        let mut rotated = [0; 4];
        for (to, rope) in rotated.iter_mut().zip(&self.ropes) {
            *to = rope.rotated;
        }
        let first = self.layers.first();
        let used: Vec<usize> = self.layers.iter().filter_map(|l| l.rope).flatten().collect();
        let hyper = Hyper {
            caches: caches.into(),
            pasts: pasts.into(),
            kv_heads: first.map_or(0, |l| l.kv_heads),
            head_dim: first.map_or(0, |l| l.head_dim),
            vocabulary,
            context: self.context,
            most,
            // A router makes much of little: a key rounded to f16 can send a token to another expert.
            exact_keys: self.exact_keys || self.experts.is_some(),
            ropes: if used.is_empty() { Vec::new() } else { self.ropes },
        };
        let shared = Shared {
            heads: self.heads,
            norm: self.norm,
            v_norm: self.v_norm,
            by_row: self.qk_norm == QkNorm::Row,
            parallel: self.parallel,
            act: self.act,
            embed_scale: self.embed_scale,
            residual_scale: self.residual_scale,
            logit_scale: self.logit_scale,
            logit_cap: self.logit_cap,
            attn_scale: self.attn_scale,
            attn_cap: self.attn_cap,
            alibi: self.alibi,
            rotated,
        };
        Ok(Decoder {
            spec: shared,
            layers,
            token_embd,
            position_embd,
            embed_norm,
            output_norm,
            output,
            weights: Vec::new(),
            hyper,
            family: self.arch.name,
            found: self.find.finish()?,
        })
    }

    /// The network of a plain decoder: embedding, layers, head.
    pub(super) fn network(self) -> Result<Network> {
        self.decoder()?.network(|decoder, g, head| {
            let mut x = decoder.embed(g)?;
            for n in 0..decoder.layers.len() {
                x = decoder.layer(g, n, x)?;
            }
            decoder.head(g, x, head)
        })
    }
}

impl Decoder {
    /// The network that `forward` records.
    pub(super) fn network(
        mut self,
        forward: impl Fn(&Self, &mut Graph, Head) -> Result<Option<Tensor>> + 'static,
    ) -> Result<Network> {
        let weights = std::mem::take(&mut self.found);
        self.weights = weights.iter().map(|w| (w.format, w.shape)).collect();
        Ok(Network {
            family: self.family,
            hyper: self.hyper.clone(),
            weights,
            forward: Box::new(move |g, head| forward(&self, g, head)),
        })
    }

    /// A weight by its number.
    pub(super) fn weight(&self, g: &mut Graph, number: usize) -> Tensor {
        let (format, shape) = self.weights[number];
        g.weight(number, format, shape)
    }

    pub(super) fn linear(&self, g: &mut Graph, linear: Linear, x: Tensor) -> Result<Tensor> {
        let w = self.weight(g, linear.weight);
        let y = matmul(g, w, x)?;
        match linear.bias {
            Some(bias) => {
                let bias = self.weight(g, bias);
                add(g, y, bias)
            }
            None => Ok(y),
        }
    }

    pub(super) fn norm(&self, g: &mut Graph, gain: Gain, x: Tensor) -> Result<Tensor> {
        let affine = Affine {
            gain: Some(self.weight(g, gain.gain)),
            bias: gain.bias.map(|bias| self.weight(g, bias)),
        };
        norm(g, x, affine, self.spec.norm)
    }

    fn maybe_norm(&self, g: &mut Graph, gain: Option<Gain>, x: Tensor) -> Result<Tensor> {
        gain.map_or(Ok(x), |gain| self.norm(g, gain, x))
    }

    /// The embedding of the step's tokens.
    pub(super) fn embed(&self, g: &mut Graph) -> Result<Tensor> {
        let w = self.weight(g, self.token_embd);
        let cfg = Embed {
            scale: self.spec.embed_scale,
            positions: false,
        };
        let mut x = embed_as(g, w, cfg)?;
        if let Some(positions) = self.position_embd {
            let w = self.weight(g, positions);
            let cfg = Embed {
                scale: 1.0,
                positions: true,
            };
            let positions = embed_as(g, w, cfg)?;
            x = add(g, x, positions)?;
        }
        self.maybe_norm(g, self.embed_norm, x)
    }

    /// A norm of each head, or of the row that they are.
    fn head_norm(&self, g: &mut Graph, gain: Option<usize>, heads: usize, x: Tensor) -> Result<Tensor> {
        let affine = Affine {
            gain: gain.map(|gain| self.weight(g, gain)),
            bias: None,
        };
        norm(
            g,
            x,
            affine,
            Norm {
                heads,
                ..self.spec.norm
            },
        )
    }

    fn qk_norm(&self, g: &mut Graph, gain: Option<usize>, heads: usize, x: Tensor) -> Result<Tensor> {
        let Some(gain) = gain else { return Ok(x) };
        self.head_norm(g, Some(gain), if self.spec.by_row { 1 } else { heads }, x)
    }

    fn attention(&self, g: &mut Graph, (layer, weights): (&Layer, &Attend), x: Tensor) -> Result<Tensor> {
        let (cfg, spec) = (&self.spec, layer.spec);
        let turn = |g: &mut Graph, x, heads, which: usize| match spec.rope {
            Some(tables) => {
                let table = tables[which];
                let rotated = cfg.rotated[table];
                rope(g, x, Rope { heads, rotated, table })
            }
            None => Ok(x),
        };
        let q = self.linear(g, weights.q, x)?;
        let q = self.qk_norm(g, weights.q_norm, cfg.heads, q)?;
        let q = turn(g, q, cfg.heads, 0)?;
        if let Some((k, v)) = weights.kv {
            let k = self.linear(g, k, x)?;
            let mut v = v.map_or(Ok(k), |v| self.linear(g, v, x))?;
            let k = self.qk_norm(g, weights.k_norm, spec.kv_heads, k)?;
            let k = turn(g, k, spec.kv_heads, 1)?;
            if cfg.v_norm {
                v = self.head_norm(g, None, spec.kv_heads, v)?;
            }
            let write = KvWrite {
                heads: spec.kv_heads,
                layer: layer.cache,
            };
            kv_write(g, k, v, write)?;
        }
        #[allow(clippy::cast_precision_loss, reason = "attention takes heads of 1024 at most")]
        let scale = cfg.attn_scale.unwrap_or(1.0 / (spec.head_dim as f32).sqrt());
        let sinks = weights.sinks.map(|sinks| self.weight(g, sinks));
        let cfg = Attention {
            heads: cfg.heads,
            kv_heads: spec.kv_heads,
            layer: layer.cache,
            scale,
            window: spec.window,
            cap: cfg.attn_cap,
            alibi: cfg.alibi,
        };
        let mut y = attention(g, q, sinks, cfg)?;
        if let Some(linear) = weights.gate {
            let z = self.linear(g, linear, x)?;
            y = gate(g, z, (y, 0), Act::Sigmoid)?;
        }
        self.linear(g, weights.output, y)
    }

    fn feed_forward(&self, g: &mut Graph, ffn: &Ffn, x: Tensor) -> Result<Tensor> {
        match ffn {
            Ffn::Dense(dense) => self.dense(g, dense, x),
            Ffn::Mixture(mixture) => self.mixture(g, mixture, x),
        }
    }

    /// A linear map of each token by its experts.
    fn linear_of(&self, g: &mut Graph, linear: Linear, x: Tensor, chosen: Chosen) -> Result<Tensor> {
        let w = self.weight(g, linear.weight);
        let y = matmul_of(g, w, x, chosen)?;
        match linear.bias {
            Some(bias) => {
                let bias = self.weight(g, bias);
                add_of(g, y, bias, chosen.routes)
            }
            None => Ok(y),
        }
    }

    fn mixture(&self, g: &mut Graph, ffn: &Mixture, x: Tensor) -> Result<Tensor> {
        let logits = self.linear(g, ffn.router, x)?;
        let (used, normed) = (ffn.cfg.used, ffn.cfg.normed);
        let routes = route(g, logits, Route { used, normed })?;
        let chosen = choose(g, routes, ffn.cfg.count)?;
        let (branch, up) = (
            self.linear_of(g, ffn.gate, x, chosen)?,
            self.linear_of(g, ffn.up, x, chosen)?,
        );
        let hidden = gate(g, branch, (up, 0), self.spec.act)?;
        let each = self.linear_of(g, ffn.down, hidden, chosen)?;
        let y = mix(g, each, routes)?;
        match &ffn.shared {
            Some(shared) => {
                let z = self.dense(g, shared, x)?;
                add(g, y, z)
            }
            None => Ok(y),
        }
    }

    fn dense(&self, g: &mut Graph, ffn: &Dense, x: Tensor) -> Result<Tensor> {
        let up = self.linear(g, ffn.up, x)?;
        let hidden = match ffn.gate {
            Some(linear) => {
                let branch = self.linear(g, linear, x)?;
                gate(g, branch, (up, 0), self.spec.act)?
            }
            None => activate(g, up, self.spec.act)?,
        };
        self.linear(g, ffn.down, hidden)
    }

    /// Layer `n` over the residual stream.
    pub(super) fn layer(&self, g: &mut Graph, n: usize, x: Tensor) -> Result<Tensor> {
        let layer = &self.layers[n];
        let residual = Blend {
            of_b: self.spec.residual_scale,
            ..SUM
        };
        let normed = self.maybe_norm(g, layer.attn_norm, x)?;
        let y = match &layer.mixer {
            Mixer::Attention(weights) => self.attention(g, (layer, weights), normed)?,
            Mixer::Recurrent(weights) => self.recurrent(g, weights, normed)?,
        };
        let y = self.maybe_norm(g, layer.attn_post, y)?;
        if self.spec.parallel {
            let read = layer.ffn_norm.map_or(Ok(normed), |gain| self.norm(g, gain, x))?;
            let z = self.feed_forward(g, &layer.ffn, read)?;
            let x = blend(g, x, y, residual)?;
            return blend(g, x, z, residual);
        }
        let x = blend(g, x, y, residual)?;
        let y = self.maybe_norm(g, layer.ffn_norm, x)?;
        let y = self.feed_forward(g, &layer.ffn, y)?;
        let y = self.maybe_norm(g, layer.ffn_post, y)?;
        blend(g, x, y, residual)
    }

    /// What follows the last layer.
    pub(super) fn head(&self, g: &mut Graph, mut x: Tensor, head: Head) -> Result<Option<Tensor>> {
        if head == Head::None {
            return Ok(None);
        }
        if head == Head::Last && g.bucket > 1 {
            x = last_row(g, x)?;
        }
        let x = self.norm(g, self.output_norm, x)?;
        let mut logits = self.linear(g, self.output, x)?;
        let (scale, cap) = (self.spec.logit_scale, self.spec.logit_cap);
        if scale != 1.0 || cap > 0.0 {
            logits = activate(g, logits, Act::Cap { scale, cap })?;
        }
        g.output(logits);
        if head == Head::Last {
            argmax(g, logits)?;
        }
        Ok(Some(logits))
    }
}
