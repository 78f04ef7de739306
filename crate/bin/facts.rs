//! What a checkpoint states about itself, read alike from GGUF keys and from `config.json`.

use nomoat::{
    format::{Checkpoint, Container, Metadata, Value},
    model::Card,
    text::{chat::Template, formats::Origin, tokenizer::Tokenizer},
};
use serde_json::Value as Json;

/// The family as the file names it: `general.architecture`, or `model_type`.
pub(crate) fn family(checkpoint: &Checkpoint) -> Option<String> {
    match checkpoint.container {
        Container::Gguf => text(&checkpoint.meta, "general.architecture"),
        Container::Safetensors => config(checkpoint)?["model_type"].as_str().map(str::to_owned),
    }
}

/// The numbers that memory depends on; `None` is "not stated".
#[derive(Debug, Default)]
pub(crate) struct Dims {
    pub(crate) layers: Option<u64>,
    pub(crate) width: Option<u64>,
    pub(crate) heads: Option<u64>,
    pub(crate) vocabulary: Option<u64>,
    pub(crate) context: Option<u64>,
    /// Values of keys and values that a token adds to the cache, over all layers.
    pub(crate) kv_values: Option<u64>,
}

/// Everything that `inspect` says beyond the list of tensors.
pub(crate) struct Facts {
    pub(crate) family: Option<String>,
    pub(crate) dims: Dims,
    pub(crate) tokenizer: Option<String>,
    pub(crate) chat: bool,
    /// Where the template comes from that conversations get; `None`: it is a base model, or the files are broken.
    pub(crate) template: Option<Origin>,
    pub(crate) card: Card,
}

impl Facts {
    /// The facts of a checkpoint.
    pub(crate) fn of(checkpoint: &Checkpoint) -> Self {
        let facts = match checkpoint.container {
            Container::Gguf => from_gguf(checkpoint),
            Container::Safetensors => from_published(checkpoint),
        };
        let tokenizer = || Tokenizer::open(checkpoint).ok().flatten();
        // with a template in the files, there is no need of a vocabulary to find one
        let tokenizer = if facts.chat { None } else { tokenizer() };
        let template = Template::choose(checkpoint, tokenizer.as_ref(), None).ok().flatten();
        Self {
            template: template.map(|template| template.origin().clone()),
            ..facts
        }
    }
}

fn from_gguf(checkpoint: &Checkpoint) -> Facts {
    let meta = &checkpoint.meta;
    let family = family(checkpoint);
    let key = |name: &str| format!("{}.{name}", family.as_deref().unwrap_or_default());
    let count = |name: &str| count(meta, &key(name));
    let (layers, width, heads) = (
        count("block_count"),
        count("embedding_length"),
        count("attention.head_count"),
    );
    let head = width.zip(heads).and_then(|(w, h)| w.checked_div(h));
    let (k, v) = (
        count("attention.key_length").or(head),
        count("attention.value_length").or(head),
    );
    // One count for all layers, or one a layer.
    let heads_of_all_layers = match meta.get(&key("attention.head_count_kv")) {
        Some(Value::Ints(list)) => list
            .iter()
            .try_fold(0_u64, |sum, n| sum.checked_add(u64::try_from(*n).ok()?)),
        Some(Value::Int(n)) => u64::try_from(*n).ok().zip(layers).and_then(|(n, l)| n.checked_mul(l)),
        _ => heads.zip(layers).and_then(|(h, l)| h.checked_mul(l)),
    };
    let kv_values = heads_of_all_layers
        .zip(k.zip(v))
        .and_then(|(heads, (k, v))| heads.checked_mul(k.checked_add(v)?));
    let tokens = match meta.get("tokenizer.ggml.tokens") {
        Some(Value::Strs(tokens)) => Some(tokens.len() as u64),
        _ => None,
    };
    let tokenizer = text(meta, "tokenizer.ggml.model").map(|model| {
        let kind = match model.as_str() {
            "llama" => "SentencePiece BPE",
            "gpt2" => "byte-level BPE",
            "bert" => "WordPiece",
            "t5" => "SentencePiece unigram",
            other => other,
        };
        match text(meta, "tokenizer.ggml.pre") {
            Some(pre) => format!("{kind} ({model}, {pre})"),
            None => format!("{kind} ({model})"),
        }
    });
    Facts {
        dims: Dims {
            layers,
            width,
            heads,
            vocabulary: count("vocab_size").or(tokens),
            context: count("context_length"),
            kv_values,
        },
        tokenizer: tokenizer.or_else(|| {
            meta.contains_key("tokenizer.huggingface.json")
                .then(|| "tokenizer.json".into())
        }),
        chat: meta.contains_key("tokenizer.chat_template") || has_template(checkpoint),
        template: None,
        card: Card::of(checkpoint),
        family,
    }
}

