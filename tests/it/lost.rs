//! A device that is lost in the middle of an answer: the model moves to another one, and the answer goes on.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use crate::{
    disk::Disk,
    sessions::request,
    zoo::{GPU, Mode, load, shared},
};
use nomoat::{
    Error, Result,
    engine::{Event, Finish, LoadOptions, Model},
    error::Gpu,
    text::sample::Sampling,
};

/// What becomes of a generation whose device is lost before each of these calls; with how often that was seen.
fn through(
    model: &mut Model,
    folder: &str,
    options: &LoadOptions,
    at: &[usize],
    sampling: Sampling,
) -> Result<(Vec<u32>, usize)> {
    let prompt: Vec<u32> = (0..150).map(|i| (i * 37 + i * i % 11) % 300).collect();
    let mut generation = model.begin(&prompt, request(24, sampling))?;
    let (mut ids, mut seen, mut calls) = (Vec::new(), 0, 0);
    loop {
        if at.contains(&calls) {
            model.lose();
        }
        calls += 1;
        match pollster::block_on(model.next(&mut generation)) {
            Ok(Event::Prefill { .. }) => {}
            Ok(Event::Token { id, .. }) => ids.push(id),
            Ok(Event::End { reason, .. }) => {
                assert_eq!(reason, Finish::Length);
                return Ok((ids, seen));
            }
            Err(Error::Gpu { kind: Gpu::Lost, .. }) => {
                seen += 1;
                let folder = Disk(shared(folder).unwrap());
                pollster::block_on(model.revive(&folder, "", options, &mut |_| true))?;
            }
            Err(error) => return Err(error),
        }
    }
}

#[test]
fn a_lost_device_is_replaced_and_the_answer_goes_on() {
    // One with a cache only, one with pasts, one with an encoder.
    for name in ["llama3", "lfm2", "t5"] {
        let name = &format!("zoo/{name}");
        let Some(folder) = shared(name) else { return };
        let mode = Mode {
            together: Some(4),
            ..GPU
        };
        let Some(mut model) = load(&folder, "", mode) else {
            return;
        };
        for sampling in [
            Sampling::greedy(),
            Sampling {
                temperature: 0.9,
                seed: 7,
                ..Sampling::greedy()
            },
        ] {
            let mut ask = |at: &[usize]| through(&mut model, name, &mode.options(), at, sampling.clone()).unwrap();
            let (whole, none) = ask(&[]);
            assert_eq!(none, 0);
            for at in [&[0][..], &[1], &[2], &[3, 9, 17], &[25]] {
                let (ids, seen) = ask(at);
                assert_eq!(ids, whole, "{name} lost at {at:?}");
                assert!(seen > 0 || at == [25], "{name}: nothing noticed at {at:?}");
            }
        }
    }
}

#[test]
fn other_weights_are_not_taken_for_those_that_were_lost() {
    let Some(folder) = shared("zoo/llama3") else { return };
    let Some(mut model) = load(&folder, "", GPU) else {
        return;
    };
    model.lose();
    let Some(other) = shared("zoo/quants/llama").map(Disk) else {
        return;
    };
    let revived = pollster::block_on(model.revive(&other, "llama-Q8_0.gguf", &GPU.options(), &mut |_| true));
    let Err(Error::BadFile { field, expected, .. }) = &revived else {
        panic!("{revived:?}");
    };
    assert_eq!((field.as_str(), expected), ("weights", &model.info().sha256));
    // It can still be revived.
    pollster::block_on(model.revive(&Disk(folder), "", &GPU.options(), &mut |_| true)).unwrap();
    let mut generation = model.begin(&[1, 2, 3], request(1, Sampling::greedy())).unwrap();
    assert!(matches!(
        pollster::block_on(model.next(&mut generation)),
        Ok(Event::Token { .. })
    ));
}
