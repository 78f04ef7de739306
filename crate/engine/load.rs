//! Loading: open the device, make room and the cache, prepare the decoding step, bring weights in chunks of whole rows.

use super::{
    Device, Info, LoadOptions, OnProgress, Phase, Progress,
    cpu::CpuRunner,
    device::{CacheShape, Key, Runner},
    stream::Stream,
};
#[cfg(feature = "gpu")]
use super::{selftest, verdicts::Verdicts};
#[cfg(feature = "gpu")]
use crate::tensor::Format;
use crate::{
    error::{Error, Result},
    format::{Checkpoint, Container},
    model::{Card, Hyper, Kind, Network},
    tensor::Kv,
};

/// Values of the table of rotations written at once.
const RUN: usize = 1 << 16;
/// Context by default, where the model was made for more.
const CONTEXT: usize = 4096;

/// Tells how far loading is, and stops it if the caller says so.
pub(super) fn tell(progress: &mut OnProgress<'_>, phase: Phase, done: u64, total: u64) -> Result<()> {
    if progress(Progress { phase, done, total }) {
        Ok(())
    } else {
        Err(Error::Aborted)
    }
}

/// Opens the device that was asked for, with the reason for it.
pub(super) async fn open_device(options: &LoadOptions) -> Result<(Runner, String)> {
    if options.device == Device::Cpu {
        return Ok((
            Runner::Cpu(Box::new(CpuRunner::new(options.precision))),
            "asked for".into(),
        ));
    }
    #[cfg(feature = "gpu")]
    let why = match crate::gpu::Gpu::open(options.device == Device::Gpu).await {
        Ok(mut gpu) => {
            gpu.spoil(options.spoil);
            if options.as_hardware {
                gpu.as_hardware();
            }
            let reason = if options.device == Device::Gpu {
                "asked for"
            } else {
                "a hardware GPU is there"
            };
            let runner = super::gpu::GpuRunner::new(gpu, options.max_binding);
            return Ok((Runner::Gpu(Box::new(runner)), reason.into()));
        }
        Err(error) => error,
    };
    #[cfg(not(feature = "gpu"))]
    let why = Error::Gpu {
        kind: crate::error::Gpu::Missing,
        doing: "looking for an adapter".into(),
        cause: "this build has no GPU support".into(),
    };
    match options.device {
        Device::Gpu => Err(why),
        _ => Ok((
            Runner::Cpu(Box::new(CpuRunner::new(options.precision))),
            why.to_string(),
        )),
    }
}

/// Streams all weights to the device in file order; returns the SHA-256 of their bytes.
async fn weights(
    checkpoint: &Checkpoint,
    network: &Network,
    runner: &mut Runner,
    progress: &mut OnProgress<'_>,
) -> Result<String> {
    let scopes = watch(runner);
    let hash = Stream::new(network, runner, progress).run(checkpoint).await?;
    close(scopes).await?;
    Ok(hash.iter().map(|b| format!("{b:02x}")).collect())
}

#[cfg(feature = "gpu")]
type Scopes = Option<crate::gpu::Scopes>;
#[cfg(not(feature = "gpu"))]
type Scopes = ();

#[cfg(feature = "gpu")]
fn watch(runner: &Runner) -> Scopes {
    match runner {
        Runner::Gpu(gpu) => Some(gpu.gpu.watch("bringing weights to the GPU")),
        Runner::Cpu(_) => None,
    }
}
#[cfg(not(feature = "gpu"))]
fn watch(_: &Runner) -> Scopes {}

#[cfg(feature = "gpu")]
async fn close(scopes: Scopes) -> Result<()> {
    match scopes {
        Some(scopes) => scopes.close().await,
        None => Ok(()),
    }
}
#[cfg(not(feature = "gpu"))]
async fn close((): Scopes) -> Result<()> {
    Ok(())
}

/// Tokens that the cache holds by default: no more than what rotations are best at.
pub(super) fn context(hyper: &Hyper) -> usize {
    let short = hyper.ropes.iter().map(|rope| rope.short).min();
    hyper.context.min(CONTEXT).min(short.unwrap_or(CONTEXT))
}

/// How the cache is stored.
pub(super) fn kv(hyper: &Hyper, asked: Option<Kv>, on_gpu: bool) -> Kv {
    let usual = if on_gpu && !hyper.exact_keys { Kv::F16 } else { Kv::F32 };
    asked.unwrap_or(usual)
}

