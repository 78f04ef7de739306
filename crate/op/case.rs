//! Test cases of operators: a small graph on reproducible inputs. Kernels and fast versions are held against the twins.

use super::{Graph, Tensor};
use crate::{
    cpu::{HostWeight, Memory, State, cache::Cache},
    error::Result,
    tensor::{Format, Kept},
};

type Build = Box<dyn Fn(&mut Trial<'_>) -> Result<()> + Send + Sync>;

/// What a kernel moves and computes at the least, by which its time is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Work {
    /// Bytes read and written, each once.
    pub(crate) bytes: usize,
    /// Multiplications and additions.
    pub(crate) flops: usize,
}

/// A named small graph.
pub(crate) struct Case {
    /// What is special about it.
    pub(crate) name: String,
    /// Tokens the step has room for.
    pub(crate) bucket: usize,
    /// Of a case that is timed; the others are checked.
    pub(crate) work: Option<Work>,
    build: Build,
}

/// What a case builds: the graph and everything it reads.
pub(crate) struct Trial<'a> {
    /// The graph.
    pub(crate) graph: &'a mut Graph,
    /// State, tokens, cache, table and weights.
    pub(crate) memory: Memory,
    /// Values of the graph's inputs, in order.
    pub(crate) inputs: Vec<Vec<f32>>,
    seed: u64,
}

impl Case {
    /// A case from its builder.
    pub(crate) fn new(
        name: String,
        bucket: usize,
        build: impl Fn(&mut Trial<'_>) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name,
            bucket,
            work: None,
            build: Box::new(build),
        }
    }

    /// The same as a row of the benchmark: a size as models have it, too large for the twin.
    pub(crate) fn timed(self, bytes: usize, flops: usize) -> Self {
        Self {
            work: Some(Work { bytes, flops }),
            ..self
        }
    }

    /// Cases of an elementwise operator of two inputs and `flops` a value.
    pub(crate) fn elementwise(flops: usize, op: fn(&mut Graph, Tensor, Tensor) -> Result<Tensor>) -> Vec<Self> {
        let case = |(t, width)| {
            Self::new(format!("t{t} d{width}"), t, move |c| {
                let (a, b) = (c.input(t, width), c.input(t, width));
                let y = op(c.graph, a, b)?;
                c.graph.output(y);
                Ok(())
            })
        };
        let timed = |(t, width)| case((t, width)).timed(3 * 4 * t * width, flops * t * width);
        let checked = [(1, 1), (3, 80), (32, 2052)].into_iter().map(case);
        checked.chain([(1, 8192), (128, 8192)].into_iter().map(timed)).collect()
    }

    /// Builds it, from the same inputs each time.
    pub(crate) fn build<'a>(&self, graph: &'a mut Graph) -> Result<Trial<'a>> {
        graph.bucket = self.bucket;
        let seed = self.name.bytes().fold(0x9e37_79b9_7f4a_7c15, |s: u64, b| {
            (s ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
        });
        let memory = Memory {
            state: State {
                len: self.bucket,
                ..State::default()
            },
            tokens: vec![0; self.bucket],
            ..Memory::default()
        };
        let mut trial = Trial {
            graph,
            memory,
            inputs: Vec::new(),
            seed,
        };
        (self.build)(&mut trial)?;
        Ok(trial)
    }
}

/// The largest size of a block's values; what is not finite counts as the largest of all.
fn largest(format: &Format, block: &[u8]) -> f32 {
    let size = |v: f32| if v.is_finite() { v.abs() } else { f32::MAX };
    format.decode(block).into_iter().map(size).fold(0.0, f32::max)
}

/// The bytes of a block with the exponents of its scales: those that make values thousands of times larger.
fn exponents(format: &Format) -> Vec<usize> {
    // The halves of a byte are something, since either may be a factor, and unlike, since codes less a minimum may be nothing.
    const OTHERS: u8 = 0x12;
    let mut block = vec![OTHERS; format.bytes];
    let before = largest(format, &block);
    let mut decides = |at: &usize| {
        block[*at] = 0x60;
        let after = largest(format, &block);
        block[*at] = OTHERS;
        after > 4096.0 * before
    };
    (0..format.bytes).filter(|at| decides(at)).collect()
}

