//! The benchmark: each operator at sizes as models have them, and what a model's steps read and compute.

use super::{
    Clock, LoadOptions, Model,
    device::Runner,
    load,
    roofline::{Roofline, samples},
};
#[cfg(feature = "gpu")]
use super::{
    device::{self, Key},
    gpu::GpuRunner,
    roofline,
    trial::shared,
};
use crate::{
    error::{Error, Result},
    model::Head,
    op::{Graph, OPS, Place, case::Case},
    plan::{Plan, plan},
    tensor::{Format, Kept, Kv},
};

/// How long one run of a case takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The operator.
    pub op: &'static str,
    /// The case.
    pub case: String,
    /// Milliseconds a run, the median of several.
    pub ms: f64,
    /// Bytes that it must read and write.
    pub bytes: u64,
    /// Multiplications and additions that it must do.
    pub flops: u64,
    /// Dispatches a run; 0 on the CPU.
    pub dispatches: u64,
}

/// A device with its roofline.
pub struct Bench {
    runner: Runner,
    roofline: Roofline,
    clock: Clock,
}

/// Names of all operators.
pub fn operators() -> impl Iterator<Item = &'static str> {
    OPS.iter().map(|(op, _)| op.name)
}

impl Bench {
    /// Opens the device that the options ask for and measures it.
    ///
    /// # Errors
    /// [`Error::Gpu`] if there is none or it fails.
    pub async fn open(options: &LoadOptions, clock: Clock) -> Result<Self> {
        let (runner, _) = load::open_device(options).await?;
        let roofline = Roofline::measure(&runner, clock).await?;
        Ok(Self {
            runner,
            roofline,
            clock,
        })
    }

    /// What the device can do at best.
    pub fn roofline(&self) -> &Roofline {
        &self.roofline
    }

    /// Times the cases of one operator; hands out each row as it is there.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an unknown name; of the device; of `each`.
    pub async fn operator(&mut self, name: &str, each: &mut dyn FnMut(Row) -> Result<()>) -> Result<()> {
        let (op, cases) = OPS
            .iter()
            .find(|(op, _)| op.name == name)
            .ok_or_else(|| Error::Invalid {
                field: "operator".into(),
                expected: operators().collect::<Vec<_>>().join(", "),
                found: name.into(),
            })?;
        for case in cases() {
            let Some(work) = case.work else { continue };
            let (ms, dispatches) = match &mut self.runner {
                Runner::Cpu(_) => on_cpu(&case, self.clock).await?,
                #[cfg(feature = "gpu")]
                Runner::Gpu(gpu) => gpu.time(&case, &self.roofline, self.clock).await?,
            };
            each(Row {
                op: op.name,
                ms,
                bytes: work.bytes as u64,
                flops: work.flops as u64,
                dispatches,
                case: case.name,
            })?;
        }
        Ok(())
    }
}

/// A case ready to run: its plan, what it reads, and the slots of its inputs with their values.
type Ready = (Plan, crate::cpu::Memory, Vec<(usize, Vec<f32>)>);

fn ready(case: &Case, stacks: Option<&[Vec<usize>]>) -> Result<Ready> {
    let mut graph = Graph::new(1, 16, Kv::F32);
    let trial = case.build(&mut graph)?;
    let (memory, values) = (trial.memory, trial.inputs);
    let plan = plan(graph, stacks)?;
    let inputs = plan.graph.inputs.iter().zip(values);
    let inputs = inputs
        .map(|(tensor, values)| match plan.graph.places[tensor.id] {
            Place::Slot(slot) => Ok((slot, values)),
            place => Err(Error::internal(format!("an input of a case is at {place:?}"))),
        })
        .collect::<Result<_>>()?;
    Ok((plan, memory, inputs))
}

/// Milliseconds that a measured stretch of runs should take: long against a tick of the clock and a read-back.
const ENOUGH: f64 = 10.0;
/// Most runs in a stretch.
const MOST: usize = 2048;

/// Milliseconds below which a stretch of `runs` is to be lengthened.
fn least(runs: usize) -> f64 {
    if runs < MOST { ENOUGH } else { 0.0 }
}

