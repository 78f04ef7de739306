//! The graph that a forward pass records: tensors by number, nodes in order. `plan/` fuses, places and lowers it; the
//! CPU runs it node by node.

use super::Op;
use crate::{
    error::{Error, Result},
    tensor::{Format, Kv, Shape},
};
use std::{any::Any, rc::Rc};

/// A handle of a tensor in one graph: its number and shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Tensor {
    /// Index into [`Graph::places`].
    pub(crate) id: usize,
    /// Shape with the step's bucket as T.
    pub(crate) shape: Shape,
}

/// Buffers that outlive a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fixed {
    /// Position, length, step (`shaders/lib/state.wgsl`).
    State,
    /// Ids of the step's tokens.
    Tokens,
    /// Ids sampled, in a ring.
    Ring,
    /// How the next token is chosen (`shaders/lib/sampler.wgsl`).
    Sampler,
    /// cos and sin by position: `[S, Dr/2, 2]`; a model may have several.
    RopeTable(usize),
    /// Keys and values of one layer, or of several that share them: `[2, Hk, S, Dh]`.
    Kv(usize),
    /// What a recurrent operator keeps of the tokens before this step, by number.
    Past(usize),
}

/// Where a tensor lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Made within the step; `plan/place.rs` turns it into a slot.
    Step,
    /// A reused buffer of the program.
    Slot(usize),
    /// A weight, by its number in the model.
    Weight(usize, &'static Format),
    /// A buffer that outlives the step.
    Fixed(Fixed),
}

/// One operator applied.
#[derive(Clone)]
pub(crate) struct Node {
    /// The operator.
    pub(crate) op: &'static Op,
    /// Its configuration, of the type that its file defines.
    pub(crate) cfg: Rc<dyn Any>,
    /// What it reads.
    pub(crate) inputs: Vec<Tensor>,
    /// What it writes; a fixed buffer may be among them.
    pub(crate) outputs: Vec<Tensor>,
}

impl Node {
    /// The configuration, as the operator's own type.
    pub(crate) fn cfg<C: 'static>(&self) -> Result<&C> {
        self.cfg
            .downcast_ref()
            .ok_or_else(|| Error::internal(format!("{}: configuration of another type", self.op.name)))
    }
}

/// A recorded step.
#[derive(Default, Clone)]
pub(crate) struct Graph {
    /// Tokens a step has room for; `state` says how many are valid.
    pub(crate) bucket: usize,
    /// How the cache is stored.
    pub(crate) kv: Kv,
    /// Tokens the cache holds.
    pub(crate) capacity: usize,
    /// Whether there may be so many in it that workgroups should share the keys of a token.
    pub(crate) long: bool,
    /// Place of each tensor.
    pub(crate) places: Vec<Place>,
    /// Nodes in order of execution.
    pub(crate) nodes: Vec<Node>,
    /// Tensors written from outside before the step.
    pub(crate) inputs: Vec<Tensor>,
    /// Tensors read from outside after the step.
    pub(crate) outputs: Vec<Tensor>,
    fixed: Vec<(Fixed, Tensor)>,
    weights: Vec<(usize, Tensor)>,
}

impl Graph {
    /// An empty graph for steps of at most `bucket` tokens over a cache of `capacity`.
    pub(crate) fn new(bucket: usize, capacity: usize, kv: Kv) -> Self {
        Self {
            bucket,
            capacity,
            kv,
            ..Self::default()
        }
    }

    fn tensor(&mut self, shape: Shape, place: Place) -> Tensor {
        self.places.push(place);
        Tensor {
            id: self.places.len() - 1,
            shape,
        }
    }

    /// A new f32 tensor made within the step.
    pub(crate) fn alloc(&mut self, shape: impl Into<Shape>) -> Tensor {
        self.tensor(shape.into(), Place::Step)
    }

    /// A tensor that the caller fills before the step.
    pub(crate) fn input(&mut self, shape: impl Into<Shape>) -> Tensor {
        let tensor = self.alloc(shape);
        self.inputs.push(tensor);
        tensor
    }

    /// Keeps a tensor to the end of the step, to be read by the caller.
    pub(crate) fn output(&mut self, tensor: Tensor) {
        self.outputs.push(tensor);
    }

    /// The weight with this number.
    pub(crate) fn weight(&mut self, number: usize, format: &'static Format, shape: Shape) -> Tensor {
        if let Some((_, tensor)) = self.weights.iter().find(|(n, _)| *n == number) {
            return *tensor;
        }
        let tensor = self.tensor(shape, Place::Weight(number, format));
        self.weights.push((number, tensor));
        tensor
    }

    /// A buffer that outlives the step.
    pub(crate) fn fixed(&mut self, which: Fixed) -> Tensor {
        if let Some((_, tensor)) = self.fixed.iter().find(|(f, _)| *f == which) {
            return *tensor;
        }
        let tensor = self.tensor([1].into(), Place::Fixed(which));
        self.fixed.push((which, tensor));
        tensor
    }

    /// The format of a weight.
    pub(crate) fn format(&self, op: &'static str, tensor: Tensor) -> Result<(usize, &'static Format)> {
        match self.places[tensor.id] {
            Place::Weight(number, format) => Ok((number, format)),
            place => Err(Error::shape(op, "weight", "a weight of the model", place)),
        }
    }

    /// Appends a node.
    pub(crate) fn push(&mut self, op: &'static Op, cfg: impl Any, inputs: &[Tensor], outputs: &[Tensor]) {
        self.nodes.push(Node {
            op,
            cfg: Rc::new(cfg),
            inputs: inputs.to_vec(),
            outputs: outputs.to_vec(),
        });
    }
}