fn from_published(checkpoint: &Checkpoint) -> Facts {
    let config = config(checkpoint).unwrap_or(Json::Null);
    // Models with several parts keep the text model's numbers apart.
    let inner = if config["text_config"].is_object() {
        &config["text_config"]
    } else {
        &config
    };
    let first = |keys: &[&str]| {
        keys.iter()
            .find_map(|k| inner[*k].as_u64().or_else(|| config[*k].as_u64()))
    };
    let layers = first(&["num_hidden_layers", "n_layer", "num_layers", "n_layers"]);
    let width = first(&["hidden_size", "n_embd", "d_model"]);
    let heads = first(&["num_attention_heads", "n_head", "num_heads", "n_heads"]);
    let head = first(&["head_dim", "d_kv"]).or_else(|| width.zip(heads).and_then(|(w, h)| w.checked_div(h)));
    let kv = first(&["num_key_value_heads", "num_kv_heads"]).or(heads);
    let kv_values = (|| layers?.checked_mul(kv?)?.checked_mul(head?)?.checked_mul(2))();
    Facts {
        family: family(checkpoint),
        dims: Dims {
            layers,
            width,
            heads,
            vocabulary: first(&["vocab_size"]),
            context: first(&["max_position_embeddings", "n_positions", "n_ctx", "max_seq_len"]),
            kv_values,
        },
        tokenizer: published_tokenizer(checkpoint),
        chat: has_template(checkpoint),
        template: None,
        card: Card::of(checkpoint),
    }
}

fn published_tokenizer(checkpoint: &Checkpoint) -> Option<String> {
    let has = |name: &str| checkpoint.side.contains_key(name);
    if let Some(bytes) = checkpoint.side.get("tokenizer.json") {
        let json: Json = serde_json::from_slice(bytes).unwrap_or(Json::Null);
        let kind = json["model"]["type"].as_str().unwrap_or("kind not stated");
        let detail = if json["model"]["byte_fallback"] == true {
            ", byte fallback"
        } else if json["pre_tokenizer"].to_string().contains("\"ByteLevel\"") {
            ", byte-level"
        } else {
            ""
        };
        return Some(format!("{kind}{detail} (tokenizer.json)"));
    }
    let rest = [
        ("tokenizer.model", "SentencePiece (tokenizer.model)"),
        ("merges.txt", "BPE (vocab.json, merges.txt)"),
        ("vocab.txt", "WordPiece (vocab.txt)"),
    ];
    rest.into_iter()
        .find(|(file, _)| has(file))
        .map(|(_, kind)| kind.to_owned())
}

fn has_template(checkpoint: &Checkpoint) -> bool {
    let in_settings = || {
        let bytes = checkpoint.side.get("tokenizer_config.json")?;
        let json: Json = serde_json::from_slice(bytes).ok()?;
        Some(!json["chat_template"].is_null())
    };
    checkpoint.side.contains_key("chat_template.jinja") || in_settings().unwrap_or(false)
}

fn config(checkpoint: &Checkpoint) -> Option<Json> {
    serde_json::from_slice(checkpoint.side.get("config.json")?).ok()
}

fn text(meta: &Metadata, key: &str) -> Option<String> {
    match meta.get(key) {
        Some(Value::Str(text)) if !text.is_empty() => Some(text.clone()),
        _ => None,
    }
}

fn count(meta: &Metadata, key: &str) -> Option<u64> {
    match meta.get(key) {
        Some(Value::Int(n)) => u64::try_from(*n).ok(),
        // A value a layer: the largest is what buffers are made for.
        Some(Value::Ints(list)) => list.iter().max().and_then(|n| u64::try_from(*n).ok()),
        _ => None,
    }
}
