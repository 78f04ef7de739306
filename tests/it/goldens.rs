//! Models against their goldens through the library: logits and greedy ids, from safetensors and GGUF, on each device.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::{
    disk, encoders,
    zoo::{CPU, Findings, GPU, Mode, floats, greedy, ids, json, load, logits, no_gpu, shared, try_load},
};
use nomoat::engine::Model;
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Folders of the zoo that cannot be run yet, and why. Everything else in it has to hold.
pub(crate) const NOT_YET: &[(&str, &str)] = &[
    ("clip", "no language model"),
    ("llava", "images"),
    ("whisper", "no language model"),
];

/// What of the zoo is in this repository.
const OURS: &str = "llama3";

/// GGUF files that lack a key of their checkpoint, so that what llama.cpp makes of them counts.
const BY_LLAMA_CPP: &[&str] = &["gpt_oss", "gpt_oss_mxfp4", "mistral"];

/// Files into whose weights the converter multiplied what the configuration states apart, and rounded them again, and how
/// far that takes their logits from the goldens, which llama.cpp reaches with such weights in f32.
const ROUNDED: &[(&str, f64)] = &[("falcon_h1/model-bf16.gguf", 0.3)];

/// The file with several formats.
const MIXTURE: &str = "mixture";

/// Folders of the zoo that hold a model, by name.
pub(crate) fn folders() -> Vec<(String, PathBuf)> {
    let Some(all) = disk::shared() else {
        return shared(&format!("zoo/{OURS}"))
            .map(|path| (OURS.to_owned(), path))
            .into_iter()
            .collect();
    };
    let entries = fs::read_dir(all.join("zoo"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let models = entries.filter(|path| path.join("golden.json").is_file() && !path.join("model_index.json").exists());
    let named = models.map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), path));
    let mut named: Vec<_> = named.collect();
    named.sort();
    named
}

