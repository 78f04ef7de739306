//! Opening an adapter and its device, on Vulkan, Metal, Direct3D or in a browser.

use super::{
    buffer::Counters,
    caps::Caps,
    pipeline::Pipelines,
    watch::{Mishaps, Scopes},
};
use crate::error::{self, Error, Result};

/// An opened device.
pub(crate) struct Gpu {
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    pub(super) caps: Caps,
    pub(super) pipelines: Pipelines,
    pub(super) counters: Counters,
    pub(super) mishaps: Mishaps,
}

impl Gpu {
    /// Opens the best adapter; a hardware one, unless `software` allows the other kind.
    ///
    /// # Errors
    /// [`Error::Gpu`] saying what is missing.
    pub(crate) async fn open(software: bool) -> Result<Self> {
        let missing = |cause: String| Error::Gpu {
            kind: error::Gpu::Missing,
            doing: "looking for an adapter".into(),
            cause,
        };
        let instance = instance();
        let options = wgpu::RequestAdapterOptions {
            power_preference: wgpu::PowerPreference::HighPerformance,
            ..Default::default()
        };
        let adapter = instance
            .request_adapter(&options)
            .await
            .map_err(|e| missing(e.to_string()))?;
        let caps = caps_of(&adapter);
        if caps.software && !software {
            return Err(missing(format!("the only adapter is software ({})", caps.name)));
        }
        let mut required_features = wgpu::Features::empty();
        if caps.subgroup_sizes.is_some() && !super::WEB {
            required_features |= wgpu::Features::SUBGROUP;
        }
        if !super::WEB {
            // for the benchmark
            required_features |= adapter.features() & wgpu::Features::TIMESTAMP_QUERY;
        }
        let limits = adapter.limits();
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("nomoat"),
            required_features,
            required_limits: limits,
            ..Default::default()
        };
        let (device, queue) = adapter
            .request_device(&descriptor)
            .await
            .map_err(|e| missing(e.to_string()))?;
        let mishaps = Mishaps::of(&device);
        Ok(Self {
            device,
            queue,
            caps,
            pipelines: Pipelines::default(),
            counters: Counters::default(),
            mishaps,
        })
    }

    /// What it can do.
    pub(crate) fn caps(&self) -> &Caps {
        &self.caps
    }

    /// Chooses the variants without subgroups from now on.
    pub(crate) fn forget_subgroups(&mut self) {
        self.caps.subgroup_sizes = None;
    }

    /// Chooses the kernels that hardware gets from now on.
    pub(crate) fn as_hardware(&mut self) {
        self.caps.by_lanes = false;
    }

    /// Loses the device.
    pub(crate) fn lose(&self) {
        self.device.destroy();
    }

    /// Replaces words of the kernels compiled from now on.
    pub(crate) fn spoil(&mut self, words: Option<(&'static str, &'static str)>) {
        self.pipelines.spoiled = words;
    }

    /// Counts as before something that is gone again; its pipelines are there.
    pub(crate) fn uncount(&self, before: &Counters) {
        for (now, before) in [
            (&self.counters.bind_groups, &before.bind_groups),
            (&self.counters.buffers, &before.buffers),
            (&self.counters.writes, &before.writes),
            (&self.counters.dispatches, &before.dispatches),
            (&self.counters.submissions, &before.submissions),
            (&self.counters.bytes, &before.bytes),
        ] {
            now.set(before.get());
        }
    }

    /// What it has created and written so far.
    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Opens error scopes round what follows.
    pub(crate) fn watch(&self, doing: impl Into<String>) -> Scopes {
        Scopes::open(&self.device, &self.mishaps, doing)
    }

    /// Waits until a submission is done, or all of them; in a browser this is a no-op, reads wait by themselves.
    pub(crate) fn wait(&self, submission_index: Option<wgpu::SubmissionIndex>) -> Result<()> {
        if super::WEB {
            return Ok(());
        }
        let timeout = None;
        match self.device.poll(wgpu::PollType::Wait {
            submission_index,
            timeout,
        }) {
            Ok(_) => Ok(()),
            Err(e) => {
                self.mishaps.check("waiting for the queue")?;
                Err(Error::Gpu {
                    kind: error::Gpu::Lost,
                    doing: "waiting for the queue".into(),
                    cause: e.to_string(),
                })
            }
        }
    }
}

impl Drop for Gpu {
    /// Frees its memory now; a browser would wait for a collection that sees small objects only.
    fn drop(&mut self) {
        self.device.destroy();
    }
}

fn instance() -> wgpu::Instance {
    wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle())
}

/// Every adapter there is (natively; a browser shows one).
pub(crate) async fn adapters() -> Vec<Caps> {
    instance()
        .enumerate_adapters(wgpu::Backends::all())
        .await
        .iter()
        .map(caps_of)
        .collect()
}

fn caps_of(adapter: &wgpu::Adapter) -> Caps {
    let (info, limits, features) = (adapter.get_info(), adapter.limits(), adapter.features());
    let mut caps = Caps {
        name: info.name.clone(),
        driver: format!("{} {} {:?}", info.driver, info.driver_info, info.backend)
            .trim()
            .to_owned(),
        software: info.device_type == wgpu::DeviceType::Cpu,
        by_lanes: false,
        subgroup_sizes: features
            .contains(wgpu::Features::SUBGROUP)
            .then_some((info.subgroup_min_size, info.subgroup_max_size)),
        f16: features.contains(wgpu::Features::SHADER_F16),
        max_binding: limits.max_storage_buffer_binding_size.min(limits.max_buffer_size),
        max_buffer: limits.max_buffer_size,
        workgroup_memory: limits.max_compute_workgroup_storage_size,
        invocations: limits.max_compute_invocations_per_workgroup,
    };
    super::page::complete(&mut caps, [info.subgroup_min_size, info.subgroup_max_size]);
    caps.by_lanes = caps.software;
    caps
}
