//! Errors of the device: scopes round what is created, what no scope caught, and the loss of the device.

use crate::error::{self, Error, Result};
use std::sync::{Arc, Mutex, PoisonError};

/// What the device said on its own account.
#[derive(Default, Clone)]
pub(super) struct Mishaps(Arc<Mutex<(Option<String>, Option<String>)>>);

impl Mishaps {
    /// Listens to a device.
    pub(super) fn of(device: &wgpu::Device) -> Self {
        let mishaps = Self::default();
        let (lost, refused) = (mishaps.clone(), mishaps.clone());
        device.set_device_lost_callback(move |_, message| {
            lost.0.lock().unwrap_or_else(PoisonError::into_inner).0 = Some(message);
        });
        device.on_uncaptured_error(Arc::new(move |e: wgpu::Error| {
            refused
                .0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .1
                .get_or_insert_with(|| e.to_string());
        }));
        mishaps
    }

    /// Why the device is gone, if it is.
    fn lost(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    /// An error if the device is gone or refused something since it was opened.
    pub(super) fn check(&self, doing: &str) -> Result<()> {
        let (lost, refused) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (kind, cause) = match (lost, refused) {
            (Some(cause), _) => (error::Gpu::Lost, cause),
            (None, Some(cause)) => (error::Gpu::Refused, cause),
            (None, None) => return Ok(()),
        };
        Err(Error::Gpu {
            kind,
            doing: doing.into(),
            cause: cause.clone(),
        })
    }
}

/// Error scopes that stand open. They are a stack: the last one opened is closed first, also when they are dropped on
/// the way out of an error, which goes from the first field to the last.
pub(crate) struct Scopes {
    memory: wgpu::ErrorScopeGuard,
    validation: wgpu::ErrorScopeGuard,
    internal: wgpu::ErrorScopeGuard,
    device: wgpu::Device,
    mishaps: Mishaps,
    doing: String,
}

impl Scopes {
    /// Opens scopes round something that is `doing`.
    pub(super) fn open(device: &wgpu::Device, mishaps: &Mishaps, doing: impl Into<String>) -> Self {
        use wgpu::ErrorFilter::{Internal, OutOfMemory, Validation};
        let [internal, validation, memory] = [Internal, Validation, OutOfMemory].map(|f| device.push_error_scope(f));
        Self {
            memory,
            validation,
            internal,
            device: device.clone(),
            mishaps: mishaps.clone(),
            doing: doing.into(),
        }
    }

    /// Closes them at once; what they caught is known when everything inside them is done.
    ///
    /// # Errors
    /// [`Error::Gpu`] with the first error that any of them caught; if the device is gone, that is the error.
    pub(crate) fn close(self) -> impl Future<Output = Result<()>> + 'static {
        let (memory, validation, internal) = (self.memory.pop(), self.validation.pop(), self.internal.pop());
        let (device, mishaps, doing) = (self.device, self.mishaps, self.doing);
        async move {
            for (kind, error) in [
                (error::Gpu::OutOfMemory, memory.await),
                (error::Gpu::Refused, validation.await),
                (error::Gpu::Refused, internal.await),
            ] {
                if let Some(error) = error {
                    // natively this is what makes a loss heard; that it fails says nothing more
                    let _ = device.poll(wgpu::PollType::Poll);
                    let (kind, cause) = match mishaps.lost() {
                        Some(cause) => (error::Gpu::Lost, cause),
                        None => (kind, error.to_string()),
                    };
                    return Err(Error::Gpu { kind, doing, cause });
                }
            }
            Ok(())
        }
    }
}
