//! `nomoat quantize`: the files it writes are what an independent reader finds in them, and models run on from them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "tests"
)]

use crate::{
    program::{Scratch, nomoat, quiet},
    reference::{Gguf, Llama, Meta, dequantise},
    zoo::{CPU, Findings, GPU, Mode, greedy, ids, json, load, logits, shared},
};
use nomoat::{engine::Model, quant};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Converts `input`, which must work, and answers the file.
fn convert(scratch: &Scratch, input: &Path, kind: &str) -> PathBuf {
    let output = scratch.path(&format!("{kind}.gguf"));
    let done = nomoat(
        &[
            "quantize",
            input.to_str().unwrap(),
            output.to_str().unwrap(),
            "--type",
            kind,
        ],
        "",
    );
    assert_eq!(done.code, 0, "{} to {kind}: {}", input.display(), done.stderr);
    assert_eq!(done.stdout, "", "results of quantize are files");
    output
}

/// A copy of the files of `folder`.
fn copied(folder: &Path) -> Scratch {
    let copy = Scratch::new("copied");
    for file in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        std::fs::copy(file.path(), copy.path(file.file_name().to_str().unwrap())).unwrap();
    }
    copy
}

/// Files of the zoo that another tool wrote from the same folder.
const SAME: &[(&str, &str, &str)] = &[
    ("zoo/llama", "model-f16.gguf", "f16"),
    ("zoo/llama3", "model-bf16.gguf", "bf16"),
    ("zoo/mistral_v3", "model-bf16.gguf", "bf16"),
];

#[test]
fn a_converted_folder_has_the_bytes_that_another_converter_writes() {
    let mut findings = Findings::default();
    for (folder, file, kind) in SAME {
        let Some(folder) = shared(folder) else { return };
        let scratch = Scratch::new("same");
        let ours = Gguf::read(&convert(&scratch, &folder, kind));
        let theirs = Gguf::read(&folder.join(file));
        let mut names: Vec<_> = ours.tensors.keys().chain(theirs.tensors.keys()).collect();
        names.sort();
        names.dedup();
        for name in names {
            let what = format!("{}: {name}", folder.display());
            match (ours.tensors.get(name), theirs.tensors.get(name)) {
                (Some(a), Some(b)) if (&a.dims, a.kind) != (&b.dims, b.kind) => {
                    findings.add(format!(
                        "{what}: {:?} of type {}, not {:?} of {}",
                        a.dims, a.kind, b.dims, b.kind
                    ));
                }
                // Factors are computed: the last bit may differ.
                (Some(a), Some(b)) if name == "rope_freqs.weight" => {
                    let close = |(a, b): (f64, f64)| (a - b).abs() <= 1e-6 * b.abs();
                    if !dequantise(a).into_iter().zip(dequantise(b)).all(close) {
                        findings.add(format!("{what}: other factors"));
                    }
                }
                (Some(a), Some(b)) if a.bytes != b.bytes => findings.add(format!("{what}: other bytes")),
                (Some(_), Some(_)) => {}
                (a, _) => findings.add(format!(
                    "{what}: only in {} file",
                    if a.is_some() { "our" } else { "their" }
                )),
            }
        }
        for (key, value) in &theirs.meta {
            // Names and labels are the writer's choice; scores of merged tokens are an order, checked by the tokenizer.
            let own = [
                "general.name",
                "general.size_label",
                "tokenizer.ggml.scores",
                "tokenizer.ggml.add_sep_token",
            ];
            // One calls the unknown token a control token, the other what it is.
            let types = key == "tokenizer.ggml.token_type";
            let found = ours.meta.get(key);
            let alike = match (found, value) {
                (Some(Meta::Number(a)), Meta::Number(b)) => (a - b).abs() <= 1e-6 * b.abs(),
                (Some(Meta::List(a)), Meta::List(b)) if types => {
                    a.iter().zip(b).filter(|(a, b)| a != b).count() <= 1 && a.len() == b.len()
                }
                (found, value) => found == Some(value),
            };
            if !alike && !own.contains(&key.as_str()) {
                findings.add(format!("{}: {key}: {found:?}, not {value:?}", folder.display()));
            }
        }
    }
    findings.none();
}

