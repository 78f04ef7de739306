//! A model on the CPU: weights as they lie in the file, the graph run node by node.

use super::{
    Precision,
    crew::{Crew, Threads},
    device::{CacheShape, Key, Output, Want},
};
use crate::{
    cpu::{HostWeight, Memory, Sampler, State, cache::Cache, grow, zeros},
    error::{Error, Result},
    model::{Head, Network},
    op::{Place, Stored, Tensor},
    plan::Plan,
    tensor::Kept,
};
use std::collections::HashMap;

/// Most bytes of weights in wasm memory (its address space is 4 GiB); natively the machine decides.
pub(super) const MOST_BYTES: u64 = if usize::BITS == 32 { 3 << 30 } else { 1 << 48 };

/// The CPU with a model.
#[derive(Default)]
pub(super) struct CpuRunner {
    memory: Memory,
    shape: Option<CacheShape>,
    pub(super) programs: HashMap<Key, (Plan, Option<Tensor>)>,
    /// Bytes of all weights.
    pub(super) bytes: u64,
    /// Of them, those in this thread's memory.
    kept: u64,
    /// Threads that multiply with this one.
    crew: Option<Crew>,
}

impl CpuRunner {
    pub(super) fn new(precision: Precision) -> Self {
        let mut runner = Self::default();
        runner.memory.exact = precision == Precision::F32;
        runner
    }

    pub(super) fn shape(&self) -> Result<CacheShape> {
        self.shape.clone().ok_or_else(|| Error::internal("no cache yet"))
    }

    /// Shares the products of a network with threads, where that is worth it; before anything is reserved.
    pub(super) async fn share(&mut self, network: &Network, threads: &dyn Threads) -> Result<()> {
        self.crew = Crew::begin(network, threads, self.memory.exact).await?;
        Ok(())
    }

    /// How many threads multiply.
    pub(super) fn threads(&self) -> usize {
        1 + self.crew.as_ref().map_or(0, Crew::helpers)
    }

    /// What a step of one token took.
    pub(super) fn took(&mut self, ms: f64) {
        if let Some(crew) = &mut self.crew {
            crew.took(ms);
        }
    }

    /// Waits until all threads have what they were given, and goes without them where they cannot hold it.
    pub(super) async fn shared(&mut self) -> Result<()> {
        if let Some(crew) = &self.crew
            && !crew.ready().await?
        {
            self.crew = None;
        }
        Ok(())
    }

    pub(super) fn reserve(&mut self, weight: Stored<'_>) -> Result<()> {
        let Stored {
            format, rows, width, ..
        } = weight;
        let crew = self.crew.as_ref();
        let [own, kept] = crew.map_or([rows; 2], |crew| crew.own(self.memory.weights.len(), rows));
        let [all, bytes] = [rows, kept].map(|rows| format.size(rows as u64 * width as u64));
        let (Some(all), Some(bytes)) = (all, bytes) else {
            return Err(Error::internal("blocks do not divide a row"));
        };
        self.room(bytes)?;
        self.bytes += all;
        self.kept += bytes;
        let size = usize::try_from(bytes).map_err(|_| Error::internal("a weight that fits is too long"))?;
        let cells = zeros(size)?;
        self.memory.weights.push(HostWeight {
            format,
            rows,
            own,
            width,
            bytes: cells,
        });
        Ok(())
    }

    pub(super) fn fill(&mut self, weight: usize, first: usize, bytes: &[u8]) -> Result<()> {
        let (number, weight) = (weight, &mut self.memory.weights[weight]);
        let row = weight.row_bytes();
        if let Some(crew) = &self.crew {
            crew.fill(number, first, row, bytes);
        }
        let to = (first * row).min(weight.bytes.len());
        let here = &mut weight.bytes[to..];
        let count = here.len().min(bytes.len());
        here[..count].copy_from_slice(&bytes[..count]);
        Ok(())
    }

    pub(super) fn cache(&mut self, shape: CacheShape, ropes: &[usize]) -> Result<()> {
        let floats = ropes.iter().chain(shape.pasts.iter());
        let bytes = shape.bytes()?.into_iter().chain(floats.map(|n| 4 * *n as u64));
        self.room(bytes.sum())?;
        let cache = |kept: &Kept| Cache::new(shape.kv, *kept, shape.capacity);
        self.memory.kv = shape.caches.iter().map(cache).collect::<Result<_>>()?;
        self.memory.past = shape.pasts.iter().map(|n| zeros(*n)).collect::<Result<_>>()?;
        self.memory.rope = ropes.iter().map(|n| zeros(*n)).collect::<Result<_>>()?;
        self.memory.rope.iter_mut().for_each(Vec::clear);
        self.shape = Some(shape);
        Ok(())
    }

    /// An error unless `more` bytes fit beside the weights.
    fn room(&self, more: u64) -> Result<()> {
        let needed = self.kept.saturating_add(more);
        let what = "the model on the CPU, weights and cache,".into();
        if needed <= MOST_BYTES {
            Ok(())
        } else {
            Err(Error::TooBig {
                what,
                needed,
                available: MOST_BYTES,
            })
        }
    }

    /// Appends to a table of rotations.
    pub(super) fn rope(&mut self, table: usize, values: &[f32]) {
        self.memory.rope[table].extend_from_slice(values);
    }

    pub(super) fn prepare(&mut self, key: Key, plan: Plan, logits: Option<Tensor>) -> Result<()> {
        if let Some(crew) = &self.crew {
            crew.check(&plan.graph)?;
        }
        self.programs.insert(key, (plan, logits));
        Ok(())
    }

    pub(super) fn choose_by(&mut self, sampler: &Sampler) {
        if self.memory.sampler != *sampler {
            self.memory.sampler = sampler.clone();
        }
    }

    pub(super) async fn run(&mut self, key: Key, pos: usize, tokens: &[u32], want: Want) -> Result<Output> {
        let (plan, logits) = self
            .programs
            .get(&key)
            .ok_or_else(|| Error::internal(format!("{key:?} is not prepared")))?;
        let memory = &mut self.memory;
        let (len, known) = (tokens.len(), memory.state.encoded);
        let encoded = if key.head == Head::Encode { len } else { known };
        memory.state = State { pos, len, encoded };
        memory.tokens.clear();
        memory.tokens.extend_from_slice(tokens);
        memory
            .slots
            .resize_with(memory.slots.len().max(plan.slots.len()), Vec::new);
        for (slot, length) in memory.slots.iter_mut().zip(&plan.slots) {
            grow(slot, *length)?;
        }
        match &self.crew {
            Some(crew) => crew.run(&plan.graph, memory).await?,
            None => plan.graph.run(memory, false)?,
        }
        memory.shared = false;
        Ok(match (want, logits) {
            (Want::Nothing, _) => Output::Nothing,
            (Want::Tokens(_), _) => Output::Tokens(memory.chosen.into_iter().collect()),
            (Want::Logits, Some(tensor)) => {
                let Place::Slot(slot) = plan.graph.places[tensor.id] else {
                    return Err(Error::internal("logits have no slot"));
                };
                let rows = tensor.shape.rows().min(tokens.len());
                Output::Logits(memory.slots[slot][..rows * tensor.shape.width()].to_vec())
            }
            (Want::Logits, None) => return Err(Error::internal("this step has no logits")),
        })
    }
}
