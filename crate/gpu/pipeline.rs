//! Compute pipelines, made once per (variant, constants). Natively our own shaders run without wgpu's run-time checks,
//! which cost 2 to 6 times; their bounds are proven by tests with canaries behind each output.

use super::{buffer::count, open::Gpu};
use crate::shader::{Binding, Source};
use std::{cell::RefCell, collections::HashMap, rc::Rc};

type Key = ((&'static str, u16), Vec<(&'static str, u64)>);

/// Pipelines by variant and constants.
#[derive(Default)]
pub(super) struct Pipelines {
    made: RefCell<HashMap<Key, Rc<Pipeline>>>,
    /// Words to replace, which makes kernels wrong on purpose.
    pub(super) spoiled: Option<(&'static str, &'static str)>,
}

/// A pipeline and the layout of its one bind group.
pub(crate) struct Pipeline {
    pub(super) raw: wgpu::ComputePipeline,
    pub(super) layout: wgpu::BindGroupLayout,
}

impl Gpu {
    /// Makes every pipeline anew when it is next asked for.
    pub(crate) fn forget_pipelines(&self) {
        self.pipelines.made.borrow_mut().clear();
    }

    /// The pipeline of a variant with these constants. Stand inside [`Gpu::watch`].
    pub(crate) fn pipeline<B>(
        &self,
        source: &'static Source,
        consts: &[(&'static str, f64)],
        bindings: &[Binding<B>],
    ) -> Rc<Pipeline> {
        let key = (source.key(), consts.iter().map(|(n, v)| (*n, v.to_bits())).collect());
        if let Some(found) = self.pipelines.made.borrow().get(&key) {
            return found.clone();
        }
        let made = Rc::new(self.compile(source, consts, bindings));
        count(&self.counters.pipelines, 1);
        self.pipelines.made.borrow_mut().insert(key, made.clone());
        made
    }

    fn compile<B>(&self, source: &'static Source, consts: &[(&'static str, f64)], bindings: &[Binding<B>]) -> Pipeline {
        let enables = source.enables().filter(|_| super::WEB);
        let mut wgsl: String = enables.map(|e| format!("enable {e};\n")).collect();
        wgsl.push_str(&source.wgsl());
        if let Some((from, to)) = self.pipelines.spoiled {
            wgsl = wgsl.replace(from, to);
        }
        let name = source.name();
        let name = Some(&*name);
        let descriptor = wgpu::ShaderModuleDescriptor {
            label: name,
            source: wgpu::ShaderSource::Wgsl(wgsl.into()),
        };
        #[allow(unsafe_code, reason = "run-time checks of trusted shaders cost 2 to 6 times")]
        // SAFETY: the text is one of the fixed shaders of this crate, validated at build; each index is guarded by
        // sizes that the lowering derives from the buffers it binds, and the op cases look for writes behind activations.
        let module = unsafe {
            self.device
                .create_shader_module_trusted(descriptor, wgpu::ShaderRuntimeChecks::unchecked())
        };
        let entry = |binding, ty| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer {
                ty,
                has_dynamic_offset: false,
                min_binding_size: None,
            },
            count: None,
        };
        let mut entries = vec![entry(0, wgpu::BufferBindingType::Uniform)];
        entries.extend(
            bindings
                .iter()
                .map(|b| entry(b.index, wgpu::BufferBindingType::Storage { read_only: !b.write })),
        );
        let layout = self.device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: name,
            entries: &entries,
        });
        let pipeline_layout = self.device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: name,
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        });
        let raw = self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: name,
            layout: Some(&pipeline_layout),
            module: &module,
            entry_point: Some("main"),
            compilation_options: wgpu::PipelineCompilationOptions {
                constants: consts,
                zero_initialize_workgroup_memory: false,
            },
            cache: None,
        });
        Pipeline { raw, layout }
    }
}