#[test]
fn weights_quantised_while_loading_are_those_of_a_file() {
    // What is converted, and what is loaded.
    let llama = ["f16", "q8_0", "q4_k", "q6_k"].map(|kind| ("quants/llama", "", "", kind));
    let others = [
        // matrices stand on their side
        ("gpt2", "model-f32.gguf", "", "f16"),
        // experts
        ("gpt_oss", "model-bf16.gguf", "model-bf16.gguf", "q8_0"),
    ];
    for (name, from, entry, kind) in llama.into_iter().chain(others) {
        let Some(folder) = shared(&format!("zoo/{name}")) else {
            return;
        };
        let scratch = Scratch::new("loading");
        let file = convert(&scratch, &folder.join(from), kind);
        for mode in [CPU, GPU] {
            let wish = Mode {
                quantize: quant::to_write(kind),
                ..mode
            };
            let (Some(mut one), Some(mut other)) = (
                load(file.parent().unwrap(), &format!("{kind}.gguf"), mode),
                load(&folder, entry, wish),
            ) else {
                return;
            };
            let prompt: Vec<u32> = (3..40).collect();
            let rows = [&mut one, &mut other].map(|model| logits(model, &prompt, true).unwrap());
            assert_eq!(rows[0], rows[1], "{name} {kind} {mode:?}");
            let bytes = |model: &Model| (model.info().cpu_bytes, model.gpu_bytes());
            assert_eq!(bytes(&one), bytes(&other), "{name} {kind} {mode:?}");
        }
    }
}

#[test]
fn rows_that_blocks_do_not_divide_stay_f16() {
    let Some(folder) = shared("zoo/mistral_v3") else { return };
    for (kind, number) in [("q8_0", 8), ("q4_0", 2)] {
        let scratch = Scratch::new("rows");
        let file = Gguf::read(&convert(&scratch, &folder, kind));
        for (name, raw) in &file.tensors {
            let expected = match raw.dims[..] {
                [_] => 0,
                [width, ..] if width % 32 == 0 => number,
                _ => 1,
            };
            assert_eq!(raw.kind, expected, "{kind}: {name} {:?}", raw.dims);
        }
        assert!(
            file.tensors.values().any(|t| t.kind == number),
            "{kind}: nothing is quantised"
        );
        assert!(
            file.tensors.values().any(|t| t.kind == 1),
            "{kind}: nothing is left as F16"
        );
    }
}

#[test]
fn quantised_values_are_within_a_step_of_the_source() {
    let Some(folder) = shared("zoo/quants/llama") else {
        return;
    };
    let scratch = Scratch::new("steps");
    let exact = Gguf::read(&convert(&scratch, &folder, "f32"));
    // The largest error as a share of the largest value of the block: half a step, and rounding of the scale.
    for (kind, share) in [("q8_0", 0.5 / 127.0 + 1e-3), ("q4_0", 0.125 + 1e-3)] {
        let file = Gguf::read(&convert(&scratch, &folder, kind));
        for (name, raw) in file.tensors.iter().filter(|(_, t)| t.dims.len() == 2) {
            let (found, source) = (dequantise(raw), exact.values(name));
            assert_eq!(found.len(), source.len(), "{name}");
            for (n, (a, b)) in found.chunks(32).zip(source.chunks(32)).enumerate() {
                let most = b.iter().fold(0f64, |m, v| m.max(v.abs()));
                let off = a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                assert!(
                    off <= share * most + 1e-9,
                    "{kind}: {name}, block {n}: off by {off} of {most}"
                );
            }
        }
    }
}

#[test]
fn gguf_in_gives_the_tensors_of_safetensors_in() {
    let Some(folder) = shared("zoo/llama3") else { return };
    for kind in ["f32", "q8_0", "q4_0"] {
        let scratch = Scratch::new("both");
        let straight = Gguf::read(&convert(&scratch, &folder, kind));
        let again = Scratch::new("both-again");
        let round = Gguf::read(&convert(&again, &folder.join("model-bf16.gguf"), kind));
        assert_eq!(straight.tensors.len(), round.tensors.len(), "{kind}");
        for (name, a) in &straight.tensors {
            let b = round.tensors.get(name).unwrap_or_else(|| panic!("{kind}: no {name}"));
            assert_eq!((&a.dims, a.kind), (&b.dims, b.kind), "{kind}: {name}");
            let close = |(a, b): (f64, f64)| (a - b).abs() <= 1e-6 * b.abs();
            assert!(
                dequantise(a).into_iter().zip(dequantise(b)).all(close),
                "{kind}: {name}"
            );
        }
    }
}

