//! Tables for tests and benchmarks, gathered from their rooms; nothing is defined here.

pub use crate::engine::{
    bench::{Bench, Kernel, Row, Traffic, dequant_ms, kernels, operators, traffic},
    roofline::Roofline,
    trial::{Report, cpu},
};
#[cfg(feature = "gpu")]
pub use crate::{
    engine::trial::{Variant, adapters, decoded, gpu, kept},
    gpu::Caps,
};
