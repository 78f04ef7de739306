//! Holds kernels and fast versions against the twins on the cases of each operator; every activation on the GPU ends in
//! canaries.

#[cfg(feature = "gpu")]
use super::{device::CacheShape, gpu::GpuRunner};
use crate::{
    cpu::Memory,
    error::{Error, Result},
    op::{
        Graph, NO_TOKEN, OPS, Place, Tensor,
        case::{Case, Trial},
    },
    plan::{Plan, plan, plan_unfused},
    tensor::Kv,
};
#[cfg(feature = "gpu")]
use crate::{
    cpu::{HostWeight, State},
    gpu::{Buffer, Program, Staging},
    op::{Embed, Form, Stored, embed_as},
    plan::stacks,
    quant::FORMATS,
    tensor::Format,
};
#[cfg(feature = "gpu")]
use std::pin::Pin;

/// What lies behind each activation.
#[cfg(feature = "gpu")]
const CANARY: u32 = 0x7fc0_dead;

/// How one case went.
#[derive(Debug, Clone)]
pub struct Report {
    /// Operator and case.
    pub name: String,
    /// Normalised mean squared error against the twin, the largest of any output.
    pub nmse: f64,
    /// Whether something was written behind a buffer.
    pub overrun: bool,
}

fn graph() -> Graph {
    Graph::new(1, 16, Kv::F32)
}

/// Whether a plan ends in a choice, which is compared as one more output.
fn chooses(plan: &Plan) -> bool {
    plan.graph.nodes.iter().any(|node| node.op.name == "sample")
}

/// An id as a number to compare, shifted so that none is 0; exact below 2^24.
#[allow(clippy::cast_precision_loss, reason = "ids of cases are small")]
fn id(chosen: Option<u32>) -> f32 {
    chosen.map_or(-1.0, |id| id as f32 + 1.0)
}

/// Which slot a tensor of a case is in.
fn slot(plan: &Plan, tensor: Tensor) -> Result<usize> {
    match plan.graph.places[tensor.id] {
        Place::Slot(slot) => Ok(slot),
        place => Err(Error::internal(format!("a case's tensor is at {place:?}"))),
    }
}

fn valid(tensor: Tensor, len: usize) -> usize {
    tensor.shape.rows().min(len) * tensor.shape.width()
}

/// A case that is built.
struct Built {
    graph: Graph,
    memory: Memory,
    inputs: Vec<Vec<f32>>,
}

impl Built {
    fn of(case: &Case) -> Result<Self> {
        let mut graph = graph();
        let Trial { memory, inputs, .. } = case.build(&mut graph)?;
        Ok(Self { graph, memory, inputs })
    }
}

/// What a case gives on the CPU, with the twins if `exact`.
fn on_cpu(built: &Built, exact: bool, fused: bool) -> Result<Vec<Vec<f32>>> {
    let (graph, mut memory) = (built.graph.clone(), built.memory.clone());
    let plan = if fused {
        plan(graph, None)?
    } else {
        plan_unfused(graph)?
    };
    memory.slots = plan.slots.iter().map(|length| vec![0.0; *length]).collect();
    for (tensor, values) in plan.graph.inputs.iter().zip(&built.inputs) {
        memory.slots[slot(&plan, *tensor)?][..values.len()].copy_from_slice(values);
    }
    let len = memory.state.len;
    plan.graph.run(&mut memory, exact)?;
    let read = |t: &Tensor| Ok(memory.slots[slot(&plan, *t)?][..valid(*t, len)].to_vec());
    let mut outputs = plan.graph.outputs.iter().map(read).collect::<Result<Vec<_>>>()?;
    if chooses(&plan) {
        outputs.push(vec![id(memory.chosen)]);
    }
    Ok(outputs)
}