impl Trial<'_> {
    /// 16 reproducible bits: xorshift64* (Vigna, 2016).
    fn random(&mut self) -> u16 {
        self.seed ^= self.seed >> 12;
        self.seed ^= self.seed << 25;
        self.seed ^= self.seed >> 27;
        u16::try_from(self.seed.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 48).unwrap_or_default()
    }

    /// Reproducible values, roughly normal, with a few outliers.
    fn values(&mut self, count: usize) -> Vec<f32> {
        let mut uniform = || f32::from(self.random()) / 65_536.0 - 0.5;
        (0..count)
            .map(|i| {
                let v = uniform() + uniform() + uniform();
                if i % 61 == 60 { v * 8.0 } else { v }
            })
            .collect()
    }

    /// A random block whose largest value is about `size`, or as near to it as a few draws of its exponents come.
    fn block_about(&mut self, size: f32, format: &Format, exponents: &[usize]) -> Vec<u8> {
        const DRAWS: usize = 500;
        let far = |block: &[u8]| {
            let times = largest(format, block) / size;
            times.max(1.0 / times)
        };
        let mut byte = || self.random().to_le_bytes()[0];
        let mut block: Vec<u8> = (0..format.bytes).map(|_| byte()).collect();
        for _ in 0..DRAWS {
            if far(&block) < 4.0 {
                break;
            }
            let mut other = block.clone();
            // Codes that are no number take more than other exponents.
            let new = |at: &usize| largest(format, &block) == f32::MAX || exponents.contains(at);
            (0..format.bytes).filter(new).for_each(|at| other[at] = byte());
            if far(&other) < far(&block) {
                block = other;
            }
        }
        block
    }

    /// An input `[rows, width]`.
    pub(crate) fn input(&mut self, rows: usize, width: usize) -> Tensor {
        let values = self.values(rows * width);
        self.inputs.push(values);
        self.graph.input([rows, width])
    }

    /// A weight `[rows, width]` of a format, its values about 1.
    pub(crate) fn weight(&mut self, format: &'static Format, rows: usize, width: usize) -> Tensor {
        self.weight_about(1.0, format, rows, width)
    }

    /// A weight `[rows, width]` of a format, its values about `size`. Blocks are random bytes, so that every code is there.
    pub(crate) fn weight_about(&mut self, size: f32, format: &'static Format, rows: usize, width: usize) -> Tensor {
        const DIFFERENT: usize = 23;
        let bytes = if format.block == 1 {
            let values: Vec<f32> = self.values(rows * width).iter().map(|v| v * size).collect();
            format.encode(&values).unwrap_or_default()
        } else {
            let exponents = exponents(format);
            let block = |_| self.block_about(size, format, &exponents);
            let blocks: Vec<_> = (0..DIFFERENT).map(block).collect();
            let mut any = || blocks[usize::from(self.random()) % DIFFERENT].clone();
            (0..rows * width / format.block).flat_map(|_| any()).collect()
        };
        self.memory.weights.push(HostWeight {
            format,
            rows,
            own: rows,
            width,
            bytes,
        });
        self.graph
            .weight(self.memory.weights.len() - 1, format, [rows, width].into())
    }

    /// A weight `[width]` of f32: a gain.
    pub(crate) fn vector(&mut self, width: usize) -> Tensor {
        let mut values = self.values(width);
        values.iter_mut().for_each(|v| *v += 1.0);
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let format = crate::quant::F32;
        self.memory.weights.push(HostWeight {
            format,
            rows: 1,
            own: 1,
            width,
            bytes,
        });
        self.graph.weight(self.memory.weights.len() - 1, format, [width].into())
    }

    /// An input `[rows, 2 * used]`: so many different experts a token, and weights. Rows behind the valid ones have no
    /// ids, as in a slot that others used before.
    pub(crate) fn routes(&mut self, rows: usize, used: usize, experts: usize) -> Tensor {
        let tensor = self.input(rows, 2 * used);
        if let Some(values) = self.inputs.last_mut() {
            for (t, row) in values.chunks_exact_mut(2 * used).enumerate() {
                if t >= self.memory.state.len {
                    row[..used].fill(1e9);
                    continue;
                }
                for (j, id) in row[..used].iter_mut().enumerate() {
                    let expert = (t * t * 5 + t + j * (experts / used).max(1)) % experts;
                    *id = u16::try_from(expert).map_or(0.0, f32::from);
                }
            }
        }
        tensor
    }

    /// The ids of the step, all valid.
    pub(crate) fn tokens(&mut self, ids: &[u32]) {
        self.memory.tokens[..ids.len()].copy_from_slice(ids);
        self.memory.state.len = ids.len();
    }

    /// Position of the first token.
    pub(crate) fn position(&mut self, pos: usize) {
        self.memory.state.pos = pos;
    }

    /// Valid tokens of the step.
    pub(crate) fn valid(&mut self, len: usize) {
        self.memory.state.len = len;
    }

    /// A table of rotations for positions below `positions`.
    pub(crate) fn rope_table(&mut self, positions: u16, rotated: usize) {
        let half = u16::try_from(rotated / 2).unwrap_or(1);
        // Points of the circle by the tangent of half their angle.
        let pair = |p: u16, i: u16| {
            let t = f32::from(p) / f32::from(1 + 3 * i);
            [(1.0 - t * t) / (1.0 + t * t), 2.0 * t / (1.0 + t * t)]
        };
        let table = (0..positions).flat_map(|p| (0..half).flat_map(move |i| pair(p, i)));
        self.memory.rope = vec![table.collect()];
    }

    /// A cache `[2, Hk, S, Dh]` with something in it.
    pub(crate) fn cache(&mut self, layer: usize, heads: usize, head_dim: usize) -> Result<()> {
        let kept = Kept {
            count: 2 * heads,
            width: head_dim,
        };
        let rows = kept.count * self.graph.capacity;
        let values = self.values(rows * head_dim);
        let mut cache = Cache::new(self.graph.kv, kept, self.graph.capacity)?;
        for (row, values) in values.chunks_exact(head_dim).enumerate() {
            cache.write(row, values);
        }
        let caches = &mut self.memory.kv;
        caches.resize(caches.len().max(layer + 1), cache.clone());
        caches[layer] = cache;
        Ok(())
    }

    /// What was kept of the tokens before: so many values, for an operator with this number.
    pub(crate) fn past(&mut self, number: usize, count: usize) {
        let values = self.values(count);
        self.memory.past.resize(number + 1, Vec::new());
        self.memory.past[number] = values;
    }
}
