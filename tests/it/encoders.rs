//! Models with an encoder against their goldens, from safetensors and GGUF, on each device.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::{
    goldens::{NOT_YET, entries, folders, kind, row},
    program::{nomoat, quiet, text},
    zoo::{CPU, Findings, GPU, Mode, floats, greedy, greedy_from, ids, json, load, logits, no_gpu, shared, try_load},
};
use nomoat::engine::Model;
use serde_json::Value;

/// Kinds of goldens that are held here.
pub(crate) const KINDS: [&str; 2] = ["bert", "t5"];

/// How far a value of an embedding may be from its golden.
const NEAR: f64 = 1e-4;

/// Holds every folder with an encoder to its goldens; prints a row for each.
fn zoo(mode: Mode) {
    let mut findings = Findings::default();
    for (name, folder) in folders() {
        let kind = kind(&folder);
        if NOT_YET.iter().any(|(not, _)| *not == name) || !KINDS.contains(&kind.as_str()) {
            continue;
        }
        let golden = json(&folder.join("golden.json"));
        for entry in entries(&name, &folder) {
            let what = format!("{name}/{entry} {mode:?}");
            let mut model = match try_load(&folder, &entry, mode) {
                Ok(model) => model,
                Err(error) if no_gpu(&error) => return,
                Err(error) => {
                    findings.add(format!("{what}: {error}"));
                    continue;
                }
            };
            let (mut worst, mut alike, mut of) = (0f64, 0, 0);
            for length in ["short", "long"] {
                let what = format!("{what}: {length}");
                let (off, same, all) = if kind == "bert" {
                    (embedding(&mut findings, &what, &mut model, &golden[length]), 0, 0)
                } else {
                    both(&mut findings, &what, mode, &mut model, &golden[length])
                };
                (worst, alike, of) = (worst.max(off), alike + same, of + all);
            }
            let greedy = if of == 0 {
                "embedding".into()
            } else {
                format!("{alike}/{of}")
            };
            row((&name, &entry, mode), &model, worst, &greedy);
        }
    }
    findings.none();
}

/// An embedding against its golden; how far it is off.
fn embedding(findings: &mut Findings, what: &str, model: &mut Model, golden: &Value) -> f64 {
    match pollster::block_on(model.embed(&ids(&golden["ids"]))) {
        Ok(found) => {
            let golden = floats(&golden["sentence_embedding"]);
            let off = |(a, b): (&f32, &f64)| (f64::from(*a) - b).abs();
            let worst = found.iter().zip(&golden).map(off).fold(0.0, f64::max);
            // A NaN is not within it.
            if found.len() != golden.len() || !found.iter().zip(&golden).all(|pair| off(pair) <= NEAR) {
                findings.add(format!("{what}: {} values, {worst:.1e} off", found.len()));
            }
            worst
        }
        Err(e) => {
            findings.add(format!("{what}: {e}"));
            f64::INFINITY
        }
    }
}

/// An encoder and its decoder against their goldens; how far they are off, and of how many greedy ids how many are alike.
fn both(findings: &mut Findings, what: &str, mode: Mode, model: &mut Model, golden: &Value) -> (f64, usize, usize) {
    let [source, decoder, wanted] =
        ["encoder_ids", "decoder_ids", "greedy_from_decoder_start"].map(|key| ids(&golden[key]));
    let rows = match pollster::block_on(model.logits_from(&source, &decoder, true)) {
        Ok(rows) => rows,
        Err(e) => {
            findings.add(format!("{what}: {e}"));
            return (f64::INFINITY, 0, wanted.len());
        }
    };
    let goldens = golden["logits"].as_array().unwrap();
    assert_eq!(rows.len(), goldens.len(), "{what}");
    let mut worst = 0f64;
    for (i, (row, golden)) in rows.iter().zip(goldens).enumerate() {
        worst = worst.max(findings.row(&format!("{what}, position {i}"), mode, row, &floats(golden)));
    }
    let last = pollster::block_on(model.logits_from(&source, &decoder, false)).unwrap();
    let all: Vec<f64> = rows[rows.len() - 1].iter().map(|v| f64::from(*v)).collect();
    findings.row(&format!("{what}, the last alone"), mode, &last[0], &all);
    let margin = golden["greedy_min_margin"].as_f64().unwrap();
    let (found, _) = greedy(model, &source, wanted.len(), true).unwrap();
    let alike = found.iter().zip(&wanted).take_while(|(a, b)| a == b).count();
    if mode.exact || margin > 2.0 * worst {
        findings.ids(&format!("{what}, greedy"), &found, &wanted);
        // The start that the files say, said by the caller; the encoder has read this already.
        let (again, _) = greedy_from(model, &source, &[0, wanted[0]], wanted.len() - 1, true).unwrap();
        findings.ids(&format!("{what}, greedy again"), &again, &wanted[1..]);
        assert!(model.stats().reused_tokens > source.len(), "{:?}", model.stats());
    }
    (worst, alike, wanted.len())
}

