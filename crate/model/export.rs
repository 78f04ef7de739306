//! From a checkpoint to the GGUF file that says the same: key-values, tensor names, and rows in the order that GGUF
//! readers expect.

use crate::{
    error::{Error, Result, Unsupported},
    format::{Checkpoint, Container, Metadata, Value},
    tensor::Shape,
};
use serde_json::Value as Json;

/// A GGUF file in words: what to write, and where each tensor comes from.
pub struct GgufPlan {
    /// Key-values in the order of the file. What depends on the block format (`general.file_type`) is not among them.
    pub meta: Metadata,
    /// Tensors in the order of the file.
    pub tensors: Vec<Planned>,
    /// What is left out, and why; for the user.
    pub notes: Vec<String>,
}

/// A tensor of the file to be written.
pub struct Planned {
    /// Name in GGUF.
    pub name: String,
    /// Row-major, outermost first.
    pub shape: Shape,
    /// Where its values are.
    pub source: Source,
}

/// Where the values of a tensor are.
pub enum Source {
    /// A tensor of the checkpoint.
    Entry {
        /// Its name there.
        name: String,
        /// How its rows are to be reordered.
        permute: Option<Permute>,
    },
    /// Values that follow from the configuration.
    Values(Vec<f32>),
}

/// The rows of each head, from halves (first all first members of the rotated pairs, then all second ones) to pairs
/// side by side, as GGUF's llama files have them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permute {
    /// Heads in the tensor.
    pub heads: usize,
    /// Rows a head.
    pub head_dim: usize,
}

impl Permute {
    /// The row of the checkpoint that becomes row `row` of the file.
    pub fn source_row(self, row: usize) -> usize {
        let (head, i) = (row / self.head_dim, row % self.head_dim);
        head * self.head_dim + (i % 2) * (self.head_dim / 2) + i / 2
    }
}

/// Values of `model_type` that are written as GGUF's `llama`.
const LLAMA: &[&str] = &["llama", "mistral"];

/// Outside of layers: the published name without `model.`, and GGUF's.
const TENSORS: &[(&str, &str)] = &[
    ("embed_tokens", "token_embd"),
    ("norm", "output_norm"),
    ("lm_head", "output"),
];

/// Inside `layers.N.` and `blk.N.`.
const LAYER_TENSORS: &[(&str, &str)] = &[
    ("input_layernorm", "attn_norm"),
    ("self_attn.q_proj", "attn_q"),
    ("self_attn.k_proj", "attn_k"),
    ("self_attn.v_proj", "attn_v"),
    ("self_attn.o_proj", "attn_output"),
    ("post_attention_layernorm", "ffn_norm"),
    ("mlp.gate_proj", "ffn_gate"),
    ("mlp.up_proj", "ffn_up"),
    ("mlp.down_proj", "ffn_down"),
];

/// What to write so that a GGUF file holds this checkpoint. A GGUF checkpoint is taken as it is.
///
/// # Errors
/// `unsupported-architecture` for a family whose names are not known, `bad-file` for a configuration that lacks or
/// contradicts something.
pub fn to_gguf(checkpoint: &Checkpoint) -> Result<GgufPlan> {
    match checkpoint.container {
        Container::Gguf => Ok(same(checkpoint)),
        Container::Safetensors => from_published(checkpoint),
    }
}

/// Whether the family of this checkpoint is one that runs.
///
/// # Errors
/// `unsupported-architecture` naming it.
pub fn supported(checkpoint: &Checkpoint) -> Result<()> {
    let (file, family, known) = match checkpoint.container {
        Container::Gguf => {
            let family = match checkpoint.meta.get("general.architecture") {
                Some(Value::Str(family)) => family.clone(),
                _ => String::new(),
            };
            (checkpoint.name.clone(), family, &LLAMA[..1])
        }
        Container::Safetensors => {
            let config = Config::read(checkpoint)?;
            let family = config.text("model_type").unwrap_or_default().to_owned();
            (config.file, family, LLAMA)
        }
    };
    if known.contains(&family.as_str()) {
        return Ok(());
    }
    Err(Error::Unsupported {
        kind: Unsupported::Architecture,
        file,
        what: if family.is_empty() {
            "that is not named".into()
        } else {
            family
        },
        supported: known.join(", "),
    })
}

