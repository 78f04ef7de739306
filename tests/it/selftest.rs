//! The self-test of an adapter: kernels that are wrong on purpose are not used.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use crate::{
    disk::Disk,
    sessions::{generate, request},
    zoo::{self, CPU, Mode, load, shared},
};
use nomoat::{
    Error, Result,
    engine::{Created, Device, Kv, LoadOptions, Model},
    error::Gpu,
    text::sample::Sampling,
};
use std::cell::Cell;

/// The kernels of hardware, of which there are more forms.
const GPU: Mode = Mode {
    as_hardware: true,
    ..zoo::GPU
};

/// A llama of the zoo on a GPU, with these options; `None`, with one line, if there is no GPU.
fn llama(options: LoadOptions) -> Option<Result<Model>> {
    of("llama3", options)
}

/// Another model of the zoo.
fn of(name: &str, options: LoadOptions) -> Option<Result<Model>> {
    let folder = shared(&format!("zoo/{name}"))?;
    load(&folder, "", GPU)?;
    Some(pollster::block_on(Model::load(
        &Disk(folder),
        "",
        &options,
        clock,
        &mut |_| true,
    )))
}

/// The same, whose kernels have other words.
fn spoiled(device: Device, words: (&'static str, &'static str)) -> Option<Result<Model>> {
    llama(LoadOptions {
        device,
        spoil: Some(words),
        ..GPU.options()
    })
}

/// As a page loads it: what many tokens take may wait.
fn later() -> LoadOptions {
    LoadOptions {
        later: true,
        ..GPU.options()
    }
}

thread_local! {
    /// The time, and what each look at the clock takes.
    static TIME: Cell<[f64; 2]> = const { Cell::new([0.0, 0.0]) };
}

fn clock() -> f64 {
    let [now, step] = TIME.get();
    TIME.set([now + step, step]);
    now
}

