//! A model in use: chunks of prompts, requests one after another, ends, stops, sampling.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use crate::{
    disk::Disk,
    zoo::{CPU, Findings, GPU, Mode, greedy, load, logits, shared},
};
use nomoat::{
    Error,
    engine::{Device, Event, Finish, Helpers, LoadOptions, Model, Phase, Progress, Request, Threads},
    error::Gpu,
    format::source::Pending,
    text::sample::Sampling,
};
use std::rc::Rc;

fn prompt(len: u32) -> Vec<u32> {
    (0..len).map(|i| (i * 37 + i * i % 11) % 300).collect()
}

fn zoo(name: &str, mode: Mode) -> Option<Model> {
    load(&shared(&format!("zoo/{name}"))?, "", mode)
}

fn llama3(mode: Mode) -> Option<Model> {
    zoo("llama3", mode)
}

/// Models with layers that keep something of all tokens so far; none without the shared data.
fn recurrent() -> &'static [&'static str] {
    if crate::disk::shared().is_some() {
        &[
            "lfm2",
            "qwen3_5_text",
            "granitemoehybrid_h_dense",
            "falcon_h1",
            "mamba",
            "rwkv4",
        ]
    } else {
        &[]
    }
}

/// A product has the same terms in the same order wherever it is made.
#[test]
fn threads_change_no_logit() {
    for mode in [CPU, CPU.default_precision()] {
        let [alone, shared, kept] = [(0, false), (3, false), (3, true)].map(|(helpers, keeps)| {
            let mut model = llama3(Mode { helpers, keeps, ..mode })?;
            assert_eq!(model.info().threads, helpers + 1);
            let all = logits(&mut model, &prompt(40), true).unwrap();
            // A long prompt has slots that are longer than the one row of its logits.
            let ids = [200, 100, 30, 7].map(|length| greedy(&mut model, &prompt(length), 20, true).unwrap());
            Some((all, ids))
        });
        assert!(alone == shared && alone == kept);
    }
}

/// Threads that take everything and then fail, or that cannot even take it.
#[derive(Debug, Clone, Copy)]
struct Failing {
    ready: bool,
}

impl Threads for Failing {
    fn worth(&self) -> u64 {
        0
    }

    fn least(&self) -> u64 {
        0
    }

    fn begin(&self, _: bool) -> Pending<'static, Option<Rc<dyn Helpers>>> {
        let all: Rc<dyn Helpers> = Rc::new(*self);
        Box::pin(async move { Ok(Some(all)) })
    }
}

impl Helpers for Failing {
    fn count(&self) -> usize {
        2
    }

    fn reserve(&self, _: usize, _: &str, _: usize, _: usize) {}

    fn fill(&self, _: usize, _: usize, _: usize, _: &[u8]) {}

    fn multiply(&self, _: usize, weights: &[u32], _: &[f32]) -> Pending<'static, Vec<f32>> {
        let ready = self.ready && weights.is_empty();
        let answer = ready.then(Vec::new).ok_or(Error::Internal { what: "over".into() });
        Box::pin(async move { answer })
    }
}

/// The first thread has all rows.
#[test]
fn a_model_does_without_threads_that_fail() {
    let Some(mut alone) = llama3(CPU) else { return };
    let expected = greedy(&mut alone, &prompt(30), 20, true).unwrap();
    for ready in [true, false] {
        let options = LoadOptions {
            threads: Some(Rc::new(Failing { ready })),
            ..CPU.options()
        };
        let folder = Disk(shared("zoo/llama3").unwrap());
        let mut progress = |_| true;
        let loaded = Model::load(&folder, "", &options, || 0.0, &mut progress);
        let mut model = pollster::block_on(loaded).unwrap();
        assert_eq!(model.info().threads, if ready { 3 } else { 1 });
        assert_eq!(greedy(&mut model, &prompt(30), 20, true).unwrap(), expected);
    }
}

