//! A model on the GPU: weights repacked into planes and cut by rows, programs replayed.

use super::device::{Batch, CacheShape, Key, LONG, Output, Want};
use crate::{
    cpu::Sampler,
    error::{Error, Result},
    gpu::{Buffer, Gpu, Program, Reading, Staging, Step, Usage},
    model::Head,
    op::{
        Bind, Dispatch, Fixed, Forms, NO_TOKEN, Place, RING, STOPPED, Shard, Stored, Tensor, lay, sampler_words, takes,
    },
    plan::Plan,
    shader::Binding,
    tensor::Format,
};
use std::{collections::HashMap, pin::Pin, rc::Rc};

/// A weight in its shards, whose buffers are counted from the first of all.
struct Planes {
    format: &'static Format,
    width: usize,
    shards: Vec<Shard>,
}

/// A prepared step.
pub(super) struct Prepared {
    program: Program,
    /// Buffer, width and rows of the logits.
    logits: Option<(Buffer, usize, usize)>,
}

/// Tokens that are being made behind those that the host knows.
struct Flight {
    count: usize,
    reading: Reading,
}

/// A program whose kernels may still be being compiled.
pub(super) struct Making {
    key: Key,
    /// Where longer logits than before come back.
    logits: Option<(u64, Staging)>,
    compiled: Pin<Box<dyn Future<Output = Result<()>>>>,
}

/// The GPU with a model.
pub(super) struct GpuRunner {
    /// With others only while kernels are tried out beside it.
    pub(super) gpu: Rc<Gpu>,
    pub(super) max_binding: u64,
    /// Which kernels are fastest.
    pub(super) forms: Forms,
    weights: Vec<Planes>,
    /// Where they lie.
    buffers: Vec<Buffer>,
    /// Weights that share a buffer.
    pub(super) stacks: Vec<Vec<usize>>,
    fixed: HashMap<Fixed, Buffer>,
    shape: Option<CacheShape>,
    pub(super) programs: HashMap<Key, Prepared>,
    /// In turns, since there are two submissions at a time.
    token: Option<[Staging; 2]>,
    /// Which of them is free.
    staging: usize,
    flight: Option<Flight>,
    logits: Option<(u64, Staging)>,
    /// What the state and token buffers say: position, valid tokens, the first token, tokens sampled since written.
    state: Option<(usize, usize, u32, usize)>,
    /// What the sampler's buffer says.
    sampler: Option<Sampler>,
    /// Keys that an encoder wrote.
    encoded: usize,
    unflushed: u64,
}

/// Runs by which kernels are timed.
const RUNS: usize = 4;
/// Bytes written before the driver is asked to take them.
const FLUSH: u64 = 64 << 20;

impl GpuRunner {
    pub(super) fn new(gpu: Gpu, max_binding: Option<u64>) -> Self {
        let granted = gpu.caps().max_binding;
        Self::on(Rc::new(gpu), max_binding.map_or(granted, |m| m.min(granted)))
    }

    fn on(gpu: Rc<Gpu>, max_binding: u64) -> Self {
        Self {
            max_binding,
            gpu,
            forms: Forms::default(),
            weights: Vec::new(),
            buffers: Vec::new(),
            stacks: Vec::new(),
            fixed: HashMap::new(),
            shape: None,
            programs: HashMap::new(),
            token: None,
            staging: 0,
            flight: None,
            logits: None,
            state: None,
            sampler: None,
            encoded: 0,
            unflushed: 0,
        }
    }

    /// Another one on the same device, for the same kernels to be tried out without the model's weights.
    pub(super) fn beside(&self) -> Self {
        Self {
            forms: self.forms.clone(),
            ..Self::on(self.gpu.clone(), self.max_binding)
        }
    }

    /// Chooses the kernels without subgroups from now on.
    pub(super) fn forget_subgroups(&mut self) -> Result<()> {
        let gpu = Rc::get_mut(&mut self.gpu).ok_or_else(|| Error::internal("a device that others use too"))?;
        gpu.forget_subgroups();
        Ok(())
    }

