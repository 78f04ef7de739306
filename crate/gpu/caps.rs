//! What an adapter can do: the run-time values by which variants are chosen.

/// Uniforms of a program lie in one buffer at multiples of this: the largest alignment that WebGPU may ask for.
pub(crate) const UNIFORM: u64 = 256;

/// The length of a buffer that is asked to hold `bytes`.
pub(crate) fn padded(bytes: u64) -> u64 {
    bytes.max(16).next_multiple_of(16)
}

/// Features and limits of the opened device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caps {
    /// The adapter's name.
    pub name: String,
    /// Driver and backend, for reports.
    pub driver: String,
    /// Whether it is a software rasterizer.
    pub software: bool,
    /// Whether kernels for the lanes of a CPU are taken where subgroups are that.
    pub by_lanes: bool,
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
    /// What every WebGPU device grants.
    pub fn least() -> Self {
        Self {
            name: String::new(),
            driver: String::new(),
            software: false,
            by_lanes: false,
            subgroup_sizes: None,
            f16: false,
            max_binding: 128 << 20,
            max_buffer: 256 << 20,
            workgroup_memory: 16 << 10,
            invocations: 256,
        }
    }

    /// Whether kernels may use subgroups: known, and no wider than a workgroup of 64.
    pub(crate) fn subgroups(&self) -> bool {
        self.subgroup_sizes.is_some_and(|(min, max)| min >= 1 && max <= 64)
    }

    /// How many lanes of a CPU a subgroup is, where it is that and may be used: four on SwiftShader, eight or so on lavapipe; else 0.
    /// See `shaders/lib/lanes.wgsl`.
    pub(crate) fn cpu_lanes(&self) -> u32 {
        let (min, max) = self.subgroup_sizes.unwrap_or_default();
        if self.by_lanes && min == max && (4..=64).contains(&max) {
            max
        } else {
            0
        }
    }

    /// Whether workgroups should share the keys of one token: not where they are those of a CPU, which has few cores, and where each has to
    /// bring the queries.
    pub(crate) fn shares_keys(&self) -> bool {
        self.cpu_lanes() == 0
    }

    /// The widest subgroup there may be.
    pub(crate) fn subgroup_max(&self) -> u32 {
        self.subgroup_sizes.map_or(1, |(_, max)| max.max(1))
    }
}