/// Both devices, where there are both.
fn devices(mode: impl Fn(Mode) -> Mode) -> Vec<Model> {
    [CPU, GPU]
        .into_iter()
        .filter_map(|device| llama3(mode(device)))
        .collect()
}

pub(crate) fn request(max_tokens: usize, sampling: Sampling) -> Request {
    Request {
        max_tokens,
        sampling,
        stop: Vec::new(),
        ignore_eos: true,
        decoder: Vec::new(),
    }
}

pub(crate) fn generate(model: &mut Model, prompt: &[u32], request: Request) -> (Vec<u32>, Finish) {
    let mut generation = model.begin(prompt, request).unwrap();
    let mut ids = Vec::new();
    loop {
        match pollster::block_on(model.next(&mut generation)).unwrap() {
            Event::Prefill { .. } => {}
            Event::Token { id, .. } => ids.push(id),
            Event::End { reason, .. } => return (ids, reason),
        }
    }
}

#[test]
fn prompts_at_the_edges_of_step_shapes_are_the_same_on_the_gpu() {
    let mode = |m: Mode| Mode {
        context: Some(1300),
        ..m
    };
    let mut findings = Findings::default();
    for name in ["llama3"].iter().chain(recurrent()) {
        let (Some(mut cpu), Some(mut gpu)) = (zoo(name, mode(CPU)), zoo(name, mode(GPU))) else {
            return;
        };
        let all: &[u32] = match *name {
            "llama3" => &[1, 2, 7, 8, 9, 31, 32, 33, 127, 128, 129, 511, 512, 513, 1025],
            _ => &[1, 2, 8, 9, 33, 129, 300],
        };
        for len in all.iter().copied() {
            let ids = prompt(len);
            let golden: Vec<f64> = logits(&mut cpu, &ids, false).unwrap()[0]
                .iter()
                .map(|v| f64::from(*v))
                .collect();
            findings.row(
                &format!("{name}, {len} tokens"),
                GPU,
                &logits(&mut gpu, &ids, false).unwrap()[0],
                &golden,
            );
        }
    }
    findings.none();
}

#[test]
fn a_past_is_kept_for_what_follows_and_begun_anew_for_an_edit() {
    for (name, mode) in recurrent().iter().flat_map(|name| [(name, CPU), (name, GPU)]) {
        let (Some(mut model), Some(mut fresh)) = (zoo(name, mode), zoo(name, mode)) else {
            return;
        };
        let ids = prompt(40);
        let (first, _) = greedy(&mut model, &ids, 6, true).unwrap();
        let longer = [ids.clone(), first.clone(), prompt(9)].concat();
        let (next, _) = greedy(&mut model, &longer, 6, true).unwrap();
        // The last token of an answer was not fed.
        assert_eq!(model.stats().reused_tokens, 45, "{name} {mode:?}");
        assert_eq!(next, greedy(&mut fresh, &longer, 6, true).unwrap().0, "{name} {mode:?}");
        let (again, _) = greedy(&mut model, &ids, 6, true).unwrap();
        assert_eq!((again, model.stats().reused_tokens), (first, 0), "{name} {mode:?}");
        // Token by token, as a text is written.
        for len in 1..longer.len() {
            greedy(&mut model, &longer[..len], 1, true).unwrap();
        }
        assert_eq!(next, greedy(&mut model, &longer, 6, true).unwrap().0, "{name} {mode:?}");
        assert_eq!(model.stats().reused_tokens, longer.len() - 1, "{name} {mode:?}");
    }
}

#[test]
fn logits_of_all_positions_end_in_those_of_the_last() {
    for mut model in devices(|m| m) {
        let ids = prompt(150);
        let (all, last) = (
            logits(&mut model, &ids, true).unwrap(),
            logits(&mut model, &ids, false).unwrap(),
        );
        assert_eq!(all.len(), 150);
        let worst = all[149]
            .iter()
            .zip(&last[0])
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f32::max);
        assert!(worst < 1e-3, "{worst}");
    }
}

