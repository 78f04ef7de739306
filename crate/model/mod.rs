//! Model families: one file each, reading the files' metadata into a config and writing the network with operators.

mod card;
pub mod export;
mod export_text;
mod keys;
mod llama;
pub mod readme;
mod rope;

pub use card::{Base, Card};
pub(crate) use rope::RopeTable;

use crate::{
    error::{Error, Result, Unsupported},
    format::{Checkpoint, Container, Entry, Value},
    op::{Graph, Tensor},
    tensor::{Format, Shape},
};

/// A family: one row of [`ARCHS`].
pub(crate) struct Arch {
    /// Name, as in GGUF's `general.architecture`.
    pub(crate) name: &'static str,
    /// Names in `config.json`'s `architectures`.
    pub(crate) classes: &'static [&'static str],
    /// GGUF names of this family's tensors by the names its published checkpoints use; `{}` stands for the layer.
    pub(crate) names: &'static [(&'static str, &'static str)],
    /// Reads the config, finds the weights, and says how to compute.
    pub(crate) open: fn(&Checkpoint) -> Result<Network>,
}

/// Every family.
pub(crate) static ARCHS: &[&Arch] = &[&llama::ARCH];

/// What a step computes after the last layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Head {
    /// Nothing: a part of a prompt that others follow.
    None,
    /// Logits of the last valid token, and the greedy choice.
    Last,
    /// Logits of every token.
    All,
}

/// How the rows of a weight lie in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// As the operators want them.
    Plain,
    /// Heads whose rotated rows are interleaved (GGUF's llama): row `2i + j` of a head, below `rotated`, is ours
    /// `j * rotated/2 + i`; the rest stay.
    Interleaved {
        /// Rows a head.
        head_dim: usize,
        /// Of these, from the first on, how many are rotated; even.
        rotated: usize,
    },
}

/// A weight of the network: where it lies and how it is used.
pub(crate) struct Weight {
    /// Where it lies.
    pub(crate) entry: Entry,
    /// Its format on the device: vectors are F32 there.
    pub(crate) format: &'static Format,
    /// Its shape, as the network wants it.
    pub(crate) shape: Shape,
    /// Its row order.
    pub(crate) order: Order,
}

/// Sizes that the engine needs.
#[derive(Debug, Clone)]
pub(crate) struct Hyper {
    /// Layers with a cache.
    pub(crate) layers: usize,
    /// Key-value heads.
    pub(crate) kv_heads: usize,
    /// Head width.
    pub(crate) head_dim: usize,
    /// Length of a row of logits.
    pub(crate) vocabulary: usize,
    /// Tokens it was made for.
    pub(crate) context: usize,
    /// Its rotations.
    pub(crate) rope: RopeTable,
}

/// The network after the last layer: logits `[1, V]` or `[T, V]`, `None` for [`Head::None`].
type Forward = Box<dyn Fn(&mut Graph, Head) -> Result<Option<Tensor>>>;

/// A network: sizes, weights in the order of their numbers, and the forward pass that records it.
pub(crate) struct Network {
    /// The family's name.
    pub(crate) family: &'static str,
    /// Sizes.
    pub(crate) hyper: Hyper,
    /// Weights by number.
    pub(crate) weights: Vec<Weight>,
    /// Records a step.
    pub(crate) forward: Forward,
}

/// The family of a checkpoint.
///
/// # Errors
/// `unsupported-architecture` naming it and what is supported.
pub(crate) fn arch(checkpoint: &Checkpoint) -> Result<&'static Arch> {
    let unsupported = |what: String| Error::Unsupported {
        kind: Unsupported::Architecture,
        file: checkpoint.name.clone(),
        what,
        supported: ARCHS.iter().map(|a| a.name).collect::<Vec<_>>().join(", "),
    };
    match checkpoint.container {
        Container::Gguf => {
            let Some(Value::Str(name)) = checkpoint.meta.get("general.architecture") else {
                return Err(Error::bad(
                    &checkpoint.name,
                    "general.architecture",
                    "a family's name",
                    "nothing",
                ));
            };
            ARCHS
                .iter()
                .copied()
                .find(|a| a.name == name)
                .ok_or_else(|| unsupported(name.clone()))
        }
        Container::Safetensors => {
            let classes = keys::Keys::new(checkpoint, "")?.classes()?;
            let known = ARCHS
                .iter()
                .copied()
                .find(|a| classes.iter().any(|c| a.classes.contains(&c.as_str())));
            known.ok_or_else(|| unsupported(classes.join(", ")))
        }
    }
}

/// The network of a checkpoint.
///
/// # Errors
/// As [`arch`]; `unsupported-format` for a weight in a format that is not in the table; `bad-file` for a missing or
/// misshapen tensor or key.
pub(crate) fn open(checkpoint: &Checkpoint) -> Result<Network> {
    checkpoint.whole()?;
    let network = (arch(checkpoint)?.open)(checkpoint)?;
    // Recording a step shows, before a byte of weights is read, whether the operators take these shapes.
    match (network.forward)(&mut Graph::new(1, 1, false), Head::Last) {
        Ok(_) => Ok(network),
        Err(Error::Shape {
            op,
            tensor,
            expected,
            found,
        }) => Err(Error::Unsupported {
            kind: Unsupported::Architecture,
            file: checkpoint.name.clone(),
            what: format!("{} with {op} of {tensor} {found}", network.family),
            supported: expected,
        }),
        Err(other) => Err(other),
    }
}
