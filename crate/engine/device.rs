//! Either device behind one set of verbs: reserve and fill weights, prepare a step, run it.

use super::cpu::CpuRunner;
#[cfg(feature = "gpu")]
use super::gpu::{GpuRunner, Making};
use crate::{
    cpu::Sampler,
    error::{Error, Result},
    model::{Head, Hyper, Network, Weight},
    op::{Fixed, Graph, RING, SAMPLER, Tensor},
    plan::Plan,
    tensor::{Kept, Kv},
};
use std::rc::Rc;

/// Which program a step runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key {
    /// Tokens it has room for.
    pub(super) bucket: usize,
    /// What follows the last layer.
    pub(super) head: Head,
    /// Of one token, where workgroups share the keys in the cache.
    pub(super) long: bool,
}

/// Tokens in the cache from which on that is faster: it takes one more dispatch a layer.
pub(super) const LONG: usize = 512;

/// Step shapes; a prompt is cut into chunks of at most the last.
pub(super) const BUCKETS: [usize; 5] = [1, 8, 32, 128, 512];

impl Key {
    /// The smallest step shape for `tokens`, at most the largest.
    pub(super) fn new(tokens: usize, head: Head) -> Self {
        let bucket = BUCKETS
            .into_iter()
            .find(|b| *b >= tokens)
            .unwrap_or(BUCKETS[BUCKETS.len() - 1]);
        Self {
            bucket,
            head,
            long: false,
        }
    }

    /// The same where so many tokens are in the cache.
    pub(super) fn behind(self, cached: usize) -> Self {
        Self {
            long: self.bucket == 1 && self.head != Head::Encode && cached >= LONG,
            ..self
        }
    }
}

/// Words of the state buffer, padded.
pub(super) const STATE: usize = 8;

/// What a step gives back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    /// Nothing.
    Nothing,
    /// The next tokens, 4 bytes each.
    Tokens(Batch),
    /// Logits of the valid rows.
    Logits,
}

/// How many tokens a step makes at most: a GPU more than one where it reads one, a CPU always one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Batch {
    /// In its submission, unless that is under way already.
    pub(super) now: usize,
    /// In a submission behind it, which the step does not wait for: the next step does, if it goes on where this one ended.
    pub(super) next: usize,
    /// In both.
    pub(super) room: usize,
}

/// What came back.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Output {
    /// Nothing.
    Nothing,
    /// The next tokens, up to one that ends the answer; fewer than one if the logits were no finite numbers.
    Tokens(Vec<u32>),
    /// Logits by row.
    Logits(Vec<f32>),
}

/// The cache's shape and storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CacheShape {
    /// What each cache keeps of a token.
    pub(super) caches: Rc<[Kept]>,
    /// Values that each recurrent operator keeps, however many tokens there were.
    pub(super) pasts: Rc<[usize]>,
    /// Tokens it holds.
    pub(super) capacity: usize,
    /// How they are stored.
    pub(super) kv: Kv,
}

impl CacheShape {
    pub(super) fn new(hyper: &Hyper, capacity: usize, kv: Kv) -> Self {
        Self {
            caches: hyper.caches.clone(),
            pasts: hyper.pasts.clone(),
            capacity,
            kv,
        }
    }

    /// Bytes of each cache: `[2, Hk, S, Dh]`.
    ///
    /// # Errors
    /// [`Error::TooBig`] if the values of one cannot be addressed as f32.
    pub(super) fn bytes(&self) -> Result<Vec<u64>> {
        let bytes = |kept: &Kept| {
            let values = kept.values().checked_mul(self.capacity)?;
            let bytes = values.checked_mul(size_of::<f32>());
            bytes.map(|_| self.kv.bytes(values as u64, kept.width))
        };
        let all = self.caches.iter().map(bytes).collect::<Option<Vec<_>>>();
        all.ok_or_else(|| {
            let widest = self
                .caches
                .iter()
                .map(|kept| 4 * kept.values() as u64)
                .max()
                .unwrap_or(0);
            Error::TooBig {
                what: format!("a layer's cache of {} tokens", self.capacity),
                needed: widest.saturating_mul(self.capacity as u64),
                available: usize::MAX as u64,
            }
        })
    }
}

