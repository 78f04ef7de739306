//! Which form of the kernels for few tokens is the fastest: measured where a model runs, with its own weights, when nobody waits.
//! What an adapter does best no table knows, and a form is taken only after it gave the known answers there.

use super::{
    Clock,
    device::{self, Key, Runner},
    gpu::GpuRunner,
    selftest::{self, Layer},
    session::Model,
};
use crate::{
    cpu::Sampler,
    error::{self, Error, Result},
    model::Head,
    op::{Form, RING},
    plan::Plan,
    tensor::Format,
};

/// Milliseconds that a sample should take, and in how many runs; samples a form, of which the shortest counts;
/// fewer where a step is slow.
const SAMPLE_MS: f64 = 50.0;
const RUNS: usize = 4;
const SAMPLES: usize = 3;
const SLOW_SAMPLES: usize = 2;
/// Tokens that the context has to have left.
const ROOM: usize = 16;
/// A clock of longer steps cannot tell forms apart; looks at it after which it is taken for one.
const COARSE_MS: f64 = 1.5;
const LOOKS: usize = 100_000;
/// A form is left for one that takes this share of its time at most: less is noise.
const BETTER: f64 = 0.96;

/// Measuring under way.
pub(super) struct Tuner {
    /// Where in the context all are measured, since it takes its time too.
    pos: usize,
    /// What is still to be measured, the last first; the usual form at both ends, since a device may warm up.
    left: Vec<Form>,
    usual: (Form, f64),
    best: (Form, f64),
}

impl Tuner {
    fn new(gpu: &GpuRunner, pos: usize) -> Self {
        let (all, usual) = (Form::all(gpu.gpu.caps()), Form::usual(gpu.gpu.caps()));
        Self {
            pos,
            left: all.into_iter().chain([usual]).rev().collect(),
            usual: (usual, f64::INFINITY),
            best: (usual, f64::INFINITY),
        }
    }

    fn note(&mut self, form: Form, ms: f64) {
        if form == self.usual.0 {
            self.usual.1 = self.usual.1.min(ms);
        }
        if ms < self.best.1 {
            self.best = (form, ms);
        }
    }

    /// The form to take, and how many times faster than the usual one it is.
    fn found(&self) -> (Form, f64) {
        let gain = self.usual.1 / self.best.1;
        if gain.is_finite() && gain * BETTER >= 1.0 {
            (self.best.0, gain)
        } else {
            (self.usual.0, 1.0)
        }
    }
}

/// Whether a clock has steps that are short enough.
fn fine(clock: Clock) -> bool {
    let begun = clock();
    let step = (0..LOOKS).map(|_| clock() - begun).find(|ms| *ms > 0.0);
    step.is_some_and(|ms| ms <= COARSE_MS)
}

impl Model {
    /// Measures one more form of kernels on the adapter, in a fraction of a second, for the block format that the model has most
    /// of; whether there are more. To be called between requests, while nobody waits. After the last one the model runs the
    /// fastest, and [`Self::verdicts`] says so. Nothing is measured of a model on the CPU, of one whose layers keep a past, where the
    /// context is full, and where it was done before. Where it fails, [`Self::leave_untuned`] keeps it from being tried again.
    ///
    /// # Errors
    /// [`Error::Gpu`] of the device, which may be lost.
    pub async fn tune(&mut self) -> Result<bool> {
        while self.look().await? {}
        let pos = self.cached.len();
        let (room, key) = ((self.capacity - pos).min(RING), Key::new(1, Head::Last));
        let Some(format) = self.untuned().filter(|_| room >= ROOM) else {
            return Ok(false);
        };
        let (Runner::Gpu(gpu), Some(known)) = (&mut self.runner, &mut self.known) else {
            return Ok(false);
        };
        if self.tuner.is_none() && !fine(self.clock) {
            known.verdicts.fastest(format, Form::usual(gpu.gpu.caps()), 1.0);
            self.info.self_test = known.words();
            return Ok(false);
        }
        let experts = Layer::Experts(format).name();
        let mixed = known.layers.contains(&experts);
        let before = gpu.gpu.counters().clone();
        let started = self.tuner.take().filter(|tuner| tuner.pos == pos);
        let mut tuner = started.unwrap_or_else(|| Tuner::new(gpu, pos));
        if let Some(form) = tuner.left.pop() {
            let (plan, _) = device::record(&self.network, key, &gpu.shape()?, Some(&gpu.stacks))?;
            let kept = gpu.forms.clone();
            gpu.forms.set(format, form);
            let measured = gpu.measure(&plan, (format, form, mixed), pos, room, self.clock).await;
            gpu.forms = kept;
            gpu.gpu.uncount(&before);
            match measured? {
                Some(ms) => tuner.note(form, ms),
                // what was known to be right is not: the next load looks again
                None if form == tuner.usual.0 => {
                    known.verdicts.forget(format);
                    return Ok(false);
                }
                None => {}
            }
        }
        if !tuner.left.is_empty() {
            self.tuner = Some(tuner);
            return Ok(true);
        }
        let (form, gain) = tuner.found();
        known.verdicts.fastest(format, form, gain);
        if !mixed {
            // of another model, and not tried in this form
            known.verdicts.layers.retain(|layer| *layer != experts);
        }
        gpu.forms = known.verdicts.forms();
        self.info.self_test = known.words();
        if form != tuner.usual.0 {
            gpu.forget_few();
            self.runner.prepare(&self.network, key).await?;
        }
        if let Runner::Gpu(gpu) = &self.runner {
            gpu.gpu.uncount(&before);
        }
        Ok(false)
    }

