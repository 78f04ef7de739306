//! The blocks of decoders and encoders: embedding, attention, feed-forward part and head, recorded with operators.

use super::{
    Head, Hyper, Kind, Network,
    layers::{Attend, Dense, Ffn, Gain, Layer, Linear, Mixture},
    spec::{QkNorm, Spec},
    weights::{Layout, Part},
};
use crate::{
    error::{Error, Result},
    op::{
        Act, Affine, Attention, Blend, Chosen, Embed, Graph, KvWrite, Norm, Rope, SUM, Sees, Tensor, activate, add,
        add_of, attention, blend, choose, embed_as, gate, gate_rows, kv_write, last_row, matmul, matmul_of, mix, norm,
        rope, route, sample,
    },
    tensor::{Format, Shape},
};

/// A decoder or an encoder: its configuration and the numbers of its weights.
pub(super) struct Decoder {
    spec: Shared,
    pub(super) layers: Vec<Layer>,
    token_embd: usize,
    position_embd: Option<usize>,
    /// From the embedding's width to that of layers and back, where they are not the same.
    projected: Option<[Linear; 2]>,
    /// Of the one kind of tokens that there is here.
    token_type: Option<usize>,
    embed_norm: Option<Gain>,
    /// The last norm, if there is one, and the head; an encoder has neither.
    output: Option<(Option<Gain>, Linear)>,
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
    qk_norm: QkNorm,
    norm_sums: bool,
    parallel: bool,
    act: Act,
    embed_scale: f32,
    part_scales: [f32; 3],
    logit_scale: f32,
    logit_cap: f32,
    attn_scale: Option<f32>,
    attn_cap: f32,
    alibi: f32,
    rotated: [usize; 4],
}