#[test]
fn encoders_hold_on_the_cpu() {
    zoo(CPU);
    zoo(CPU.default_precision());
}

#[test]
fn encoders_hold_on_the_gpu() {
    zoo(GPU);
    zoo(GPU.default_precision());
}

#[test]
fn encoders_hold_on_the_gpu_with_weights_in_shards() {
    let max_binding = Some(16 << 10);
    zoo(Mode { max_binding, ..GPU });
}

#[test]
fn a_model_either_embeds_or_writes() {
    let (Some(encoder), Some(decoder)) = (shared("zoo/bert_minilm"), shared("zoo/llama3")) else {
        return;
    };
    let unsupported = "unsupported-architecture";
    let mut encoder = load(&encoder, "", CPU).unwrap();
    assert!(encoder.info().embeds);
    let error = greedy(&mut encoder, &[2, 7, 3], 4, false).unwrap_err();
    assert_eq!(error.code(), unsupported, "{error}");
    assert!(error.to_string().contains("supported: embeddings"), "{error}");
    assert_eq!(logits(&mut encoder, &[2, 7, 3], true).unwrap_err().code(), unsupported);
    let mut decoder = load(&decoder, "", CPU).unwrap();
    assert!(!decoder.info().embeds);
    let error = pollster::block_on(decoder.embed(&[2, 7, 3])).unwrap_err();
    assert_eq!(error.code(), unsupported, "{error}");
    assert!(error.to_string().contains("supported: text"), "{error}");
}

#[test]
fn an_encoder_takes_as_many_tokens_as_it_was_trained_on() {
    let Some(folder) = shared("zoo/bert_minilm") else {
        return;
    };
    for mode in [CPU, GPU] {
        let Some(mut model) = load(&folder, "", mode) else {
            return;
        };
        let embed = |model: &mut Model, n: usize| pollster::block_on(model.embed(&vec![7; n]));
        let most = model.info().context;
        assert_eq!(most, 64);
        for n in [1, 8, 9, 33, most] {
            assert_eq!(embed(&mut model, n).unwrap().len(), 48, "{n}");
        }
        assert_eq!(embed(&mut model, most + 1).unwrap_err().code(), "context-full");
        assert_eq!(embed(&mut model, 0).unwrap_err().code(), "unsupported-field");
        let outside = pollster::block_on(model.embed(&[400])).unwrap_err();
        assert_eq!(outside.code(), "unsupported-field");
    }
}