    /// The format that is to be measured.
    fn untuned(&self) -> Option<&'static Format> {
        let (known, hyper) = (self.known.as_ref()?, &self.network.hyper);
        let format = known.formats.first().copied()?;
        let can = hyper.pasts.is_empty() && hyper.kind.head() == Head::Last;
        // what is noted of it counts as right for many tokens too
        let whole = known.later.is_none() && known.refused.is_empty();
        (can && whole && !known.verdicts.measured(format)).then_some(format)
    }

    /// Takes the usual form for the best, as after measuring: since that failed, or lost the GPU.
    pub fn leave_untuned(&mut self) {
        self.tuner = None;
        let format = self.untuned();
        if let (Runner::Gpu(gpu), Some(known), Some(format)) = (&self.runner, &mut self.known, format) {
            known.verdicts.fastest(format, Form::usual(gpu.gpu.caps()), 1.0);
        }
    }

    /// What was found of the adapter, for [`super::LoadOptions::verdicts`] at the next load; `None` on the CPU.
    pub fn verdicts(&self) -> Option<String> {
        self.known.as_ref().map(|known| known.verdicts.text())
    }
}

impl GpuRunner {
    /// Milliseconds a step of one token behind `pos` takes in the form that is set, by the shortest of some samples; `None` if its
    /// answers are not the known ones, with `mixed` those of experts too. What steps write there the next real step writes anew.
    async fn measure(
        &mut self,
        plan: &Plan,
        (format, form, mixed): (&'static Format, Form, bool),
        pos: usize,
        room: usize,
        clock: Clock,
    ) -> Result<Option<f64>> {
        let right = selftest::holds(self, format, form.invocations as usize, mixed).await;
        let scopes = self.gpu.watch("measuring kernels");
        let timed = match right {
            Ok(true) => self.time_steps(plan, pos, room, clock).await.map(Some),
            Ok(false) => Ok(None),
            Err(error) => Err(error),
        };
        let closed = scopes.close().await;
        let refused = |error: &Error| matches!(error, Error::Gpu { kind, .. } if *kind == error::Gpu::Refused);
        match closed.and(timed) {
            Err(error) if refused(&error) => {
                self.gpu.forget_pipelines();
                Ok(None)
            }
            other => other,
        }
    }

    async fn time_steps(&mut self, plan: &Plan, pos: usize, room: usize, clock: Clock) -> Result<f64> {
        let scopes = self.gpu.watch("preparing a step");
        let (program, _slots) = self.build(plan, 0)?;
        scopes.close().await?;
        self.choose_by(&Sampler::default())?;
        let (mut samples, mut shortest) = (SAMPLES, f64::INFINITY);
        // the first one warms up and tells how many steps go together
        self.repeat(&program, pos, 1).await?;
        let begun = clock();
        self.repeat(&program, pos, 1).await?;
        let step = clock() - begun;
        if step > SAMPLE_MS {
            samples = SLOW_SAMPLES;
        }
        let together = (1..room).find(|n| count(*n * RUNS) * step >= SAMPLE_MS).unwrap_or(room);
        for _ in 0..samples {
            let (begun, mut runs, mut ms) = (clock(), 0, 0.0);
            while ms < SAMPLE_MS && runs < RUNS {
                self.repeat(&program, pos, together).await?;
                runs += 1;
                ms = clock() - begun;
            }
            shortest = shortest.min(ms / count(runs * together));
        }
        Ok(shortest)
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts are small")]
fn count(n: usize) -> f64 {
    n as f64
}
