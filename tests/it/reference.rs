//! An independent llama in plain f64: reads GGUF and dequantises by itself, so that it shares nothing with the crate.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "tests"
)]

use half::{bf16, f16};
use std::{collections::HashMap, path::Path};

/// A value of the key-value part.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Meta {
    Number(f64),
    Text(String),
    List(Vec<Meta>),
}

/// A tensor as it lies in the file.
pub(crate) struct Raw {
    /// Innermost first, as GGUF writes them.
    pub(crate) dims: Vec<usize>,
    pub(crate) kind: u32,
    pub(crate) bytes: Vec<u8>,
}

/// A GGUF file.
pub(crate) struct Gguf {
    pub(crate) meta: HashMap<String, Meta>,
    pub(crate) tensors: HashMap<String, Raw>,
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let part = self.bytes[self.at..self.at + N].try_into().unwrap();
        self.at += N;
        part
    }

    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }

    fn u64(&mut self) -> usize {
        usize::try_from(u64::from_le_bytes(self.take())).unwrap()
    }

    fn text(&mut self) -> String {
        let len = self.u64();
        let text = String::from_utf8(self.bytes[self.at..self.at + len].to_vec()).unwrap();
        self.at += len;
        text
    }

    fn value(&mut self, kind: u32) -> Meta {
        Meta::Number(match kind {
            0 | 7 => f64::from(u8::from_le_bytes(self.take())),
            1 => f64::from(i8::from_le_bytes(self.take())),
            2 => f64::from(u16::from_le_bytes(self.take())),
            3 => f64::from(i16::from_le_bytes(self.take())),
            4 => f64::from(self.u32()),
            5 => f64::from(i32::from_le_bytes(self.take())),
            6 => f64::from(f32::from_le_bytes(self.take())),
            8 => return Meta::Text(self.text()),
            9 => {
                let kind = self.u32();
                let len = self.u64();
                return Meta::List((0..len).map(|_| self.value(kind)).collect());
            }
            10 => u64::from_le_bytes(self.take()) as f64,
            11 => i64::from_le_bytes(self.take()) as f64,
            12 => f64::from_le_bytes(self.take()),
            other => panic!("a value of kind {other}"),
        })
    }
}

/// Values and bytes a block.
fn block(kind: u32) -> (usize, usize) {
    match kind {
        0 => (1, 4),
        1 | 30 => (1, 2),
        2 => (32, 18),
        8 => (32, 34),
        other => panic!("a tensor of type {other}"),
    }
}

impl Gguf {
    pub(crate) fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let mut reader = Reader { bytes: &bytes, at: 0 };
        assert_eq!(&reader.take::<4>(), b"GGUF", "{}", path.display());
        assert_eq!(reader.u32(), 3, "the version of {}", path.display());
        let (tensors, keys) = (reader.u64(), reader.u64());
        let mut meta = HashMap::new();
        for _ in 0..keys {
            let key = reader.text();
            let kind = reader.u32();
            let value = reader.value(kind);
            assert!(meta.insert(key.clone(), value).is_none(), "{key} is there twice");
        }
        let mut directory = Vec::new();
        for _ in 0..tensors {
            let name = reader.text();
            let rank = reader.u32();
            let dims: Vec<usize> = (0..rank).map(|_| reader.u64()).collect();
            let kind = reader.u32();
            directory.push((name, dims, kind, reader.u64()));
        }
        let start = reader.at.next_multiple_of(32);
        let mut all = HashMap::new();
        for (name, dims, kind, offset) in directory {
            assert_eq!(offset % 32, 0, "{name} is not aligned");
            let (values, size) = block(kind);
            assert_eq!(dims[0] % values, 0, "{name} has rows of broken blocks");
            let len = dims.iter().product::<usize>() / values * size;
            let bytes = bytes[start + offset..][..len].to_vec();
            assert!(
                all.insert(name.clone(), Raw { dims, kind, bytes }).is_none(),
                "{name} is there twice"
            );
        }
        Self { meta, tensors: all }
    }

    pub(crate) fn number(&self, key: &str) -> Option<f64> {
        match self.meta.get(key)? {
            Meta::Number(n) => Some(*n),
            other => panic!("{key} is {other:?}"),
        }
    }

    /// A tensor's values.
    pub(crate) fn values(&self, name: &str) -> Vec<f64> {
        let raw = self.tensors.get(name).unwrap_or_else(|| panic!("no tensor {name}"));
        dequantise(raw)
    }
}

