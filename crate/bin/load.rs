//! A model from the command line onto its device, with the bar and the trace that go with it.

use crate::{
    args::Load,
    embedded::{self, Embedded},
    files::{failed, locate},
    trace::{Trace, Watch, clock},
};
use nomoat::{
    Result,
    engine::{Info, Model, Stats},
    format::{self, Checkpoint, source::Folder},
};
use std::{io::Read, path::Path};

/// Loads `path` as the flags say.
pub(crate) fn load(path: &Path, flags: &Load, trace: Trace) -> Result<Model> {
    let (folder, entry) = locate(path)?;
    load_from(&folder, &entry, flags, trace)
}

/// Loads the model that is inside this program.
pub(crate) fn load_embedded(flags: &Load, trace: Trace) -> Result<Model> {
    load_from(&Embedded, embedded::NAME, flags, trace)
}

fn load_from(folder: &dyn Folder, entry: &str, flags: &Load, trace: Trace) -> Result<Model> {
    let options = flags.options()?;
    let mut watch = Watch::new(trace);
    let loaded = pollster::block_on(Model::load(folder, entry, &options, clock, &mut |p| watch.load(p)));
    watch.finish();
    let model = loaded?;
    trace_info(model.info(), trace);
    Ok(model)
}

/// Reads the headers of `path` only.
pub(crate) fn open(path: &Path, trace: Trace) -> Result<Checkpoint> {
    let (folder, entry) = locate(path)?;
    let start = clock();
    let checkpoint = pollster::block_on(format::open(&folder, &entry))?;
    trace.line("open", || {
        let (tensors, files) = (checkpoint.tensors.len(), checkpoint.files.len());
        format!("took {:.1} ms, {tensors} tensors in {files} files", clock() - start)
    });
    Ok(checkpoint)
}

/// Everything on standard input.
pub(crate) fn stdin() -> Result<String> {
    let mut text = String::new();
    std::io::stdin()
        .lock()
        .read_to_string(&mut text)
        .map_err(|e| failed("standard input", &e))?;
    Ok(text)
}

/// The figures of a request, for the trace.
pub(crate) fn trace_stats(stats: &Stats, trace: Trace) {
    trace.line("prompt", || {
        format!(
            "{} tokens ({} reused), {:.1} tokens/s, first token after {:.1} ms",
            stats.prompt_tokens, stats.reused_tokens, stats.prefill_tps, stats.first_token_ms
        )
    });
    trace.line("decode", || {
        let made = stats.created;
        format!(
            "{} tokens, {:.1} tokens/s, a token: {:.1} dispatches, {:.2} submissions; created: {} pipelines, {} bind \
             groups, {} buffers, {} writes",
            stats.generated_tokens,
            stats.decode_tps,
            stats.dispatches_per_token,
            stats.submissions_per_token,
            made.pipelines,
            made.bind_groups,
            made.buffers,
            made.writes
        )
    });
}

fn trace_info(info: &Info, trace: Trace) {
    trace.line("model", || {
        format!(
            "{} ({}), {} parameters as {}, context {} of {}, vocabulary {}, sha256 {}",
            info.name,
            info.family,
            info.parameters,
            info.formats.join(" "),
            info.context,
            info.context_trained,
            info.vocabulary,
            info.sha256
        )
    });
    trace.line("device", || {
        let adapter = if info.adapter.is_empty() {
            String::new()
        } else {
            format!(" {}", info.adapter)
        };
        format!(
            "{}{adapter}: {}; {} bytes on the GPU, {} on the CPU",
            info.device, info.device_reason, info.gpu_bytes, info.cpu_bytes
        )
    });
    #[cfg(feature = "gpu")]
    if trace.on && info.device == "gpu" {
        for adapter in pollster::block_on(nomoat::dev::adapters()) {
            if adapter.name == info.adapter {
                trace.line("limits", || crate::devices::abilities(&adapter).join("; "));
            }
        }
    }
}