/// Values of each table of rotations for `capacity` positions.
pub(super) fn ropes(hyper: &Hyper, capacity: usize) -> Result<Vec<usize>> {
    let values = |width: usize| {
        let bytes = capacity.checked_mul(4 * width);
        bytes.map(|bytes| bytes / 4).ok_or_else(|| Error::TooBig {
            what: format!("a table of {capacity} rotations"),
            needed: (4 * width as u64).saturating_mul(capacity as u64),
            available: usize::MAX as u64,
        })
    };
    hyper.ropes.iter().map(|rope| values(rope.values())).collect()
}

/// Makes the cache and the tables of rotations.
async fn cache(
    checkpoint: &Checkpoint,
    network: &Network,
    runner: &mut Runner,
    options: &LoadOptions,
) -> Result<usize> {
    let hyper = &network.hyper;
    if options.context == Some(0) {
        return Err(Error::Invalid {
            field: "context".into(),
            expected: "at least 1".into(),
            found: "0".into(),
        });
    }
    let capacity = options.context.unwrap_or_else(|| context(hyper));
    if capacity > hyper.most {
        return Err(Error::Invalid {
            field: "context".into(),
            expected: format!("at most {}, the positions that this model knows", hyper.most),
            found: capacity.to_string(),
        });
    }
    let kv = kv(hyper, options.kv, !matches!(runner, Runner::Cpu(_)));
    let tables = ropes(hyper, capacity)?;
    runner.cache(CacheShape::new(hyper, capacity, kv), &tables).await?;
    for (number, (rope, table)) in hyper.ropes.iter().zip(tables).enumerate() {
        let factors = match rope.factors(capacity) {
            Some(entry) => {
                let bytes = checkpoint.read(entry, 0, entry.shape.rows()).await?;
                Some(entry.format.decode(&bytes))
            }
            None => None,
        };
        let (mut run, mut written) = (Vec::new(), 0);
        rope.table(capacity, factors.as_deref(), |row| {
            run.extend_from_slice(row);
            if run.len() >= RUN || written + run.len() == table {
                runner.rope(number, written, &run)?;
                written += run.len();
                run.clear();
            }
            Ok(())
        })?;
    }
    Ok(capacity)
}

/// What is known of the adapter, the block formats of the model, those of most bytes first, and what its layers have that a llama's
/// lack.
#[cfg(feature = "gpu")]
pub(super) struct Known {
    pub(super) verdicts: Verdicts,
    pub(super) formats: Vec<&'static Format>,
    pub(super) layers: Vec<String>,
    /// Whether kernels for many tokens are still to be held to the known answers, of a model with such layers and heads: in the
    /// formats that the verdicts do not note.
    pub(super) later: Option<(Vec<selftest::Layer>, selftest::Heads)>,
    /// Why they are not used.
    pub(super) refused: String,
}
#[cfg(not(feature = "gpu"))]
pub(super) enum Known {}

impl Known {
    /// In words.
    #[cfg(feature = "gpu")]
    pub(super) fn words(&self) -> String {
        let later = match &self.later {
            Some(_) => "; more than a few tokens at once not asked yet",
            None => "",
        };
        let words = selftest::words(&self.verdicts, &self.formats, &self.layers);
        format!("{words}{later}{}", self.refused)
    }
    #[cfg(not(feature = "gpu"))]
    fn words(&self) -> String {
        match *self {}
    }
}

/// A network on a device, ready to decode.
pub(super) struct Placed {
    pub(super) runner: Runner,
    /// Why it is this device.
    reason: String,
    /// Tokens that the cache holds.
    pub(super) capacity: usize,
    /// What the self-test found, of which formats.
    pub(super) known: Option<Known>,
    /// Of all weights.
    pub(super) sha256: String,
}

