//! What an adapter can do: the run-time values by which variants are chosen.

/// Features and limits of the opened device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caps {
    /// The adapter's name.
    pub name: String,
    /// Driver and backend, for reports.
    pub driver: String,
    /// Whether it is a software rasterizer.
    pub software: bool,
    /// Smallest and largest subgroup, where subgroups may be used.
    pub subgroup_sizes: Option<(u32, u32)>,
    /// Whether shaders may use f16.
    pub f16: bool,
    /// Largest storage binding in bytes.
    pub max_binding: u64,
    /// Largest buffer in bytes.
    pub max_buffer: u64,
    /// Workgroup memory in bytes.
    pub workgroup_memory: u32,
    /// Invocations a workgroup.
    pub invocations: u32,
}

impl Caps {
    /// Whether kernels may use subgroups: known, and no wider than a workgroup of 64.
    pub(crate) fn subgroups(&self) -> bool {
        self.subgroup_sizes.is_some_and(|(min, max)| min >= 1 && max <= 64)
    }

    /// The widest subgroup there may be.
    pub(crate) fn subgroup_max(&self) -> u32 {
        self.subgroup_sizes.map_or(1, |(_, max)| max.max(1))
    }
}

/// What only JavaScript can read of a browser's adapter.
#[cfg(target_arch = "wasm32")]
#[derive(Debug, Clone, Default)]
pub(crate) struct WebAdapter {
    /// Vendor, architecture and description, in words.
    pub(crate) description: String,
    /// Whether it is a software fallback.
    pub(crate) fallback: bool,
    /// Whether the device will be requested with subgroups.
    pub(crate) subgroups: bool,
    /// Smallest subgroup; 0 if not told.
    pub(crate) subgroup_min: u32,
    /// Largest subgroup; 0 if not told.
    pub(crate) subgroup_max: u32,
}

#[cfg(target_arch = "wasm32")]
thread_local! {
    static WEB_ADAPTER: std::cell::RefCell<Option<WebAdapter>> = const { std::cell::RefCell::new(None) };
}

/// Tells what JavaScript read of the adapter, before a device is opened.
#[cfg(target_arch = "wasm32")]
pub(crate) fn set_web_adapter(adapter: WebAdapter) {
    WEB_ADAPTER.set(Some(adapter));
}

/// What JavaScript read of the adapter.
#[cfg(all(target_arch = "wasm32", feature = "gpu"))]
pub(super) fn web_adapter() -> Option<WebAdapter> {
    WEB_ADAPTER.with_borrow(Clone::clone)
}
