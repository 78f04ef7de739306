//! Models against their goldens through the library: logits and greedy ids, from safetensors and GGUF, on each device.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::disk;
use crate::zoo::{CPU, Findings, GPU, Mode, floats, greedy, ids, json, load, logits, shared};
use serde_json::Value;
use std::path::Path;

/// Folders of the zoo, and what in them can be loaded (the empty name is the folder itself).
const ZOO: &[(&str, &[&str])] = &[
    ("llama", &["", "model-f16.gguf"]),
    ("llama3", &["", "model.safetensors", "model-bf16.gguf"]),
    ("codellama", &[""]),
    ("mistral_v3", &["", "model-bf16.gguf"]),
];

/// The file with several formats.
const MIXTURE: &str = "mixture";

fn zoo(mode: Mode) {
    let mut findings = Findings::default();
    for (name, entries) in ZOO {
        let Some(folder) = shared(&format!("zoo/{name}")) else {
            continue;
        };
        let golden = json(&folder.join("golden.json"));
        for entry in *entries {
            if !check(&mut findings, &folder, entry, mode, &golden) {
                return;
            }
        }
    }
    findings.none();
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
    let Some(mut model) = load(folder, entry, mode) else {
        return false;
    };
    let name = format!("{}/{entry} {mode:?}", folder.file_name().unwrap().to_string_lossy());
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
            error = error.max(findings.row(&format!("{what}, position {i}"), mode, &rows[i], &golden));
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
        let margin = case["greedy_min_margin"].as_f64().unwrap();
        if mode.exact || margin > 2.0 * error {
            let golden = ids(&case["greedy"]);
            match greedy(&mut model, &prompt, golden.len(), true) {
                Ok((found, _)) => findings.ids(&format!("{what}, greedy (margin {margin})"), &found, &golden),
                Err(e) => findings.add(format!("{what}, greedy: {e}")),
            }
        }
    }
    true
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
