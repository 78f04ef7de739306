//! Llamas of sizes as they are published, to be written as GGUF files.
#![allow(clippy::unwrap_used, reason = "tests")]

use nomoat::{
    format::{Metadata, Value, write::write_header},
    quant,
    tensor::{Format, Shape},
};

/// The sizes of a llama.
pub(crate) struct Llama {
    pub(crate) name: &'static str,
    pub(crate) width: usize,
    pub(crate) layers: usize,
    pub(crate) heads: usize,
    pub(crate) kv_heads: usize,
    pub(crate) hidden: usize,
    pub(crate) vocabulary: usize,
    pub(crate) context: usize,
    pub(crate) tied: bool,
}

pub(crate) const SMOLLM2_135M: Llama = Llama {
    name: "SmolLM2-135M",
    width: 576,
    layers: 30,
    heads: 9,
    kv_heads: 3,
    hidden: 1536,
    vocabulary: 49152,
    context: 8192,
    tied: true,
};
pub(crate) const SMOLLM2_360M: Llama = Llama {
    name: "SmolLM2-360M",
    width: 960,
    layers: 32,
    heads: 15,
    kv_heads: 5,
    hidden: 2560,
    vocabulary: 49152,
    context: 8192,
    tied: true,
};
pub(crate) const SMOLLM2_1_7B: Llama = Llama {
    name: "SmolLM2-1.7B",
    width: 2048,
    layers: 24,
    heads: 32,
    kv_heads: 32,
    hidden: 8192,
    vocabulary: 49152,
    context: 8192,
    tied: true,
};
pub(crate) const TINYLLAMA: Llama = Llama {
    name: "TinyLlama-1.1B",
    width: 2048,
    layers: 22,
    heads: 32,
    kv_heads: 4,
    hidden: 5632,
    vocabulary: 32000,
    context: 2048,
    tied: false,
};
pub(crate) const LLAMA_3_2_1B: Llama = Llama {
    name: "Llama-3.2-1B",
    width: 2048,
    layers: 16,
    heads: 32,
    kv_heads: 8,
    hidden: 8192,
    vocabulary: 128_256,
    context: 131_072,
    tied: true,
};
pub(crate) const LLAMA_3_8B: Llama = Llama {
    name: "Llama-3-8B",
    width: 4096,
    layers: 32,
    heads: 32,
    kv_heads: 8,
    hidden: 14336,
    vocabulary: 128_256,
    context: 8192,
    tied: false,
};

impl Llama {
    fn tensors(&self, format: &'static Format) -> Vec<(String, Shape, &'static Format)> {
        let (d, f) = (self.width, self.hidden);
        let kv = d / self.heads * self.kv_heads;
        let f32 = quant::by_name("F32").unwrap();
        let mut all = vec![("token_embd.weight".to_owned(), [self.vocabulary, d].into(), format)];
        for n in 0..self.layers {
            for (name, shape) in [
                ("attn_q", [d, d]),
                ("attn_k", [kv, d]),
                ("attn_v", [kv, d]),
                ("attn_output", [d, d]),
                ("ffn_gate", [f, d]),
                ("ffn_up", [f, d]),
                ("ffn_down", [d, f]),
            ] {
                all.push((format!("blk.{n}.{name}.weight"), shape.into(), format));
            }
            for name in ["attn_norm", "ffn_norm"] {
                all.push((format!("blk.{n}.{name}.weight"), [d].into(), f32));
            }
        }
        all.push(("output_norm.weight".into(), [d].into(), f32));
        if !self.tied {
            all.push(("output.weight".into(), [self.vocabulary, d].into(), format));
        }
        all
    }

    /// The header of a GGUF of these sizes, and the size of the whole file.
    pub(crate) fn header(&self, format: &'static Format) -> (Vec<u8>, u64) {
        let int = |n: usize| Value::Int(n as i128);
        let text = |t: &str| Value::Str(t.into());
        let meta: Metadata = [
            ("general.architecture", text("llama")),
            ("general.name", text(self.name)),
            ("general.organization", text("Somebody")),
            ("general.license", text("apache-2.0")),
            ("general.quantized_by", text("Somebody else")),
            ("general.base_model.count", int(1)),
            ("general.base_model.0.name", text("Base")),
            ("general.base_model.0.organization", text("Somebody")),
            ("llama.block_count", int(self.layers)),
            ("llama.context_length", int(self.context)),
            ("llama.embedding_length", int(self.width)),
            ("llama.feed_forward_length", int(self.hidden)),
            ("llama.attention.head_count", int(self.heads)),
            ("llama.attention.head_count_kv", int(self.kv_heads)),
            ("llama.attention.layer_norm_rms_epsilon", Value::Float(1e-5)),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect();
        let tensors = self.tensors(format);
        let (header, offsets) = write_header(&meta, &tensors).unwrap();
        let (_, shape, last) = tensors.last().unwrap();
        (
            header,
            offsets.last().unwrap() + last.size(shape.count() as u64).unwrap(),
        )
    }
}