/// What the self-test finds of a GPU, for the formats of a network's matrices and its layers.
#[cfg(feature = "gpu")]
async fn self_test(runner: &mut Runner, network: &Network, options: &LoadOptions) -> Result<Option<Known>> {
    let Runner::Gpu(gpu) = runner else { return Ok(None) };
    let mut formats: Vec<(&'static Format, u64)> = Vec::new();
    for weight in network.weights.iter().filter(|w| !w.is_vector()) {
        match formats.iter_mut().find(|(f, _)| *f == weight.format) {
            Some((_, bytes)) => *bytes += weight.bytes(),
            None => formats.push((weight.format, weight.bytes())),
        }
    }
    // what a model has most of, first
    formats.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    let formats: Vec<_> = formats.into_iter().map(|(format, _)| format).collect();
    // kernels that are wrong on purpose are not those of other loads
    let kept = options.verdicts.as_deref().filter(|_| options.spoil.is_none());
    let (layers, heads) = selftest::layers(network, kv(&network.hyper, options.kv, true))?;
    let unusual: Vec<String> = layers
        .iter()
        .filter(|l| !l.is_usual())
        .map(selftest::Layer::name)
        .collect();
    // Many tokens wait until somebody does, or until nobody does: their kernels take the longest to compile.
    let later = options.later && unusual.is_empty() && network.hyper.kind == Kind::Decoder;
    let verdicts = selftest::run(gpu, &formats, (&layers, heads), kept, later).await?;
    let all = formats.iter().all(|format| verdicts.holds(format));
    Ok(Some(Known {
        verdicts,
        formats,
        layers: unusual,
        later: if all { None } else { Some((layers, heads)) },
        refused: String::new(),
    }))
}
#[cfg(not(feature = "gpu"))]
async fn self_test(_: &mut Runner, _: &Network, _: &LoadOptions) -> Result<Option<Known>> {
    Ok(None)
}

/// Opens the device, brings the weights there and makes the cache.
pub(super) async fn place(
    checkpoint: &Checkpoint,
    network: &Network,
    options: &LoadOptions,
    progress: &mut OnProgress<'_>,
) -> Result<Placed> {
    tell(progress, Phase::Device, 0, 0)?;
    let (mut runner, mut reason) = open_device(options).await?;
    let known = match self_test(&mut runner, network, options).await {
        Err(error) if error.code() == "self-test-failed" && options.device == Device::Auto => {
            runner = Runner::Cpu(Box::new(CpuRunner::new(options.precision)));
            reason = error.to_string();
            None
        }
        found => found?,
    };
    if let (Runner::Cpu(cpu), Some(threads)) = (&mut runner, &options.threads)
        && network.hyper.kind == Kind::Decoder
    {
        cpu.share(network, &**threads).await?;
    }
    let scopes = watch(&runner);
    runner.reserve(network)?;
    close(scopes).await?;
    let capacity = cache(checkpoint, network, &mut runner, options).await?;
    // In a browser the kernels of the decoding step are compiled while weights come.
    let step = runner.make(network, Key::new(1, network.hyper.kind.head()))?;
    let sha256 = weights(checkpoint, network, &mut runner, progress).await?;
    tell(progress, Phase::Compile, 0, 0)?;
    runner.made(step).await?;
    if let Runner::Cpu(cpu) = &mut runner {
        cpu.shared().await?;
    }
    Ok(Placed {
        runner,
        reason,
        capacity,
        known,
        sha256,
    })
}

/// What is known of the model.
pub(super) fn info(checkpoint: &Checkpoint, network: &Network, placed: &Placed) -> Info {
    let card = Card::of(checkpoint);
    let mut threads = 1;
    let (device, adapter, gpu_bytes, cpu_bytes) = match &placed.runner {
        Runner::Cpu(cpu) => {
            threads = cpu.threads();
            ("cpu", String::new(), 0, cpu.bytes)
        }
        #[cfg(feature = "gpu")]
        Runner::Gpu(gpu) => ("gpu", gpu.gpu.caps().name.clone(), gpu.gpu.counters().bytes.get(), 0),
    };
    Info {
        family: network.family.into(),
        name: match checkpoint.container {
            Container::Gguf => card.name.clone().unwrap_or_else(|| checkpoint.name.clone()),
            Container::Safetensors => checkpoint.name.clone(),
        },
        parameters: network.weights.iter().map(|w| w.shape.count() as u64).sum(),
        formats: card.formats.clone(),
        device,
        device_reason: placed.reason.clone(),
        adapter,
        self_test: placed.known.as_ref().map_or_else(String::new, Known::words),
        licence: card.licence.clone().or_else(|| card.licence_name.clone()),
        card,
        context: placed.capacity,
        context_trained: network.hyper.context,
        chat: false,
        embeds: network.hyper.kind == Kind::Encoder,
        #[cfg(feature = "text")]
        template: None,
        vocabulary: network.hyper.vocabulary,
        gpu_bytes,
        cpu_bytes,
        threads,
        sha256: placed.sha256.clone(),
    }
}
