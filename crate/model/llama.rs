//! The llama family: LLaMA 1 to 3, Alpaca, Vicuna, Code Llama, Mistral, SmolLM, TinyLlama and their kin.

use super::{
    Arch, Head, Hyper, Network, Order, RopeTable,
    keys::{Finder, Keys},
};
use crate::{
    error::{Error, Result, Unsupported},
    format::Checkpoint,
    op::{
        Attention, Graph, KvWrite, RmsNorm, Rope, Tensor, add, argmax, attention, embed, kv_write, last_row, matmul,
        rms_norm, rope, swiglu,
    },
    tensor::{Format, Shape},
};

pub(crate) static ARCH: Arch = Arch {
    name: "llama",
    classes: &["LlamaForCausalLM", "MistralForCausalLM"],
    names: &[
        ("model.embed_tokens.weight", "token_embd.weight"),
        ("model.layers.{}.input_layernorm.weight", "blk.{}.attn_norm.weight"),
        ("model.layers.{}.self_attn.q_proj.weight", "blk.{}.attn_q.weight"),
        ("model.layers.{}.self_attn.k_proj.weight", "blk.{}.attn_k.weight"),
        ("model.layers.{}.self_attn.v_proj.weight", "blk.{}.attn_v.weight"),
        ("model.layers.{}.self_attn.o_proj.weight", "blk.{}.attn_output.weight"),
        (
            "model.layers.{}.post_attention_layernorm.weight",
            "blk.{}.ffn_norm.weight",
        ),
        ("model.layers.{}.mlp.gate_proj.weight", "blk.{}.ffn_gate.weight"),
        ("model.layers.{}.mlp.up_proj.weight", "blk.{}.ffn_up.weight"),
        ("model.layers.{}.mlp.down_proj.weight", "blk.{}.ffn_down.weight"),
        ("model.layers.{}.self_attn.q_proj.bias", "blk.{}.attn_q.bias"),
        ("model.layers.{}.mlp.up_proj.bias", "blk.{}.ffn_up.bias"),
        ("model.norm.weight", "output_norm.weight"),
        ("lm_head.weight", "output.weight"),
    ],
    open,
};

/// Numbers of the weights of one layer.
struct Layer {
    attn_norm: usize,
    attn_q: usize,
    attn_k: usize,
    attn_v: usize,
    attn_output: usize,
    ffn_norm: usize,
    ffn_gate: usize,
    ffn_up: usize,
    ffn_down: usize,
}

/// The network: sizes and numbers of weights.
struct Llama {
    heads: usize,
    kv_heads: usize,
    head_dim: usize,
    rotated: usize,
    window: usize,
    norm: RmsNorm,
    layers: Vec<Layer>,
    token_embd: usize,
    output_norm: usize,
    output: usize,
    /// Format and shape of each weight.
    weights: Vec<(&'static Format, Shape)>,
}

fn open(checkpoint: &Checkpoint) -> Result<Network> {
    let keys = Keys::new(checkpoint, ARCH.name)?;
    let mut find = Finder::new(checkpoint, &ARCH);
    let count = keys.need("block_count", "num_hidden_layers")?;
    let width = keys.need("embedding_length", "hidden_size")?;
    let hidden = keys.need("feed_forward_length", "intermediate_size")?;
    let heads = keys.need("attention.head_count", "num_attention_heads")?;
    let kv_heads = keys
        .size("attention.head_count_kv", "num_key_value_heads")?
        .unwrap_or(heads);
    let head_dim = keys.size("attention.key_length", "head_dim")?.unwrap_or(width / heads);
    if !heads.is_multiple_of(kv_heads) {
        return Err(Error::bad(
            &checkpoint.name,
            "key-value heads",
            format!("a divisor of {heads}"),
            kv_heads,
        ));
    }
    let act = keys.text("", "hidden_act").unwrap_or("silu");
    let unsupported = |what: String, supported: &str| Error::Unsupported {
        kind: Unsupported::Architecture,
        file: checkpoint.name.clone(),
        what,
        supported: supported.into(),
    };
    if act != "silu" {
        return Err(unsupported(format!("llama with activation {act}"), "silu"));
    }
    for bias in ["blk.{}.attn_q.bias", "blk.{}.ffn_up.bias"] {
        if find.has(bias, Some(0)) {
            return Err(unsupported(
                format!("llama with {}", bias.replace("{}", "0")),
                "llama without biases",
            ));
        }
    }
    if find.has("blk.{}.ffn_gate_inp.weight", Some(0)) {
        return Err(unsupported("llama with experts".into(), "dense llama"));
    }
    let rope = RopeTable::read(&keys, &find, head_dim)?;

    let Some((_, embedding)) = find.entry("token_embd.weight", None) else {
        return Err(Error::bad(&checkpoint.name, "token_embd.weight", "a tensor", "none"));
    };
    let vocabulary = embedding.shape.rows();
    let token_embd = find.take("token_embd.weight", None, [vocabulary, width], Order::Plain)?;
    let turned = Order::Interleaved {
        head_dim,
        rotated: rope.rotated,
    };
    let rows = |heads: usize| {
        let bad = || Error::bad(&checkpoint.name, "heads", "heads times their width below 2^31", heads);
        heads.checked_mul(head_dim).filter(|n| *n < 1 << 31).ok_or_else(bad)
    };
    let (q_rows, kv_rows) = (rows(heads)?, rows(kv_heads)?);
    let mut layers = Vec::new();
    for n in 0..count {
        let mut take = |name, shape: Shape, order| find.take(name, Some(n), shape, order);
        layers.push(Layer {
            attn_norm: take("blk.{}.attn_norm.weight", [width].into(), Order::Plain)?,
            attn_q: take("blk.{}.attn_q.weight", [q_rows, width].into(), turned)?,
            attn_k: take("blk.{}.attn_k.weight", [kv_rows, width].into(), turned)?,
            attn_v: take("blk.{}.attn_v.weight", [kv_rows, width].into(), Order::Plain)?,
            attn_output: take("blk.{}.attn_output.weight", [width, q_rows].into(), Order::Plain)?,
            ffn_norm: take("blk.{}.ffn_norm.weight", [width].into(), Order::Plain)?,
            ffn_gate: take("blk.{}.ffn_gate.weight", [hidden, width].into(), Order::Plain)?,
            ffn_up: take("blk.{}.ffn_up.weight", [hidden, width].into(), Order::Plain)?,
            ffn_down: take("blk.{}.ffn_down.weight", [width, hidden].into(), Order::Plain)?,
        });
    }
    let output_norm = find.take("output_norm.weight", None, [width], Order::Plain)?;
    let tied = keys
        .json("tie_word_embeddings")
        .and_then(serde_json::Value::as_bool)
        .unwrap_or(false);
    let output = if tied || !find.has("output.weight", None) {
        token_embd
    } else {
        find.take("output.weight", None, [vocabulary, width], Order::Plain)?
    };
    let eps = keys
        .float("attention.layer_norm_rms_epsilon", "rms_norm_eps")?
        .unwrap_or(1e-6);
    let net = Llama {
        heads,
        kv_heads,
        head_dim,
        rotated: rope.rotated,
        window: keys.size("attention.sliding_window", "sliding_window")?.unwrap_or(0),
        norm: RmsNorm {
            eps: crate::op::narrow(eps),
        },
        layers,
        token_embd,
        output_norm,
        output,
        weights: find.weights.iter().map(|w| (w.format, w.shape)).collect(),
    };
    let context = keys.size("context_length", "max_position_embeddings")?.unwrap_or(2048);
    Ok(Network {
        family: ARCH.name,
        hyper: Hyper {
            layers: count,
            kv_heads,
            head_dim,
            vocabulary,
            context,
            rope,
        },
        weights: find.weights,
        forward: Box::new(move |g, head| net.forward(g, head)),
    })
}

impl Llama {
    fn weight(&self, g: &mut Graph, number: usize) -> Tensor {
        let (format, shape) = self.weights[number];
        g.weight(number, format, shape)
    }

