//! The GPU as a device: adapter, limits, buffers, pipelines, replay and read-back. The only place that knows wgpu.