/// What kind of goldens a folder has.
pub(crate) fn kind(folder: &Path) -> String {
    json(&folder.join("golden.json"))["kind"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// What can be loaded of a folder: itself (the empty name), and its GGUF file.
pub(crate) fn entries(name: &str, folder: &Path) -> Vec<String> {
    let files = fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name());
    let files = files.map(|f| f.to_string_lossy().into_owned());
    let gguf = files.filter(|f| f.ends_with(".gguf"));
    let alone = (name == OURS).then(|| "model.safetensors".to_owned());
    let itself = folder.join("config.json").is_file().then(String::new);
    itself.into_iter().chain(alone).chain(gguf).collect()
}

/// The goldens of what is loaded: our own where the zoo's are wrong (`tests/data/README.md` says why).
fn golden(name: &str, entry: &str, folder: &Path) -> Value {
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/golden/{name}.json"));
    if ours.exists() {
        json(&ours)
    } else if entry.ends_with(".gguf") && BY_LLAMA_CPP.contains(&name) {
        json(&folder.join("golden_gguf.json"))
    } else {
        json(&folder.join("golden.json"))
    }
}

/// Holds every folder of the zoo that is not listed as [`NOT_YET`] to its goldens; prints a row for each.
fn zoo(mode: Mode) {
    let mut findings = Findings::default();
    for (name, folder) in folders() {
        if let Some((_, why)) = NOT_YET.iter().find(|(not, _)| *not == name) {
            println!("{name:24} not yet: {why}");
            continue;
        }
        for entry in entries(&name, &folder) {
            if encoders::KINDS.contains(&kind(&folder).as_str()) {
                continue;
            }
            if !check(&mut findings, &folder, &entry, mode, &golden(&name, &entry, &folder)) {
                return;
            }
        }
    }
    findings.none();
}

#[test]
fn what_is_not_yet_in_the_zoo_cannot_be_loaded() {
    for (name, folder) in folders() {
        let listed = NOT_YET.iter().any(|(not, _)| *not == name);
        for entry in entries(&name, &folder) {
            if !listed {
                continue;
            }
            match try_load(&folder, &entry, CPU) {
                Ok(model) => {
                    let family = &model.info().family;
                    panic!("{name}/{entry} is loaded as {family}: take it off the list")
                }
                Err(error) => {
                    println!("{name}/{entry}: {error}");
                    let clear = ["unsupported-architecture", "unsupported-format"];
                    assert!(clear.contains(&error.code()), "{name}/{entry}: {error}");
                }
            }
        }
    }
}

/// Quantised files with `part` in their names; their goldens are those of the dequantised weights.
fn quants(mode: Mode, part: &str) {
    let mut findings = Findings::default();
    let Some(folder) = shared("zoo/quants/llama") else {
        return;
    };
    let goldens = json(&folder.join("golden_quants.json"));
    let all = goldens["files"].as_object().unwrap();
    let read = all
        .keys()
        .filter(|file| file.contains(part) && disk::open(&folder.join(file)).unwrap().whole().is_ok());
    let read: Vec<_> = read.collect();
    assert!(!read.is_empty());
    for file in read {
        if !check(&mut findings, &folder, file, mode, &goldens["files"][file]["exact"]) {
            return;
        }
    }
    findings.none();
}

/// Checks one model against `golden`; `false` if there is no device for it.
fn check(findings: &mut Findings, folder: &Path, entry: &str, mode: Mode, golden: &Value) -> bool {
    let mut model = match try_load(folder, entry, mode) {
        Ok(model) => model,
        Err(error) if no_gpu(&error) => return false,
        Err(error) => {
            findings.add(format!("{}/{entry}: {error}", folder.display()));
            return true;
        }
    };
    let folder = folder.file_name().unwrap().to_string_lossy();
    let rounded = ROUNDED.iter().find(|(file, _)| *file == format!("{folder}/{entry}"));
    let name = format!("{folder}/{entry} {mode:?}");
    let (mut worst, mut alike, mut of) = (0f64, 0, 0);
    for length in ["short", "long"] {
        let what = format!("{name}: {length}");
        let case = &golden[length];
        let prompt = ids(&case["ids"]);
        let rows = match logits(&mut model, &prompt, true) {
            Ok(rows) => rows,
            Err(e) => {
                findings.add(format!("{what}: {e}"));
                continue;
            }
        };
        if rows.len() != prompt.len() {
            findings.add(format!("{what}: {} rows for {} ids", rows.len(), prompt.len()));
            continue;
        }
        let mut error = 0f64;
        for (i, golden) in positions(case, prompt.len()) {
            let what = format!("{what}, position {i}");
            let off = match rounded {
                None => findings.row(&what, mode, &rows[i], &golden),
                Some((_, most)) => {
                    let off = Findings::default().row(&what, mode, &rows[i], &golden);
                    if off.is_nan() || off > *most {
                        findings.add(format!("{what}: off by {off}"));
                    }
                    off
                }
            };
            error = error.max(off);
        }
        match logits(&mut model, &prompt, false) {
            Ok(last) if last.len() == 1 => {
                let golden: Vec<f64> = rows[prompt.len() - 1].iter().map(|v| f64::from(*v)).collect();
                findings.row(
                    &format!("{what}, the last alone against the last of all"),
                    mode,
                    &last[0],
                    &golden,
                );
            }
            Ok(last) => findings.add(format!("{what}: {} rows where the last was asked for", last.len())),
            Err(e) => findings.add(format!("{what}: {e}")),
        }
        worst = worst.max(error);
        let margin = case["greedy_min_margin"].as_f64().unwrap();
        let golden = ids(&case["greedy"]);
        match greedy(&mut model, &prompt, golden.len(), true) {
            Ok((found, _)) => {
                alike += found.iter().zip(&golden).take_while(|(a, b)| a == b).count();
                of += golden.len();
                // where the margin is within the error, either way is right
                if mode.exact || margin > 2.0 * error {
                    findings.ids(&format!("{what}, greedy (margin {margin})"), &found, &golden);
                }
            }
            Err(e) => findings.add(format!("{what}, greedy: {e}")),
        }
    }
    row((&folder, entry, mode), &model, worst, &format!("{alike}/{of}"));
    true
}

/// A row of the table that `./build.sh families` puts together.
pub(crate) fn row((folder, entry, mode): (&str, &str, Mode), model: &Model, worst: f64, greedy: &str) {
    let container = if entry.ends_with(".gguf") {
        "GGUF"
    } else {
        "safetensors"
    };
    let adapter = &model.info().adapter;
    let on = if adapter.is_empty() { "cpu" } else { adapter };
    let precision = if mode.exact { "conformance" } else { "default" };
    println!("| zoo | {folder} | {container} | {precision} | {on} | {worst:.1e} | {greedy} |");
}

/// The positions that a golden has logits for.
fn positions(case: &Value, len: usize) -> Vec<(usize, Vec<f64>)> {
    let mut all: Vec<(usize, Vec<f64>)> = Vec::new();
    if let Some(rows) = case["logits"].as_array() {
        all.extend(rows.iter().map(floats).enumerate());
    }
    if case["last_logits"].is_array() {
        all.push((len - 1, floats(&case["last_logits"])));
    }
    if let Some(position) = case["mid_logits"]["position"].as_u64() {
        all.push((
            usize::try_from(position).unwrap(),
            floats(&case["mid_logits"]["logits"]),
        ));
    }
    assert!(!all.is_empty(), "a golden without logits");
    all
}

#[test]
fn zoo_holds_on_the_cpu_exactly() {
    zoo(CPU);
}

#[test]
fn zoo_holds_on_the_cpu_by_default() {
    zoo(CPU.default_precision());
}

/// Of whose rows others have most; the small ones of a few of them leave nothing for the last.
#[test]
fn zoo_holds_on_the_cpu_with_threads() {
    for (helpers, keeps) in [(1, true), (4, false)] {
        zoo(Mode { helpers, keeps, ..CPU });
    }
}

#[test]
fn zoo_holds_on_the_gpu_exactly() {
    zoo(GPU);
}

#[test]
fn zoo_holds_on_the_gpu_by_default() {
    zoo(GPU.default_precision());
}

#[test]
fn zoo_holds_on_the_gpu_with_weights_in_shards() {
    for bytes in [16 << 10, 1 << 20] {
        zoo(Mode {
            max_binding: Some(bytes),
            ..GPU
        });
    }
}

/// Every form that a tuner can choose, for every format; two of them unless the run is a full one.
#[test]
fn zoo_holds_on_the_gpu_in_every_form_of_kernels() {
    let hardware = Mode {
        as_hardware: true,
        ..GPU
    };
    let Some(model) = shared("zoo/llama3").and_then(|folder| load(&folder, "", hardware)) else {
        return;
    };
    let mut known: Value = serde_json::from_str(&model.verdicts().unwrap()).unwrap();
    let full = std::env::var("NOMOAT_FULL").as_deref() == Ok("1");
    let mut forms = vec![(true, 128, 1), (false, 64, 1)];
    if full {
        forms.extend([
            (true, 64, 1),
            (true, 64, 2),
            (true, 128, 2),
            (false, 128, 1),
            (false, 32, 1),
            (false, 256, 1),
        ]);
    }
    for (subgroups, invocations, quads) in forms {
        for format in nomoat::quant::FORMATS {
            known["formats"][format.name] =
                serde_json::json!({"subgroups": subgroups, "invocations": invocations, "quads": quads, "gain": 1});
        }
        zoo(Mode {
            verdicts: Some(known.to_string().leak()),
            ..hardware
        });
    }
}

#[test]
fn quantised_files_hold_on_the_cpu() {
    quants(CPU, "");
    quants(CPU.default_precision(), MIXTURE);
}

#[test]
fn quantised_files_hold_on_the_gpu() {
    quants(GPU, "");
    quants(GPU.default_precision(), MIXTURE);
    let shards = Mode {
        max_binding: Some(16 << 10),
        ..GPU
    };
    quants(shards, MIXTURE);
}

#[test]
fn a_context_beyond_the_short_one_turns_by_the_long_factors() {
    let Some(folder) = shared("zoo/phi3_longrope") else {
        return;
    };
    let prompt = ids(&json(&folder.join("golden.json"))["long"]["ids"]);
    let last = |entry: &str, context| {
        let context = Some(context);
        let mut model = load(&folder, entry, Mode { context, ..CPU }).unwrap();
        logits(&mut model, &prompt, false).unwrap().remove(0)
    };
    let (short, long, other) = (last("", 512), last("", 513), last("model-bf16.gguf", 513));
    let off = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    // Of a plain f64 version of the network, which gives the golden with the short ones.
    let expected = [-1.875_601_6, 2.126_073, 1.337_571_8, -2.394_729_3];
    assert!(off(&long, &expected) < 1e-4, "{:?}", &long[..4]);
    assert!(off(&long, &other) < 1e-4);
    assert!(off(&short, &long) > 0.1);
}

/// The ids that a real, trained model writes.
fn tiny_stories(mode: Mode) {
    let Some(folder) = shared("models/TinyStories-656K") else {
        return;
    };
    let expected = json(&folder.join("expected_greedy.json"));
    let prompt = ids(&expected["prompt_ids"]);
    let all = ids(&expected["ids"]);
    let Some(mut model) = load(&folder, "", mode) else {
        return;
    };
    let (found, _) = greedy(&mut model, &prompt, all.len() - prompt.len(), false).unwrap();
    let mut findings = Findings::default();
    findings.ids(&format!("TinyStories {mode:?}"), &found, &all[prompt.len()..]);
    findings.none();
}

#[test]
fn tiny_stories_writes_its_text_on_the_cpu() {
    tiny_stories(CPU);
    tiny_stories(CPU.default_precision());
}

#[test]
fn tiny_stories_writes_its_text_on_the_gpu() {
    tiny_stories(GPU);
    tiny_stories(GPU.default_precision());
}

#[test]
fn a_second_request_with_the_same_beginning_gives_the_same_answer() {
    let Some(folder) = shared("zoo/llama3") else { return };
    let golden = json(&folder.join("golden.json"));
    let prompt = ids(&golden["long"]["ids"]);
    for mode in [CPU, GPU] {
        let Some(mut model) = load(&folder, "", mode) else {
            return;
        };
        let (first, _) = greedy(&mut model, &prompt, 24, true).unwrap();
        let (cut, _) = greedy(&mut model, &prompt[..30], 3, true).unwrap();
        let (again, _) = greedy(&mut model, &prompt, 24, true).unwrap();
        let stats = model.stats();
        assert_eq!(first, again, "{mode:?}");
        assert_eq!(cut.len(), 3, "{mode:?}");
        assert!(stats.reused_tokens >= 30, "{mode:?}: {stats:?}");
    }
}