    fn linear(&self, g: &mut Graph, number: usize, x: Tensor) -> Result<Tensor> {
        let w = self.weight(g, number);
        matmul(g, w, x)
    }

    fn norm(&self, g: &mut Graph, number: usize, x: Tensor) -> Result<Tensor> {
        let gain = self.weight(g, number);
        rms_norm(g, x, gain, self.norm)
    }

    fn attention(&self, g: &mut Graph, n: usize, x: Tensor) -> Result<Tensor> {
        let layer = &self.layers[n];
        let turn = |heads| Rope {
            heads,
            rotated: self.rotated,
        };
        let (q, k) = (self.linear(g, layer.attn_q, x)?, self.linear(g, layer.attn_k, x)?);
        let v = self.linear(g, layer.attn_v, x)?;
        let (q, k) = (rope(g, q, turn(self.heads))?, rope(g, k, turn(self.kv_heads))?);
        kv_write(
            g,
            k,
            v,
            KvWrite {
                heads: self.kv_heads,
                layer: n,
            },
        )?;
        #[allow(clippy::cast_precision_loss, reason = "attention takes heads of 1024 at most")]
        let scale = 1.0 / (self.head_dim as f32).sqrt();
        let cfg = Attention {
            heads: self.heads,
            kv_heads: self.kv_heads,
            layer: n,
            scale,
            window: self.window,
        };
        let y = attention(g, q, cfg)?;
        self.linear(g, layer.attn_output, y)
    }

    fn feed_forward(&self, g: &mut Graph, layer: &Layer, x: Tensor) -> Result<Tensor> {
        let (gate, up) = (self.linear(g, layer.ffn_gate, x)?, self.linear(g, layer.ffn_up, x)?);
        let hidden = swiglu(g, gate, up)?;
        self.linear(g, layer.ffn_down, hidden)
    }

    fn forward(&self, g: &mut Graph, head: Head) -> Result<Option<Tensor>> {
        let w = self.weight(g, self.token_embd);
        let mut x = embed(g, w)?;
        for (n, layer) in self.layers.iter().enumerate() {
            let y = self.norm(g, layer.attn_norm, x)?;
            let y = self.attention(g, n, y)?;
            x = add(g, x, y)?;
            let y = self.norm(g, layer.ffn_norm, x)?;
            let y = self.feed_forward(g, layer, y)?;
            x = add(g, x, y)?;
        }
        if head == Head::None {
            return Ok(None);
        }
        if head == Head::Last && g.bucket > 1 {
            x = last_row(g, x)?;
        }
        let x = self.norm(g, self.output_norm, x)?;
        let logits = self.linear(g, self.output, x)?;
        g.output(logits);
        if head == Head::Last {
            argmax(g, logits)?;
        }
        Ok(Some(logits))
    }
}
