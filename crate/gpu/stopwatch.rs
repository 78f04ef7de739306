//! Milliseconds of each step of a program, by the GPU's own clock.

use super::{buffer::Usage, buffer::count, open::Gpu, replay::Program};
use crate::error::Result;

/// Steps of a submission: a query set holds 4096 moments at most, two of them for a step.
const TOGETHER: usize = 2048;

impl Gpu {
    /// Runs a program once, each step in a pass of its own, so that none overlaps the next; what each took. `None` if the device
    /// has no clock that the host may read.
    ///
    /// # Errors
    /// Of the device.
    pub(crate) async fn time_steps(&self, program: &Program) -> Result<Option<Vec<f64>>> {
        if !self.device.features().contains(wgpu::Features::TIMESTAMP_QUERY) {
            return Ok(None);
        }
        let tick = f64::from(self.queue.get_timestamp_period()) / 1e6;
        let mut times = Vec::with_capacity(program.table.len());
        for steps in program.table.chunks(TOGETHER) {
            let moments = 2 * u32::try_from(steps.len()).unwrap_or(u32::MAX);
            let scopes = self.watch("timing kernels");
            let set = self.device.create_query_set(&wgpu::QuerySetDescriptor {
                label: Some("moments"),
                ty: wgpu::QueryType::Timestamp,
                count: moments,
            });
            let bytes = 8 * u64::from(moments);
            let resolved = self.buffer("moments", bytes, Usage::Moments)?;
            let staging = self.staging(bytes)?;
            let mut encoder = self
                .device
                .create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            for ((pipeline, group, [x, y, z]), first) in steps.iter().zip((0_u32..).step_by(2)) {
                let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                    label: None,
                    timestamp_writes: Some(wgpu::ComputePassTimestampWrites {
                        query_set: &set,
                        beginning_of_pass_write_index: Some(first),
                        end_of_pass_write_index: Some(first + 1),
                    }),
                });
                pass.set_pipeline(&pipeline.raw);
                pass.set_bind_group(0, group, &[]);
                pass.dispatch_workgroups(*x, *y, *z);
            }
            encoder.resolve_query_set(&set, 0..moments, &resolved.raw, 0);
            self.queue.submit([encoder.finish()]);
            count(&self.counters.submissions, 1);
            scopes.close().await?;
            let ticks = self.read(None, &staging, &resolved, 0, bytes).await?;
            let ticks: Vec<u64> = bytemuck::pod_collect_to_vec(&ticks);
            #[allow(clippy::cast_precision_loss, reason = "differences far below 2^53")]
            times.extend(
                ticks
                    .chunks_exact(2)
                    .map(|two| two[1].saturating_sub(two[0]) as f64 * tick),
            );
        }
        Ok(Some(times))
    }
}