    pub(super) fn shape(&self) -> Result<CacheShape> {
        self.shape.clone().ok_or_else(|| Error::internal("no cache yet"))
    }

    /// Makes room for weights behind those that there are; of `stacks`, numbered from the first of them, as many share a buffer
    /// as can.
    pub(super) fn reserve(&mut self, weights: &[Stored<'_>], stacks: &[Vec<usize>]) -> Result<()> {
        let laid = lay(weights, stacks, self.max_binding)?;
        let before = self.buffers.len();
        for (first, bytes) in laid.buffers {
            let buffer = self.gpu.buffer(weights[first].name, bytes, Usage::Storage)?;
            self.buffers.push(buffer);
        }
        for (weight, mut shards) in weights.iter().zip(laid.shards) {
            shards.iter_mut().for_each(|shard| shard.buffer += before);
            self.weights.push(Planes {
                format: weight.format,
                width: weight.width,
                shards,
            });
        }
        self.stacks = laid.stacks;
        Ok(())
    }

    /// How many weights there are.
    pub(super) fn count(&self) -> usize {
        self.weights.len()
    }

    pub(super) fn fill(&mut self, weight: usize, first: usize, bytes: &[u8]) -> Result<()> {
        let Planes { format, width, shards } = &self.weights[weight];
        let row = width / format.block * format.bytes;
        let [words0, words1] = (format.plane_words)(*width);
        let count = bytes.len() / row;
        let mut planes = [vec![0_u32; count * words0], vec![0_u32; count * words1]];
        for (at, from) in bytes.chunks_exact(row).enumerate() {
            let [p0, p1] = &mut planes;
            (format.pack)(
                from,
                [
                    &mut p0[at * words0..(at + 1) * words0],
                    &mut p1[at * words1..(at + 1) * words1],
                ],
            );
        }
        for shard in shards {
            let (from, to) = (first.max(shard.first), (first + count).min(shard.first + shard.rows));
            if from >= to {
                continue;
            }
            let (base, buffer) = ([0, shard.of * words0], &self.buffers[shard.buffer]);
            for ((plane, words), base) in planes.iter().zip([words0, words1]).zip(base) {
                if words > 0 {
                    let offset = 4 * (base + (shard.at + from - shard.first) * words) as u64;
                    let cells = &plane[(from - first) * words..(to - first) * words];
                    self.gpu.write(buffer, offset, bytemuck::cast_slice(cells));
                    self.unflushed += 4 * cells.len() as u64;
                }
            }
        }
        if self.unflushed >= FLUSH {
            self.unflushed = 0;
            self.gpu.flush()?;
        }
        Ok(())
    }

    pub(super) async fn cache(&mut self, shape: CacheShape, ropes: &[usize]) -> Result<()> {
        let (caches, available) = (shape.bytes()?, self.gpu.caps().max_binding);
        let caches = caches.into_iter().map(|bytes| ("the cache of one layer", bytes));
        let tables = ropes.iter().map(|n| ("the table of rotations", 4 * *n as u64));
        let pasts = shape.pasts.iter().map(|n| ("the past of one layer", 4 * *n as u64));
        for (what, needed) in caches.chain(tables).chain(pasts) {
            if needed > available {
                let what = format!("{what}, {} tokens,", shape.capacity);
                return Err(Error::TooBig {
                    what,
                    needed,
                    available,
                });
            }
        }
        let scopes = self.gpu.watch("allocating the cache");
        for (fixed, label, bytes) in super::device::fixed(&shape, ropes)? {
            self.fixed.insert(fixed, self.gpu.buffer(label, bytes, Usage::Storage)?);
        }
        let staging = || self.gpu.staging(4 * RING as u64);
        self.token = Some([staging()?, staging()?]);
        scopes.close().await?;
        self.shape = Some(shape);
        self.choose_by(&Sampler::default())?;
        Ok(())
    }

    /// Writes a table of rotations from value `first` on.
    pub(super) fn rope(&mut self, table: usize, first: usize, values: &[f32]) -> Result<()> {
        let table = self
            .fixed
            .get(&Fixed::RopeTable(table))
            .ok_or_else(|| Error::internal("no cache yet"))?;
        self.gpu.write(table, 4 * first as u64, bytemuck::cast_slice(values));
        Ok(())
    }

    /// The step where so many tokens are in the cache.
    pub(super) fn behind(&self, key: Key, cached: usize) -> Key {
        if self.gpu.caps().shares_keys() {
            key.behind(cached)
        } else {
            key
        }
    }

    /// Makes the program of a step; its kernels may still be being compiled.
    pub(super) fn make(&mut self, key: Key, plan: &Plan, logits: Option<Tensor>) -> Result<Making> {
        let scopes = self.gpu.watch(format!("preparing a step of {} tokens", key.bucket));
        let (program, slots) = self.build(plan, 0)?;
        let logits = match logits.map(|t| (plan.graph.places[t.id], t.shape)) {
            Some((Place::Slot(slot), shape)) => Some((slots[slot].clone(), shape.width(), shape.rows())),
            _ => None,
        };
        let bytes = logits.as_ref().map_or(0, |(_, width, rows)| 4 * (width * rows) as u64);
        let longer = bytes > self.logits.as_ref().map_or(0, |(most, _)| *most);
        let staging = if longer { Some(self.gpu.staging(bytes)?) } else { None };
        self.programs.insert(key, Prepared { program, logits });
        Ok(Making {
            key,
            logits: staging.map(|staging| (bytes, staging)),
            compiled: Box::pin(scopes.close()),
        })
    }

    /// Waits until a program can run.
    pub(super) async fn made(&mut self, making: Making) -> Result<()> {
        let compiled = making.compiled.await;
        if compiled.is_err() {
            // What was made with it may be invalid.
            self.gpu.forget_pipelines();
            self.programs.remove(&making.key);
        } else if making.logits.is_some() {
            self.logits = making.logits;
        }
        compiled
    }

    /// Lowers a plan: its program and the buffers of its slots, each `extra` bytes longer than it need be.
    pub(super) fn build(&self, plan: &Plan, extra: u64) -> Result<(Program, Vec<Buffer>)> {
        let slots = self.slots(plan, extra)?;
        let steps = self.steps(plan, &slots, 0)?;
        Ok((self.gpu.program("step", &steps)?, slots))
    }

    /// Buffers for the slots of a plan, each `extra` bytes longer than it need be.
    pub(super) fn slots(&self, plan: &Plan, extra: u64) -> Result<Vec<Buffer>> {
        let buffer = |length: &usize| {
            self.gpu
                .buffer("activation", 4 * *length as u64 + extra, Usage::Storage)
        };
        plan.slots.iter().map(buffer).collect()
    }

    /// The dispatches of a plan over these slots, its weights being those from number `first` on.
    pub(super) fn steps(&self, plan: &Plan, slots: &[Buffer], first: usize) -> Result<Vec<Step>> {
        let bind = |b: &Binding<Bind>| {
            let buffer = match b.buffer {
                Bind::Shard(weight, shard) => Bind::Shard(first + weight, shard),
                other => other,
            };
            Ok(Binding {
                index: b.index,
                buffer: self.bind(buffer, slots)?,
                write: b.write,
            })
        };
        let step = |d: Dispatch| {
            Ok(Step {
                source: d.source,
                consts: d.consts,
                params: d.params,
                bindings: d.bindings.iter().map(bind).collect::<Result<_>>()?,
                grid: d.grid,
            })
        };
        self.dispatches(plan, first)?.into_iter().map(step).collect()
    }

    /// The same without their buffers.
    pub(super) fn dispatches(&self, plan: &Plan, first: usize) -> Result<Vec<Dispatch>> {
        let weights = self.weights.iter().skip(first);
        let shards: Vec<Vec<Shard>> = weights.map(|w| w.shards.clone()).collect();
        crate::plan::lower(plan, self.gpu.caps(), &self.forms, &shards)
    }

    /// Forgets weights, cache and programs; the pipelines stay.
    pub(super) fn clear(&mut self) {
        self.weights.clear();
        self.buffers.clear();
        self.stacks.clear();
        self.fixed.clear();
        self.programs.clear();
        self.flight = None;
        self.state = None;
        self.sampler = None;
    }

    /// Writes the state, tokens, cache and past of a CPU's memory.
    pub(super) fn write_memory(&self, memory: &crate::cpu::Memory) -> Result<()> {
        let fixed = |f| self.fixed.get(&f).ok_or_else(|| Error::internal("no cache yet"));
        let word = |n| u32::try_from(n).map_err(|_| Error::internal("a position beyond 2^32"));
        let state = memory.state;
        let state = [word(state.pos)?, word(state.len)?, 0, word(state.encoded)?, 0];
        self.gpu.write(fixed(Fixed::State)?, 0, bytemuck::cast_slice(&state));
        self.gpu
            .write(fixed(Fixed::Tokens)?, 0, bytemuck::cast_slice(&memory.tokens));
        if let Some(words) = sampler_words(&memory.sampler) {
            self.gpu.write(fixed(Fixed::Sampler)?, 0, bytemuck::cast_slice(&words));
        }
        for (layer, cache) in memory.kv.iter().enumerate() {
            self.gpu.write(fixed(Fixed::Kv(layer))?, 0, &cache.bytes());
        }
        for (number, values) in memory.past.iter().enumerate() {
            self.gpu
                .write(fixed(Fixed::Past(number))?, 0, bytemuck::cast_slice(values));
        }
        Ok(())
    }

    /// Where the chosen ids are.
    pub(super) fn ring(&self) -> Result<Buffer> {
        self.bind(Bind::Fixed(Fixed::Ring), &[])
    }

    fn bind(&self, bind: Bind, slots: &[Buffer]) -> Result<Buffer> {
        let found = match bind {
            Bind::Slot(slot) => slots.get(slot),
            Bind::Fixed(fixed) => self.fixed.get(&fixed),
            Bind::Shard(weight, shard) => self
                .weights
                .get(weight)
                .and_then(|w| self.buffers.get(w.shards.get(shard)?.buffer)),
        };
        found
            .cloned()
            .ok_or_else(|| Error::internal(format!("no buffer for {bind:?}")))
    }

    /// Brings the state and the tokens to what this step needs, unless they say so already.
    fn place(&mut self, pos: usize, tokens: &[u32]) -> Result<usize> {
        let fixed = |f| self.fixed.get(&f).ok_or_else(|| Error::internal("no cache yet"));
        let sampled = match self.state {
            Some((at, len, token, sampled)) if (at, len) == (pos, tokens.len()) && tokens.len() == 1 => {
                if token != tokens[0] {
                    self.gpu.write(fixed(Fixed::Tokens)?, 0, bytemuck::cast_slice(tokens));
                }
                sampled
            }
            _ => {
                let word = |n| u32::try_from(n).map_err(|_| Error::internal("a position beyond 2^32"));
                self.gpu.write(
                    fixed(Fixed::State)?,
                    0,
                    bytemuck::cast_slice(&[word(pos)?, word(tokens.len())?, 0, word(self.encoded)?, 0]),
                );
                self.gpu.write(fixed(Fixed::Tokens)?, 0, bytemuck::cast_slice(tokens));
                0
            }
        };
        Ok(sampled)
    }

    /// Writes the sampler's buffer, if the kernels can do that.
    pub(super) fn choose_by(&mut self, sampler: &Sampler) -> Result<bool> {
        if self.sampler.as_ref() == Some(sampler) {
            return Ok(true);
        }
        let Some(words) = sampler_words(sampler) else {
            return Ok(false);
        };
        let buffer = self.bind(Bind::Fixed(Fixed::Sampler), &[])?;
        self.gpu.write(&buffer, 0, bytemuck::cast_slice(&words));
        self.sampler = Some(sampler.clone());
        if self.flight.is_some() {
            // What is under way is chosen as before.
            self.state = None;
        }
        Ok(true)
    }

    /// Whether the kernels do not go on after this id.
    fn stops(&self, id: u32) -> bool {
        self.sampler.as_ref().is_some_and(|s| s.stops.contains(&id))
    }

    /// Runs a program of one token so many times from `pos` on and waits for it; the state is not known then.
    pub(super) async fn repeat(&mut self, program: &Program, pos: usize, times: usize) -> Result<()> {
        self.state = None;
        self.settle(None).await?;
        self.place(pos, &[0])?;
        let (Some(ring), Some([staging, _])) = (self.fixed.get(&Fixed::Ring), &self.token) else {
            return Err(Error::internal("no cache yet"));
        };
        self.gpu.read(Some((program, times)), staging, ring, 0, 4).await?;
        Ok(())
    }

    /// Milliseconds of each step of a program over `tokens` from `pos` on, with the kernel's name; the state is not known then.
    /// `None` if the GPU has no clock.
    pub(super) async fn time_kernels(
        &mut self,
        plan: &Plan,
        pos: usize,
        tokens: &[u32],
    ) -> Result<Option<Vec<(String, f64)>>> {
        self.state = None;
        self.settle(None).await?;
        self.choose_by(&Sampler::default())?;
        let scopes = self.gpu.watch("preparing a step");
        let slots = self.slots(plan, 0)?;
        let steps = self.steps(plan, &slots, 0)?;
        let program = self.gpu.program("timed", &steps)?;
        scopes.close().await?;
        // The first run warms up; of the others the shortest of each kernel.
        let mut least = vec![f64::INFINITY; steps.len()];
        for run in 0..RUNS {
            self.place(pos, tokens)?;
            let Some(times) = self.gpu.time_steps(&program).await? else {
                return Ok(None);
            };
            for (least, ms) in least.iter_mut().zip(times).filter(|_| run > 0) {
                *least = least.min(ms);
            }
        }
        let name = |step: &Step| step.source.name().trim_end_matches('.').to_owned();
        Ok(Some(steps.iter().map(name).zip(least).collect()))
    }

    /// Tokens that are being made and that no step waited for yet.
    pub(super) fn flying(&self) -> usize {
        self.flight.as_ref().map_or(0, |f| f.count)
    }

    /// What is under way, if it is what a step of these tokens at `pos` makes and no more than `room`; otherwise it is waited for
    /// and forgotten, and nothing is known of the state.
    async fn settle(&mut self, step: Option<(usize, &[u32], usize)>) -> Result<Option<Flight>> {
        let Some(flight) = self.flight.take() else {
            return Ok(None);
        };
        if let (Some((at, _, token, _)), Some((pos, tokens, room))) = (self.state, step)
            && (at, &[token][..]) == (pos, tokens)
            && flight.count <= room
        {
            return Ok(Some(flight));
        }
        self.state = None;
        self.gpu.receive(flight.reading).await?;
        Ok(None)
    }

    /// Submits a program so many times, whose choices come back from place `first` of the ring on.
    fn fly(&self, program: &Program, first: usize, count: usize, staging: usize) -> Result<Flight> {
        let (Some(ring), Some(stagings)) = (self.fixed.get(&Fixed::Ring), &self.token) else {
            return Err(Error::internal("no cache yet"));
        };
        let (offset, bytes) = (4 * first as u64, 4 * count as u64);
        let reading = self
            .gpu
            .send(Some((program, count)), &stagings[staging], ring, offset, bytes);
        Ok(Flight { count, reading })
    }

    /// Forgets the programs of few tokens, to be made anew.
    pub(super) fn forget_few(&mut self) {
        self.programs.retain(|key, _| !takes(key.bucket));
    }

    pub(super) async fn run(&mut self, key: Key, pos: usize, tokens: &[u32], want: Want) -> Result<Output> {
        if key.head == Head::Encode {
            self.encoded = tokens.len();
        }
        let goes_on = match want {
            Want::Tokens(Batch { room, .. }) if key.head == Head::Last => Some((pos, tokens, room)),
            _ => None,
        };
        let flight = self.settle(goes_on).await?;
        let sampled = self.place(pos, tokens)?;
        let step = self
            .programs
            .get(&key)
            .ok_or_else(|| Error::internal(format!("{key:?} is not prepared")))?;
        let samples = key.head == Head::Last;
        // Until the step is known to have run, the state is not known.
        self.state = None;
        match want {
            Want::Nothing => {
                let (Some(state), Some([staging, _])) = (self.fixed.get(&Fixed::State), &self.token) else {
                    return Err(Error::internal("no cache yet"));
                };
                // Waited for, so that a prompt can be left between its chunks and a chunk can be timed.
                self.gpu.read(Some((&step.program, 1)), staging, state, 0, 4).await?;
                Ok(Output::Nothing)
            }
            Want::Tokens(Batch { now, next, room }) => {
                // A submission keeps its program, and that shall not hang on how long submissions take.
                let until = |at: usize| if at < LONG { LONG - at } else { usize::MAX };
                let flight = match flight {
                    Some(flight) => flight,
                    None => {
                        let first = sampled % RING;
                        let most = if key.bucket == 1 {
                            until(pos).min(RING - first)
                        } else {
                            1
                        };
                        self.fly(&step.program, first, now.min(room).clamp(1, most), self.staging)?
                    }
                };
                let count = flight.count;
                let at = pos + tokens.len() + count - 1;
                let (first, next) = ((sampled + count) % RING, next.min(room - count).min(until(at)));
                let one = Key::new(1, key.head);
                // Behind a long context that this step knows nothing of, the next ones do not either.
                let unshared = key.bucket == 1 && pos >= LONG && !key.long;
                let one = if unshared { one } else { self.behind(one, at) };
                let one = self.programs.get(&one).filter(|_| next > 0);
                self.staging = 1 - self.staging;
                let behind = one.map(|step| self.fly(&step.program, first, next.min(RING - first), self.staging));
                self.flight = behind.transpose()?;
                let mut made: Vec<u32> = bytemuck::pod_collect_to_vec(&self.gpu.receive(flight.reading).await?);
                if let Some(end) = made.iter().position(|t| [NO_TOKEN, STOPPED].contains(t)) {
                    made.truncate(end);
                } else if let Some(last) = made.last().filter(|t| !self.stops(**t)) {
                    self.state = Some((at, 1, *last, sampled + count));
                }
                Ok(Output::Tokens(made))
            }
            Want::Logits => {
                let (Some((buffer, width, rows)), Some((_, staging))) = (&step.logits, &self.logits) else {
                    return Err(Error::internal("this step has no logits"));
                };
                let bytes = 4 * (width * tokens.len().min(*rows)) as u64;
                let bytes = self
                    .gpu
                    .read(Some((&step.program, 1)), staging, buffer, 0, bytes)
                    .await?;
                let logits: Vec<f32> = bytemuck::pod_collect_to_vec(&bytes);
                let stops = self.sampler.as_ref().is_some_and(|s| !s.stops.is_empty());
                // After what is no number the kernel does not go on, as after an id that it takes for an end.
                if samples && !stops && logits.iter().all(|v| v.is_finite()) {
                    // The kernel put its own choice there, which the host has not seen.
                    self.state = Some((pos + tokens.len(), 1, NO_TOKEN, sampled + 1));
                }
                Ok(Output::Logits(logits))
            }
        }
    }
}
