//! Kernels compiled ahead: those that reading a first prompt takes, while it is being written.

use super::{
    device::{self, Key, Runner},
    gpu::GpuRunner,
    session::Model,
};
use crate::{
    error::Result,
    model::{Head, Kind},
    plan::Plan,
};

/// Tokens of a prompt that is foreseen: others of more than a few take the same kernels.
const PROMPT: usize = 32;

impl Model {
    /// Compiles one more of the kernels that reading a prompt takes; whether there was one. To be called after loading, while nobody
    /// waits. The step is recorded, planned and lowered, but nothing is made beside the kernel, and nothing runs. On the CPU there
    /// are none.
    ///
    /// # Errors
    /// [`crate::Error::Gpu`] of the device, which may be lost.
    pub async fn warm(&self) -> Result<bool> {
        let Runner::Gpu(gpu) = &self.runner else {
            return Ok(false);
        };
        let head = match self.network.hyper.kind {
            Kind::Decoder => Head::Last,
            Kind::Encoder | Kind::EncoderDecoder(_) => Head::Encode,
        };
        let key = Key::new(PROMPT, head);
        let (plan, _) = device::record(&self.network, key, &gpu.shape()?, Some(&gpu.stacks))?;
        gpu.compile_one(&plan).await
    }
}

impl GpuRunner {
    /// Compiles the first kernel of a plan that is not there yet; whether there was one.
    async fn compile_one(&self, plan: &Plan) -> Result<bool> {
        let (dispatches, made) = (self.dispatches(plan, 0)?, &self.gpu.counters().pipelines);
        let (before, scopes) = (made.get(), self.gpu.watch("compiling kernels ahead"));
        let one = dispatches.iter().any(|d| {
            self.gpu.pipeline(d.source, &d.consts, &d.bindings);
            made.get() > before
        });
        let compiled = scopes.close().await;
        if compiled.is_err() {
            self.gpu.forget_pipelines();
        }
        compiled.map(|()| one)
    }
}
