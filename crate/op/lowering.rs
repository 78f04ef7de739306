//! A node about to become dispatches: which kernel, which buffers, which grid. Knows no wgpu.

use super::{
    form::{Form, Forms},
    graph::{Fixed, Graph, Node, Place, Tensor},
    shard::Shard,
};
use crate::{
    error::{Error, Result},
    gpu::Caps,
    shader::{Binding, Source},
    tensor::Format,
};

/// A buffer that a dispatch binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Bind {
    /// A reused buffer of the program.
    Slot(usize),
    /// A buffer that outlives the step.
    Fixed(Fixed),
    /// Some rows of a weight: its number and the shard's.
    Shard(usize, usize),
}

/// One dispatch, described.
pub(crate) struct Dispatch {
    /// The kernel.
    pub(crate) source: &'static Source,
    /// Its override constants.
    pub(crate) consts: Vec<(&'static str, f64)>,
    /// Its uniform, as bytes.
    pub(crate) params: Vec<u8>,
    /// Its storage buffers.
    pub(crate) bindings: Vec<Binding<Bind>>,
    /// Workgroups.
    pub(crate) grid: [u32; 3],
}

/// What lowering sees: one node, the device's limits, how the weights are cut.
pub(crate) struct Lowering<'a> {
    /// The placed graph.
    pub(crate) graph: &'a Graph,
    /// The node.
    pub(crate) node: &'a Node,
    /// The device.
    pub(crate) caps: &'a Caps,
    /// Which kernels are fastest there.
    pub(crate) forms: &'a Forms,
    /// Shards of each weight.
    pub(crate) shards: &'a [Vec<Shard>],
    /// Where dispatches go.
    pub(crate) out: &'a mut Vec<Dispatch>,
}

impl<'a> Lowering<'a> {
    /// The buffer of a tensor that is no sharded weight.
    pub(crate) fn bind(&self, tensor: Tensor) -> Result<Bind> {
        match self.graph.places[tensor.id] {
            Place::Slot(slot) => Ok(Bind::Slot(slot)),
            Place::Fixed(fixed) => Ok(Bind::Fixed(fixed)),
            Place::Weight(number, _) if matches!(self.shards[number][..], [shard] if shard.alone()) => {
                Ok(Bind::Shard(number, 0))
            }
            place => Err(Error::shape(self.node.op.name, "buffer", "one placed buffer", place)),
        }
    }

    /// The buffer of an input.
    pub(crate) fn input(&self, index: usize) -> Result<Bind> {
        self.bind(self.node.inputs[index])
    }

    /// The buffer of an input that not every node has, or of another, which the kernel then does not read.
    pub(crate) fn input_or(&self, index: usize, other: usize) -> Result<Bind> {
        self.input(if index < self.node.inputs.len() { index } else { other })
    }

    /// The buffer of an output.
    pub(crate) fn output(&self, index: usize) -> Result<Bind> {
        self.bind(self.node.outputs[index])
    }

    /// A weight among the inputs: its number, format and shards.
    pub(crate) fn weight(&self, index: usize) -> Result<(usize, &'static Format, &'a [Shard])> {
        let (number, format) = self.graph.format(self.node.op.name, self.node.inputs[index])?;
        Ok((number, format, &self.shards[number]))
    }

    /// A weight of which each buffer has nothing else, as kernels need it that do not look for its rows.
    pub(crate) fn weight_alone(&self, index: usize) -> Result<(usize, &'static Format, &'a [Shard])> {
        let found = self.weight(index)?;
        if found.2.iter().all(Shard::alone) {
            return Ok(found);
        }
        let name = self.node.op.name;
        Err(Error::internal(format!("{name}: weight {} shares its buffer", found.0)))
    }

    /// The form of the kernel that multiplies few tokens with weights of a format.
    pub(crate) fn form(&self, format: &'static Format) -> Form {
        self.forms.of(format, self.caps)
    }

    /// Invocations of a workgroup that goes over a row: waiting for one another costs a CPU more than they save.
    pub(crate) fn a_row(&self) -> u32 {
        match self.caps.cpu_lanes() {
            0 => 64,
            lanes => lanes,
        }
    }

    /// Appends a dispatch.
    pub(crate) fn dispatch<P: bytemuck::Pod>(
        &mut self,
        source: &'static Source,
        consts: Vec<(&'static str, f64)>,
        params: &P,
        bindings: Vec<Binding<Bind>>,
        grid: [usize; 3],
    ) -> Result<()> {
        let mut cells = [0; 3];
        for (to, from) in cells.iter_mut().zip(grid) {
            *to = u32::try_from(from)
                .ok()
                .filter(|n| *n <= 65_535)
                .ok_or_else(|| Error::shape(self.node.op.name, "grid", "at most 65535 workgroups a dimension", grid))?;
        }
        let params = bytemuck::bytes_of(params).to_vec();
        self.out.push(Dispatch {
            source,
            consts,
            params,
            bindings,
            grid: cells,
        });
        Ok(())
    }
}

/// A size as the kernels take it.
///
/// # Errors
/// [`Error::Shape`] naming the operator if it does not fit into 32 bits.
pub(crate) fn u32_of(op: &'static str, value: usize) -> Result<u32> {
    u32::try_from(value).map_err(|_| Error::shape(op, "size", "less than 2^32", value))
}

/// Workgroups of a grid-strided kernel over `count` items, `per` an invocation group.
pub(crate) fn strided(count: usize, per: usize) -> usize {
    count.div_ceil(per).clamp(1, 4096)
}
