//! The GPU as a device: adapter, limits, buffers, pipelines, replay and read-back. The only room that knows wgpu.

#[cfg(feature = "gpu")]
mod buffer;
mod caps;
#[cfg(feature = "gpu")]
mod open;
#[cfg(all(target_arch = "wasm32", feature = "gpu"))]
mod page;
#[cfg(all(not(target_arch = "wasm32"), feature = "gpu"))]
mod page {
    //! Natively wgpu tells everything.
    pub(super) fn complete(_: &mut super::Caps, _: [u32; 2]) {}
}
#[cfg(feature = "gpu")]
mod pipeline;
#[cfg(feature = "gpu")]
mod readback;
#[cfg(feature = "gpu")]
mod replay;
#[cfg(feature = "gpu")]
mod stopwatch;
#[cfg(feature = "gpu")]
mod watch;

pub use caps::Caps;
pub(crate) use caps::{UNIFORM, padded};
#[cfg(all(target_arch = "wasm32", feature = "gpu"))]
pub(crate) use page::{WebAdapter, set_web_adapter};
#[cfg(feature = "gpu")]
pub(crate) use {
    buffer::{Buffer, Counters, Usage},
    open::{Gpu, adapters},
    readback::{Reading, Staging},
    replay::{Program, Step},
    watch::Scopes,
};

/// Whether this build runs inside a browser, where waiting never blocks and WGSL needs its `enable` lines.
pub(crate) const WEB: bool = cfg!(target_arch = "wasm32");