#[allow(clippy::cast_precision_loss, reason = "at most MOST")]
async fn on_cpu(case: &Case, clock: Clock) -> Result<(f64, u64)> {
    let (plan, mut memory, inputs) = ready(case, None)?;
    memory.slots = plan.slots.iter().map(|length| vec![0.0; *length]).collect();
    for (slot, values) in inputs {
        memory.slots[slot][..values.len()].copy_from_slice(&values);
    }
    let state = memory.state;
    let mut runs = 1;
    loop {
        let times = samples(clock, least(runs), async || {
            (0..runs).try_for_each(|_| {
                memory.state = state;
                plan.graph.run(&mut memory, false)
            })
        });
        let ms = median(&times.await?);
        if ms >= least(runs) {
            return Ok((ms / runs as f64, 0));
        }
        runs = (4 * runs).min(MOST);
    }
}

fn median(sorted: &[f64]) -> f64 {
    sorted[sorted.len() / 2]
}

#[cfg(feature = "gpu")]
impl GpuRunner {
    /// Milliseconds of a case, and its dispatches. Runs take turns on copies of the weights that together are larger
    /// than a cache, as a model's are; activations stay in it.
    #[allow(clippy::cast_precision_loss, reason = "at most MOST")]
    async fn time(&mut self, case: &Case, roofline: &Roofline, clock: Clock) -> Result<(f64, u64)> {
        let stacks = shared(case)?;
        let (unfused, memory, _) = ready(case, None)?;
        self.bring(&unfused.graph, &memory, &stacks).await?;
        let (plan, _, inputs) = ready(case, Some(&self.stacks))?;
        let scopes = self.gpu.watch("preparing a case");
        let (weights, bytes) = (
            memory.weights.len(),
            memory.weights.iter().map(|w| w.bytes.len()).sum::<usize>(),
        );
        let together = if roofline.software { 32 << 20 } else { 256 << 20 };
        let copies = usize::clamp(together / bytes.max(1), 1, 16);
        for _ in 1..copies {
            self.weights(&memory, &stacks)?;
        }
        let slots = self.slots(&plan, 0)?;
        for (slot, values) in &inputs {
            self.gpu.write(&slots[*slot], 0, bytemuck::cast_slice(values));
        }
        let (staging, ring) = (self.gpu.staging(4)?, self.ring()?);
        scopes.close().await?;
        let mut runs = copies;
        loop {
            let scopes = self.gpu.watch("timing a case");
            let mut steps = Vec::new();
            for run in 0..runs {
                steps.extend(self.steps(&plan, &slots, run % copies * weights)?);
            }
            let program = self.gpu.program("bench", &steps)?;
            scopes.close().await?;
            let times = samples(clock, least(runs), async || {
                let read = self.gpu.read(Some((&program, 1)), &staging, &ring, 0, 4);
                read.await.map(drop)
            });
            let ms = median(&times.await?);
            if ms >= least(runs) {
                let alone = (ms - roofline.read_back).max(0.1 * ms);
                return Ok((alone / runs as f64, (steps.len() / runs) as u64));
            }
            runs = (4 * runs).min(MOST);
        }
    }
}

/// What a kernel takes in one step of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Kernel {
    /// Its shader and variant.
    pub name: String,
    /// Dispatches of it in the step.
    pub dispatches: usize,
    /// Milliseconds of them together.
    pub ms: f64,
}

/// The kernels of a step over so many tokens, by the GPU's clock, the longest first; none on the CPU and on a GPU without a clock. A
/// step of one token stands behind what is in the cache, another one at its beginning: the model then knows nothing of it any more.
///
/// # Errors
/// Of the device; of recording.
#[cfg_attr(not(feature = "gpu"), allow(clippy::unused_async, reason = "as with a GPU"))]
pub async fn kernels(model: &mut Model, tokens: usize) -> Result<Vec<Kernel>> {
    #[cfg(feature = "gpu")]
    if let Runner::Gpu(gpu) = &mut model.runner {
        let pos = if tokens == 1 {
            model.cached.len().min(model.capacity - 1)
        } else {
            0
        };
        let key = gpu.behind(Key::new(tokens, model.network.hyper.kind.head()), pos);
        let (plan, _) = device::record(&model.network, key, &gpu.shape()?, Some(&gpu.stacks))?;
        // What layers keep of a past goes on with each run.
        let kept = if model.network.hyper.pasts.is_empty() { pos } else { 0 };
        model.cached.truncate(kept);
        let ids = vec![0; tokens.min(key.bucket)];
        let Some(steps) = gpu.time_kernels(&plan, pos, &ids).await? else {
            return Ok(Vec::new());
        };
        let mut all: Vec<Kernel> = Vec::new();
        for (name, ms) in steps {
            match all.iter_mut().find(|kernel| kernel.name == name) {
                Some(kernel) => {
                    kernel.dispatches += 1;
                    kernel.ms += ms;
                }
                None => all.push(Kernel {
                    name,
                    dispatches: 1,
                    ms,
                }),
            }
        }
        all.sort_by(|a, b| b.ms.total_cmp(&a.ms));
        return Ok(all);
    }
    let _ = (model, tokens);
    Ok(Vec::new())
}

