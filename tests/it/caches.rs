//! How keys and values are kept: what a cache of 16 or 8 bits a value moves, and what it takes.
#![allow(clippy::unwrap_used, reason = "tests")]

use crate::{
    heap::peak,
    zoo::{CPU, GPU, Mode, ids, json, load, logits, shared},
};
use nomoat::engine::Kv;

/// Whose layers share a cache, whose cache has a latent alone, whose experts may be others by what was rounded.
const UNLIKE: &[&str] = &["gemma4_text", "deepseek_v2_lite", "gpt_oss"];

/// Families whose attention differs: plain, with slopes, in windows, with norms of heads, with biases. None has experts, of whom
/// others may be chosen by what was rounded.
const FAMILIES: &[&str] = &["llama3", "bloom", "gemma3", "qwen3", "qwen2"];

fn with(kv: Kv, mode: Mode) -> Mode {
    Mode { kv: Some(kv), ..mode }
}

#[test]
fn codes_of_8_bits_move_logits_little_and_alike_on_both_devices() {
    let mut seen = 0;
    for name in FAMILIES.iter().chain(UNLIKE) {
        let Some(folder) = shared(&format!("zoo/{name}")) else {
            continue;
        };
        let golden = json(&folder.join("golden.json"));
        let prompt = ids(&golden["long"]["ids"]);
        let rows = |mode| Some(logits(&mut load(&folder, "", mode)?, &prompt, true).unwrap().concat());
        let off = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        let exact = rows(CPU).unwrap();
        let host = rows(with(Kv::Q8, CPU)).unwrap();
        let gpu = rows(with(Kv::Q8, GPU));
        let spread = exact.iter().fold(0.0_f32, |most, v| most.max(v.abs()));
        let apart = gpu.as_ref().map(|gpu| off(gpu, &host));
        println!(
            "{name}: off by {} of {spread}, devices apart by {apart:?}",
            off(&host, &exact)
        );
        assert!(off(&host, &exact) > 0.0, "{name}: nothing was rounded");
        assert!(UNLIKE.contains(name) || off(&host, &exact) < 0.05 * spread, "{name}");
        // A value may be rounded the other way, and scores of the unlike make much of it, but less than of all rounding.
        let most = if UNLIKE.contains(name) {
            0.3 * off(&host, &exact)
        } else {
            0.01 * spread
        };
        assert!(apart.is_none_or(|apart| apart < most), "{name}");
        seen += 1;
    }
    assert!(seen > 0);
}

/// Of 128 values a token: 2 layers of 2 heads of 16 and values, in blocks of 16.
#[test]
fn a_cache_takes_what_its_values_take() {
    let Some(folder) = shared("zoo/llama3") else { return };
    let took = |kv| {
        let mode = Mode {
            context: Some(400),
            ..with(kv, CPU)
        };
        peak(|| load(&folder, "model.safetensors", mode).unwrap()).1
    };
    // What a first load makes once is not counted.
    took(Kv::F32);
    let took = [Kv::F32, Kv::F16, Kv::Q8].map(took);
    let bytes = [4 * 128, 2 * 128, 128 + 4 * 8].map(|each| each * 400);
    for (at, next) in [(0, 1), (1, 2)] {
        let less = took[at] - took[next];
        assert!(less.abs_diff(bytes[at] - bytes[next]) < 1024, "{took:?}, {bytes:?}");
    }
}
