//! Kernels for many tokens: they take long to compile, and have known answers too, so a short first prompt is read with those for
//! few, and what a longer one takes is looked at and compiled ahead, while it is being written.

use super::{
    device::{self, Key, LONG, Runner},
    gpu::GpuRunner,
    pace::Many,
    selftest,
    session::Model,
};
use crate::{
    error::Result,
    model::{Head, Kind},
    plan::Plan,
};

/// Tokens of a prompt that is foreseen: others of more than a few take the same kernels.
const PROMPT: usize = 32;
/// Tokens that are read by few at a time while nothing was compiled ahead.
const SHORT: usize = 64;

impl Model {
    /// Does one thing more so that a long prompt need not wait; whether there was one. To be called after loading, while nobody
    /// waits. First the kernels for many tokens are held to the known answers that loading left for later, a format a call; then
    /// those that reading a prompt takes, and writing behind a long one, are compiled, a kernel a call: the step is recorded, planned
    /// and lowered, but nothing is made beside the kernel, and nothing runs. On the CPU there is nothing to do.
    ///
    /// # Errors
    /// [`crate::Error::Gpu`] of the device, which may be lost.
    pub async fn warm(&mut self) -> Result<bool> {
        if self.look().await? {
            return Ok(true);
        }
        let Runner::Gpu(gpu) = &self.runner else {
            return Ok(false);
        };
        if self.pace.many == Many::Refused {
            return Ok(false);
        }
        let head = match self.network.hyper.kind {
            Kind::Decoder => Head::Last,
            Kind::Encoder | Kind::EncoderDecoder(_) => Head::Encode,
        };
        let mut keys = vec![Key::new(PROMPT, head)];
        let long = gpu.behind(Key::new(1, self.network.hyper.kind.head()), LONG);
        if self.capacity > LONG && long.long {
            keys.push(long);
        }
        for key in keys {
            let (plan, _) = device::record(&self.network, key, &gpu.shape()?, Some(&gpu.stacks))?;
            if gpu.compile_one(&plan).await? {
                return Ok(true);
            }
        }
        self.pace.many = Many::Used;
        Ok(false)
    }

    /// So many tokens are to be read: uses the kernels for many from now on, if they are right and that is worth it.
    pub(super) async fn ready_for(&mut self, tokens: usize) -> Result<()> {
        if self.pace.many == Many::Later && tokens > SHORT {
            while self.look().await? {}
            if self.pace.many == Many::Later {
                self.pace.many = Many::Used;
            }
        }
        Ok(())
    }

    /// Holds the adapter to the known answers that loading left for later, of one format; whether there was one.
    pub(super) async fn look(&mut self) -> Result<bool> {
        let (Runner::Gpu(gpu), Some(known)) = (&self.runner, &mut self.known) else {
            return Ok(false);
        };
        let left = known
            .formats
            .iter()
            .copied()
            .find(|format| !known.verdicts.holds(format));
        let (Some(layers), Some(format)) = (&known.later, left) else {
            known.later = None;
            return Ok(false);
        };
        let before = gpu.gpu.counters().clone();
        let wrong = selftest::many(gpu, format, layers).await;
        gpu.gpu.uncount(&before);
        match wrong? {
            None => {
                let verdicts = &mut known.verdicts;
                verdicts.note(&[format]);
                let names = layers.0.iter().filter(|layer| layer.waits()).map(selftest::Layer::name);
                for name in names {
                    if !verdicts.layers.contains(&name) {
                        verdicts.layers.push(name);
                    }
                }
            }
            Some(found) => {
                known.refused = format!("; not used for more than a few tokens at once: {found}");
                self.pace.many = Many::Refused;
            }
        }
        if known.formats.iter().all(|format| known.verdicts.holds(format)) || self.pace.many == Many::Refused {
            known.later = None;
        }
        self.info.self_test = known.words();
        Ok(true)
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
