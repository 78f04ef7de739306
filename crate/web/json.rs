//! What crosses to JavaScript as JSON: load options, requests and messages in, information and figures out.

use crate::{
    cpu::simd,
    engine::{
        Caps, Device, Info, Kv, LoadOptions, Precision, Request, Stats,
        fit::{Against, Fit},
    },
    error::{Error, Result},
    quant,
    tensor::Format,
    text::{chat::Message, sample::Sampling},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Options {
    device: Option<String>,
    precision: Option<String>,
    kv: Option<String>,
    context_length: Option<u64>,
    quantize: Option<String>,
    max_binding: Option<u64>,
    template: Option<String>,
    verdicts: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Asked {
    max_tokens: Option<u64>,
    temperature: Option<f32>,
    top_k: Option<u64>,
    top_p: Option<f32>,
    min_p: Option<f32>,
    repetition_penalty: Option<f32>,
    presence_penalty: Option<f32>,
    frequency_penalty: Option<f32>,
    #[serde(default)]
    logit_bias: Vec<(u32, f32)>,
    seed: Option<u64>,
    #[serde(default)]
    stop: Vec<String>,
    #[serde(default)]
    ignore_eos: bool,
    #[serde(default)]
    decoder_tokens: Vec<u32>,
}

fn parse<T: DeserializeOwned>(field: &str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|e| Error::Invalid {
        field: field.into(),
        expected: "what the documentation says".into(),
        found: e.to_string(),
    })
}

/// A count as this machine addresses it: beyond 2^32 it is as good as all.
fn most(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

fn invalid<T>(field: &str, expected: &str, found: impl std::fmt::Display) -> Result<T> {
    Err(Error::Invalid {
        field: field.into(),
        expected: expected.into(),
        found: found.to_string(),
    })
}

/// Load options of `load()`.
pub(super) fn load_options(text: &str) -> Result<LoadOptions> {
    let options: Options = parse("options", text)?;
    Ok(LoadOptions {
        device: match options.device.as_deref() {
            None | Some("auto") => Device::Auto,
            Some("gpu") => Device::Gpu,
            Some("cpu") => Device::Cpu,
            Some(other) => return invalid("device", "auto, gpu or cpu", other),
        },
        precision: match options.precision.as_deref() {
            None | Some("auto") => Precision::Auto,
            Some("f32") => Precision::F32,
            Some(other) => return invalid("precision", "auto or f32", other),
        },
        kv: kv(options.kv.as_deref())?,
        context: context(options.context_length)?,
        quantize: quantize(options.quantize.as_deref())?,
        max_binding: options.max_binding,
        template: options.template,
        verdicts: options.verdicts,
        later: true,
        ..LoadOptions::default()
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Fitting {
    adapter: Option<Adapter>,
    memory: Option<u64>,
    disk: Option<u64>,
    kv: Option<String>,
    context_length: Option<u64>,
    quantize: Option<String>,
    max_binding: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Adapter {
    max_binding: u64,
    max_buffer: u64,
}

/// What `fit()` holds a model against, and the format that it shall have.
pub(super) fn against(text: &str) -> Result<(Against, Option<&'static Format>)> {
    let asked: Fitting = parse("options", text)?;
    let against = Against {
        // subgroups choose among kernels of the same buffers
        adapter: asked.adapter.map(|adapter| Caps {
            max_binding: adapter.max_binding.min(adapter.max_buffer),
            max_buffer: adapter.max_buffer,
            ..Caps::least()
        }),
        memory: asked.memory,
        disk: asked.disk,
        kv: kv(asked.kv.as_deref())?,
        context: context(asked.context_length)?,
        max_binding: asked.max_binding,
    };
    Ok((against, quantize(asked.quantize.as_deref())?))
}

/// How a model fits, as JSON.
pub(super) fn fit(fit: &Fit) -> Result<String> {
    // by way of a value, as with information: each way costs its own code
    let value = serde_json::to_value(fit).map_err(|e| Error::internal(e.to_string()))?;
    Ok(value.to_string())
}

fn kv(name: Option<&str>) -> Result<Option<Kv>> {
    match name {
        None => Ok(None),
        Some("f32") => Ok(Some(Kv::F32)),
        Some("f16") => Ok(Some(Kv::F16)),
        Some("q8") => Ok(Some(Kv::Q8)),
        Some(other) => invalid("kv", "f32, f16 or q8", other),
    }
}

fn quantize(name: Option<&str>) -> Result<Option<&'static Format>> {
    let Some(name) = name else { return Ok(None) };
    match quant::to_write(name) {
        None => invalid("quantize", &quant::written(), name),
        format => Ok(format),
    }
}

fn context(length: Option<u64>) -> Result<Option<usize>> {
    match length {
        Some(0) => invalid("contextLength", "at least 1", 0),
        length => Ok(length.map(most)),
    }
}

/// A request, its sampling laid over the model's own.
pub(super) fn request(text: &str, mut sampling: Sampling) -> Result<Request> {
    let asked: Asked = parse("request", text)?;
    let set = |field: &str, slot: &mut f32, value: Option<f32>, expected: &str, ok: fn(f32) -> bool| match value {
        Some(value) if value.is_finite() && ok(value) => {
            *slot = value;
            Ok(())
        }
        Some(value) => invalid(field, expected, value),
        None => Ok(()),
    };
    set(
        "temperature",
        &mut sampling.temperature,
        asked.temperature,
        "a number from 0",
        |v| v >= 0.0,
    )?;
    set("top_p", &mut sampling.top_p, asked.top_p, "a number from 0 to 1", |v| {
        (0.0..=1.0).contains(&v)
    })?;
    set("min_p", &mut sampling.min_p, asked.min_p, "a number from 0 to 1", |v| {
        (0.0..=1.0).contains(&v)
    })?;
    set(
        "repetition_penalty",
        &mut sampling.repetition_penalty,
        asked.repetition_penalty,
        "a number above 0",
        |v| v > 0.0,
    )?;
    let any = |_| true;
    set(
        "presence_penalty",
        &mut sampling.presence_penalty,
        asked.presence_penalty,
        "a number",
        any,
    )?;
    set(
        "frequency_penalty",
        &mut sampling.frequency_penalty,
        asked.frequency_penalty,
        "a number",
        any,
    )?;
    if let Some(top_k) = asked.top_k {
        sampling.top_k = most(top_k);
    }
    if let Some(seed) = asked.seed {
        sampling.seed = seed;
    }
    sampling.logit_bias.extend(asked.logit_bias);
    Ok(Request {
        max_tokens: asked.max_tokens.map_or(usize::MAX, most),
        sampling,
        stop: asked.stop,
        ignore_eos: asked.ignore_eos,
        decoder: asked.decoder_tokens,
    })
}

/// Messages of a conversation.
pub(super) fn messages(text: &str) -> Result<Vec<Message>> {
    parse("messages", text)
}

/// Of an address, its last part: a name to show.
fn short(name: &str) -> &str {
    if name.contains("://") {
        name.trim_end_matches('/').rsplit('/').next().unwrap_or(name)
    } else {
        name
    }
}

/// `model.info` of the contract.
pub(super) fn info(info: &Info, heap_bytes: f64) -> String {
    json!({
        "family": info.family,
        "name": short(&info.name),
        "parameters": info.parameters,
        "formats": info.formats,
        "device": info.device,
        "deviceReason": info.device_reason,
        "adapter": info.adapter,
        "selfTest": info.self_test,
        "products": simd::name(),
        "threads": info.threads,
        "licence": info.licence,
        "card": info.card,
        "contextLength": info.context,
        "contextTrained": info.context_trained,
        "chat": info.chat,
        "embeds": info.embeds,
        "template": info.template,
        "vocabulary": info.vocabulary,
        "gpuBytes": info.gpu_bytes,
        "cpuBytes": info.cpu_bytes,
        "heapBytes": heap_bytes,
        "sha256": info.sha256,
    })
    .to_string()
}

/// `model.stats()` of the contract.
pub(super) fn stats(stats: &Stats) -> String {
    json!({
        "promptTokens": stats.prompt_tokens,
        "reusedTokens": stats.reused_tokens,
        "generatedTokens": stats.generated_tokens,
        "prefillTps": stats.prefill_tps,
        "decodeTps": stats.decode_tps,
        "firstTokenMs": stats.first_token_ms,
        "dispatchesPerToken": stats.dispatches_per_token,
        "submissionsPerToken": stats.submissions_per_token,
        "created": {
            "pipelines": stats.created.pipelines,
            "bindGroups": stats.created.bind_groups,
            "buffers": stats.created.buffers,
            "writes": stats.created.writes,
        },
    })
    .to_string()
}
