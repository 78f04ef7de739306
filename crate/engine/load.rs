//! Loading: open the device, bring weights to it in chunks of whole rows, make the cache, prepare the decoding step.

use super::{
    Device, Info, Kv, LoadOptions, OnProgress, Phase, Progress,
    device::{CacheShape, Key, Runner},
};
use crate::{
    error::{Error, Result},
    format::{Checkpoint, Container},
    model::{Card, Head, Hyper, Network, Order, Weight},
    quant,
    tensor::sort_by_numbers,
};
use sha2::{Digest, Sha256};

/// Bytes read and uploaded at once, at most, unless one row is longer.
const CHUNK: u64 = 8 << 20;
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
        return Ok((Runner::Cpu(Box::default()), "asked for".into()));
    }
    #[cfg(feature = "gpu")]
    let why = match crate::gpu::Gpu::open(options.device == Device::Gpu).await {
        Ok(gpu) => {
            let reason = if options.device == Device::Gpu {
                "asked for"
            } else {
                "a hardware GPU is there"
            };
            return Ok((
                Runner::Gpu(Box::new(super::gpu::GpuRunner::new(gpu, options.max_binding))),
                reason.into(),
            ));
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
        _ => Ok((Runner::Cpu(Box::default()), why.to_string())),
    }
}

/// Streams all weights to the device in file order; returns the SHA-256 of their bytes.
pub(super) async fn weights(
    checkpoint: &Checkpoint,
    network: &Network,
    runner: &mut Runner,
    progress: &mut OnProgress<'_>,
) -> Result<String> {
    let scopes = watch(runner);
    for weight in &network.weights {
        let (rows, width) = (weight.shape.rows(), weight.shape.width());
        runner.reserve(&weight.entry.name, weight.format, rows, width)?;
    }
    close(scopes).await?;
    let total = network.weights.iter().map(|w| w.entry.bytes).sum();
    let mut numbers: Vec<usize> = (0..network.weights.len()).collect();
    sort_by_numbers(&mut numbers, |n| {
        let entry = &network.weights[*n].entry;
        [entry.file as u64, entry.offset]
    });
    let (mut done, mut hash) = (0, Sha256::new());
    tell(progress, Phase::Weights, 0, total)?;
    let scopes = watch(runner);
    for number in numbers {
        let weight = &network.weights[number];
        let (entry, rows) = (&weight.entry, weight.shape.rows());
        let row = (entry.bytes / rows as u64).max(1);
        let unit = match weight.order {
            Order::Interleaved { head_dim, .. } => head_dim,
            Order::Plain => 1,
        };
        let most = usize::try_from(CHUNK / row).unwrap_or(usize::MAX) / unit * unit;
        for first in (0..rows).step_by(most.max(unit)) {
            let count = most.max(unit).min(rows - first);
            let bytes = checkpoint.read(entry, first, count).await?;
            hash.update(&bytes);
            done += bytes.len() as u64;
            runner.fill(number, first, &convert(bytes, weight)?, weight.order)?;
            tell(progress, Phase::Weights, done, total)?;
        }
    }
    close(scopes).await?;
    Ok(hash.finalize().iter().map(|b| format!("{b:02x}")).collect())
}

/// The bytes of a weight in the format it has on the device.
fn convert(bytes: Vec<u8>, weight: &Weight) -> Result<Vec<u8>> {
    let (from, to) = (weight.entry.format, weight.format);
    if from == to {
        return Ok(bytes);
    }
    quant::encode(&weight.entry.name, &from.decode(&bytes), to)
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

/// Tokens that the cache holds by default.
pub(super) fn context(hyper: &Hyper) -> usize {
    hyper.context.min(CONTEXT)
}

/// Whether the cache holds f16.
pub(super) fn kv_f16(asked: Option<Kv>, on_gpu: bool) -> bool {
    asked.map_or(on_gpu, |kv| kv == Kv::F16)
}

/// Makes the cache and the table of rotations, and prepares the decoding step.
pub(super) async fn cache(
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
    let f16 = kv_f16(options.kv, !matches!(runner, Runner::Cpu(_)));
    let factors = match &hyper.rope.factors {
        Some(entry) => {
            let bytes = checkpoint.read(entry, 0, entry.shape.rows()).await?;
            let mut values = vec![0.0; entry.shape.count()];
            (entry.format.decode)(&bytes, &mut values);
            Some(values)
        }
        None => None,
    };
    let width = hyper.rope.values();
    let too_long = || Error::TooBig {
        what: format!("a table of {capacity} rotations"),
        needed: 4 * width as u64 * capacity as u64,
        available: usize::MAX as u64,
    };
    let table = capacity
        .checked_mul(4 * width)
        .map(|bytes| bytes / 4)
        .ok_or_else(too_long)?;
    runner.cache(CacheShape::new(hyper, capacity, f16), table).await?;
    let (mut run, mut written) = (Vec::new(), 0);
    hyper.rope.table(capacity, factors.as_deref(), |row| {
        run.extend_from_slice(row);
        if run.len() >= RUN || written + run.len() == table {
            runner.rope(written, &run)?;
            written += run.len();
            run.clear();
        }
        Ok(())
    })?;
    runner.prepare(network, Key::new(1, Head::Last)).await?;
    Ok(capacity)
}

/// What is known of the model.
pub(super) fn info(
    checkpoint: &Checkpoint,
    network: &Network,
    runner: &Runner,
    reason: String,
    context: usize,
    sha256: String,
) -> Info {
    let card = Card::of(checkpoint);
    let (device, adapter, gpu_bytes, cpu_bytes) = match runner {
        Runner::Cpu(cpu) => ("cpu", String::new(), 0, cpu.bytes),
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
        device_reason: reason,
        adapter,
        licence: card.licence.clone().or_else(|| card.licence_name.clone()),
        card,
        context,
        context_trained: network.hyper.context,
        chat: false,
        #[cfg(feature = "text")]
        template: None,
        vocabulary: network.hyper.vocabulary,
        gpu_bytes,
        cpu_bytes,
        sha256,
    }
}
