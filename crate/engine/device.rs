//! Either device behind one set of verbs: reserve and fill weights, prepare a step, run it.

use super::cpu::CpuRunner;
#[cfg(feature = "gpu")]
use super::gpu::GpuRunner;
use crate::{
    error::{Error, Result},
    model::{Head, Hyper, Network, Order},
    op::{Fixed, Graph, RING, Tensor},
    plan::Plan,
    tensor::Format,
};

/// Which program a step runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key {
    /// Tokens it has room for.
    pub(super) bucket: usize,
    /// What follows the last layer.
    pub(super) head: Head,
}

/// Step shapes; a prompt is cut into chunks of at most the last.
pub(super) const BUCKETS: [usize; 5] = [1, 8, 32, 128, 512];

impl Key {
    /// The smallest step shape for `tokens`, at most the largest.
    pub(super) fn new(tokens: usize, head: Head) -> Self {
        let bucket = BUCKETS
            .into_iter()
            .find(|b| *b >= tokens)
            .unwrap_or(BUCKETS[BUCKETS.len() - 1]);
        Self { bucket, head }
    }
}

/// What a step gives back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    /// Nothing.
    Nothing,
    /// The greedy choice: 4 bytes.
    Token,
    /// Logits of the valid rows.
    Logits,
}

/// What came back.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Output {
    /// Nothing.
    Nothing,
    /// The greedy choice; `None` if the logits were no finite numbers.
    Token(Option<u32>),
    /// Logits by row.
    Logits(Vec<f32>),
}

/// The cache's shape and storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CacheShape {
    pub(super) layers: usize,
    pub(super) kv_heads: usize,
    pub(super) head_dim: usize,
    /// Tokens it holds.
    pub(super) capacity: usize,
    /// Packed f16 instead of f32.
    pub(super) f16: bool,
}

impl CacheShape {
    pub(super) fn new(hyper: &Hyper, capacity: usize, f16: bool) -> Self {
        Self {
            layers: hyper.layers,
            kv_heads: hyper.kv_heads,
            head_dim: hyper.head_dim,
            capacity,
            f16,
        }
    }

    /// Values of one layer: `[2, Hk, S, Dh]`.
    ///
    /// # Errors
    /// [`Error::TooBig`] if they cannot be addressed.
    pub(super) fn values(&self) -> Result<usize> {
        let factors = [2, self.kv_heads, self.capacity, self.head_dim, self.layers];
        let all = factors
            .iter()
            .try_fold(4_u64, |product, n| product.checked_mul(*n as u64));
        let available = usize::MAX as u64;
        all.filter(|bytes| *bytes <= available)
            .map(|_| 2 * self.kv_heads * self.capacity * self.head_dim)
            .ok_or_else(|| Error::TooBig {
                what: format!("a cache of {} tokens", self.capacity),
                needed: all.unwrap_or(u64::MAX),
                available,
            })
    }

    /// Bytes of one layer on the GPU.
    ///
    /// # Errors
    /// As [`Self::values`].
    pub(super) fn bytes(&self) -> Result<u64> {
        Ok(self.values()? as u64 * if self.f16 { 2 } else { 4 })
    }
}

/// The GPU buffers that outlive a step, with their names and bytes; `rope` values are in the table of rotations.
///
/// # Errors
/// As [`CacheShape::values`].
pub(super) fn fixed(shape: CacheShape, rope: usize) -> Result<Vec<(Fixed, &'static str, u64)>> {
    let layer = shape.bytes()?;
    let tokens = BUCKETS[BUCKETS.len() - 1];
    let mut all = vec![
        (Fixed::State, "state", 16),
        (Fixed::Tokens, "tokens", 4 * tokens as u64),
        (Fixed::Ring, "ring", 4 * RING as u64),
        (Fixed::RopeTable, "rope table", 4 * rope as u64),
    ];
    all.extend((0..shape.layers).map(|number| (Fixed::Kv(number), "cache", layer)));
    Ok(all)
}

/// Records and plans the program of a step; says which tensor the logits are.
pub(super) fn record(network: &Network, key: Key, shape: CacheShape) -> Result<(Plan, Option<Tensor>)> {
    let mut graph = Graph::new(key.bucket, shape.capacity, shape.f16);
    let logits = (network.forward)(&mut graph, key.head)?;
    Ok((crate::plan::plan(graph)?, logits))
}

