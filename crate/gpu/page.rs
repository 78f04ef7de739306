//! What only JavaScript can read of a browser's adapter; wgpu shows neither its name nor its subgroups there.

use super::caps::Caps;
use std::cell::RefCell;

/// What the page read of the adapter.
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

thread_local! {
    static ADAPTER: RefCell<Option<WebAdapter>> = const { RefCell::new(None) };
}

/// Tells what the page read of the adapter, before a device is opened.
pub(crate) fn set_web_adapter(adapter: WebAdapter) {
    ADAPTER.set(Some(adapter));
}

/// Adds to `caps` what was told. Sizes of subgroups come from there, else from wgpu, else the widest there are.
pub(super) fn complete(caps: &mut Caps, [min, max]: [u32; 2]) {
    if let Some(page) = ADAPTER.with_borrow(Clone::clone) {
        let first =
            |told: u32, known: u32, otherwise: u32| [told, known].into_iter().find(|n| *n > 0).unwrap_or(otherwise);
        let sizes = (first(page.subgroup_min, min, 4), first(page.subgroup_max, max, 128));
        caps.software = page.fallback;
        caps.subgroup_sizes = page.subgroups.then_some(sizes);
        caps.name = page.description;
    }
}