#[test]
fn the_tokenizer_and_what_the_card_states_travel_along() {
    let Some(folder) = shared("models/TinyStories-656K") else {
        return;
    };
    let scratch = Scratch::new("travel");
    let file = Gguf::read(&convert(&scratch, &folder, "q8_0"));
    let text = std::fs::read_to_string(folder.join("tokenizer.json")).unwrap();
    assert_eq!(file.meta.get("tokenizer.huggingface.json"), Some(&Meta::Text(text)));
    let expected = [
        ("general.architecture", "llama"),
        ("general.name", "TinyStories-656K"),
        ("general.license", "apache-2.0"),
        ("tokenizer.ggml.model", "llama"),
    ];
    for (key, value) in expected {
        assert_eq!(file.meta.get(key), Some(&Meta::Text(value.into())), "{key}");
    }
    for (key, value) in [
        ("tokenizer.ggml.bos_token_id", 1.0),
        ("tokenizer.ggml.eos_token_id", 2.0),
        ("general.file_type", 7.0),
    ] {
        assert_eq!(file.number(key), Some(value), "{key}");
    }
}

#[test]
fn a_tokenizer_of_many_megabytes_travels_and_is_read_again() {
    let Some(folder) = shared("models/TinyStories-656K") else {
        return;
    };
    let source = copied(&folder);
    let mut tokenizer = std::fs::read(source.path("tokenizer.json")).unwrap();
    tokenizer.resize(tokenizer.len() + (17 << 20), b' ');
    std::fs::write(source.path("tokenizer.json"), tokenizer).unwrap();
    let scratch = Scratch::new("large");
    let file = convert(&scratch, &source.path(""), "q8_0");
    let ids = |model: &Path| quiet(&["tokenize", model.to_str().unwrap()], "Once upon a time");
    assert_eq!(ids(&file), ids(&folder));
}

#[test]
fn a_converted_window_is_that_of_the_network() {
    let Some(folder) = shared("zoo/mistral") else { return };
    let mut findings = Findings::default();
    let prompt: Vec<u32> = (3..60).collect();
    let [full, sliding] = ["full_attention", "sliding_attention"];
    let list = |each: &[f64]| Some(Meta::List(each.iter().copied().map(Meta::Number).collect()));
    for (key, value, window, pattern) in [
        ("use_sliding_window", Value::from(true), Some(16.0), None),
        ("use_sliding_window", false.into(), None, None),
        ("layer_types", vec![full, full].into(), None, None),
        ("layer_types", vec![full, sliding].into(), Some(16.0), list(&[0.0, 1.0])),
    ] {
        let source = copied(&folder);
        let mut config = json(&source.path("config.json"));
        config[key] = value.clone();
        std::fs::write(source.path("config.json"), config.to_string()).unwrap();
        let what = format!("{key} = {value}");
        let scratch = Scratch::new("window");
        let file = Gguf::read(&convert(&scratch, &source.path(""), "f32"));
        assert_eq!(file.number("llama.attention.sliding_window"), window, "{what}");
        let found = file.meta.get("llama.attention.sliding_window_pattern");
        assert_eq!(found, pattern.as_ref(), "{what}");
        let rows = [(source.path(""), ""), (scratch.path(""), "f32.gguf")]
            .map(|(from, entry)| logits(&mut load(&from, entry, CPU).unwrap(), &prompt, false).unwrap());
        let published: Vec<f64> = rows[0][0].iter().copied().map(f64::from).collect();
        findings.row(&what, CPU, &rows[1][0], &published);
    }
    findings.none();
}