#[test]
fn a_long_prompt_is_read_in_chunks_and_can_be_left() {
    let context = Some(1300);
    for mut model in devices(|m| Mode { context, ..m }) {
        let ids = prompt(1200);
        let mut generation = model.begin(&ids, request(2, Sampling::greedy())).unwrap();
        let event = pollster::block_on(model.next(&mut generation)).unwrap();
        let Event::Prefill { done, total: 1200 } = event else {
            panic!("{event:?}")
        };
        assert!((1..=128).contains(&done), "{done}");
        model.stop(&mut generation);
        let event = pollster::block_on(model.next(&mut generation)).unwrap();
        let aborted = Event::End {
            reason: Finish::Abort,
            text: String::new(),
        };
        assert_eq!(event, aborted);
        let (whole, _) = greedy(&mut model, &ids, 3, true).unwrap();
        assert_eq!(model.stats().reused_tokens, done);
        let mut fresh = llama3(Mode { context, ..CPU }).unwrap();
        assert_eq!(whole, greedy(&mut fresh, &ids, 3, true).unwrap().0);
    }
}

#[test]
fn a_load_that_fails_on_its_way_is_one_error() {
    let Some(folder) = shared("zoo/llama3") else { return };
    let load = |options: LoadOptions, stop: Option<Phase>| {
        let progress = &mut |p: Progress| Some(p.phase) != stop || p.done == 0;
        pollster::block_on(Model::load(&Disk(folder.clone()), "", &options, || 0.0, progress)).map(|_| ())
    };
    for device in [Device::Cpu, Device::Gpu] {
        let plain = LoadOptions {
            device,
            ..LoadOptions::default()
        };
        match load(plain.clone(), None) {
            Ok(()) => {}
            Err(Error::Gpu { kind: Gpu::Missing, .. }) if std::env::var_os("NOMOAT_REQUIRE_GPU").is_none() => continue,
            Err(error) => panic!("{error}"),
        }
        assert_eq!(
            load(plain.clone(), Some(Phase::Weights)),
            Err(Error::Aborted),
            "{device:?}"
        );
        let context = Some(1 << 40);
        let error = load(
            LoadOptions {
                context,
                ..plain.clone()
            },
            None,
        )
        .unwrap_err();
        assert_eq!(error.code(), "too-big", "{device:?}: {error}");
        if device == Device::Gpu {
            let error = load(
                LoadOptions {
                    max_binding: Some(64),
                    ..plain.clone()
                },
                None,
            )
            .unwrap_err();
            assert_eq!(error.code(), "too-big", "{error}");
            let context = Some(50_000_000);
            let error = load(LoadOptions { context, ..plain }, None).unwrap_err();
            assert_eq!(error.code(), "too-big", "{error}");
        }
    }
}

#[test]
fn a_generation_ends_with_its_context_and_the_next_one_works() {
    for mut model in devices(|m| Mode { context: Some(20), ..m }) {
        let (ids, reason) = generate(&mut model, &prompt(16), request(50, Sampling::greedy()));
        // Room for 16 + 4; the last token needs none.
        assert_eq!((ids.len(), reason), (5, Finish::Context));
        let error = model.begin(&prompt(21), request(1, Sampling::greedy())).err();
        assert!(
            matches!(
                error,
                Some(Error::ContextFull {
                    tokens: 21,
                    context: 20
                })
            ),
            "{error:?}"
        );
        assert_eq!(
            generate(&mut model, &prompt(4), request(2, Sampling::greedy())).0.len(),
            2
        );
        assert_eq!(
            generate(&mut model, &prompt(4), request(0, Sampling::greedy())),
            (Vec::new(), Finish::Length)
        );
    }
}