/// The squared error of an output over the square of what it should be.
fn nmse(expected: &[f32], found: &[f32]) -> f64 {
    let (mut error, mut norm) = (0.0, 0.0);
    for (e, f) in expected.iter().zip(found) {
        error += (f64::from(*e) - f64::from(*f)).powi(2);
        norm += f64::from(*e).powi(2);
    }
    if error.is_nan() || expected.len() != found.len() {
        f64::INFINITY
    } else {
        error / norm.max(f64::MIN_POSITIVE)
    }
}

fn compare(name: String, expected: &[Vec<f32>], found: &[Vec<f32>], overrun: bool) -> Report {
    let each = expected.iter().zip(found).map(|(e, f)| nmse(e, f));
    let nmse = if expected.len() == found.len() {
        each.fold(0.0, f64::max)
    } else {
        f64::INFINITY
    };
    Report { name, nmse, overrun }
}

/// Which weights of a case should share a buffer.
#[cfg(feature = "gpu")]
pub(super) fn shared(case: &Case) -> Result<Vec<Vec<usize>>> {
    stacks(Built::of(case)?.graph)
}

/// Whether a plan has the operator that its case, called after it, is of.
#[cfg(feature = "gpu")]
fn reaches(plan: &Plan, case: &str) -> bool {
    let op = case.split(' ').next().unwrap_or_default();
    plan.graph.nodes.iter().any(|node| node.op.name == op)
}

fn cases() -> impl Iterator<Item = (String, Case)> {
    let named = OPS
        .iter()
        .flat_map(|(op, cases)| cases().into_iter().map(|c| (op.name, c)));
    named
        .filter(|(_, c)| c.work.is_none())
        .map(|(op, c)| (format!("{op} {}", c.name), c))
}

/// Fast CPU versions and fused plans against the twins.
///
/// # Errors
/// [`Error::Internal`] if a case cannot be built.
pub fn cpu() -> Result<Vec<Report>> {
    cases()
        .map(|(name, case)| {
            let mut built = Built::of(&case)?;
            built.memory.exact = true;
            let (expected, found) = (on_cpu(&built, true, false)?, on_cpu(&built, false, true)?);
            Ok(compare(name, &expected, &found, false))
        })
        .collect()
}

/// Which kernels are tried.
#[cfg(feature = "gpu")]
#[derive(Debug, Clone, Copy)]
pub struct Variant {
    /// Use subgroups where the adapter has them.
    pub subgroups: bool,
    /// Those that hardware gets, also where subgroups are lanes of a CPU.
    pub as_hardware: bool,
    /// Largest binding, to force sharding.
    pub max_binding: Option<u64>,
    /// Which of the forms of kernels for few tokens is tried, by its place among those that the adapter may choose from.
    pub form: usize,
    /// The operator whose cases are tried, or all.
    pub only: Option<&'static str>,
}

/// What a text of [`super::Model::verdicts`] says about an adapter, in words; `None` if nothing.
#[cfg(feature = "gpu")]
pub fn kept(text: &str, caps: &crate::gpu::Caps) -> Option<String> {
    let known = super::verdicts::Verdicts::read(text, caps);
    let formats = known.formats();
    (!formats.is_empty()).then(|| super::selftest::words(&known, &formats, &known.layers))
}

/// Every adapter there is, software ones too.
#[cfg(feature = "gpu")]
pub async fn adapters() -> Vec<crate::gpu::Caps> {
    crate::gpu::adapters().await
}

/// Kernels against the twins on the first adapter; with what the adapter is.
///
/// # Errors
/// [`Error::Gpu`] if there is none or it fails.
#[cfg(feature = "gpu")]
pub async fn gpu(variant: Variant) -> Result<(crate::gpu::Caps, Vec<Report>)> {
    let mut gpu = crate::gpu::Gpu::open(true).await?;
    if !variant.subgroups {
        gpu.forget_subgroups();
    }
    if variant.as_hardware {
        gpu.as_hardware();
    }
    let mut runner = GpuRunner::new(gpu, variant.max_binding);
    let Some(form) = Form::all(runner.gpu.caps()).get(variant.form).copied() else {
        return Ok((runner.gpu.caps().clone(), vec![]));
    };
    FORMATS.iter().for_each(|format| runner.forms.set(format, form));
    let mut reports = Vec::new();
    for (name, case) in cases().filter(|(name, _)| variant.only.is_none_or(|op| name.starts_with(op))) {
        let (plan, report) = runner.hold(name, &case, true).await?.compare().await?;
        if !reaches(&plan, &report.name) && variant.max_binding.is_none() {
            return Err(Error::internal(format!(
                "the case {} is planned without its operator",
                report.name
            )));
        }
        reports.push(report);
    }
    Ok((runner.gpu.caps().clone(), reports))
}