impl Spec<'_> {
    /// Finds all weights.
    pub(super) fn decoder(mut self) -> Result<Decoder> {
        let (width, file) = (self.width, &self.keys.checkpoint.name);
        if self.kind == Kind::Decoder && self.keys.switch("attention.causal", "is_causal") == Some(false) {
            return Err(self.keys.unsupported("attention that looks ahead", "causal attention"));
        }
        let Some(embedding) = self.find.entry("token_embd.weight", None) else {
            return Err(Error::bad(file, "token_embd.weight", "a tensor", "none"));
        };
        let vocabulary = embedding.shape.rows();
        let whole = Layout::default();
        let shape = [vocabulary, self.embd_width];
        let token_embd = self.find.take("token_embd.weight", None, shape, whole)?;
        let mut project = |name: &str, shape: [usize; 2]| self.find.take(name, None, shape, whole).map(Linear::of);
        let projected = if shape[1] == width {
            None
        } else {
            let [into, out] = [[width, shape[1]], [shape[1], width]];
            Some([project("embd_in.weight", into)?, project("embd_out.weight", out)?])
        };
        let (mut position_embd, mut most) = (None, usize::MAX);
        if self.positions {
            let (name, offset) = ("position_embd.weight", self.first_position);
            let stride = self.find.entry(name, None).map_or(0, |e| e.shape.rows());
            let rows = stride.saturating_sub(offset).max(1);
            let part = (offset > 0).then_some(Part {
                offset,
                block: rows,
                stride,
            });
            position_embd = Some(self.find.take(name, None, [rows, width], Layout { part, ..whole })?);
            (self.context, most) = (rows, rows);
        }
        let types = self
            .find
            .entry("token_types.weight", None)
            .map_or(0, |e| e.shape.count());
        let first = Layout {
            part: Some(Part {
                offset: 0,
                block: width,
                stride: types,
            }),
            ..whole
        };
        let token_type = (types > 0).then(|| self.find.take("token_types.weight", None, [width], first));
        let embed_norm = self
            .embed_norm
            .then(|| self.gain("token_embd_norm", None, width))
            .transpose()?;
        let layers = self.stack()?;
        let output = match self.kind {
            Kind::Encoder => None,
            _ => Some(self.output(vocabulary, token_embd)?),
        };
        let mut rotated = [0; 4];
        for (to, rope) in rotated.iter_mut().zip(&self.ropes) {
            *to = rope.rotated;
        }
        let first = self.layers.first();
        let used: Vec<usize> = self.layers.iter().filter_map(|l| l.rope).flatten().collect();
        let hyper = Hyper {
            kind: self.kind,
            caches: self.caches.into(),
            pasts: self.pasts.into(),
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
            qk_norm: self.qk_norm,
            norm_sums: self.norm_sums,
            parallel: self.parallel,
            act: self.act,
            embed_scale: self.embed_scale,
            part_scales: self.part_scales,
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
            projected,
            token_type: token_type.transpose()?,
            embed_norm,
            output,
            weights: Vec::new(),
            hyper,
            family: self.arch.name,
            found: self.find.finish()?,
        })
    }

    /// The last norm and the head.
    fn output(&mut self, vocabulary: usize, token_embd: usize) -> Result<(Option<Gain>, Linear)> {
        let (width, whole) = (self.embd_width, Layout::default());
        let name = format!("{}{}", self.prefix, self.output_norm);
        let norm = self.last_norm.then(|| self.gain(&name, None, self.width));
        let norm = norm.transpose()?;
        let tied = self.keys.switch("", "tie_word_embeddings").unwrap_or(false);
        let weight = if tied || !self.find.has("output.weight", None) {
            self.find.note("output.weight", None);
            token_embd
        } else {
            self.find.take("output.weight", None, [vocabulary, width], whole)?
        };
        let bias = self.find.has("output.bias", None) || self.biases.contains(&"output");
        let bias = bias.then(|| self.find.take("output.bias", None, [vocabulary], whole));
        let bias = bias.transpose()?;
        Ok((norm, Linear { weight, bias }))
    }

    /// The network of a plain decoder or encoder: embedding, layers, head.
    pub(super) fn network(self) -> Result<Network> {
        self.decoder()?.network(Decoder::plain)
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

    /// Embedding, layers, head.
    pub(super) fn plain(&self, g: &mut Graph, head: Head) -> Result<Option<Tensor>> {
        let mut x = self.embed(g)?;
        for layer in &self.layers {
            x = self.block(g, layer, x)?;
        }
        self.head(g, x, head)
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
        if let Some([into, _]) = self.projected {
            x = self.linear(g, into, x)?;
        }
        if let Some(positions) = self.position_embd {
            let w = self.weight(g, positions);
            let cfg = Embed {
                scale: 1.0,
                positions: true,
            };
            let positions = embed_as(g, w, cfg)?;
            x = add(g, x, positions)?;
        }
        if let Some(token_type) = self.token_type {
            let token_type = self.weight(g, token_type);
            x = add(g, x, token_type)?;
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

    /// Queries (0) or keys (1), normalised and turned.
    fn turn(&self, g: &mut Graph, attn: &Attend, mut x: Tensor, which: usize) -> Result<Tensor> {
        let (gain, heads) = [(attn.q_norm, self.spec.heads), (attn.k_norm, attn.spec.kv_heads)][which];
        let kind = self.spec.qk_norm;
        let groups = if kind == QkNorm::Row { 1 } else { heads };
        let normed = |g: &mut Graph, x| gain.map_or(Ok(x), |gain| self.head_norm(g, Some(gain), groups, x));
        if kind != QkNorm::Turned {
            x = normed(g, x)?;
        }
        if let Some(tables) = attn.spec.rope {
            let table = tables[which];
            let rotated = self.spec.rotated[table];
            x = rope(g, x, Rope { heads, rotated, table })?;
        }
        if kind == QkNorm::Turned { normed(g, x) } else { Ok(x) }
    }

    /// Keys and values of `x` into the cache.
    pub(super) fn remember(&self, g: &mut Graph, attn: &Attend, x: Tensor) -> Result<()> {
        let Some((k, v)) = attn.kv else { return Ok(()) };
        let heads = attn.spec.kv_heads;
        let k = self.linear(g, k, x)?;
        let mut v = v.map_or(Ok(k), |v| self.linear(g, v, x))?;
        let k = self.turn(g, attn, k, 1)?;
        if self.spec.v_norm {
            v = self.head_norm(g, None, heads, v)?;
        }
        let layer = attn.cache;
        kv_write(g, k, v, KvWrite { heads, layer })
    }

    fn attention(&self, g: &mut Graph, attn: &Attend, x: Tensor) -> Result<Tensor> {
        let (cfg, spec) = (&self.spec, attn.spec);
        let q = self.linear(g, attn.q, x)?;
        let q = self.turn(g, attn, q, 0)?;
        if spec.sees != Sees::Encoded {
            self.remember(g, attn, x)?;
        }
        #[allow(clippy::cast_precision_loss, reason = "attention takes heads of 1024 at most")]
        let scale = cfg.attn_scale.unwrap_or(1.0 / (spec.head_dim as f32).sqrt());
        let of_heads = attn.of_heads.map(|weight| self.weight(g, weight));
        let cfg = Attention {
            heads: cfg.heads,
            kv_heads: spec.kv_heads,
            layer: attn.cache,
            sees: spec.sees,
            scale,
            window: spec.window,
            cap: cfg.attn_cap,
            alibi: cfg.alibi,
            buckets: spec.buckets,
        };
        let mut y = attention(g, q, of_heads, cfg)?;
        if let Some(linear) = attn.gate {
            let z = self.linear(g, linear, x)?;
            y = gate(g, z, (y, 0), Act::Sigmoid)?;
        }
        self.linear(g, attn.output, y)
    }

    pub(super) fn feed_forward(&self, g: &mut Graph, ffn: &Ffn, x: Tensor) -> Result<Tensor> {
        match ffn {
            Ffn::Dense(dense) => self.dense(g, dense, x),
            Ffn::Mixture(mixture) => self.mixture(g, mixture, x, x),
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

    /// What experts make of `x`, chosen by what the router makes of `read`.
    fn mixture(&self, g: &mut Graph, ffn: &Mixture, read: Tensor, x: Tensor) -> Result<Tensor> {
        let mut logits = self.linear(g, ffn.router, read)?;
        if let Some(act) = ffn.cfg.scores {
            logits = activate(g, logits, act)?;
        }
        let [bias, scales] = [ffn.bias, ffn.scales].map(|w| w.map(|w| self.weight(g, w)));
        let routes = route(g, logits, bias, ffn.cfg.route)?;
        let chosen = choose(g, routes, ffn.cfg.count)?;
        let (branch, up) = (
            self.linear_of(g, ffn.gate, x, chosen)?,
            self.linear_of(g, ffn.up, x, chosen)?,
        );
        let hidden = gate(g, branch, (up, 0), self.spec.act)?;
        let each = self.linear_of(g, ffn.down, hidden, chosen)?;
        let y = mix(g, each, routes, scales)?;
        match &ffn.shared {
            Some((shared, weighed)) => {
                let mut z = self.dense(g, shared, x)?;
                if let Some(linear) = weighed {
                    let weight = self.linear(g, *linear, x)?;
                    z = gate_rows(g, weight, z, Act::Sigmoid)?;
                }
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

    /// The residual stream with so much of what a part adds to it, either of them normalised or none.
    fn join(&self, g: &mut Graph, x: Tensor, (y, of_b): (Tensor, f32), post: Option<Gain>) -> Result<Tensor> {
        let residual = Blend { of_b, ..SUM };
        if self.spec.norm_sums {
            let x = blend(g, x, y, residual)?;
            return self.maybe_norm(g, post, x);
        }
        let y = self.maybe_norm(g, post, y)?;
        blend(g, x, y, residual)
    }

    /// Layer `n` over the residual stream.
    pub(super) fn layer(&self, g: &mut Graph, n: usize, x: Tensor) -> Result<Tensor> {
        self.block(g, &self.layers[n], x)
    }

    /// A layer over the residual stream.
    pub(super) fn block(&self, g: &mut Graph, layer: &Layer, x: Tensor) -> Result<Tensor> {
        let normed = self.maybe_norm(g, layer.attn_norm, x)?;
        let [of_attention, of_recurrence, of_ffn] = self.spec.part_scales;
        let (mut x, mut read) = (x, x);
        if let Some(recurrent) = &layer.recurrent {
            let y = self.recurrent(g, recurrent, normed)?;
            x = self.join(g, x, (y, of_recurrence), layer.attn_post)?;
        }
        if let Some(attn) = &layer.attend {
            let y = self.attention(g, attn, normed)?;
            if let (true, Some(ffn)) = (self.spec.parallel, &layer.ffn) {
                read = layer.ffn_norm.map_or(Ok(normed), |gain| self.norm(g, gain, read))?;
                let z = self.feed_forward(g, ffn, read)?;
                x = self.join(g, x, (y, of_attention), layer.attn_post)?;
                return self.join(g, x, (z, of_ffn), layer.ffn_post);
            }
            x = self.join(g, x, (y, of_attention), layer.attn_post)?;
        }
        if let Some((norm, cross)) = &layer.cross {
            let y = self.norm(g, *norm, x)?;
            let y = self.attention(g, cross, y)?;
            x = self.join(g, x, (y, of_attention), None)?;
        }
        self.rest(g, layer, x)
    }

    /// The feed-forward part of a layer, if it has one, over the residual stream.
    pub(super) fn rest(&self, g: &mut Graph, layer: &Layer, x: Tensor) -> Result<Tensor> {
        let Some(ffn) = &layer.ffn else { return Ok(x) };
        let y = self.maybe_norm(g, layer.ffn_norm, x)?;
        let mut y = self.feed_forward(g, ffn, y)?;
        if let Some(beside) = &layer.beside {
            let [router, pre, dense_post, post] = beside.norms;
            let (read, z) = (self.norm(g, router, x)?, self.norm(g, pre, x)?);
            let z = self.mixture(g, &beside.mixture, read, z)?;
            let (y2, z) = (self.norm(g, dense_post, y)?, self.norm(g, post, z)?);
            y = add(g, y2, z)?;
        }
        self.join(g, x, (y, self.spec.part_scales[2]), layer.ffn_post)
    }

    /// What follows the last layer.
    pub(super) fn head(&self, g: &mut Graph, mut x: Tensor, head: Head) -> Result<Option<Tensor>> {
        let Some((norm, output)) = self.output else {
            g.output(x);
            return Ok(Some(x));
        };
        if head == Head::None {
            return Ok(None);
        }
        if head == Head::Last && g.bucket > 1 {
            x = last_row(g, x)?;
        }
        let mut x = self.maybe_norm(g, norm, x)?;
        if let Some([_, out]) = self.projected {
            x = self.linear(g, out, x)?;
        }
        let mut logits = self.linear(g, output, x)?;
        let (scale, cap) = (self.spec.logit_scale, self.spec.logit_cap);
        if scale != 1.0 || cap > 0.0 {
            logits = activate(g, logits, Act::Cap { scale, cap })?;
        }
        g.output(logits);
        if head == Head::Last {
            sample(g, logits)?;
        }
        Ok(Some(logits))
    }
}
