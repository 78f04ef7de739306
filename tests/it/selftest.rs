//! The self-test of an adapter: kernels that are wrong on purpose are not used.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use crate::{
    disk::Disk,
    sessions::{generate, request},
    zoo::{CPU, GPU, load, shared},
};
use nomoat::{
    Error, Result,
    engine::{Device, LoadOptions, Model},
    error::Gpu,
    text::sample::Sampling,
};

/// A llama of the zoo on a GPU whose kernels have other words; `None`, with one line, if there is no GPU.
fn spoiled(device: Device, words: (&'static str, &'static str)) -> Option<Result<Model>> {
    let folder = shared("zoo/llama3")?;
    load(&folder, "", GPU)?;
    let options = LoadOptions {
        device,
        spoil: Some(words),
        ..GPU.options()
    };
    Some(pollster::block_on(Model::load(
        &Disk(folder),
        "",
        &options,
        || 0.0,
        &mut |_| true,
    )))
}

#[test]
fn a_sound_gpu_gives_the_known_answers_and_counts_nothing_for_it() {
    let Some(folder) = shared("zoo/llama3") else { return };
    let Some(model) = load(&folder, "", GPU) else { return };
    let info = model.info();
    assert!(info.self_test.starts_with("right with"), "{}", info.self_test);
    assert!(!info.self_test.contains("not used"), "{}", info.self_test);
    assert!(info.self_test.contains("BF16"), "{}", info.self_test);
    assert_eq!(load(&folder, "", CPU).unwrap().info().self_test, "");
}

/// What stands for a kernel that a driver compiles wrongly: sums over a subgroup, which only one kind of kernels has.
#[test]
fn kernels_that_are_wrong_with_subgroups_are_given_up_for_those_without() {
    let Some(model) = spoiled(Device::Gpu, ("subgroupAdd(", "subgroupMax(")) else {
        return;
    };
    let mut model = model.unwrap();
    let found = model.info().self_test.clone();
    if !found.contains("not used") {
        // Without subgroups there is nothing to give up.
        assert!(found.starts_with("right without subgroups"), "{found}");
        return;
    }
    assert!(
        found.starts_with("right without subgroups") && found.contains("not used with subgroups: "),
        "{found}"
    );
    let ask = || request(24, Sampling::greedy());
    let mut sound = load(&shared("zoo/llama3").unwrap(), "", GPU).unwrap();
    assert_eq!(
        generate(&mut model, &[1, 2, 3], ask()),
        generate(&mut sound, &[1, 2, 3], ask())
    );
}

#[test]
fn a_gpu_with_nothing_right_is_refused_or_left_for_the_cpu() {
    // In attention, in norms, and what does not compile.
    for words in [("exp(", "exp2("), ("inverseSqrt(", "sqrt("), ("fn main(", "fn main(,")] {
        let Some(model) = spoiled(Device::Gpu, words) else {
            return;
        };
        match model {
            Err(Error::Gpu {
                kind: Gpu::Wrong,
                cause,
                ..
            }) => {
                assert!(cause.contains("not used without subgroups"), "{words:?}: {cause}");
            }
            Err(error) => panic!("{words:?}: {error}"),
            Ok(model) => panic!("{words:?}: {}", model.info().self_test),
        }
    }
    // Nobody asked for this GPU in software, so it would not be taken anyway.
    let Some(model) = spoiled(Device::Auto, ("exp(", "exp2(")) else {
        return;
    };
    assert_eq!(model.unwrap().info().device, "cpu");
}