/// Measures all forms; by the clock the one of this number is the fastest.
fn tune(model: &mut Model, fastest: usize) -> usize {
    for number in 0.. {
        TIME.set([0.0, if number == fastest { 0.7 } else { 1.4 }]);
        if !pollster::block_on(model.tune()).unwrap() {
            return number;
        }
    }
    unreachable!()
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

/// The kernels for many tokens wait until they are wanted; where they are wrong, those for few read a prompt too.
#[test]
fn kernels_that_are_wrong_for_many_tokens_are_not_used() {
    let words = (
        "return w_load4(rows.begin + n, k4);",
        "return 2.0 * w_load4(rows.begin + n, k4);",
    );
    let prompt: Vec<u32> = (0..100).map(|i| 1 + i * 7 % 60).collect();
    let ask = || request(12, Sampling::greedy());
    for warm in [false, true] {
        let Some(model) = llama(LoadOptions {
            spoil: Some(words),
            ..later()
        }) else {
            return;
        };
        let mut model = model.unwrap();
        let found = model.info().self_test.clone();
        assert!(
            found.ends_with("; more than a few tokens at once not asked yet"),
            "{found}"
        );
        let mut sound = load(&shared("zoo/llama3").unwrap(), "", GPU).unwrap();
        if warm {
            while pollster::block_on(model.warm()).unwrap() {}
        }
        assert_eq!(
            generate(&mut model, &prompt, ask()),
            generate(&mut sound, &prompt, ask())
        );
        let found = model.info().self_test.clone();
        assert!(
            found.contains("; not used for more than a few tokens at once: BF16"),
            "{found}"
        );
        assert!(
            !sound.info().self_test.contains("few tokens"),
            "{}",
            sound.info().self_test
        );
        // and nothing is kept that would say otherwise at the next load
        assert!(!pollster::block_on(model.tune()).unwrap());
        assert!(!model.verdicts().unwrap().contains("BF16"));
    }
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

#[test]
fn what_was_found_of_an_adapter_is_not_looked_for_again() {
    let Some(first) = llama(later()) else { return };
    let mut first = first.unwrap();
    let asked = first.info().self_test.clone();
    assert!(!first.verdicts().unwrap().contains("BF16"));
    while pollster::block_on(first.warm()).unwrap() {}
    let text = first.verdicts().unwrap();
    let with = |text: &str| LoadOptions {
        verdicts: Some(text.into()),
        ..later()
    };
    let again = llama(with(&text)).unwrap().unwrap();
    assert_eq!(again.info().self_test, first.info().self_test);
    assert_eq!(again.verdicts().unwrap(), text);
    assert!(asked.contains("not asked yet") && !first.info().self_test.contains("not asked yet"));
    // of another adapter, or no text of ours: as if there were none
    for other in [text.replacen("\"of\":\"", "\"of\":\"not ", 1), "\0{".into()] {
        let mut model = llama(with(&other)).unwrap().unwrap();
        assert_eq!(model.info().self_test, asked);
        while pollster::block_on(model.warm()).unwrap() {}
        assert!(model.verdicts().unwrap().ends_with(&text));
    }
    // kernels that are wrong on purpose are tried all the same, and so are those without subgroups if these are given up
    let wrong = LoadOptions {
        spoil: Some(("exp(", "exp2(")),
        ..with(&text)
    };
    assert_eq!(
        llama(wrong).unwrap().map(|_| ()).unwrap_err().code(),
        "self-test-failed"
    );
}

/// Words of kernels that wrong ones have, in models that run them.
#[test]
fn experts_and_what_keeps_a_past_are_held_to_known_answers_where_a_model_has_them() {
    let experts = ["experts of BF16"];
    let cases: [(&str, &[&str], &[_]); 3] = [
        (
            "mixtral",
            &experts,
            &[
                ("let head = expert *", "let head = 0u * expert *"),
                ("u32(max(expert, 0.0)) *", "0u *"),
            ],
        ),
        (
            "mamba",
            &["conv", "scan"],
            &[
                ("= seen(len + k, c)", "= seen(k, c)"),
                ("x[key + n] * u;", "x[key] * u;"),
            ],
        ),
        (
            "rwkv4",
            &["conv", "wkv"],
            &[
                ("mix(seen(t, c), seen(t + 1u, c), w[c])", "seen(t, c)"),
                ("kept.z - exp(decay[c])", "kept.z"),
            ],
        ),
    ];
    let with = |verdicts: String| LoadOptions {
        verdicts: Some(verdicts),
        ..GPU.options()
    };
    let Some(plain) = llama(GPU.options()) else { return };
    let plain = plain.unwrap().verdicts().unwrap();
    for (name, layers, wrong) in cases {
        let sound = of(name, GPU.options()).unwrap().unwrap();
        let (text, found) = (sound.verdicts().unwrap(), sound.info().self_test.clone());
        assert!(!found.contains("not used"), "{found}");
        let all: serde_json::Value = serde_json::from_str(&text).unwrap();
        let named = all["layers"].as_array().unwrap();
        assert!(layers.iter().all(|layer| named.contains(&(*layer).into())), "{text}");
        assert!(found.contains(&format!(", {})", layers.join(", "))), "{found}");
        // what is kept is not tried again, and what a llama left does not say enough
        let again = of(name, with(text.clone())).unwrap().unwrap();
        assert_eq!(
            (again.verdicts().unwrap(), again.info().self_test.clone()),
            (text, found)
        );
        let less = of(name, with(plain.clone())).unwrap().unwrap();
        assert!(again.created().pipelines < less.created().pipelines, "{name}");
        assert!(
            layers.iter().all(|layer| less.verdicts().unwrap().contains(layer)),
            "{name}"
        );
        for words in wrong {
            let spoil = || LoadOptions {
                spoil: Some(*words),
                ..GPU.options()
            };
            match of(name, spoil()).unwrap() {
                Err(Error::Gpu {
                    kind: Gpu::Wrong,
                    cause,
                    ..
                }) => {
                    assert!(layers.iter().any(|layer| cause.contains(layer)), "{words:?}: {cause}");
                }
                other => panic!("{words:?}: {:?}", other.map(|model| model.info().self_test.clone())),
            }
            // a llama does without them, and is not asked
            assert!(llama(spoil()).unwrap().is_ok(), "{words:?}");
        }
    }
}

/// Keys beyond those that a kernel reads at once, a cache in f32 or of codes, draws, heads with norms.
#[test]
fn what_the_small_llama_lacks_is_held_to_known_answers_too() {
    let f32 = || LoadOptions {
        kv: Some(Kv::F32),
        ..GPU.options()
    };
    let q8 = || LoadOptions {
        kv: Some(Kv::Q8),
        ..GPU.options()
    };
    let cases = [
        (
            "llama3",
            GPU.options(),
            ("total[h] * shrink[h] + sum", "total[h] + sum"),
            "attention",
        ),
        (
            "llama3",
            f32(),
            (
                "bitcast<vec4<f32>>(vec4<u32>(kv[i], kv[i + 1u]",
                "bitcast<vec4<f32>>(vec4<u32>(kv[i], kv[i]",
            ),
            "in f32",
        ),
        (
            "llama3",
            q8(),
            ("bitcast<u32>(most)", "bitcast<u32>(2.0 * most)"),
            "in q8",
        ),
        (
            "llama3",
            q8(),
            ("* unpack4x8snorm(kv[i / 4u])", "* unpack4x8snorm(kv[i / 8u])"),
            "in q8",
        ),
        (
            "llama3",
            q8(),
            ("pos % params.capacity", "(pos + 1u) % params.capacity"),
            "in q8",
        ),
        ("llama3", GPU.options(), ("id_at(draw(count))", "id_at(0u)"), "drawing"),
        (
            "qwen3",
            GPU.options(),
            ("params.plus + beside", "params.plus - beside"),
            "heads with norms",
        ),
    ];
    for (name, options, words, what) in cases {
        let spoiled = LoadOptions {
            spoil: Some(words),
            ..options
        };
        let Some(model) = of(name, spoiled) else { return };
        match model {
            Err(Error::Gpu {
                kind: Gpu::Wrong,
                cause,
                ..
            }) => assert!(cause.contains(what), "{words:?}: {cause}"),
            other => panic!("{words:?}: {:?}", other.map(|model| model.info().self_test.clone())),
        }
    }
}

/// A form that is measured is tried with them, and what was right in another form counts no more.
#[test]
fn experts_are_right_in_the_form_that_is_taken() {
    let words = "experts of BF16";
    for (name, stays) in [("mixtral", true), ("llama3", false)] {
        let Some(first) = of("mixtral", GPU.options()) else {
            return;
        };
        let options = LoadOptions {
            verdicts: first.unwrap().verdicts(),
            ..GPU.options()
        };
        let mut model = of(name, options).unwrap().unwrap();
        assert!(model.verdicts().unwrap().contains(words));
        assert!(tune(&mut model, 1) > 1, "{name}");
        assert_eq!(model.verdicts().unwrap().contains(words), stays, "{name}");
    }
}

#[test]
fn the_fastest_form_of_kernels_is_taken_and_kept() {
    let ask = || request(24, Sampling::greedy());
    let Some(plain) = llama(GPU.options()) else { return };
    let mut plain = plain.unwrap();
    let expected = generate(&mut plain, &[1, 2, 3], ask());
    let forms = if plain.info().self_test.starts_with("right with subgroups") {
        6
    } else {
        4
    };
    for fastest in 0..forms {
        let mut model = llama(GPU.options()).unwrap().unwrap();
        // In the midst of an answer, which must not notice.
        let mut generation = model.begin(&[1, 2, 3], ask()).unwrap();
        for _ in 0..3 {
            pollster::block_on(model.next(&mut generation)).unwrap();
        }
        let (before, bytes) = (model.created(), model.gpu_bytes());
        // the usual form is measured at both ends
        assert_eq!(tune(&mut model, fastest), forms);
        assert_eq!(model.gpu_bytes(), bytes);
        assert_eq!(model.created().buffers, before.buffers);
        let found = model.info().self_test.clone();
        assert!(found.contains("BF16: "), "{found}");
        assert_eq!(
            found.contains("1.00 times the usual"),
            fastest == 0,
            "{fastest}: {found}"
        );
        assert_eq!(generate(&mut model, &[1, 2, 3], ask()), expected, "{found}");
        assert_eq!(tune(&mut model, 0), 0);
        let options = LoadOptions {
            verdicts: model.verdicts(),
            ..GPU.options()
        };
        let mut later = llama(options).unwrap().unwrap();
        assert_eq!(later.info().self_test, found);
        assert_eq!(generate(&mut later, &[1, 2, 3], ask()), expected, "{found}");
        assert_eq!(tune(&mut later, 0), 0);
    }
}

/// Sums over a workgroup, which kernels with subgroups do not make.
#[test]
fn a_form_that_is_wrong_is_not_taken_however_fast() {
    let Some(model) = spoiled(Device::Gpu, ("sums = partial[0];", "sums = 2.0 * partial[0];")) else {
        return;
    };
    let Ok(mut model) = model else {
        // without subgroups there are no others
        return;
    };
    let forms = tune(&mut model, 5);
    assert_eq!(forms, 6);
    assert!(
        model.info().self_test.contains("a subgroup, "),
        "{}",
        model.info().self_test
    );
}

#[test]
fn kernels_of_a_first_prompt_are_compiled_ahead_and_nothing_else_is_made() {
    let prompt: Vec<u32> = (1..20).collect();
    for name in [
        "llama3",
        "gemma2",
        "qwen3",
        "mixtral",
        "mamba",
        "rwkv4",
        "falcon_h1",
        "t5",
    ] {
        let Some(plain) = of(name, later()) else { return };
        let mut plain = plain.unwrap();
        while pollster::block_on(plain.warm()).unwrap() {}
        // what is tried first is compiled for that
        let kept = LoadOptions {
            verdicts: plain.verdicts(),
            ..later()
        };
        let mut model = of(name, kept).unwrap().unwrap();
        let (before, bytes) = (model.created(), model.gpu_bytes());
        while pollster::block_on(model.warm()).unwrap() {}
        let made = model.created();
        assert!(made.pipelines > before.pipelines, "{name}");
        assert_eq!(
            Created {
                pipelines: before.pipelines,
                ..made
            },
            before
        );
        assert_eq!(model.gpu_bytes(), bytes, "{name}");
        let ask = || request(8, Sampling::greedy());
        assert_eq!(
            generate(&mut model, &prompt, ask()),
            generate(&mut plain, &prompt, ask()),
            "{name}"
        );
        assert_eq!(model.created().pipelines, made.pipelines, "{name}");
        assert_eq!(model.gpu_bytes(), plain.gpu_bytes(), "{name}");
    }
    let Some(folder) = shared("zoo/llama3") else { return };
    assert!(!pollster::block_on(load(&folder, "", CPU).unwrap().warm()).unwrap());
}

#[test]
fn nothing_is_measured_on_the_cpu_nor_of_a_past() {
    let Some(folder) = shared("zoo/llama3") else { return };
    let mut cpu = load(&folder, "", CPU).unwrap();
    assert!(!pollster::block_on(cpu.tune()).unwrap());
    assert_eq!(cpu.verdicts(), None);
    let Some(mut past) = shared("zoo/mamba").and_then(|folder| load(&folder, "", GPU)) else {
        return;
    };
    assert!(!pollster::block_on(past.tune()).unwrap());
}
