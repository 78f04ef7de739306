//! Every operator's cases: fast versions, fused plans and kernels against the plain twins.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use crate::formats::Table;
use nomoat::{
    dev::{self, Report, Variant},
    error::{Error, Gpu},
};

/// Both sides compute in f32; the twin sums in f64.
const TOLERANCE: f64 = 1e-9;

fn hold(on: &str, reports: &[Report]) {
    let bad: Vec<_> = reports
        .iter()
        .filter(|r| r.overrun || r.nmse > TOLERANCE || r.nmse.is_nan())
        .collect();
    assert!(
        !reports.is_empty() && bad.is_empty(),
        "on {on}, {} of {}: {bad:#?}",
        bad.len(),
        reports.len()
    );
}

fn on_gpu(variant: Variant) {
    match pollster::block_on(dev::gpu(variant)) {
        // there are not as many forms
        Ok((_, reports)) if variant.form > 0 && reports.is_empty() => {}
        Ok((caps, reports)) => {
            hold(&format!("{} {variant:?}", caps.name), &reports);
            let mut table = Table::of(&reports);
            if variant.only.is_some() {
                return;
            }
            if variant.max_binding.is_none() {
                table.decoded(|blocks| pollster::block_on(dev::decoded(blocks)).unwrap());
            }
            let with = match (variant.subgroups, variant.as_hardware) {
                (false, _) => "without",
                (_, true) => "with subgroups",
                _ => "by lanes",
            };
            table.print(&format!("{}, {with}", caps.name));
        }
        Err(Error::Gpu {
            kind: Gpu::Missing,
            cause,
            ..
        }) if std::env::var_os("NOMOAT_REQUIRE_GPU").is_none() => {
            println!("skipped: no adapter ({cause})");
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn cpu_fast_versions_and_fused_plans_equal_the_twins() {
    let reports = dev::cpu().unwrap();
    hold("the CPU", &reports);
    let mut table = Table::of(&reports);
    table.decoded(|blocks| blocks.iter().map(|(format, _, raw)| format.decode(raw)).collect());
    table.print("CPU");
}

#[test]
fn gpu_kernels_with_subgroups_equal_the_twins() {
    on_gpu(Variant {
        subgroups: true,
        as_hardware: true,
        max_binding: None,
        form: 0,
        only: None,
    });
}

#[test]
fn gpu_kernels_without_subgroups_equal_the_twins() {
    on_gpu(Variant {
        subgroups: false,
        as_hardware: true,
        max_binding: None,
        form: 0,
        only: None,
    });
}

#[test]
fn gpu_kernels_over_sharded_weights_equal_the_twins() {
    on_gpu(Variant {
        subgroups: true,
        as_hardware: true,
        max_binding: Some(16_384),
        form: 0,
        only: None,
    });
}

/// What software adapters get. Over shards those that read weights.
#[test]
fn gpu_kernels_by_lanes_equal_the_twins() {
    let all = [
        (None, None),
        (Some(16_384), Some("matmul")),
        (Some(16_384), Some("project")),
    ];
    for (max_binding, only) in all {
        on_gpu(Variant {
            subgroups: true,
            as_hardware: false,
            max_binding,
            form: 0,
            only,
        });
    }
}

#[test]
fn gpu_kernels_in_every_form_equal_the_twins() {
    let only = ["project Q8_0", "project Q4_K", "project F16", "matmul Q8_0"];
    for (subgroups, only) in [true, false].into_iter().flat_map(|s| only.map(|o| (s, o))) {
        for form in 1..6 {
            on_gpu(Variant {
                subgroups,
                as_hardware: true,
                max_binding: None,
                form,
                only: Some(only),
            });
        }
    }
}
