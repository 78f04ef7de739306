//! A model on the CPU: weights as they lie in the file, the graph run node by node.

use super::device::{CacheShape, Key, Output, Want, target};
use crate::{
    cpu::{HostWeight, Memory, State},
    error::{Error, Result},
    model::Order,
    op::{Place, Tensor},
    plan::Plan,
    tensor::Format,
};
use std::collections::HashMap;

/// Most bytes of weights in wasm memory (its address space is 4 GiB); natively the machine decides.
const MOST_BYTES: u64 = if usize::BITS == 32 { 3 << 30 } else { 1 << 48 };

/// The CPU with a model.
#[derive(Default)]
pub(super) struct CpuRunner {
    memory: Memory,
    shape: Option<CacheShape>,
    pub(super) programs: HashMap<Key, (Plan, Option<Tensor>)>,
    /// Bytes of all weights.
    pub(super) bytes: u64,
}

impl CpuRunner {
    pub(super) fn shape(&self) -> Result<CacheShape> {
        self.shape.ok_or_else(|| Error::internal("no cache yet"))
    }

    pub(super) fn reserve(&mut self, format: &'static Format, rows: usize, width: usize) -> Result<()> {
        let bytes = format
            .size(rows as u64 * width as u64)
            .ok_or_else(|| Error::internal("blocks do not divide a row"))?;
        self.bytes += bytes;
        let too_big = || Error::TooBig {
            what: "weights on the CPU".into(),
            needed: bytes,
            available: MOST_BYTES,
        };
        let size = usize::try_from(bytes)
            .ok()
            .filter(|_| self.bytes <= MOST_BYTES)
            .ok_or_else(too_big)?;
        let mut cells = Vec::new();
        cells.try_reserve_exact(size).map_err(|_| too_big())?;
        cells.resize(size, 0);
        self.memory.weights.push(HostWeight {
            format,
            rows,
            width,
            bytes: cells,
        });
        Ok(())
    }

    pub(super) fn fill(&mut self, weight: usize, first: usize, bytes: &[u8], order: Order) -> Result<()> {
        let weight = &mut self.memory.weights[weight];
        let row = weight.row_bytes();
        for (i, from) in bytes.chunks_exact(row).enumerate() {
            let to = target(order, first + i) * row;
            weight.bytes[to..to + row].copy_from_slice(from);
        }
        Ok(())
    }

    pub(super) fn cache(&mut self, shape: CacheShape, rope: &[f32]) -> Result<()> {
        self.memory.kv = vec![vec![0.0; shape.values()]; shape.layers];
        self.memory.rope = rope.to_vec();
        self.shape = Some(shape);
        Ok(())
    }

    pub(super) fn prepare(&mut self, key: Key, plan: Plan, logits: Option<Tensor>) -> Result<()> {
        self.programs.insert(key, (plan, logits));
        Ok(())
    }

    pub(super) fn run(&mut self, key: Key, pos: usize, tokens: &[u32], want: Want) -> Result<Output> {
        let (plan, logits) = self
            .programs
            .get(&key)
            .ok_or_else(|| Error::internal(format!("{key:?} is not prepared")))?;
        let memory = &mut self.memory;
        memory.state = State { pos, len: tokens.len() };
        memory.tokens.clear();
        memory.tokens.extend_from_slice(tokens);
        memory
            .slots
            .resize_with(memory.slots.len().max(plan.slots.len()), Vec::new);
        for (slot, length) in memory.slots.iter_mut().zip(&plan.slots) {
            slot.resize(slot.len().max(*length), 0.0);
        }
        plan.graph.run(memory, false)?;
        Ok(match (want, logits) {
            (Want::Nothing, _) => Output::Nothing,
            (Want::Token, _) => Output::Token(memory.chosen),
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