/// The values of a tensor, by the published definition of each format.
pub(crate) fn dequantise(raw: &Raw) -> Vec<f64> {
    let two = |b: &[u8]| [b[0], b[1]];
    let f16_of = |b: &[u8]| f16::from_le_bytes(two(b)).to_f64();
    match raw.kind {
        0 => raw
            .bytes
            .chunks(4)
            .map(|b| f64::from(f32::from_le_bytes(b.try_into().unwrap())))
            .collect(),
        1 => raw.bytes.chunks(2).map(f16_of).collect(),
        30 => raw
            .bytes
            .chunks(2)
            .map(|b| bf16::from_le_bytes(two(b)).to_f64())
            .collect(),
        2 => {
            // A scale, then 16 bytes: low nibbles are values 0 to 15, high nibbles 16 to 31, all less 8.
            let blocks = raw.bytes.chunks(18).flat_map(|b| {
                let scale = f16_of(b);
                let low = b[2..].iter().map(|q| q & 15);
                let high = b[2..].iter().map(|q| q >> 4);
                low.chain(high)
                    .map(move |q| scale * (f64::from(q) - 8.0))
                    .collect::<Vec<_>>()
            });
            blocks.collect()
        }
        8 => {
            let blocks = raw.bytes.chunks(34).flat_map(|b| {
                let scale = f16_of(b);
                b[2..]
                    .iter()
                    .map(move |q| scale * f64::from(q.cast_signed()))
                    .collect::<Vec<_>>()
            });
            blocks.collect()
        }
        other => panic!("a tensor of type {other}"),
    }
}

struct Layer {
    attn_norm: Vec<f64>,
    q: Vec<f64>,
    k: Vec<f64>,
    v: Vec<f64>,
    o: Vec<f64>,
    ffn_norm: Vec<f64>,
    gate: Vec<f64>,
    up: Vec<f64>,
    down: Vec<f64>,
    /// Keys and values so far, a row a token.
    cache: (Vec<Vec<f64>>, Vec<Vec<f64>>),
}

/// A llama with its cache.
pub(crate) struct Llama {
    width: usize,
    heads: usize,
    kv_heads: usize,
    head: usize,
    eps: f64,
    /// The angle per position of each pair.
    frequencies: Vec<f64>,
    embed: Vec<f64>,
    norm: Vec<f64>,
    output: Vec<f64>,
    layers: Vec<Layer>,
}

impl Llama {
    pub(crate) fn new(file: &Gguf) -> Self {
        let key = |k: &str| file.number(&format!("llama.{k}"));
        let count = |k: &str| key(k).unwrap_or_else(|| panic!("no llama.{k}")) as usize;
        let (width, heads) = (count("embedding_length"), count("attention.head_count"));
        let head = key("attention.key_length").map_or(width / heads, |n| n as usize);
        let base = key("rope.freq_base").unwrap_or(10_000.0);
        let factors = if file.tensors.contains_key("rope_freqs.weight") {
            file.values("rope_freqs.weight")
        } else {
            vec![1.0; head / 2]
        };
        let frequencies = factors
            .iter()
            .enumerate()
            .map(|(i, f)| base.powf(-2.0 * i as f64 / head as f64) / f)
            .collect();
        let layers = (0..count("block_count")).map(|n| {
            let get = |name: &str| file.values(&format!("blk.{n}.{name}.weight"));
            Layer {
                attn_norm: get("attn_norm"),
                q: get("attn_q"),
                k: get("attn_k"),
                v: get("attn_v"),
                o: get("attn_output"),
                ffn_norm: get("ffn_norm"),
                gate: get("ffn_gate"),
                up: get("ffn_up"),
                down: get("ffn_down"),
                cache: (Vec::new(), Vec::new()),
            }
        });
        let embed = file.values("token_embd.weight");
        Self {
            width,
            heads,
            kv_heads: count("attention.head_count_kv"),
            head,
            eps: key("attention.layer_norm_rms_epsilon").unwrap(),
            frequencies,
            norm: file.values("output_norm.weight"),
            output: if file.tensors.contains_key("output.weight") {
                file.values("output.weight")
            } else {
                embed.clone()
            },
            embed,
            layers: layers.collect(),
        }
    }