#[test]
fn what_a_killed_conversion_left_is_removed_by_the_next() {
    let Some(folder) = shared("zoo/llama3") else { return };
    let scratch = Scratch::new("left");
    let [left, held, other] = [
        ".f16.gguf.4000001.part",
        ".f16.gguf.4000002.part",
        ".q8.gguf.4000001.part",
    ];
    for name in [left, held, other] {
        std::fs::write(scratch.path(name), "GGUF").unwrap();
    }
    // As by a conversion that is under way.
    let lock = std::fs::File::options().write(true).open(scratch.path(held)).unwrap();
    lock.lock().unwrap();
    let file = convert(&scratch, &folder, "f16");
    assert!(!Gguf::read(&file).tensors.is_empty());
    let mut there: Vec<_> = std::fs::read_dir(scratch.path(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    there.sort();
    assert_eq!(there, [held, other, "f16.gguf"]);
}

#[test]
#[cfg(unix)]
fn a_link_is_followed_and_what_is_no_file_is_not_replaced() {
    use std::os::unix::fs::symlink;
    let Some(folder) = shared("zoo/llama3") else { return };
    let scratch = Scratch::new("links");
    let (file, null, nowhere) = (scratch.path("file"), scratch.path("null"), scratch.path("nowhere"));
    std::fs::write(&file, "").unwrap();
    symlink("file", scratch.path("f16.gguf")).unwrap();
    let link = convert(&scratch, &folder, "f16");
    assert!(link.is_symlink() && !Gguf::read(&file).tensors.is_empty());
    symlink("/dev/null", &null).unwrap();
    symlink("gone", &nowhere).unwrap();
    for (out, word) in [
        (&null, "no regular file"),
        (&scratch.path(""), "no regular file"),
        (&nowhere, "cannot be followed"),
    ] {
        let ask = ["quantize", folder.to_str().unwrap(), out.to_str().unwrap()];
        let done = nomoat(&[&ask[..], &["--type", "f16"]].concat(), "");
        assert_eq!((done.code, done.stderr.lines().count()), (1, 1), "{}", done.stderr);
        assert!(
            done.stderr.contains(out.to_str().unwrap()) && done.stderr.contains(word),
            "{}",
            done.stderr
        );
    }
    assert!(null.is_symlink() && nowhere.is_symlink());
    assert_eq!(std::fs::read_dir(scratch.path("")).unwrap().count(), 4);
}

#[test]
fn a_failed_conversion_leaves_nothing_behind() {
    let Some(folder) = shared("zoo/llama3") else { return };
    let source = Scratch::new("broken-in");
    for name in [
        "config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "generation_config.json",
    ] {
        std::fs::copy(folder.join(name), source.path(name)).unwrap();
    }
    let mut bytes = std::fs::read(folder.join("model.safetensors")).unwrap();
    let end = bytes.len();
    // The last bytes belong to a bf16 weight: make them infinite, which is found only when it is written.
    bytes[end - 2..].copy_from_slice(&[0x80, 0x7f]);
    std::fs::write(source.path("model.safetensors"), bytes).unwrap();
    let out = Scratch::new("broken-out");
    let target = out.path("out.gguf");
    let done = nomoat(
        &[
            "quantize",
            source.path("").to_str().unwrap(),
            target.to_str().unwrap(),
            "--type",
            "f16",
        ],
        "",
    );
    assert_eq!(done.code, 1, "{}", done.stderr);
    assert!(done.stderr.contains("finite"), "{}", done.stderr);
    let left: Vec<_> = std::fs::read_dir(out.path(""))
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

/// TinyStories converted without loss gives the expected ids.
fn lossless(mode: Mode) {
    let Some(folder) = shared("models/TinyStories-656K") else {
        return;
    };
    let expected = json(&folder.join("expected_greedy.json"));
    let (prompt, all) = (ids(&expected["prompt_ids"]), ids(&expected["ids"]));
    let scratch = Scratch::new("lossless");
    let mut findings = Findings::default();
    for kind in ["f32", "f16", "bf16"] {
        convert(&scratch, &folder, kind);
        let Some(mut model) = load(&scratch.path(""), &format!("{kind}.gguf"), mode) else {
            return;
        };
        let (found, _) = greedy(&mut model, &prompt, all.len() - prompt.len(), false).unwrap();
        findings.ids(&format!("TinyStories as {kind} {mode:?}"), &found, &all[prompt.len()..]);
    }
    findings.none();
}

#[test]
fn lossless_conversions_write_the_same_text_on_the_cpu() {
    lossless(CPU);
}

#[test]
fn lossless_conversions_write_the_same_text_on_the_gpu() {
    lossless(GPU);
}

/// Quantised TinyStories gives what the independent reference gives for the written file.
fn lossy(mode: Mode) {
    let Some(folder) = shared("models/TinyStories-656K") else {
        return;
    };
    let expected = json(&folder.join("expected_greedy.json"));
    let (prompt, n) = (ids(&expected["prompt_ids"]), ids(&expected["ids"]).len());
    let scratch = Scratch::new("lossy");
    let mut findings = Findings::default();
    for kind in ["q8_0", "q4_0"] {
        let file = convert(&scratch, &folder, kind);
        let (golden, after, margin) = Llama::new(&Gguf::read(&file)).greedy(&prompt, n, Some(2));
        let Some(mut model) = load(&scratch.path(""), &format!("{kind}.gguf"), mode) else {
            return;
        };
        let what = format!("TinyStories as {kind} {mode:?} (margin {margin:.2e})");
        let rows = logits(&mut model, &prompt, false).unwrap();
        findings.row(&what, mode, &rows[0], &after);
        let (found, _) = greedy(&mut model, &prompt, n, false).unwrap();
        findings.ids(&what, &found, &golden);
    }
    findings.none();
}

#[test]
fn quantised_files_give_what_the_reference_gives_for_them_on_the_cpu() {
    lossy(CPU);
}

#[test]
fn quantised_files_give_what_the_reference_gives_for_them_on_the_gpu() {
    lossy(GPU);
}

/// Folders that become GGUF keep their goldens: names, row order and Llama 3's frequencies.
fn converted_zoo(mode: Mode) {
    let mut findings = Findings::default();
    for name in ["llama", "llama3", "codellama", "mistral_v3"] {
        let Some(folder) = shared(&format!("zoo/{name}")) else {
            continue;
        };
        let golden = json(&folder.join("golden.json"));
        let scratch = Scratch::new(name);
        convert(&scratch, &folder, "f32");
        let Some(mut model) = load(&scratch.path(""), "f32.gguf", mode) else {
            return;
        };
        for length in ["short", "long"] {
            let case = &golden[length];
            let expected = ids(&case["greedy"]);
            let (found, _) = greedy(&mut model, &ids(&case["ids"]), expected.len(), true).unwrap();
            findings.ids(&format!("{name}, {length}, {mode:?}"), &found, &expected);
        }
    }
    findings.none();
}

#[test]
fn converted_folders_keep_their_goldens_on_the_cpu() {
    converted_zoo(CPU);
}

#[test]
fn converted_folders_keep_their_goldens_on_the_gpu() {
    converted_zoo(GPU);
}

#[test]
fn a_converted_tokenizer_gives_the_same_ids() {
    let mut findings = Findings::default();
    for name in ["llama", "llama3", "codellama"] {
        let Some(folder) = shared(&format!("zoo/{name}")) else {
            continue;
        };
        let scratch = Scratch::new(name);
        let file = convert(&scratch, &folder, "f16");
        let golden = json(&folder.join("golden_tokenizer.json"));
        for case in golden["cases"].as_array().unwrap().iter().take(5) {
            let text = case["text"].as_str().unwrap();
            let done = nomoat(&["tokenize", file.to_str().unwrap(), "--special"], text);
            let found: serde_json::Value = serde_json::from_str(&done.stdout).unwrap_or_default();
            if found != case["ids"] {
                findings.add(format!("{name}: {text:?}: {}{}", done.stdout, done.stderr));
            }
        }
        let chat = &golden["chat"];
        let done = nomoat(&["template", file.to_str().unwrap()], &chat["messages"].to_string());
        if Some(done.stdout.as_str()) != chat["rendered"].as_str() {
            findings.add(format!(
                "{name}: {}{}, not {}",
                done.stdout, done.stderr, chat["rendered"]
            ));
        }
    }
    findings.none();
}
