//! `nomoat bench` from outside.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use crate::{
    program::{Scratch, nomoat, quiet, text},
    zoo::shared,
};
use serde_json::Value;

#[test]
fn bench_prints_the_device_and_a_row_a_case_as_json() {
    let out = quiet(&["bench", "--op", "add", "--device", "cpu", "--json"], "");
    let rows: Vec<Value> = out.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let positive = |row: &Value, key: &str| assert!(row[key].as_f64().is_some_and(|v| v > 0.0), "{key}: {row}");
    assert!(rows[0]["kind"] == "device" && rows[0]["device"] == "cpu", "{out}");
    ["readGBps", "fmaGflops"].iter().for_each(|key| positive(&rows[0], key));
    assert!(rows.len() > 1, "{out}");
    for row in &rows[1..] {
        assert!(row["kind"] == "operator" && row["op"] == "add", "{row}");
        ["ms", "bytes", "GBps", "gflops", "roofline"]
            .iter()
            .for_each(|key| positive(row, key));
        assert!(row["case"].is_string());
    }
}

#[test]
fn bench_compares_what_two_runs_wrote() {
    let scratch = Scratch::new("bench");
    let [before, after, broken] = ["before.json", "after.json", "broken.json"].map(|name| scratch.path(name));
    let row = |op: &str, ms: f64| {
        format!(
            "{}\n",
            serde_json::json!({"kind": "operator", "device": "cpu", "op": op, "case": "8x8", "ms": ms})
        )
    };
    let model = |tps: f64| {
        let figures = serde_json::json!({"kind": "model", "device": "gpu", "model": "m.gguf", "promptTokens": 16, "prefillTps": 100.0, "decodeTps": tps});
        format!("{figures}\n")
    };
    std::fs::write(&before, row("add", 4.0) + &row("norm", 1.0) + &model(30.0)).unwrap();
    std::fs::write(&after, row("add", 2.0) + &model(45.0)).unwrap();
    let out = quiet(&["bench", "--compare", text(&before), text(&after)], "");
    let line = |case: &str| {
        out.lines()
            .find(|l| l.starts_with(case))
            .unwrap_or_else(|| panic!("{case}: {out}"))
    };
    assert!(line("cpu add 8x8").contains("2.00x"), "{out}");
    assert!(line("gpu m.gguf at 16 decode").contains("1.50x"), "{out}");
    assert!(line("3 cases").contains("1 only before, 0 only after"), "{out}");
    std::fs::write(&broken, row("add", 2.0) + "{\"kind\": 3}\n").unwrap();
    let done = nomoat(&["bench", "--compare", text(&before), text(&broken)], "");
    assert!(
        done.code == 1 && done.stderr.contains("broken.json: line 2"),
        "{}",
        done.stderr
    );
}

#[test]
fn bench_times_a_model() {
    let Some(model) = shared("models/TinyStories-656K") else {
        return;
    };
    let out = quiet(
        &[
            "bench",
            text(&model),
            "--device",
            "cpu",
            "--json",
            "--prompts",
            "16,128,100000",
        ],
        "",
    );
    let rows: Vec<Value> = out.lines().skip(1).map(|l| serde_json::from_str(l).unwrap()).collect();
    let lengths: Vec<_> = rows.iter().map(|row| row["promptTokens"].as_u64().unwrap()).collect();
    assert_eq!(lengths, [16, 128], "{out}");
    let row = &rows[1];
    assert!(row["kind"] == "model" && row["device"] == "cpu", "{row}");
    assert!(row["etaKernel"].is_null() && row["dequantGBps"].is_null(), "{row}");
    let weights = row["weightBytesPerToken"].as_u64().unwrap();
    assert!(row["bytesPerToken"].as_u64().unwrap() > weights, "{row}");
    for key in [
        "loadMs",
        "loadMBps",
        "prefillTps",
        "decodeTps",
        "GBps",
        "roofline",
        "weightBytesPerToken",
    ] {
        assert!(row[key].as_f64().is_some_and(|v| v > 0.0), "{key}: {row}");
    }
    assert!(row["promptTokens"] == 128 && row["generatedTokens"] == 64, "{row}");
}

#[test]
fn bench_says_what_each_kernel_of_a_token_takes() {
    let Some(model) = shared("models/TinyStories-656K") else {
        return;
    };
    let ask = [
        "bench",
        text(&model),
        "--device",
        "gpu",
        "--json",
        "--prompts",
        "16",
        "--kernels",
    ];
    let done = nomoat(&ask, "");
    if done.code != 0 && std::env::var_os("NOMOAT_REQUIRE_GPU").is_none() {
        println!("skipped: no adapter ({})", done.stderr.trim());
        return;
    }
    let row: Value =
        serde_json::from_str(done.stdout.lines().last().unwrap_or_else(|| panic!("{}", done.stderr))).unwrap();
    for (kernels, least) in [("decodeKernels", "project"), ("prefillKernels", "matmul_tile")] {
        let kernels = row[kernels].as_array().unwrap();
        assert!(
            kernels.iter().any(|k| k["name"].as_str().unwrap().starts_with(least)),
            "{row}"
        );
        let ms: f64 = kernels.iter().map(|k| k["ms"].as_f64().unwrap()).sum();
        assert!(ms > 0.0, "{row}");
    }
    let dispatches = |k: &Value| k["dispatches"].as_f64().unwrap();
    let all: f64 = row["decodeKernels"].as_array().unwrap().iter().map(dispatches).sum();
    assert!((all - row["dispatchesPerToken"].as_f64().unwrap()).abs() < 0.5, "{row}");
    assert!(
        row["etaKernel"].as_f64().unwrap() > 0.0 && row["etaHost"].as_f64().unwrap() > 0.0,
        "{row}"
    );
    let [limit, share] = ["dequantGBps", "dequantRoofline"].map(|key| row[key].as_f64().unwrap());
    assert!(limit > 0.0 && share >= row["roofline"].as_f64().unwrap(), "{row}");
}
