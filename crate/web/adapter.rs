//! The adapter's identity, which wgpu cannot read in a browser, on its way from `worker.js` to the GPU room.

use crate::error::{Error, Result};
use serde::Deserialize;

/// What `worker.js` sends. Its words are the browser's.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Identity {
    description: String,
    fallback: bool,
    subgroups: bool,
    subgroup_min: u32,
    subgroup_max: u32,
}

/// Hands the identity over.
pub(super) fn set(identity: &str) -> Result<()> {
    let identity: Identity = serde_json::from_str(identity).map_err(|e| Error::Invalid {
        field: "adapter".into(),
        expected: "the adapter's identity".into(),
        found: e.to_string(),
    })?;
    #[cfg(feature = "gpu")]
    crate::gpu::set_web_adapter(crate::gpu::WebAdapter {
        description: identity.description,
        fallback: identity.fallback,
        subgroups: identity.subgroups,
        subgroup_min: identity.subgroup_min,
        subgroup_max: identity.subgroup_max,
    });
    Ok(())
}
