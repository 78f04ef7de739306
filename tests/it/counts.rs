//! What decoding costs the GPU beside its work: exact counts, of llamas as deep as published ones.
#![allow(
    clippy::unwrap_used,
    clippy::float_cmp,
    clippy::cast_possible_truncation,
    reason = "tests"
)]

use crate::{
    llamas::{LLAMA_3_2_1B, Llama},
    program::Scratch,
    sessions::{generate, request},
    zoo::{CPU, GPU, Mode, load, shared},
};
use nomoat::{
    engine::{Kv, Model},
    quant,
    text::sample::Sampling,
};

/// A llama of so many thin layers. Weights are small numbers if they are of F32, else zeros.
fn deep(layers: usize, format: &str, mode: Mode) -> Option<Model> {
    let llama = Llama {
        name: "deep",
        width: 64,
        layers,
        heads: 4,
        kv_heads: 2,
        hidden: 96,
        vocabulary: 320,
        context: 700,
        ..LLAMA_3_2_1B
    };
    let scratch = Scratch::new("deep");
    let (mut bytes, size) = llama.header(quant::by_name(format).unwrap());
    let (header, mut state) = (bytes.len(), 1_u32);
    bytes.resize(usize::try_from(size).unwrap(), 0);
    if format == "F32" {
        for value in bytes[header..].as_chunks_mut::<4>().0 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *value = (f32::from((state >> 16) as u16) / 65_536.0 - 0.5).to_le_bytes();
        }
    }
    std::fs::create_dir_all(scratch.path("")).unwrap();
    std::fs::write(scratch.path("model.gguf"), bytes).unwrap();
    load(&scratch.path(""), "model.gguf", mode)
}

/// Six where so much is in the cache that workgroups share it, or where it is one of codes; ids are the same on the way there.
#[test]
fn a_llama_takes_five_dispatches_a_layer() {
    for (layers, format, kv, length, each) in [
        (16, "Q8_0", None, 10, Some(5)),
        (16, "F32", None, 10, Some(5)),
        (32, "Q4_0", None, 10, Some(5)),
        (16, "F32", None, 500, None),
        (16, "Q8_0", None, 600, Some(6)),
        (32, "Q4_0", None, 600, Some(6)),
        (16, "Q8_0", Some(Kv::Q8), 10, Some(6)),
        (32, "Q4_0", Some(Kv::Q8), 600, Some(7)),
    ] {
        let together = Mode {
            kv,
            together: Some(8),
            exact: format == "F32",
            // Lanes of a CPU share nothing.
            as_hardware: length > 10,
            ..GPU
        };
        let Some(mut model) = deep(layers, format, together) else {
            return;
        };
        let prompt: Vec<u32> = (1..=length).map(|i| i * i % 311).collect();
        let ask = || request(42, Sampling::greedy());
        let (ids, _) = generate(&mut model, &prompt, ask());
        if format == "F32" {
            let mut cpu = deep(layers, format, CPU).unwrap();
            assert_eq!(ids, generate(&mut cpu, &prompt, ask()).0);
            assert!(ids.iter().any(|id| *id != ids[0]), "{ids:?}");
        }
        let stats = model.stats();
        // The embedding, the head, and the two of the choice.
        let Some(each) = each else { continue };
        assert_eq!(stats.dispatches_per_token, (each * layers + 4) as f64, "{stats:?}");
        assert!(stats.submissions_per_token <= 0.25, "{stats:?}");
        let created = stats.created;
        let all = [created.pipelines, created.bind_groups, created.buffers, created.writes];
        assert_eq!(all, [0; 4], "{stats:?}");
        let pipelines = model.created().pipelines;
        // Beside those of the self-test, whose llama keeps f16.
        let most = if kv.is_some() { 34 } else { 24 };
        assert!(
            pipelines <= most,
            "{pipelines} pipelines for {layers} layers of {format}"
        );
    }
}

/// Norms of heads (Qwen 3, Gemma 3) and biases (Qwen 2) cost one dispatch a layer more, norms of what is added (Gemma 3) two.
#[test]
fn norms_of_heads_and_biases_take_one_dispatch_a_layer() {
    for (name, each, layers) in [("qwen2", 6, 2), ("qwen3", 6, 2), ("gemma3", 8, 6)] {
        let Some(folder) = shared(&format!("zoo/{name}")) else {
            return;
        };
        let Some(mut model) = load(&folder, "", GPU) else {
            return;
        };
        generate(&mut model, &[1, 5, 9], request(12, Sampling::greedy()));
        let stats = model.stats();
        assert_eq!(
            stats.dispatches_per_token,
            f64::from(each * layers + 4),
            "{name}: {stats:?}"
        );
    }
}