/// The GPU buffers that outlive a step, with their names and bytes; `ropes` are the values of each table of rotations.
///
/// # Errors
/// As [`CacheShape::bytes`].
pub(super) fn fixed(shape: &CacheShape, ropes: &[usize]) -> Result<Vec<(Fixed, &'static str, u64)>> {
    let caches = shape.bytes()?;
    let tokens = BUCKETS[BUCKETS.len() - 1];
    let mut all = vec![
        (Fixed::State, "state", 4 * STATE as u64),
        (Fixed::Tokens, "tokens", 4 * tokens as u64),
        (Fixed::Ring, "ring", 4 * RING as u64),
        (Fixed::Sampler, "sampler", 4 * SAMPLER as u64),
    ];
    let ropes = ropes.iter().map(|values| 4 * *values as u64).enumerate();
    all.extend(ropes.map(|(number, bytes)| (Fixed::RopeTable(number), "rope table", bytes)));
    let caches = caches.into_iter().enumerate();
    all.extend(caches.map(|(number, bytes)| (Fixed::Kv(number), "cache", bytes)));
    let pasts = shape.pasts.iter().enumerate();
    all.extend(pasts.map(|(number, values)| (Fixed::Past(number), "past", 4 * *values as u64)));
    Ok(all)
}

/// Records and plans the program of a step, for a GPU by which weights share a buffer; says which tensor the logits are.
pub(super) fn record(
    network: &Network,
    key: Key,
    shape: &CacheShape,
    stacks: Option<&[Vec<usize>]>,
) -> Result<(Plan, Option<Tensor>)> {
    let mut graph = Graph::new(key.bucket, shape.capacity, shape.kv);
    graph.long = key.long;
    let logits = (network.forward)(&mut graph, key.head)?;
    Ok((crate::plan::plan(graph, stacks)?, logits))
}

/// Weights that should share a buffer on a GPU: the step that loading prepares tells which are read as one.
pub(super) fn stacks(network: &Network) -> Result<Vec<Vec<usize>>> {
    let mut graph = Graph::new(1, 1, Kv::F32);
    (network.forward)(&mut graph, network.hyper.kind.head())?;
    crate::plan::stacks(graph)
}

#[cfg(not(feature = "gpu"))]
pub(super) enum Making {}

/// A device with a model's weights and cache.
pub(super) enum Runner {
    Cpu(Box<CpuRunner>),
    #[cfg(feature = "gpu")]
    Gpu(Box<GpuRunner>),
}

impl Runner {
    /// What its cache is like.
    pub(super) fn shape(&self) -> Result<CacheShape> {
        match self {
            Self::Cpu(cpu) => cpu.shape(),
            #[cfg(feature = "gpu")]
            Self::Gpu(gpu) => gpu.shape(),
        }
    }

    /// Makes room for the weights of a network, by their numbers.
    pub(super) fn reserve(&mut self, network: &Network) -> Result<()> {
        let stored = network.weights.iter().map(Weight::stored);
        match self {
            Self::Cpu(cpu) => stored.into_iter().try_for_each(|w| cpu.reserve(w)),
            #[cfg(feature = "gpu")]
            Self::Gpu(gpu) => gpu.reserve(&stored.collect::<Vec<_>>(), &stacks(network)?),
        }
    }

    /// Fills whole rows of a weight, `first ..`; those that nothing fills are zeros.
    pub(super) fn fill(&mut self, weight: usize, first: usize, bytes: &[u8]) -> Result<()> {
        match self {
            Self::Cpu(cpu) => cpu.fill(weight, first, bytes),
            #[cfg(feature = "gpu")]
            Self::Gpu(gpu) => gpu.fill(weight, first, bytes),
        }
    }

    /// Makes the cache, and room for tables of rotations of so many values each.
    pub(super) async fn cache(&mut self, shape: CacheShape, ropes: &[usize]) -> Result<()> {
        match self {
            Self::Cpu(cpu) => cpu.cache(shape, ropes),
            #[cfg(feature = "gpu")]
            Self::Gpu(gpu) => gpu.cache(shape, ropes).await,
        }
    }

