//! A program: a flat table of (pipeline, bind group, workgroups), made once and replayed.

use super::{
    buffer::{Buffer, Usage, count},
    caps::UNIFORM,
    open::Gpu,
    pipeline::Pipeline,
};
use crate::{
    error::Result,
    shader::{Binding, Source},
};
use std::rc::Rc;

/// One dispatch of a program to be.
pub(crate) struct Step {
    /// The kernel.
    pub(crate) source: &'static Source,
    /// Its constants.
    pub(crate) consts: Vec<(&'static str, f64)>,
    /// Its uniform.
    pub(crate) params: Vec<u8>,
    /// Its buffers.
    pub(crate) bindings: Vec<Binding<Buffer>>,
    /// Workgroups.
    pub(crate) grid: [u32; 3],
}

/// A program: replaying it creates nothing, binds nothing new, writes nothing.
pub(crate) struct Program {
    pub(super) table: Vec<(Rc<Pipeline>, wgpu::BindGroup, [u32; 3])>,
}

impl Gpu {
    /// Makes a program. Stand inside [`Gpu::watch`].
    ///
    /// # Errors
    /// [`crate::Error::TooBig`] if its uniforms do not fit a buffer.
    pub(crate) fn program(&self, label: &str, steps: &[Step]) -> Result<Program> {
        let uniforms = self.buffer(label, UNIFORM * steps.len() as u64, Usage::Uniform)?;
        let mut bytes = vec![0; usize::try_from(uniforms.bytes).unwrap_or(usize::MAX)];
        for (to, step) in bytes.chunks_mut(256).zip(steps) {
            to[..step.params.len()].copy_from_slice(&step.params);
        }
        self.write(&uniforms, 0, &bytes);
        let mut table = Vec::with_capacity(steps.len());
        for (step, at) in steps.iter().zip(0_u64..) {
            let pipeline = self.pipeline(step.source, &step.consts, &step.bindings);
            let mut entries = vec![wgpu::BindGroupEntry {
                binding: 0,
                resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                    buffer: &uniforms.raw,
                    offset: UNIFORM * at,
                    size: std::num::NonZeroU64::new(step.params.len().next_multiple_of(16) as u64),
                }),
            }];
            entries.extend(step.bindings.iter().map(|b| wgpu::BindGroupEntry {
                binding: b.index,
                resource: b.buffer.raw.as_entire_binding(),
            }));
            let group = self.device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some(step.source.key().0),
                layout: &pipeline.layout,
                entries: &entries,
            });
            count(&self.counters.bind_groups, 1);
            table.push((pipeline, group, step.grid));
        }
        Ok(Program { table })
    }

    /// Encodes so many runs of a program into one pass.
    pub(super) fn encode(&self, encoder: &mut wgpu::CommandEncoder, program: &Program, times: usize) {
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        for (pipeline, group, [x, y, z]) in std::iter::repeat_n(&program.table, times).flatten() {
            pass.set_pipeline(&pipeline.raw);
            pass.set_bind_group(0, group, &[]);
            pass.dispatch_workgroups(*x, *y, *z);
        }
        count(&self.counters.dispatches, (times * program.table.len()) as u64);
    }

    /// Submits one run of a program, reading nothing back.
    pub(crate) fn replay(&self, program: &Program) {
        let mut encoder = self
            .device
            .create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        self.encode(&mut encoder, program, 1);
        self.queue.submit([encoder.finish()]);
        count(&self.counters.submissions, 1);
    }
}
