//! Tables for tests and benchmarks, gathered from their rooms; nothing is defined here.

#[cfg(feature = "gpu")]
pub use crate::engine::trial::{Variant, gpu};
pub use crate::engine::trial::{Report, cpu};
