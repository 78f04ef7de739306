//! The engine: load a model onto a device, keep its cache, generate tokens.

pub(crate) mod bench;
mod cpu;
mod crew;
mod decode;
mod device;
mod encode;
pub mod fit;
#[cfg(feature = "gpu")]
mod gpu;
mod load;
mod pace;
mod pooling;
mod request;
mod revive;
pub(crate) mod roofline;
#[cfg(feature = "gpu")]
mod selftest;
mod session;
mod stats;
mod stream;
mod threads;
pub(crate) mod trial;
#[cfg(feature = "gpu")]
mod tuner;
#[cfg(feature = "gpu")]
mod verdicts;
#[cfg(feature = "gpu")]
mod warm;

use crate::{model::Card, tensor::Format};

pub use crate::{cpu::part::Part, gpu::Caps, tensor::Kv};
pub use crew::{Helpers, Threads};
pub use request::{Finish, Request};
pub use session::{Event, Generation, Model};
pub use stats::{Created, Stats};
pub use threads::OwnThreads;

/// Milliseconds from any fixed moment; `bin/` and `web/` pass it (there is no clock in wasm).
pub type Clock = fn() -> f64;

/// Where to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Device {
    /// A hardware GPU, else the CPU, with the reason in [`Info::device_reason`].
    #[default]
    Auto,
    /// A GPU, software adapters too; an error if there is none.
    Gpu,
    /// The CPU.
    Cpu,
}

/// What may be rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// The fastest variants there are: of f32, but on the CPU products with codes take activations of 16 bits.
    #[default]
    Auto,
    /// f32 arithmetic, or what is as exact.
    F32,
}

/// How to load a model.
#[derive(Debug, Clone, Default)]
pub struct LoadOptions {
    /// Where to run.
    pub device: Device,
    /// What may be rounded.
    pub precision: Precision,
    /// How the cache is stored; by default F16 on a GPU, F32 on the CPU and for models that rounding would lead astray.
    pub kv: Option<Kv>,
    /// Tokens the cache holds; by default the model's own context, at most 4096, and of `LongRoPE` at most the short one.
    pub context: Option<usize>,
    /// The block format that weights get which the files hold as floats; by default they stay as they are.
    pub quantize: Option<&'static Format>,
    /// Largest GPU binding to use, in bytes (tests force sharding with it); by default what the adapter grants.
    pub max_binding: Option<u64>,
    /// What [`Model::verdicts`] said on this device at another time, so that it need not be found again; a text about another
    /// adapter or version is left aside.
    pub verdicts: Option<String>,
    /// Whether the kernels for many tokens may wait for [`Model::warm`] or a long prompt, so that a first short one waits less.
    pub later: bool,
    /// Whether a GPU of a CPU's lanes gets the kernels that hardware gets: there tests try those.
    #[doc(hidden)]
    pub as_hardware: bool,
    /// Words of kernels to replace, which makes them wrong: tests hold the self-test to it.
    #[doc(hidden)]
    pub spoil: Option<(&'static str, &'static str)>,
    /// Threads that a model on the CPU shares its products with.
    pub threads: Option<std::rc::Rc<dyn Threads>>,
    /// Tokens that a submission to a GPU makes; by default as many as take about 12 ms, 16 at most.
    pub together: Option<usize>,
    /// The prompt format to use: the name of one, `none`, or a chat template in Jinja; by default the files' own, else the
    /// one that they ask for.
    #[cfg(feature = "text")]
    pub template: Option<String>,
}

/// What loading is busy with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Reading headers.
    Open,
    /// Opening the device.
    Device,
    /// Bringing weights to the device.
    Weights,
    /// Recording programs and compiling shaders.
    Compile,
    /// Done.
    Ready,
}

impl Phase {
    /// The name that logs, marks and the page use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Device => "device",
            Self::Weights => "weights",
            Self::Compile => "compile",
            Self::Ready => "ready",
        }
    }
}

/// How far loading is: bytes of the current phase (0 of 0 where bytes are not the measure).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What it is busy with.
    pub phase: Phase,
    /// Bytes done.
    pub done: u64,
    /// Bytes in all.
    pub total: u64,
}

/// Called as loading goes on; `false` stops it with [`crate::Error::Aborted`].
pub type OnProgress<'a> = &'a mut dyn FnMut(Progress) -> bool;

/// What is known of a loaded model (`CONTRACT.md`, 3).
#[derive(Debug, Clone, PartialEq)]
pub struct Info {
    /// Family, as in GGUF's `general.architecture`.
    pub family: String,
    /// The name the file gives itself, or the file's name.
    pub name: String,
    /// Number of weights.
    pub parameters: u64,
    /// Block formats of the weights, by descending share of bytes.
    pub formats: Vec<String>,
    /// `gpu` or `cpu`.
    pub device: &'static str,
    /// Why that device.
    pub device_reason: String,
    /// The adapter's name; empty on the CPU.
    pub adapter: String,
    /// What the self-test found of the GPU; empty on the CPU.
    pub self_test: String,
    /// Licence as the file states it; `None` is "not stated".
    pub licence: Option<String>,
    /// What the files state of themselves.
    pub card: Card,
    /// Tokens that the cache holds.
    pub context: usize,
    /// Tokens that the model was made for.
    pub context_trained: usize,
    /// Whether it takes conversations.
    pub chat: bool,
    /// Whether it makes embeddings, and no text.
    pub embeds: bool,
    /// Where its chat template comes from; `None` for a base model.
    #[cfg(feature = "text")]
    pub template: Option<crate::text::formats::Origin>,
    /// Vocabulary size: the length of a row of logits.
    pub vocabulary: usize,
    /// Bytes of GPU buffers.
    pub gpu_bytes: u64,
    /// Bytes of weights on the CPU.
    pub cpu_bytes: u64,
    /// Threads that multiply on the CPU.
    pub threads: usize,
    /// SHA-256 of all weight bytes in file order, in hexadecimal.
    pub sha256: String,
}