/// The values of weights as the first adapter's kernels see them: each `(format, width, rows of blocks)` is repacked and
/// looked up row by row.
///
/// # Errors
/// [`Error::Gpu`] if there is none or it fails.
#[cfg(feature = "gpu")]
pub async fn decoded(weights: &[(&'static Format, usize, Vec<u8>)]) -> Result<Vec<Vec<f32>>> {
    let mut runner = GpuRunner::new(crate::gpu::Gpu::open(true).await?, None);
    let mut all = Vec::new();
    for (format, width, bytes) in weights {
        let rows = bytes.len() / format.bytes * format.block / width;
        let mut graph = graph();
        graph.bucket = rows;
        let w = graph.weight(0, format, [rows, *width].into());
        let cfg = Embed {
            scale: 1.0,
            positions: false,
        };
        let x = embed_as(&mut graph, w, cfg)?;
        graph.output(x);
        let weight = HostWeight {
            format,
            rows,
            own: rows,
            width: *width,
            bytes: bytes.clone(),
        };
        let memory = Memory {
            state: State {
                len: rows,
                ..State::default()
            },
            tokens: (0..).take(rows).collect(),
            weights: vec![weight],
            ..Memory::default()
        };
        runner.bring(&graph, &memory, &[]).await?;
        let mut compiling = runner.compile(plan(graph, Some(&[]))?, &[], false)?;
        let (outputs, _) = runner.try_out(&mut compiling, rows, false).await?;
        all.extend(outputs);
    }
    Ok(all)
}

/// A plan whose kernels may still be being compiled.
#[cfg(feature = "gpu")]
struct Compiling {
    plan: Plan,
    program: Program,
    slots: Vec<Buffer>,
    staging: Staging,
    compiled: Pin<Box<dyn Future<Output = Result<()>>>>,
}

/// A case that is about to run.
#[cfg(feature = "gpu")]
pub(super) struct Held {
    name: String,
    runner: GpuRunner,
    compiling: Compiling,
    built: Built,
    canaries: bool,
}

#[cfg(feature = "gpu")]
impl Held {
    /// Holds the kernels against the twins; with the plan that says which kernels.
    pub(super) async fn compare(mut self) -> Result<(Plan, Report)> {
        let expected = on_cpu(&self.built, true, false)?;
        let len = self.built.memory.state.len;
        let (outputs, overrun) = self.runner.try_out(&mut self.compiling, len, self.canaries).await?;
        Ok((self.compiling.plan, compare(self.name, &expected, &outputs, overrun)))
    }
}

#[cfg(feature = "gpu")]
impl GpuRunner {
    /// Brings a case to the device, beside a model, and has its kernels compiled, without waiting for them; with `canaries` also its
    /// buffers are watched.
    pub(super) async fn hold(&self, name: String, case: &Case, canaries: bool) -> Result<Held> {
        let built = Built::of(case)?;
        let mut runner = self.beside();
        let graph = built.graph.clone();
        runner.bring(&graph, &built.memory, &stacks(graph.clone())?).await?;
        let compiling = runner.compile(plan(graph, Some(&runner.stacks))?, &built.inputs, canaries)?;
        Ok(Held {
            name,
            runner,
            compiling,
            built,
            canaries,
        })
    }

    /// Brings what a case reads but its inputs: weights, cache, rotations, state, tokens.
    pub(super) async fn bring(&mut self, graph: &Graph, memory: &Memory, stacks: &[Vec<usize>]) -> Result<()> {
        self.clear();
        let scopes = self.gpu.watch("bringing weights to the GPU");
        self.weights(memory, stacks)?;
        scopes.close().await?;
        let shape = CacheShape {
            caches: memory.kv.iter().map(|cache| cache.kept).collect(),
            pasts: memory.past.iter().map(Vec::len).collect(),
            capacity: graph.capacity,
            kv: graph.kv,
        };
        let ropes: Vec<usize> = memory.rope.iter().map(Vec::len).collect();
        self.cache(shape, &ropes).await?;
        for (table, values) in memory.rope.iter().enumerate() {
            self.rope(table, 0, values)?;
        }
        self.write_memory(memory)
    }

    /// Brings a case's weights, behind those that there are.
    pub(super) fn weights(&mut self, memory: &Memory, stacks: &[Vec<usize>]) -> Result<()> {
        let stored = |w: &HostWeight| Stored {
            name: "weight",
            format: w.format,
            rows: w.rows,
            width: w.width,
        };
        let before = self.count();
        self.reserve(&memory.weights.iter().map(stored).collect::<Vec<_>>(), stacks)?;
        let mut numbered = memory.weights.iter().enumerate();
        numbered.try_for_each(|(number, w)| self.fill(before + number, 0, &w.bytes))
    }

    /// Makes the program of a plan and writes its inputs, perhaps with canaries behind each slot.
    fn compile(&self, plan: Plan, inputs: &[Vec<f32>], canaries: bool) -> Result<Compiling> {
        let scopes = self.gpu.watch("trying out a kernel");
        let (program, slots) = self.build(&plan, 64)?;
        for (buffer, length) in slots.iter().zip(&plan.slots).filter(|_| canaries) {
            self.gpu
                .write(buffer, 4 * *length as u64, bytemuck::cast_slice(&[CANARY; 16]));
        }
        for (tensor, values) in plan.graph.inputs.iter().zip(inputs) {
            self.gpu
                .write(&slots[slot(&plan, *tensor)?], 0, bytemuck::cast_slice(values));
        }
        let staging = self
            .gpu
            .staging(4 * (plan.slots.iter().max().copied().unwrap_or(0) as u64 + 16))?;
        Ok(Compiling {
            plan,
            program,
            slots,
            staging,
            compiled: Box::pin(scopes.close()),
        })
    }

    /// Runs it: the graph's outputs, and whether a canary died.
    async fn try_out(&self, compiling: &mut Compiling, len: usize, canaries: bool) -> Result<(Vec<Vec<f32>>, bool)> {
        compiling.compiled.as_mut().await?;
        let Compiling {
            plan,
            program,
            slots,
            staging,
            ..
        } = compiling;
        let mut outputs = Vec::new();
        self.gpu.replay(program);
        for tensor in &plan.graph.outputs {
            let bytes = 4 * valid(*tensor, len) as u64;
            let bytes = self
                .gpu
                .read(None, staging, &slots[slot(plan, *tensor)?], 0, bytes)
                .await?;
            outputs.push(bytemuck::pod_collect_to_vec(&bytes));
        }
        if chooses(plan) {
            let ring = self.ring()?;
            let bytes = self.gpu.read(None, staging, &ring, 0, 4).await?;
            let token = bytemuck::pod_read_unaligned::<u32>(&bytes);
            outputs.push(vec![id((token != NO_TOKEN).then_some(token))]);
        }
        let mut overrun = false;
        for (buffer, length) in slots.iter().zip(&plan.slots).filter(|_| canaries) {
            let bytes = self.gpu.read(None, staging, buffer, 4 * *length as u64, 64).await?;
            overrun |= bytemuck::pod_collect_to_vec::<u8, u32>(&bytes) != [CANARY; 16];
        }
        Ok((outputs, overrun))
    }
}
