//! Which form of the kernels for few tokens is the fastest: measured where a model runs, with its own weights, when nobody waits.
//! What an adapter does best no table knows, and a form is taken only after it gave the known answers there.

use super::{
    device::{self, Key, Runner},
    gpu::GpuRunner,
    load::Known,
    selftest,
    session::Model,
};
use crate::{
    cpu::Sampler,
    error::{self, Error, Result},
    op::{Form, RING},
    plan::Plan,
    tensor::Format,
};

/// Milliseconds that a sample should take at the least, and samples a form, of which the shortest counts.
const SAMPLE_MS: f64 = 8.0;
const SAMPLES: usize = 5;
/// A form is left for one that takes this share of its time at most: less is noise.
const BETTER: f64 = 0.96;

/// Measuring under way.
pub(super) struct Tuner {
    format: &'static Format,
    /// What is still to be measured, the last first; the usual form at both ends, since a device may warm up.
    left: Vec<Form>,
    usual: (Form, f64),
    best: (Form, f64),
}

impl Tuner {
    fn new(gpu: &GpuRunner, format: &'static Format) -> Self {
        let all = Form::all(gpu.gpu.caps());
        let usual = all[0];
        let left = all.into_iter().chain([usual]).rev().collect();
        Self {
            format,
            left,
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
        if self.best.1 <= BETTER * self.usual.1 {
            (self.best.0, self.usual.1 / self.best.1)
        } else {
            (self.usual.0, 1.0)
        }
    }
}

impl Model {
    /// Measures one more form of kernels on the adapter, in a fraction of a second, for the block format that the model has most
    /// of; whether there are more. To be called between requests, while nobody waits. After the last one the model runs the
    /// fastest, and [`Self::verdicts`] says so. Nothing is measured of a model on the CPU, of one whose layers keep a past, and
    /// where it was done before.
    ///
    /// # Errors
    /// [`Error::Gpu`] of the device, which may be lost.
    pub async fn tune(&mut self) -> Result<bool> {
        let room = (self.capacity - self.cached.len()).min(RING);
        let (Runner::Gpu(gpu), Some(known)) = (&mut self.runner, &mut self.known) else {
            return Ok(false);
        };
        let Some(format) = known.formats.first().copied().filter(|f| !known.verdicts.measured(f)) else {
            return Ok(false);
        };
        let hyper = &self.network.hyper;
        if !hyper.pasts.is_empty() || hyper.kind.head() != crate::model::Head::Last || room < 2 {
            return Ok(false);
        }
        let before = gpu.gpu.counters().clone();
        let mut tuner = self.tuner.take().unwrap_or_else(|| Tuner::new(gpu, format));
        let kept = gpu.forms.clone();
        if let Some(form) = tuner.left.pop() {
            gpu.forms.set(format, form);
            let (plan, _) = device::record(
                &self.network,
                Key::new(1, hyper.kind.head()),
                &gpu.shape()?,
                Some(&gpu.stacks),
            )?;
            let measured = gpu
                .measure(&plan, tuner.format, self.cached.len(), room, self.clock)
                .await;
            gpu.forms = kept;
            gpu.gpu.uncount(&before);
            if let Some(ms) = measured? {
                tuner.note(form, ms);
            }
        }
        if !tuner.left.is_empty() {
            self.tuner = Some(tuner);
            return Ok(true);
        }
        let (form, gain) = tuner.found();
        known.verdicts.fastest(format, form, gain);
        gpu.forms = known.verdicts.forms();
        self.info.self_test = known.words();
        if form != tuner.usual.0 {
            gpu.forget_few();
            self.runner
                .prepare(&self.network, Key::new(1, hyper.kind.head()))
                .await?;
        }
        if let Runner::Gpu(gpu) = &self.runner {
            gpu.gpu.uncount(&before);
        }
        Ok(false)
    }

    /// What was found of the adapter, for [`super::LoadOptions::verdicts`] at the next load; `None` on the CPU.
    pub fn verdicts(&self) -> Option<String> {
        self.known.as_ref().map(|known: &Known| known.verdicts.text())
    }
}

impl GpuRunner {
    /// Milliseconds a step of one token behind `pos` takes in the form that is set, by the shortest of some samples; `None` if its
    /// answers are not the known ones. What steps write there the next real step writes anew.
    async fn measure(
        &mut self,
        plan: &Plan,
        format: &'static Format,
        pos: usize,
        room: usize,
        clock: super::Clock,
    ) -> Result<Option<f64>> {
        let mut beside = self.beside();
        beside.forms = self.forms.clone();
        match selftest::holds(&mut beside, format).await {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(Error::Gpu {
                kind: error::Gpu::Refused,
                ..
            }) => {
                self.gpu.forget_pipelines();
                return Ok(None);
            }
            Err(error) => return Err(error),
        }
        drop(beside);
        let scopes = self.gpu.watch("preparing to measure kernels");
        let (program, _slots) = self.build(plan, 0)?;
        scopes.close().await?;
        self.choose_by(&Sampler::default())?;
        let (mut count, mut shortest) = (1, f64::INFINITY);
        // the first one warms up and tells how many steps make a sample
        for sample in 0..=SAMPLES {
            let begun = clock();
            self.repeat(&program, pos, count).await?;
            let ms = (clock() - begun) / count_of(count);
            if sample == 0 {
                count = (1..room).find(|n| count_of(*n) * ms >= SAMPLE_MS).unwrap_or(room);
            } else {
                shortest = shortest.min(ms);
            }
        }
        Ok(Some(shortest))
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts are small")]
fn count_of(n: usize) -> f64 {
    n as f64
}
