//! A model from the command line onto its device, with the bar and the trace that go with it.

use crate::{
    args::Load,
    embedded::{self, Embedded},
    files::{failed, locate},
    kept,
    trace::{Trace, Watch, clock},
};
use nomoat::{
    Result,
    engine::{Info, LoadOptions, Model, Stats},
    format::{self, Checkpoint, source::Folder},
};
use std::{io::Read, path::Path};

/// Loads `path` as the flags say, with the prompt format `template` where one was asked for.
pub(crate) fn load(path: &Path, flags: &Load, template: Option<String>, trace: Trace) -> Result<Model> {
    Source::new(Some(path), flags, template, trace)?.load()
}

/// Where a model lies, and how it is loaded.
pub(crate) struct Source {
    folder: Box<dyn Folder>,
    entry: String,
    options: LoadOptions,
    trace: Trace,
}

impl Source {
    /// The model at `path`, else the one that is inside this program, with the prompt format `template` where one was asked for.
    pub(crate) fn new(path: Option<&Path>, flags: &Load, template: Option<String>, trace: Trace) -> Result<Self> {
        let (folder, entry): (Box<dyn Folder>, _) = match path {
            Some(path) => {
                let (folder, entry) = locate(path)?;
                (Box::new(folder), entry)
            }
            None => (Box::new(Embedded), embedded::NAME.to_owned()),
        };
        let options = LoadOptions {
            template,
            verdicts: kept::read(),
            ..flags.options()?
        };
        Ok(Self {
            folder,
            entry,
            options,
            trace,
        })
    }

    /// Loads it.
    pub(crate) fn load(&self) -> Result<Model> {
        let mut watch = Watch::new(self.trace);
        let (folder, entry, options) = (&*self.folder, &self.entry, &self.options);
        let loaded = pollster::block_on(Model::load(folder, entry, options, clock, &mut |p| watch.load(p)));
        watch.finish();
        let model = loaded?;
        self.keep(&model);
        trace_info(model.info(), self.trace);
        Ok(model)
    }

    /// Keeps what was found of the adapter, if that is new.
    fn keep(&self, model: &Model) {
        if let Some(text) = model
            .verdicts()
            .filter(|text| self.options.verdicts.as_ref() != Some(text))
        {
            kept::write(&text, self.trace);
        }
    }

    /// Measures which kernels are the fastest on the adapter, and keeps that.
    pub(crate) fn tune(&self, model: &mut Model) -> Result<()> {
        while pollster::block_on(model.tune())? {}
        self.keep(model);
        self.trace.line("adapter", || model.info().self_test.clone());
        Ok(())
    }

    /// Brings it onto a device again after the one that it was on was lost.
    pub(crate) fn revive(&self, model: &mut Model) -> Result<()> {
        let mut watch = Watch::new(self.trace);
        let (folder, entry, options) = (&*self.folder, &self.entry, &self.options);
        let revived = pollster::block_on(model.revive(folder, entry, options, &mut |p| watch.load(p)));
        watch.finish();
        revived?;
        trace_info(model.info(), self.trace);
        Ok(())
    }
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
    if !info.self_test.is_empty() {
        trace.line("adapter", || info.self_test.clone());
    }
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