#[test]
fn sampled_and_greedy_tokens_do_not_disturb_each_other() {
    for mut model in devices(|m| m) {
        let ids = prompt(12);
        let hot = |seed| Sampling {
            temperature: 1.5,
            top_k: 0,
            top_p: 1.0,
            min_p: 0.0,
            seed,
            ..Sampling::default()
        };
        let cold = generate(&mut model, &ids, request(24, Sampling::greedy())).0;
        let first = generate(&mut model, &ids, request(24, hot(7))).0;
        assert_eq!(cold, generate(&mut model, &ids, request(24, Sampling::greedy())).0);
        assert_eq!(first, generate(&mut model, &ids, request(24, hot(7))).0);
        assert_ne!(first, generate(&mut model, &ids, request(24, hot(8))).0);
        assert_ne!(first, cold);
    }
}

#[test]
fn ids_that_are_none_are_refused() {
    for mut model in devices(|m| m) {
        for bad in [vec![], vec![1, 320], vec![u32::MAX]] {
            let error = model.begin(&bad, request(1, Sampling::greedy())).err();
            assert!(matches!(error, Some(Error::Invalid { .. })), "{bad:?}: {error:?}");
        }
    }
}

/// Dispatches a token of the zoo's llama.
const DISPATCHES: f64 = 14.0;

/// Two models that differ in how many tokens a submission makes.
fn by_submission(name: &str, counts: [usize; 2]) -> Option<[Model; 2]> {
    let load = |count| {
        let mode = Mode {
            together: Some(count),
            ..GPU
        };
        zoo(name, mode)
    };
    Some([load(counts[0])?, load(counts[1])?])
}

#[test]
fn tokens_that_are_made_together_are_the_same_tokens() {
    let warm = |seed| Sampling {
        temperature: 0.8,
        top_k: 40,
        top_p: 0.9,
        min_p: 0.02,
        seed,
        ..Sampling::greedy()
    };
    let Some([mut one, mut eight]) = by_submission("llama3", [1, 8]) else {
        return;
    };
    let mut cpu = llama3(CPU).unwrap();
    let all = [Sampling::greedy(), warm(1), warm(2), warm(1 << 40)];
    for (how, length) in all.iter().zip([40, 70, 9, 33]) {
        let ids = prompt(5 + u32::try_from(length).unwrap());
        let expected = generate(&mut one, &ids, request(length, how.clone()));
        assert_eq!(expected.0.len(), length);
        assert_eq!(
            generate(&mut eight, &ids, request(length, how.clone())),
            expected,
            "{how:?}"
        );
        assert_eq!(
            generate(&mut cpu, &ids, request(length, how.clone())),
            expected,
            "{how:?}"
        );
        let stats = eight.stats();
        if length > 10 {
            assert!(stats.submissions_per_token <= 0.25, "{stats:?}");
            // Two layers of 5; then embedding, head, and the two of the choice.
            assert_eq!(stats.dispatches_per_token, DISPATCHES, "{stats:?}");
        }
        let created = stats.created;
        let all = [created.pipelines, created.bind_groups, created.buffers, created.writes];
        assert_eq!(all, [0; 4], "{stats:?}");
    }
}

#[test]
fn an_answer_that_ends_among_tokens_made_together_ends_there() {
    let Some([mut one, mut eight]) = by_submission("llama3", [1, 8]) else {
        return;
    };
    // Whatever it is that seeds make the model say: some of these answers end early.
    let mut ended = 0;
    for seed in 0..25 {
        let how = Sampling {
            temperature: 2.0,
            top_k: 64,
            seed,
            ..Sampling::greedy()
        };
        let ask = || Request {
            ignore_eos: false,
            ..request(60, how.clone())
        };
        let ids = prompt(6);
        let expected = generate(&mut one, &ids, ask());
        assert_eq!(generate(&mut eight, &ids, ask()), expected, "{seed}");
        // What follows finds the cache as it should be.
        let more = [&ids[..], &expected.0, &[5]].concat();
        assert_eq!(
            generate(&mut eight, &more, request(5, Sampling::greedy())),
            generate(&mut one, &more, request(5, Sampling::greedy())),
            "{seed}"
        );
        ended += usize::from(expected.1 == Finish::Stop);
    }
    assert!(ended > 2, "{ended} answers ended early");
}