#[test]
fn embed_prints_a_row_for_each_text() {
    let Some(folder) = shared("zoo/bert_minilm") else {
        return;
    };
    let golden = json(&folder.join("golden.json"));
    let tokenizer = json(&folder.join("golden_tokenizer.json"));
    let embed = |more: &[&str]| -> Value {
        let args = [&["embed", text(&folder), "--device", "cpu"], more].concat();
        serde_json::from_str(&quiet(&args, "")).unwrap()
    };
    let list = |ids: &Value| ids.to_string().replace(['[', ']', ' '], "");
    let found = embed(&["--tokens", &list(&golden["short"]["ids"])]);
    assert_eq!(found["device"], "cpu");
    let pair = floats(&found["embeddings"][0])
        .into_iter()
        .zip(floats(&golden["short"]["sentence_embedding"]));
    assert!(pair.into_iter().all(|(a, b)| (a - b).abs() < 1e-4));
    let cases = tokenizer["cases"].as_array().unwrap();
    let [one, other] = [&cases[0], &cases[1]].map(|case| (case["text"].as_str().unwrap(), list(&case["ids"])));
    let rows = embed(&["--", one.0, other.0]);
    for (row, ids) in [&one.1, &other.1].iter().enumerate() {
        assert_eq!(rows["embeddings"][row], embed(&["--tokens", ids])["embeddings"][0]);
    }
    let both = embed(&["--tokens", &other.1, "--", one.0]);
    assert_eq!(both["embeddings"][0], rows["embeddings"][1]);
    assert_eq!(both["embeddings"][1], rows["embeddings"][0]);
    assert_eq!(nomoat(&["embed", text(&folder), "--device", "cpu"], "").code, 2);
    assert_eq!(nomoat(&["run", text(&folder), "-p", "x"], "").code, 1);
}

#[test]
fn a_decoder_beside_an_encoder_goes_on_from_what_that_read_last() {
    let Some(folder) = shared("zoo/flan_t5") else { return };
    let golden = json(&folder.join("golden.json"));
    let [short, long] = ["short", "long"].map(|length| &golden[length]);
    let of = |case: &Value, key| ids(&case[key]);
    for mode in [CPU, GPU] {
        let Some(mut model) = load(&folder, "", mode) else {
            return;
        };
        for case in [short, long, short, short, long] {
            let wanted = of(case, "greedy_from_decoder_start");
            let (found, _) = greedy(&mut model, &of(case, "encoder_ids"), wanted.len(), true).unwrap();
            assert_eq!(found, wanted, "{mode:?}");
        }
        let too_long = greedy(&mut model, &[7; 513], 1, true).unwrap_err();
        assert_eq!(too_long.code(), "context-full", "{too_long}");
        assert_eq!(greedy(&mut model, &[7; 512], 1, true).unwrap().0.len(), 1);
        assert_eq!(
            greedy(&mut model, &[], 1, true).unwrap_err().code(),
            "unsupported-field"
        );
        assert_eq!(
            pollster::block_on(model.embed(&[1])).unwrap_err().code(),
            "unsupported-architecture"
        );
    }
}

/// all-MiniLM-L6-v2 is too large to be kept here: `NOMOAT_MINILM` is its folder (`tests/data/minilm/reference.py`).
#[test]
fn a_trained_model_gives_the_embeddings_computed_elsewhere() {
    let Some(folder) = std::env::var_os("NOMOAT_MINILM").map(std::path::PathBuf::from) else {
        return eprintln!("skipped: NOMOAT_MINILM names no folder with all-MiniLM-L6-v2");
    };
    let golden = json(&shared("minilm").unwrap().join("golden.json"));
    for mode in [CPU, GPU] {
        let Some(mut model) = load(&folder, "", mode) else {
            return;
        };
        let mut worst = 1f64;
        for case in golden.as_array().unwrap() {
            let text = case["text"].as_str().unwrap();
            let found = model.tokenizer().unwrap().encode(text, true).unwrap();
            assert_eq!(found, ids(&case["ids"]), "{text}");
            let found = pollster::block_on(model.embed(&found)).unwrap();
            let golden = floats(&case["embedding"]);
            let of = |(a, b): (&f32, &f64)| f64::from(*a) * b;
            let length = golden.iter().map(|v| v * v).sum::<f64>().sqrt();
            let cosine = found.iter().zip(&golden).map(of).sum::<f64>() / length;
            assert!(cosine > 0.9999, "{mode:?}: {cosine}: {text}");
            worst = worst.min(cosine);
        }
        println!("all-MiniLM-L6-v2 {mode:?}: least cosine {worst:.9}");
    }
}
