//! A node about to run on the CPU: its tensors as slices of the device's memory.

use super::graph::{Graph, Node, Place, Tensor};
use crate::{
    cpu::{HostWeight, Memory},
    error::{Error, Result},
};

/// What a twin sees: one node and the memory.
pub(crate) struct Run<'a> {
    graph: &'a Graph,
    node: &'a Node,
    /// The device: state, weights, cache, slots.
    pub(crate) memory: &'a mut Memory,
}

impl<'a> Run<'a> {
    /// The node.
    pub(crate) fn node(&self) -> &'a Node {
        self.node
    }

    /// The configuration of the node.
    pub(crate) fn cfg<C: 'static>(&self) -> Result<&'a C> {
        self.node.cfg()
    }

    /// Rows of the first dimension that are valid: all of them for a tensor of one row.
    pub(crate) fn rows(&self, tensor: Tensor) -> usize {
        tensor.shape.rows().min(self.memory.state.len)
    }

    /// Handle of an input.
    pub(crate) fn tensor(&self, input: usize) -> Tensor {
        self.node.inputs[input]
    }

    /// How many inputs there are.
    pub(crate) fn inputs(&self) -> usize {
        self.node.inputs.len()
    }

    /// Values of an input.
    pub(crate) fn input(&self, input: usize) -> Result<&[f32]> {
        let tensor = self.node.inputs[input];
        match self.graph.places[tensor.id] {
            Place::Slot(slot) => Ok(&self.memory.slots[slot]),
            place => Err(Error::internal(format!(
                "{}: input {input} is no slot but {place:?}",
                self.node.op.name
            ))),
        }
    }

    /// An input that is a weight.
    pub(crate) fn weight(&self, input: usize) -> Result<&HostWeight> {
        let (number, _) = self.graph.format(self.node.op.name, self.node.inputs[input])?;
        self.memory
            .weights
            .get(number)
            .ok_or_else(|| Error::internal(format!("weight {number} is not loaded")))
    }

    /// All values of a small weight, decoded: gains, biases.
    pub(crate) fn vector(&self, input: usize) -> Result<Vec<f32>> {
        let weight = self.weight(input)?;
        let mut values = vec![0.0; weight.rows * weight.width];
        for (row, values) in values.chunks_exact_mut(weight.width).enumerate() {
            weight.row(row, values);
        }
        Ok(values)
    }

    /// All values of an input that may be a weight.
    pub(crate) fn values(&self, input: usize) -> Result<std::borrow::Cow<'_, [f32]>> {
        match self.graph.places[self.node.inputs[input].id] {
            Place::Weight(..) => self.vector(input).map(Into::into),
            _ => self.input(input).map(Into::into),
        }
    }

    /// The buffer of an output, to be written and given back.
    pub(crate) fn take(&mut self, output: usize) -> Result<Vec<f32>> {
        let slot = self.slot(output)?;
        Ok(std::mem::take(&mut self.memory.slots[slot]))
    }

    /// Gives the buffer of an output back.
    pub(crate) fn give(&mut self, output: usize, values: Vec<f32>) -> Result<()> {
        let slot = self.slot(output)?;
        self.memory.slots[slot] = values;
        Ok(())
    }

    fn slot(&self, output: usize) -> Result<usize> {
        match self.graph.places[self.node.outputs[output].id] {
            Place::Slot(slot) => Ok(slot),
            place => Err(Error::internal(format!(
                "{}: output {output} is no slot but {place:?}",
                self.node.op.name
            ))),
        }
    }
}

impl Graph {
    /// Runs the placed graph on the CPU. `exact` uses the twins even where there is a fast version.
    pub(crate) fn run(&self, memory: &mut Memory, exact: bool) -> Result<()> {
        self.nodes
            .iter()
            .try_for_each(|node| self.run_node(node, memory, exact))
    }

    /// Runs one node of it.
    pub(crate) fn run_node(&self, node: &Node, memory: &mut Memory, exact: bool) -> Result<()> {
        let mut run = Run {
            graph: self,
            node,
            memory,
        };
        match node.op.fast {
            Some(fast) if !exact => fast(&mut run),
            _ => (node.op.twin)(&mut run),
        }
    }
}

impl Run<'_> {
    /// Tokens the cache holds.
    pub(crate) fn capacity(&self) -> usize {
        self.graph.capacity
    }
}