/// What a model's steps read and compute for each token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes of all weights in the file.
    pub file_bytes: u64,
    /// Bytes of weights that a decoding step reads, as they lie on the device: all but the embedding's other rows.
    pub decode_bytes: u64,
    /// Bytes of keys and values for each token that is in the cache: what a decoding step reads of it, or less where layers have windows.
    pub cached_bytes: u64,
    /// Multiplications and additions with weights for a token of a prompt, the head apart.
    pub prefill_flops: u64,
}

/// The weights that a step with such a head reads: format, bytes as they lie on the device, values.
fn weights(model: &Model, head: Head) -> Result<Vec<(&'static Format, u64, u64)>> {
    let graph = model.record(head)?;
    let nodes = graph.nodes.iter().filter(|n| n.op.name != "embed");
    let mut tensors: Vec<_> = nodes
        .flat_map(|n| n.inputs.iter().map(|t| (*t, crate::op::reads(n))))
        .collect();
    tensors.sort_by_key(|(t, _)| t.id);
    tensors.dedup();
    let size = |(t, [used, of]): &(crate::op::Tensor, [usize; 2])| match graph.places[t.id] {
        Place::Weight(_, format) => {
            let rows = t.shape.rows() as u64;
            let values = rows * t.shape.width() as u64;
            let share = |all: u64| all / *of as u64 * *used as u64;
            let bytes = if model.info().device == "gpu" {
                rows * format.row_bytes_gpu(t.shape.width()) as u64
            } else {
                format.size(values).unwrap_or_default()
            };
            Some((format, share(bytes), share(values)))
        }
        _ => None,
    };
    Ok(tensors.iter().filter_map(size).collect())
}

/// What the steps of a model read and compute.
///
/// # Errors
/// Of recording.
pub fn traffic(model: &Model) -> Result<Traffic> {
    let prefill = weights(model, Head::None)?;
    Ok(Traffic {
        file_bytes: model.file_bytes(),
        decode_bytes: weights(model, Head::Last)?.iter().map(|(_, bytes, _)| bytes).sum(),
        cached_bytes: cached_bytes(model)?,
        prefill_flops: 2 * prefill.iter().map(|(.., values)| values).sum::<u64>(),
    })
}

/// The least milliseconds in which a GPU dequantises and multiplies the weights that a token reads, even if they were in registers
/// already; `None` on the CPU.
///
/// # Errors
/// Of the device; of recording.
#[cfg_attr(not(feature = "gpu"), allow(clippy::unused_async, reason = "as with a GPU"))]
#[allow(clippy::cast_precision_loss, reason = "counts far below 2^53")]
pub async fn dequant_ms(model: &Model, clock: Clock) -> Result<Option<f64>> {
    #[cfg(feature = "gpu")]
    if let Runner::Gpu(gpu) = &model.runner {
        let mut formats: Vec<(&'static Format, u64)> = Vec::new();
        for (format, _, values) in weights(model, Head::Last)? {
            match formats.iter_mut().find(|(known, _)| *known == format) {
                Some((_, all)) => *all += values,
                None => formats.push((format, values)),
            }
        }
        let all: u64 = formats.iter().map(|(_, values)| values).sum();
        let mut ms = 0.0;
        // norms are not worth a kernel
        for (format, values) in formats.into_iter().filter(|(_, values)| 100 * values > all) {
            ms += values as f64 / roofline::dequantising(&gpu.gpu, format, clock).await?;
        }
        return Ok(Some(ms));
    }
    let _ = (model, clock);
    Ok(None)
}

fn cached_bytes(model: &Model) -> Result<u64> {
    let kv = model.runner.shape()?.kv;
    let of_one = |kept: &Kept| kv.bytes(kept.values() as u64, kept.width);
    Ok(model.network.hyper.caches.iter().map(of_one).sum())
}