fn same(checkpoint: &Checkpoint) -> GgufPlan {
    let mut meta = checkpoint.meta.clone();
    // The file that is written is one file, and its block format another.
    meta.retain(|key, _| {
        !key.starts_with("split.")
            && key != "general.file_type"
            && key != "general.quantization_version"
            && key != "general.alignment"
    });
    let tensors = checkpoint.tensors.values().map(|entry| Planned {
        name: entry.name.clone(),
        shape: entry.shape,
        source: Source::Entry {
            name: entry.name.clone(),
            permute: None,
        },
    });
    GgufPlan {
        meta,
        tensors: tensors.collect(),
        notes: Vec::new(),
    }
}

fn from_published(checkpoint: &Checkpoint) -> Result<GgufPlan> {
    supported(checkpoint)?;
    let config = Config::read(checkpoint)?;
    let dims = Dims::read(&config)?;
    let mut plan = GgufPlan {
        meta: Metadata::new(),
        tensors: Vec::new(),
        notes: Vec::new(),
    };
    describe(&mut plan.meta, checkpoint, &config);
    let factors = dims.write(&mut plan.meta, &config)?;
    super::export_text::write(&mut plan, checkpoint, &config, dims.vocab)?;
    if let Some(factors) = factors {
        plan.tensors.push(Planned {
            name: "rope_freqs.weight".into(),
            shape: [factors.len()].into(),
            source: Source::Values(factors),
        });
    }
    for entry in checkpoint.tensors.values() {
        let Some(name) = gguf_name(&entry.name) else {
            // Stored constants (`rotary_emb.inv_freq`) follow from the configuration.
            if !entry.name.ends_with("rotary_emb.inv_freq") {
                plan.notes
                    .push(format!("{}: left out, not part of a llama model", entry.name));
            }
            continue;
        };
        if name.starts_with("output.") && dims.tied {
            continue;
        }
        let heads = match name.split('.').nth(2) {
            Some("attn_q") => Some(dims.heads),
            Some("attn_k") => Some(dims.kv_heads),
            _ => None,
        };
        let permute = heads.map(|heads| Permute {
            heads,
            head_dim: dims.head_dim,
        });
        if let Some(p) = permute {
            let rows = entry.shape.dims()[0];
            if rows != p.heads * p.head_dim {
                let expected = format!("{} heads of {} rows", p.heads, p.head_dim);
                return Err(Error::bad(
                    &checkpoint.name,
                    &entry.name,
                    expected,
                    format!("{rows} rows"),
                ));
            }
        }
        plan.tensors.push(Planned {
            name,
            shape: entry.shape,
            source: Source::Entry {
                name: entry.name.clone(),
                permute,
            },
        });
    }
    complete(&plan, &dims, checkpoint)?;
    Ok(plan)
}

