//! Buffers, and the counts of everything created and written.

use super::{caps::padded, open::Gpu};
use crate::error::{Error, Result};
use std::cell::Cell;

/// A GPU buffer; a cheap handle.
#[derive(Clone)]
pub(crate) struct Buffer {
    pub(super) raw: wgpu::Buffer,
    /// Its length in bytes.
    pub(crate) bytes: u64,
}

/// What a buffer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Usage {
    /// Bound by kernels, written by the host, copied from.
    Storage,
    /// Parameters of kernels.
    Uniform,
    /// Read by the host.
    Readback,
    /// Where the device's clock goes.
    Moments,
}

/// What a device has created and written since it was opened.
#[derive(Debug, Default, Clone)]
pub(crate) struct Counters {
    /// Pipelines.
    pub(crate) pipelines: Cell<u64>,
    /// Bind groups.
    pub(crate) bind_groups: Cell<u64>,
    /// Buffers.
    pub(crate) buffers: Cell<u64>,
    /// `writeBuffer` calls.
    pub(crate) writes: Cell<u64>,
    /// Dispatches submitted.
    pub(crate) dispatches: Cell<u64>,
    /// Submissions.
    pub(crate) submissions: Cell<u64>,
    /// Bytes of all buffers.
    pub(crate) bytes: Cell<u64>,
}

/// Adds to a counter.
pub(super) fn count(cell: &Cell<u64>, by: u64) {
    cell.set(cell.get() + by);
}

impl Gpu {
    /// A zeroed buffer of `bytes`, rounded up to 16. Stand inside [`Gpu::watch`].
    ///
    /// # Errors
    /// [`Error::TooBig`] beyond the device's limit; what the driver refuses shows when the scopes are closed.
    pub(crate) fn buffer(&self, label: &str, bytes: u64, usage: Usage) -> Result<Buffer> {
        let bytes = padded(bytes);
        if bytes > self.caps.max_buffer {
            return Err(Error::TooBig {
                what: format!("buffer {label}"),
                needed: bytes,
                available: self.caps.max_buffer,
            });
        }
        let usages = match usage {
            Usage::Storage => wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::COPY_SRC,
            Usage::Uniform => wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            Usage::Moments => wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC,
            Usage::Readback => wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
        };
        let raw = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some(label),
            size: bytes,
            usage: usages,
            mapped_at_creation: false,
        });
        count(&self.counters.buffers, 1);
        count(&self.counters.bytes, bytes);
        Ok(Buffer { raw, bytes })
    }

    /// Writes words at a byte offset (a multiple of 4), in the order of submissions.
    pub(crate) fn write(&self, to: &Buffer, offset: u64, data: &[u8]) {
        self.queue.write_buffer(&to.raw, offset, data);
        count(&self.counters.writes, 1);
    }

    /// Hands what was written to the driver, so that staging memory is freed while weights stream.
    pub(crate) fn flush(&self) -> Result<()> {
        self.queue.submit([]);
        self.wait(None)
    }
}