    /// The logits after one more token.
    pub(crate) fn step(&mut self, id: u32) -> Vec<f64> {
        let (head, group) = (self.head, self.heads / self.kv_heads);
        let mut x = self.embed[id as usize * self.width..][..self.width].to_vec();
        for layer in &mut self.layers {
            let position = layer.cache.0.len() as f64;
            let h = rms_norm(&x, &layer.attn_norm, self.eps);
            let (mut q, mut k) = (matmul(&layer.q, &h), matmul(&layer.k, &h));
            rotate(&mut q, head, &self.frequencies, position);
            rotate(&mut k, head, &self.frequencies, position);
            layer.cache.0.push(k);
            layer.cache.1.push(matmul(&layer.v, &h));
            let mut mixed = vec![0.0; q.len()];
            for n in 0..self.heads {
                let (own, shared) = (n * head..(n + 1) * head, n / group * head);
                let scores: Vec<f64> = layer
                    .cache
                    .0
                    .iter()
                    .map(|k| dot(&q[own.clone()], &k[shared..shared + head]) / (head as f64).sqrt())
                    .collect();
                let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let weights: Vec<f64> = scores.iter().map(|s| (s - most).exp()).collect();
                let sum: f64 = weights.iter().sum();
                for (w, v) in weights.iter().zip(&layer.cache.1) {
                    for (to, from) in mixed[own.clone()].iter_mut().zip(&v[shared..]) {
                        *to += w / sum * from;
                    }
                }
            }
            add(&mut x, &matmul(&layer.o, &mixed));
            let h = rms_norm(&x, &layer.ffn_norm, self.eps);
            let (gate, up) = (matmul(&layer.gate, &h), matmul(&layer.up, &h));
            let inner: Vec<f64> = gate.iter().zip(&up).map(|(g, u)| g / (1.0 + (-g).exp()) * u).collect();
            add(&mut x, &matmul(&layer.down, &inner));
        }
        matmul(&self.output, &rms_norm(&x, &self.norm, self.eps))
    }

    /// The most likely continuation of `prompt`, the logits after the prompt, and the smallest margin on the way.
    /// Ends before `eos`.
    pub(crate) fn greedy(&mut self, prompt: &[u32], n: usize, eos: Option<u32>) -> (Vec<u32>, Vec<f64>, f64) {
        let mut logits = Vec::new();
        for id in prompt {
            logits = self.step(*id);
        }
        let (after, mut ids, mut margin) = (logits.clone(), Vec::new(), f64::INFINITY);
        while ids.len() < n {
            let (best, lead) = argmax(&logits);
            margin = margin.min(lead);
            if Some(best) == eos {
                break;
            }
            ids.push(best);
            logits = self.step(best);
        }
        (ids, after, margin)
    }
}

/// The best id (the lowest on a tie) and by how much it leads.
fn argmax(logits: &[f64]) -> (u32, f64) {
    let mut best = 0;
    for (i, v) in logits.iter().enumerate() {
        if *v > logits[best] {
            best = i;
        }
    }
    let others = logits.iter().enumerate().filter(|(i, _)| *i != best).map(|(_, v)| *v);
    let lead = logits[best] - others.fold(f64::NEG_INFINITY, f64::max);
    (best as u32, lead)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn matmul(weight: &[f64], x: &[f64]) -> Vec<f64> {
    weight.chunks(x.len()).map(|row| dot(row, x)).collect()
}

fn add(x: &mut [f64], y: &[f64]) {
    for (x, y) in x.iter_mut().zip(y) {
        *x += y;
    }
}

fn rms_norm(x: &[f64], weight: &[f64], eps: f64) -> Vec<f64> {
    let mean = dot(x, x) / x.len() as f64;
    let scale = 1.0 / (mean + eps).sqrt();
    x.iter().zip(weight).map(|(x, w)| x * scale * w).collect()
}

/// Rotates neighbouring values of each head, as GGUF's llama files pair them.
fn rotate(x: &mut [f64], head: usize, frequencies: &[f64], position: f64) {
    for head in x.chunks_mut(head) {
        for (pair, frequency) in head.chunks_mut(2).zip(frequencies) {
            let (sin, cos) = (position * frequency).sin_cos();
            (pair[0], pair[1]) = (pair[0] * cos - pair[1] * sin, pair[0] * sin + pair[1] * cos);
        }
    }
}

#[test]
fn the_reference_agrees_with_llama_cpp() {
    for (folder, file) in [
        ("zoo/llama", "model-f16.gguf"),
        ("zoo/llama3", "model-bf16.gguf"),
        ("zoo/mistral_v3", "model-bf16.gguf"),
    ] {
        let Some(folder) = crate::zoo::shared(folder) else {
            return;
        };
        let golden = crate::zoo::json(&folder.join("golden_gguf.json"));
        for length in ["short", "long"] {
            let case = &golden[length];
            let mut llama = Llama::new(&Gguf::read(&folder.join(file)));
            let (ids, logits, _) = llama.greedy(&crate::zoo::ids(&case["ids"]), 24, None);
            let expected = crate::zoo::floats(&case["last_logits"]);
            let off = logits
                .iter()
                .zip(&expected)
                .map(|(a, b)| (a - b).abs())
                .fold(0.0, f64::max);
            assert!(off < 1e-4, "{}: {length}: off by {off}", folder.display());
            assert_eq!(ids, crate::zoo::ids(&case["greedy"]), "{}: {length}", folder.display());
        }
    }
}