/// GGUF's name for a tensor of a published llama checkpoint, or `None` if it has none.
pub fn gguf_name(published: &str) -> Option<String> {
    let name = published.strip_prefix("model.").unwrap_or(published);
    let (stem, kind) = name.rsplit_once('.')?;
    if !matches!(kind, "weight" | "bias") {
        return None;
    }
    let find = |table: &[(&str, &'static str)], stem: &str| table.iter().find(|(hf, _)| *hf == stem).map(|(_, to)| *to);
    if let Some(rest) = stem.strip_prefix("layers.") {
        let (layer, stem) = rest.split_once('.')?;
        let layer: u32 = layer.parse().ok()?;
        return Some(format!("blk.{layer}.{}.{kind}", find(LAYER_TENSORS, stem)?));
    }
    Some(format!("{}.{kind}", find(TENSORS, stem)?))
}

/// That no weight is missing.
fn complete(plan: &GgufPlan, dims: &Dims, checkpoint: &Checkpoint) -> Result<()> {
    let outside = TENSORS
        .iter()
        .filter(|(_, to)| !(dims.tied && *to == "output"))
        .map(|(_, to)| format!("{to}.weight"));
    let inside = (0..dims.layers).flat_map(|layer| {
        LAYER_TENSORS
            .iter()
            .map(move |(_, to)| format!("blk.{layer}.{to}.weight"))
    });
    let names: std::collections::HashSet<&str> = plan.tensors.iter().map(|t| t.name.as_str()).collect();
    for name in outside.chain(inside) {
        if !names.contains(name.as_str()) {
            let expected = "every weight that the configuration asks for";
            return Err(Error::bad(&checkpoint.name, name, expected, "none"));
        }
    }
    Ok(())
}

/// `config.json`, with the name that messages give it.
pub(super) struct Config {
    file: String,
    pub(super) json: Json,
}

impl Config {
    fn read(checkpoint: &Checkpoint) -> Result<Self> {
        let (file, json) = (format!("{}: config.json", checkpoint.name), checkpoint.config()?);
        Ok(Self { file, json })
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.json.get(key)?.as_str()
    }

    fn count(&self, key: &str) -> Result<Option<usize>> {
        match self.json.get(key) {
            None | Some(Json::Null) => Ok(None),
            Some(value) => value
                .as_u64()
                .and_then(|n| u32::try_from(n).ok())
                .and_then(|n| usize::try_from(n).ok())
                .filter(|n| *n > 0)
                .map(Some)
                .ok_or_else(|| Error::bad(&self.file, key, "a positive integer below 2^32", value)),
        }
    }

    fn need(&self, key: &str) -> Result<usize> {
        self.count(key)?
            .ok_or_else(|| Error::bad(&self.file, key, "a positive integer", "nothing"))
    }

    fn number(&self, of: &Json, key: &str, default: Option<f64>) -> Result<f64> {
        let number = match of.get(key) {
            None | Some(Json::Null) => default,
            Some(value) => value.as_f64(),
        };
        number
            .filter(|n| n.is_finite() && *n > 0.0)
            .ok_or_else(|| Error::bad(&self.file, key, "a positive number", of.get(key).unwrap_or(&Json::Null)))
    }
}

/// The numbers of a llama model.
struct Dims {
    layers: usize,
    width: usize,
    forward: usize,
    heads: usize,
    kv_heads: usize,
    head_dim: usize,
    vocab: usize,
    context: usize,
    tied: bool,
}

impl Dims {
    fn read(config: &Config) -> Result<Self> {
        let (width, heads) = (config.need("hidden_size")?, config.need("num_attention_heads")?);
        let head_dim = match config.count("head_dim")? {
            Some(n) => n,
            None if width.is_multiple_of(heads) => width / heads,
            None => {
                let expected = format!("a multiple of the {heads} heads, or head_dim");
                return Err(Error::bad(&config.file, "hidden_size", expected, width));
            }
        };
        if !head_dim.is_multiple_of(2) {
            return Err(Error::bad(&config.file, "head_dim", "an even number", head_dim));
        }
        Ok(Self {
            layers: config.need("num_hidden_layers")?,
            width,
            forward: config.need("intermediate_size")?,
            heads,
            kv_heads: config.count("num_key_value_heads")?.unwrap_or(heads),
            head_dim,
            vocab: config.need("vocab_size")?,
            context: config.count("max_position_embeddings")?.unwrap_or(2048),
            tied: config
                .json
                .get("tie_word_embeddings")
                .and_then(Json::as_bool)
                .unwrap_or(false),
        })
    }

    /// Writes them as GGUF has them; answers the factors that go into `rope_freqs.weight`.
    fn write(&self, meta: &mut Metadata, config: &Config) -> Result<Option<Vec<f32>>> {
        let rope = match config.json.get("rope_parameters") {
            Some(rope @ Json::Object(_)) => rope,
            _ => config.json.get("rope_scaling").unwrap_or(&Json::Null),
        };
        let base = config.number(&config.json, "rope_theta", None).or_else(|_| {
            let inside = rope.get("rope_theta").is_some();
            config.number(if inside { rope } else { &Json::Null }, "rope_theta", Some(10_000.0))
        })?;
        let eps = config.number(&config.json, "rms_norm_eps", Some(1e-6))?;
        let counts = [
            ("block_count", self.layers),
            ("context_length", self.context),
            ("embedding_length", self.width),
            ("feed_forward_length", self.forward),
            ("attention.head_count", self.heads),
            ("attention.head_count_kv", self.kv_heads),
            ("attention.key_length", self.head_dim),
            ("attention.value_length", self.head_dim),
            ("rope.dimension_count", self.head_dim),
            ("vocab_size", self.vocab),
        ];
        for (key, n) in counts {
            meta.insert(format!("llama.{key}"), Value::Int(n as i128));
        }
        meta.insert("llama.rope.freq_base".into(), Value::Float(base));
        meta.insert("llama.attention.layer_norm_rms_epsilon".into(), Value::Float(eps));
        if let Some(window) = config.count("sliding_window")? {
            meta.insert("llama.attention.sliding_window".into(), Value::Int(window as i128));
        }
        self.rope_scaling(meta, config, rope, base)
    }

    fn rope_scaling(&self, meta: &mut Metadata, config: &Config, rope: &Json, base: f64) -> Result<Option<Vec<f32>>> {
        let kind = rope
            .get("rope_type")
            .or_else(|| rope.get("type"))
            .and_then(Json::as_str);
        match kind.unwrap_or("default") {
            "default" => Ok(None),
            kind @ ("linear" | "yarn") => {
                meta.insert("llama.rope.scaling.type".into(), Value::Str(kind.into()));
                let factor = config.number(rope, "factor", None)?;
                meta.insert("llama.rope.scaling.factor".into(), Value::Float(factor));
                if kind == "yarn" {
                    let original = rope.get("original_max_position_embeddings").and_then(Json::as_u64);
                    let original = original.map_or(self.context as i128, i128::from);
                    let key = "llama.rope.scaling.original_context_length";
                    meta.insert(key.into(), Value::Int(original));
                }
                Ok(None)
            }
            "llama3" => {
                let factor = config.number(rope, "factor", None)?;
                let low = config.number(rope, "low_freq_factor", Some(1.0))?;
                let high = config.number(rope, "high_freq_factor", Some(4.0))?;
                let original = config.number(rope, "original_max_position_embeddings", Some(8192.0))?;
                let pairs = (0..self.head_dim).step_by(2);
                let frequency = |i: usize| base.powf(-(i as f64) / self.head_dim as f64);
                let factors = pairs.map(|i| llama3_factor(frequency(i), factor, low, high, original));
                Ok(Some(factors.collect()))
            }
            other => {
                let expected = "default, linear, yarn or llama3";
                Err(Error::bad(&config.file, "rope_scaling.rope_type", expected, other))
            }
        }
    }
}

/// By what Llama 3 divides a frequency: nothing for short waves, `factor` for long ones, blended between.
fn llama3_factor(frequency: f64, factor: f64, low: f64, high: f64, original: f64) -> f32 {
    let wave = 2.0 * std::f64::consts::PI / frequency;
    let divisor = if wave < original / high {
        1.0
    } else if wave > original / low {
        factor
    } else {
        let smooth = (original / wave - low) / (high - low);
        1.0 / ((1.0 - smooth) / factor + smooth)
    };
    #[allow(clippy::cast_possible_truncation, reason = "the file stores f32")]
    let divisor = divisor as f32;
    divisor
}

/// The `general.*` keys.
fn describe(meta: &mut Metadata, checkpoint: &Checkpoint, config: &Config) {
    let mut put = |key: &str, value: &str| meta.insert(key.into(), Value::Str(value.into()));
    put("general.architecture", "llama");
    put("general.type", "model");
    let path = config.text("_name_or_path").filter(|p| !p.is_empty());
    let path = path.unwrap_or(&checkpoint.name).trim_end_matches(['/', '\\']);
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    put("general.name", name.strip_suffix(".safetensors").unwrap_or(name));
}