/// A device with a model's weights and cache.
pub(super) enum Runner {
    Cpu(Box<CpuRunner>),
    #[cfg(feature = "gpu")]
    Gpu(Box<GpuRunner>),
}

impl Runner {
    /// Makes room for a weight; weights are numbered as they come.
    pub(super) fn reserve(&mut self, name: &str, format: &'static Format, rows: usize, width: usize) -> Result<()> {
        match self {
            Self::Cpu(cpu) => cpu.reserve(format, rows, width),
            #[cfg(feature = "gpu")]
            Self::Gpu(gpu) => gpu.reserve(name, format, rows, width),
        }
    }

    /// Fills whole rows of a weight, `first ..`, from the bytes of a file.
    pub(super) fn fill(&mut self, weight: usize, first: usize, bytes: &[u8], order: Order) -> Result<()> {
        match self {
            Self::Cpu(cpu) => cpu.fill(weight, first, bytes, order),
            #[cfg(feature = "gpu")]
            Self::Gpu(gpu) => gpu.fill(weight, first, bytes, order),
        }
    }

    /// Makes the cache, and room for a table of rotations of `rope` values.
    pub(super) async fn cache(&mut self, shape: CacheShape, rope: usize) -> Result<()> {
        match self {
            Self::Cpu(cpu) => cpu.cache(shape, rope),
            #[cfg(feature = "gpu")]
            Self::Gpu(gpu) => gpu.cache(shape, rope).await,
        }
    }

    /// Fills the table of rotations from value `first` on; from the first to the last, in order.
    pub(super) fn rope(&mut self, first: usize, values: &[f32]) -> Result<()> {
        match self {
            Self::Cpu(cpu) => {
                cpu.rope(values);
                Ok(())
            }
            #[cfg(feature = "gpu")]
            Self::Gpu(gpu) => gpu.rope(first, values),
        }
    }

    /// Records, plans and lowers the program of a step, unless it is there.
    pub(super) async fn prepare(&mut self, network: &Network, key: Key) -> Result<()> {
        let (there, shape) = match self {
            Self::Cpu(cpu) => (cpu.programs.contains_key(&key), cpu.shape()?),
            #[cfg(feature = "gpu")]
            Self::Gpu(gpu) => (gpu.programs.contains_key(&key), gpu.shape()?),
        };
        if there {
            return Ok(());
        }
        let (plan, logits) = record(network, key, shape)?;
        match self {
            Self::Cpu(cpu) => cpu.prepare(key, plan, logits),
            #[cfg(feature = "gpu")]
            Self::Gpu(gpu) => gpu.prepare(key, plan, logits).await,
        }
    }

    /// Runs a prepared step at `pos` over `tokens`. In a decoding step (one token, the one that the last step chose,
    /// right behind it) nothing is written to a GPU.
    pub(super) async fn run(&mut self, key: Key, pos: usize, tokens: &[u32], want: Want) -> Result<Output> {
        match self {
            Self::Cpu(cpu) => cpu.run(key, pos, tokens, want),
            #[cfg(feature = "gpu")]
            Self::Gpu(gpu) => gpu.run(key, pos, tokens, want).await,
        }
    }
}

/// Where row `row` of a weight goes.
pub(super) fn target(order: Order, row: usize) -> usize {
    match order {
        Order::Plain => row,
        Order::Interleaved { head_dim, rotated } => {
            let (head, within) = (row / head_dim, row % head_dim);
            let turned = if within < rotated {
                within % 2 * (rotated / 2) + within / 2
            } else {
                within
            };
            head * head_dim + turned
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interleaved_rows_part_into_halves_and_what_does_not_turn_stays() {
        let all = |head_dim, rotated| {
            (0..8)
                .map(|r| target(Order::Interleaved { head_dim, rotated }, r))
                .collect::<Vec<_>>()
        };
        assert_eq!(all(4, 4), [0, 2, 1, 3, 4, 6, 5, 7]);
        assert_eq!(all(8, 4), [0, 2, 1, 3, 4, 5, 6, 7]);
    }
}
