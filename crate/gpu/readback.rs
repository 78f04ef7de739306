//! Reading back: a copy at the end of a submission into a mappable buffer, and a wait that never blocks a browser.

use super::{
    buffer::{Buffer, Usage, count},
    open::Gpu,
    replay::Program,
};
use crate::error::{self, Error, Result};
use std::{
    future::poll_fn,
    sync::{Arc, Mutex, PoisonError},
    task::{Poll, Waker},
};

/// A buffer that the host can map, made once.
pub(crate) struct Staging(Buffer);

/// Bytes that a submission brings back, to be waited for. Until then its staging buffer is taken.
pub(crate) struct Reading {
    staging: Buffer,
    bytes: u64,
    signal: Signal,
    submission: wgpu::SubmissionIndex,
}

type Signal = Arc<Mutex<(Option<bool>, Option<Waker>)>>;

impl Gpu {
    /// A staging buffer for reads of at most `bytes`. Stand inside [`Gpu::watch`].
    ///
    /// # Errors
    /// As [`Gpu::buffer`].
    pub(crate) fn staging(&self, bytes: u64) -> Result<Staging> {
        Ok(Staging(self.buffer("readback", bytes, Usage::Readback)?))
    }

    /// [`Self::send`] and [`Self::receive`].
    ///
    /// # Errors
    /// As [`Self::receive`].
    pub(crate) async fn read(
        &self,
        program: Option<(&Program, usize)>,
        staging: &Staging,
        from: &Buffer,
        offset: u64,
        bytes: u64,
    ) -> Result<Vec<u8>> {
        self.receive(self.send(program, staging, from, offset, bytes)).await
    }

    /// Submits runs of a program (if any; so many of them in a row) and a copy of `bytes` at `offset` of `from`. Offset and length
    /// are multiples of 4.
    pub(crate) fn send(
        &self,
        program: Option<(&Program, usize)>,
        staging: &Staging,
        from: &Buffer,
        offset: u64,
        bytes: u64,
    ) -> Reading {
        let mut encoder = self
            .device
            .create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        if let Some((program, times)) = program {
            self.encode(&mut encoder, program, times);
        }
        encoder.copy_buffer_to_buffer(&from.raw, offset, &staging.0.raw, 0, bytes);
        let submission = self.queue.submit([encoder.finish()]);
        count(&self.counters.submissions, 1);

        let signal = Signal::default();
        let done = signal.clone();
        staging.0.raw.map_async(wgpu::MapMode::Read, ..bytes, move |result| {
            let mut state = done.lock().unwrap_or_else(PoisonError::into_inner);
            state.0 = Some(result.is_ok());
            if let Some(waker) = state.1.take() {
                waker.wake();
            }
        });
        Reading {
            staging: staging.0.clone(),
            bytes,
            signal,
            submission,
        }
    }

    /// Waits for what a submission brings back, and not for those behind it.
    ///
    /// # Errors
    /// [`Error::Gpu`] if the device is lost or refused something.
    pub(crate) async fn receive(&self, reading: Reading) -> Result<Vec<u8>> {
        let Reading { staging, bytes, .. } = &reading;
        self.wait(Some(reading.submission.clone()))?;
        let mapped = poll_fn(|context| {
            let mut state = reading.signal.lock().unwrap_or_else(PoisonError::into_inner);
            match state.0 {
                Some(ok) => Poll::Ready(ok),
                None => {
                    state.1 = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await;
        self.mishaps.check("running a step")?;
        let refused = |cause: String| Error::Gpu {
            kind: error::Gpu::Lost,
            doing: "reading back".into(),
            cause,
        };
        if !mapped {
            return Err(refused("the buffer could not be mapped".into()));
        }
        let data = staging
            .raw
            .get_mapped_range(..*bytes)
            .map_err(|e| refused(e.to_string()))?
            .to_vec();
        staging.raw.unmap();
        Ok(data)
    }
}