#[test]
fn tokens_made_together_stop_at_the_end_of_the_context_and_can_be_left() {
    for name in ["llama3"].iter().chain(recurrent()) {
        let Some([mut one, mut eight]) = by_submission(name, [1, 8]) else {
            return;
        };
        let all = [11, 3, 12].map(|length| {
            let ids = prompt(9);
            [&mut one, &mut eight].map(|model| {
                let mut generation = model.begin(&ids, request(1000, Sampling::greedy())).unwrap();
                let mut made = Vec::new();
                while made.len() < length {
                    if let Event::Token { id, .. } = pollster::block_on(model.next(&mut generation)).unwrap() {
                        made.push(id);
                    }
                }
                model.stop(&mut generation);
                let follow = [&ids[..], &made, &[7, 8]].concat();
                let (follow, _) = generate(model, &follow, request(6, Sampling::greedy()));
                (made, follow)
            })
        });
        for [one, eight] in all {
            assert_eq!(one, eight, "{name}");
        }
    }
    let Some([mut one, mut eight]) = by_submission("llama3", [1, 8]) else {
        return;
    };
    let ids = prompt(3);
    let expected = generate(&mut one, &ids, request(100_000, Sampling::greedy()));
    assert_eq!(expected.1, Finish::Context);
    assert_eq!(
        generate(&mut eight, &ids, request(100_000, Sampling::greedy())),
        expected
    );
}

/// The GPU has the next tokens to make while the host looks at the last ones, and none beyond those that were asked for.
#[test]
fn a_submission_is_under_way_behind_the_one_that_is_waited_for() {
    let Some([mut one, mut eight]) = by_submission("llama3", [1, 8]) else {
        return;
    };
    for (model, expected) in [
        (&mut one, vec![0; 21]),
        (&mut eight, [vec![8; 9], vec![4; 8], vec![0; 4]].concat()),
    ] {
        let mut generation = model.begin(&prompt(5), request(21, Sampling::greedy())).unwrap();
        let mut flying = Vec::new();
        while let Event::Token { .. } = pollster::block_on(model.next(&mut generation)).unwrap() {
            flying.push(model.flying());
        }
        assert_eq!(flying, expected);
    }
}

#[test]
fn what_the_host_chooses_among_does_not_disturb_what_the_device_chooses() {
    let Some([mut one, mut eight]) = by_submission("llama3", [1, 8]) else {
        return;
    };
    let warm = Sampling {
        temperature: 0.9,
        top_k: 30,
        seed: 7,
        ..Sampling::greedy()
    };
    let penalised = Sampling {
        repetition_penalty: 1.3,
        ..warm.clone()
    };
    let all = [warm.clone(), penalised, Sampling::greedy(), warm];
    for (n, how) in (0_u32..).zip(all) {
        let ids = prompt(12 + n);
        // The end of an answer is a device's business in one of two requests, the host's in the other.
        let ask = || Request {
            ignore_eos: n.is_multiple_of(2),
            ..request(20, how.clone())
        };
        let expected = generate(&mut one, &ids, ask());
        assert_eq!(generate(&mut eight, &ids, ask()), expected, "{how:?}");
    }
}

#[test]
fn a_decoder_that_an_encoder_feeds_makes_the_same_tokens_together() {
    if crate::disk::shared().is_none() {
        return;
    }
    let Some([mut one, mut eight]) = by_submission("t5", [1, 8]) else {
        return;
    };
    for length in [5, 9, 5, 23] {
        let ids = prompt(length);
        let ask = || request(25, Sampling::greedy());
        let expected = generate(&mut one, &ids, ask());
        assert_eq!(generate(&mut eight, &ids, ask()), expected, "{length} tokens");
    }
}
