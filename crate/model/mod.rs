//! Model families: one file each, reading the files' metadata into a config and writing the network with operators.

mod bert;
mod block;
mod bloom;
mod card;
mod deepseek2;
mod ernie;
pub mod export;
mod export_text;
mod falcon;
mod falcon_h1;
mod gemma;
mod gemma2;
mod gemma3;
mod gemma4;
mod glm4;
mod gpt2;
mod gpt_oss;
mod gptj;
mod gptneo;
mod gptneox;
mod granite;
mod granitehybrid;
mod grok;
mod hunyuan;
mod keys;
mod layers;
mod lfm2;
mod lfm2moe;
mod llama;
mod mamba;
mod mistral3;
mod mpt;
mod olmo2;
mod olmoe;
mod opt;
mod phi2;
mod phi3;
mod qwen2;
mod qwen2moe;
mod qwen3;
mod qwen35;
mod qwen3moe;
mod qwen3next;
pub mod readme;
mod recurrent;
mod rope;
mod rwkv4;
mod smollm3;
mod spec;
mod stablelm;
mod t5;
mod weights;

pub use card::{Base, Card};
pub(crate) use rope::RopeTable;
pub(crate) use weights::Weight;

use crate::{
    error::{Error, Result, Unsupported},
    format::{Checkpoint, Container, Value},
    op::{Graph, Tensor},
    tensor::{Kept, Kv},
};
use std::rc::Rc;

/// A family: one row of [`ARCHS`].
pub(crate) struct Arch {
    /// Name, as in GGUF's `general.architecture`.
    pub(crate) name: &'static str,
    /// Names in `config.json`'s `architectures`.
    pub(crate) classes: &'static [&'static str],
    /// Tables of GGUF's names of this family's tensors by the names that its published checkpoints use; `{}` stands for
    /// the layer, a second one for the expert.
    pub(crate) names: &'static [&'static [(&'static str, &'static str)]],
    /// Reads the config, finds the weights, and says how to compute.
    pub(crate) open: fn(&Checkpoint) -> Result<Network>,
}

impl Arch {
    /// Published names with their GGUF names.
    fn published(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.names.iter().copied().flatten().copied()
    }
}

/// Every family.
pub(crate) static ARCHS: &[&Arch] = &[
    &llama::ARCH,
    &mistral3::ARCH,
    &qwen2::ARCH,
    &qwen3::ARCH,
    &smollm3::ARCH,
    &ernie::ARCH,
    &hunyuan::ARCH,
    &glm4::ARCH,
    &granite::ARCH,
    &olmo2::ARCH,
    &phi3::ARCH,
    &gemma::ARCH,
    &gemma2::ARCH,
    &gemma3::ARCH,
    &gemma4::ARCH,
    &gpt2::ARCH,
    &gptneo::ARCH,
    &gptj::ARCH,
    &gptneox::ARCH,
    &phi2::ARCH,
    &stablelm::ARCH,
    &bloom::ARCH,
    &falcon::ARCH,
    &mpt::ARCH,
    &opt::ARCH,
    &qwen2moe::ARCH,
    &qwen3moe::ARCH,
    &olmoe::ARCH,
    &gpt_oss::ARCH,
    &grok::ARCH,
    &bert::ARCH,
    &t5::ARCH,
    &lfm2::ARCH,
    &lfm2moe::ARCH,
    &qwen35::ARCH,
    &granitehybrid::ARCH,
    &qwen3next::ARCH,
    &falcon_h1::ARCH,
    &deepseek2::ARCH,
    &mamba::ARCH,
    &rwkv4::ARCH,
];

/// What a network makes of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Logits of what follows them.
    Decoder,
    /// A row for each, in a single step: embeddings.
    Encoder,
    /// An encoder reads them in a single step; a decoder that sees what it wrote begins with this id.
    EncoderDecoder(u32),
}

impl Kind {
    /// What a step computes to begin with.
    pub(crate) fn head(self) -> Head {
        match self {
            Self::Encoder => Head::Encode,
            Self::Decoder | Self::EncoderDecoder(_) => Head::Last,
        }
    }
}

/// What a step computes after the last layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Head {
    /// Nothing: a part of a prompt that others follow.
    None,
    /// Logits of the last valid token, and the greedy choice.
    Last,
    /// Logits of every token.
    All,
    /// It is a step of an encoder, whose tokens all see each other; an encoder alone gives their rows.
    Encode,
}

/// What the engine needs to know.
#[derive(Debug, Clone)]
pub(crate) struct Hyper {
    /// What comes out.
    pub(crate) kind: Kind,
    /// What each cache keeps of a token.
    pub(crate) caches: Rc<[Kept]>,
    /// Values that each recurrent operator keeps, in f32, however many tokens there were.
    pub(crate) pasts: Rc<[usize]>,
    /// Key-value heads of the first layer.
    pub(crate) kv_heads: usize,
    /// Head width of the first layer.
    pub(crate) head_dim: usize,
    /// Length of a row of logits.
    pub(crate) vocabulary: usize,
    /// Tokens it was made for.
    pub(crate) context: usize,
    /// Tokens it can take at all: a table of positions has an end.
    pub(crate) most: usize,
    /// Whether its keys have to be kept exactly: rounding to f16 would move its logits too far.
    pub(crate) exact_keys: bool,
    /// Its tables of rotations.
    pub(crate) ropes: Vec<RopeTable>,
}

/// The network after the last layer: logits `[1, V]` or `[T, V]`, an encoder's rows `[T, D]`, or nothing.
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
    let record = |head| (network.forward)(&mut Graph::new(1, 1, Kv::F32), head);
    let encode = match network.hyper.kind {
        Kind::EncoderDecoder(_) => record(Head::Encode),
        _ => Ok(None),
    };
    match encode.and_then(|_| record(network.hyper.kind.head())) {
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