    /// Fills a table of rotations from value `first` on; from the first to the last, in order.
    pub(super) fn rope(&mut self, table: usize, first: usize, values: &[f32]) -> Result<()> {
        match self {
            Self::Cpu(cpu) => {
                cpu.rope(table, values);
                Ok(())
            }
            #[cfg(feature = "gpu")]
            Self::Gpu(gpu) => gpu.rope(table, first, values),
        }
    }

    /// Records, plans and lowers the program of a step, unless it is there, and waits until it can run.
    pub(super) async fn prepare(&mut self, network: &Network, key: Key) -> Result<()> {
        let making = self.make(network, key)?;
        self.made(making).await
    }

    /// The same, without the waiting; nothing if there is nothing to wait for.
    pub(super) fn make(&mut self, network: &Network, key: Key) -> Result<Option<Making>> {
        let (there, shape) = match self {
            Self::Cpu(cpu) => (cpu.programs.contains_key(&key), cpu.shape()?),
            #[cfg(feature = "gpu")]
            Self::Gpu(gpu) => (gpu.programs.contains_key(&key), gpu.shape()?),
        };
        if there {
            return Ok(None);
        }
        let stacks = match self {
            Self::Cpu(_) => None,
            #[cfg(feature = "gpu")]
            Self::Gpu(gpu) => Some(&gpu.stacks[..]),
        };
        let (plan, logits) = record(network, key, &shape, stacks)?;
        match self {
            Self::Cpu(cpu) => {
                cpu.prepare(key, plan, logits)?;
                Ok(None)
            }
            #[cfg(feature = "gpu")]
            Self::Gpu(gpu) => gpu.make(key, &plan, logits).map(Some),
        }
    }

    /// Waits until a program can run.
    pub(super) async fn made(&mut self, making: Option<Making>) -> Result<()> {
        match (self, making) {
            #[cfg(feature = "gpu")]
            (Self::Gpu(gpu), Some(making)) => gpu.made(making).await,
            _ => Ok(()),
        }
    }

    /// Says how tokens are chosen from now on. Whether this device can do so; otherwise nothing is changed.
    pub(super) fn choose_by(&mut self, sampler: &Sampler) -> Result<bool> {
        match self {
            Self::Cpu(cpu) => {
                cpu.choose_by(sampler);
                Ok(true)
            }
            #[cfg(feature = "gpu")]
            Self::Gpu(gpu) => gpu.choose_by(sampler),
        }
    }

    /// Tokens that are being made and that no step waited for yet.
    pub(super) fn flying(&self) -> usize {
        match self {
            Self::Cpu(_) => 0,
            #[cfg(feature = "gpu")]
            Self::Gpu(gpu) => gpu.flying(),
        }
    }

    /// Runs a prepared step at `pos` over `tokens`. In a decoding step (one token, the one that the last step chose,
    /// right behind it) nothing is written to a GPU.
    pub(super) async fn run(&mut self, key: Key, pos: usize, tokens: &[u32], want: Want) -> Result<Output> {
        match self {
            Self::Cpu(cpu) => cpu.run(key, pos, tokens, want).await,
            #[cfg(feature = "gpu")]
            Self::Gpu(gpu) => gpu.run(key, pos, tokens, want).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In wasm, whose addresses have 32 bits: what lies on a GPU may be more than they reach.
    #[test]
    fn a_cache_is_as_large_as_its_layers_may_be() {
        let shape = |kv, capacity| CacheShape {
            caches: vec![Kept { count: 64, width: 128 }; 32].into(),
            pasts: vec![].into(),
            capacity,
            kv,
        };
        assert_eq!(shape(Kv::F16, 4096).bytes().ok(), Some(vec![64 << 20; 32]));
        assert_eq!(shape(Kv::Q8, 4096).bytes().ok(), Some(vec![36 << 20; 32]));
        assert!(shape(Kv::Q8, usize::MAX / 8192).bytes().is_err());
    }
}
