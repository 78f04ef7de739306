//! From a checkpoint to the GGUF file that says the same: key-values, tensor names, and rows in the order that GGUF
//! readers expect.

use super::{Arch, Network, arch, export_text, llama, spec::Spec};
use crate::{
    error::{Error, Result, Unsupported},
    format::{Checkpoint, Container, Entry, Metadata, Value},
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

/// Whether this checkpoint can be run: its family, its variant of it, its tensors.
///
/// # Errors
/// `unsupported-architecture` or `unsupported-format` naming what cannot, `bad-file` for what is missing.
pub fn supported(checkpoint: &Checkpoint) -> Result<()> {
    arch(checkpoint)?;
    super::open(checkpoint).map(|_| ())
}

/// What to write so that a GGUF file holds this checkpoint. A GGUF checkpoint is taken as it is.
///
/// # Errors
/// As [`supported`] for a published checkpoint, and for a family that cannot be converted.
pub fn to_gguf(checkpoint: &Checkpoint) -> Result<GgufPlan> {
    if checkpoint.container == Container::Gguf {
        checkpoint.whole()?;
        return Ok(same(checkpoint));
    }
    let family = arch(checkpoint)?;
    if family.name != llama::ARCH.name {
        return Err(Error::Unsupported {
            kind: Unsupported::Architecture,
            file: checkpoint.name.clone(),
            what: format!("{} as safetensors to be converted", family.name),
            supported: llama::ARCH.name.into(),
        });
    }
    from_llama(checkpoint, family, &super::open(checkpoint)?)
}

fn same(checkpoint: &Checkpoint) -> GgufPlan {
    let mut meta = checkpoint.meta.clone();
    // They describe the format that the tensors had.
    meta.shift_remove("general.file_type");
    meta.shift_remove("general.quantization_version");
    GgufPlan {
        meta,
        tensors: checkpoint
            .tensors
            .values()
            .map(|e| planned(e.name.clone(), e, None))
            .collect(),
        notes: checkpoint
            .skipped
            .iter()
            .map(|(name, skipped)| format!("{name}: left out, stored as {skipped}, which is no weight"))
            .collect(),
    }
}

fn planned(name: String, entry: &Entry, permute: Option<Permute>) -> Planned {
    Planned {
        name,
        shape: entry.shape,
        source: Source::Entry {
            name: entry.name.clone(),
            permute,
        },
    }
}

fn from_llama(checkpoint: &Checkpoint, family: &Arch, network: &Network) -> Result<GgufPlan> {
    let config = checkpoint.config()?;
    said(checkpoint, &config, network)?;
    let mut plan = GgufPlan {
        meta: Metadata::new(),
        tensors: Vec::new(),
        notes: Vec::new(),
    };
    describe(&mut plan.meta, checkpoint, &config, family.name);
    let head_dim = network.hyper.head_dim;
    for entry in checkpoint.tensors.values() {
        let mut sources = network.weights.iter().flat_map(|w| &w.sources);
        let used = sources.any(|s| s.entry.name == entry.name);
        let Some(name) = gguf_name(family, &entry.name).filter(|_| used) else {
            // Constants that follow from the configuration, and the head that is the embedding, are stored by some.
            if !entry.name.ends_with("rotary_emb.inv_freq") && entry.name != "lm_head.weight" {
                plan.notes
                    .push(format!("{}: left out, no part of a {} model", entry.name, family.name));
            }
            continue;
        };
        // With their biases.
        let turned = name.contains(".attn_q.") || name.contains(".attn_k.");
        let vector = entry.shape.dims().len() == 1;
        let rows = if vector {
            entry.shape.width()
        } else {
            entry.shape.rows()
        };
        let permute = turned.then(|| Permute {
            heads: rows / head_dim,
            head_dim,
        });
        plan.tensors.push(planned(name, entry, permute));
    }
    let factors = write_sizes(&mut plan, network, &config, checkpoint)?;
    export_text::write(&mut plan, checkpoint, &config, network.hyper.vocabulary)?;
    if let Some(factors) = factors {
        let tensor = Planned {
            name: "rope_freqs.weight".into(),
            shape: [factors.len()].into(),
            source: Source::Values(factors),
        };
        plan.tensors.insert(0, tensor);
    }
    Ok(plan)
}

/// An error for what a model can be and a GGUF file of the llama family cannot say.
fn said(checkpoint: &Checkpoint, config: &Json, network: &Network) -> Result<()> {
    let hyper = &network.hyper;
    let act = config["hidden_act"].as_str().unwrap_or("silu");
    let rope = ["rope_parameters", "rope_scaling"].map(|key| &config[key]);
    let kind = rope.map(|rope| rope["rope_type"].as_str().or_else(|| rope["type"].as_str()));
    let kind = kind[0].or(kind[1]).unwrap_or("default");
    let what = if config["num_local_experts"].as_u64().is_some_and(|n| n > 0) {
        "experts".to_owned()
    } else if act != "silu" {
        format!("activation {act}")
    } else if !["default", "none", "linear", "llama3"].contains(&kind) {
        format!("rope scaling {kind}")
    } else if hyper.ropes.iter().any(|rope| rope.rotated != hyper.head_dim) {
        "heads that turn in part".to_owned()
    } else {
        return Ok(());
    };
    Err(Error::Unsupported {
        kind: Unsupported::Architecture,
        file: checkpoint.name.clone(),
        what: format!("llama with {what} as safetensors to be converted"),
        supported: "silu, rotations of whole heads, rope scaling linear and llama3".into(),
    })
}

/// GGUF's name for a tensor of a published checkpoint of this family, or `None` if it has none.
fn gguf_name(family: &Arch, published: &str) -> Option<String> {
    let number = |part: &&str| part.bytes().all(|b| b.is_ascii_digit());
    let layer = published.split('.').find(number);
    let pattern = match layer {
        Some(n) => published.replacen(&format!(".{n}."), ".{}.", 1),
        None => published.to_owned(),
    };
    // Checkpoints saved from the inner model lack the outer prefix.
    let known = |name: &str| name == pattern || name.strip_prefix("model.") == Some(&pattern);
    let (_, gguf) = family.published().find(|(name, _)| known(name))?;
    Some(gguf.replacen("{}", layer.unwrap_or_default(), 1))
}

/// Writes the sizes and the rotation under `llama.`; answers the factors that go into `rope_freqs.weight`.
fn write_sizes(
    plan: &mut GgufPlan,
    network: &Network,
    config: &Json,
    checkpoint: &Checkpoint,
) -> Result<Option<Vec<f32>>> {
    let hyper = &network.hyper;
    let shape = |name: &str| -> Result<Shape> {
        let found = plan.tensors.iter().find(|t| t.name == name);
        found
            .map(|t| t.shape)
            .ok_or_else(|| Error::bad(&checkpoint.name, name, "a tensor", "nothing"))
    };
    let counts = [
        ("block_count", hyper.caches.len()),
        ("context_length", hyper.context),
        ("embedding_length", shape("token_embd.weight")?.width()),
        ("feed_forward_length", shape("blk.0.ffn_gate.weight")?.rows()),
        (
            "attention.head_count",
            shape("blk.0.attn_q.weight")?.rows() / hyper.head_dim,
        ),
        ("attention.head_count_kv", hyper.kv_heads),
        ("attention.key_length", hyper.head_dim),
        ("attention.value_length", hyper.head_dim),
        ("rope.dimension_count", hyper.head_dim),
        ("vocab_size", hyper.vocabulary),
    ];
    let mut put = |key: &str, value: Value| plan.meta.insert(format!("{}.{key}", network.family), value);
    for (key, n) in counts {
        put(key, Value::Int(n as i128));
    }
    let number = |of: &Json, key: &str| of.get(key).and_then(Json::as_f64);
    // The network above was opened with these very values, so they are known to be sound.
    let rope = ["rope_parameters", "rope_scaling"].map(|key| &config[key]);
    let rope = if rope[0].is_object() { rope[0] } else { rope[1] };
    let base = number(config, "rope_theta").or_else(|| number(rope, "rope_theta"));
    let base = base.unwrap_or(10_000.0);
    let eps = number(config, "rms_norm_eps").unwrap_or(1e-6);
    put("rope.freq_base", Value::Float(base));
    put("attention.layer_norm_rms_epsilon", Value::Float(eps));
    // As the network has them: a configuration may name a window and switch it off, or give it to some layers only.
    let mut spec = Spec::read(checkpoint, &llama::ARCH)?;
    spec.windows(|_| true)?;
    let windows = || spec.layers.iter().map(|layer| layer.window);
    let widest = windows().max().unwrap_or(0);
    if widest > 0 {
        put("attention.sliding_window", Value::Int(widest as i128));
    }
    if windows().any(|window| window != widest) {
        let slides = windows().map(|window| i64::from(window > 0)).collect();
        put("attention.sliding_window_pattern", Value::Ints(slides));
    }
    let kind = rope["rope_type"].as_str().or_else(|| rope["type"].as_str());
    let need = |key: &str| {
        number(rope, key)
            .ok_or_else(|| Error::bad(&checkpoint.name, format!("rope_scaling.{key}"), "a number", &rope[key]))
    };
    match kind {
        Some("linear") => {
            put("rope.scaling.type", Value::Str("linear".into()));
            put("rope.scaling.factor", Value::Float(need("factor")?));
            Ok(None)
        }
        Some("llama3") => {
            let (factor, original) = (need("factor")?, need("original_max_position_embeddings")?);
            let (low, high) = (need("low_freq_factor")?, need("high_freq_factor")?);
            let frequencies = (0..hyper.head_dim)
                .step_by(2)
                .map(|i| base.powf(-(i as f64) / hyper.head_dim as f64));
            let factors = frequencies.map(|f| llama3_factor(f, factor, low, high, original));
            Ok(Some(factors.collect()))
        }
        _ => Ok(None),
    }
}

/// By what Llama 3 divides a frequency: nothing for short waves, `factor` for long ones, blended between.
fn llama3_factor(frequency: f64, factor: f64, low: f64, high: f64, original: f64) -> f32 {
    let wave = std::f64::consts::TAU / frequency;
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
fn describe(meta: &mut Metadata, checkpoint: &Checkpoint, config: &Json, family: &str) {
    let mut put = |key: &str, value: &str| meta.insert(key.into(), Value::Str(value.into()));
    put("general.architecture", family);
    put("general.type", "model");
    let path = config["_name_or_path"].as_str().filter(|p| !p.is_empty());
    let path = path.unwrap_or(&checkpoint.name).trim_end_matches(['/', '\\']);
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    put("general.name", name.strip_suffix(".safetensors").unwrap_or(name));
}
