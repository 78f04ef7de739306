//! Sampling: known answers of the generator, the order of the filters, their edges, and the distribution drawn.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::disk;
use nomoat::{
    format::{Checkpoint, Container, Value as Meta},
    text::{
        philox4x32,
        sample::{Sampling, argmax, gumbel, sample},
    },
};

/// Draws freely: no filter, no penalty.
fn free(seed: u64) -> Sampling {
    Sampling {
        temperature: 1.0,
        top_k: 0,
        top_p: 1.0,
        min_p: 0.0,
        seed,
        ..Sampling::default()
    }
}

/// How often each of `logits` is drawn in `n` positions.
fn counts(logits: &[f32], how: &Sampling, n: u64) -> Vec<u64> {
    let mut counts = vec![0; logits.len()];
    for position in 0..n {
        let id = sample(&mut logits.to_vec(), &[], &[], position, how);
        counts[id as usize] += 1;
    }
    counts
}

/// The ids that are ever drawn.
fn drawn(logits: &[f32], how: &Sampling) -> Vec<usize> {
    let counts = counts(logits, how, 4000);
    (0..counts.len()).filter(|id| counts[*id] > 0).collect()
}

#[test]
fn philox_gives_the_known_answers() {
    // Random123, kat_vectors: philox4x32 10.
    for (counter, key, expected) in [
        ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
        (
            [u32::MAX; 4],
            [u32::MAX; 2],
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd],
        ),
        (
            [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
            [0xa409_3822, 0x299f_31d0],
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
        ),
    ] {
        assert_eq!(philox4x32(counter, key), expected);
    }
}

#[test]
fn noise_is_gumbels_and_depends_on_seed_position_and_id() {
    let n = 200_000u32;
    let noise: Vec<f64> = (0..n).map(|id| f64::from(gumbel(id, 7, 42))).collect();
    let mean = noise.iter().sum::<f64>() / f64::from(n);
    let variance = noise.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / f64::from(n);
    assert!((mean - 0.577_215_66).abs() < 0.01, "{mean}");
    assert!(
        (variance - std::f64::consts::PI.powi(2) / 6.0).abs() < 0.03,
        "{variance}"
    );
    assert!(noise.iter().all(|g| g.is_finite()));
    let one = gumbel(1, 2, 3);
    for other in [
        gumbel(2, 2, 3),
        gumbel(1, 3, 3),
        gumbel(1, 2, 4),
        gumbel(1, 2, 3 << 32),
        gumbel(1, 2 << 32, 3),
    ] {
        assert!((one - other).abs() > f32::EPSILON);
    }
}

#[test]
fn noise_follows_its_documented_formula() {
    // In f64, from the words; f32 differs by rounding only.
    for id in 0..5000u32 {
        let [x, ..] = philox4x32([id, 0, 9, 1], [5, 6]);
        let w = (f64::from(x >> 9) + 0.5) / f64::from(1 << 23);
        let expected = -(-(-w).ln_1p()).ln();
        let got = f64::from(gumbel(id, 9 | 1 << 32, 5 | 6 << 32));
        assert!((got - expected).abs() < 4e-6, "{id}: {got} for {expected}");
    }
}

#[test]
fn tokens_are_drawn_with_their_probabilities() {
    let logits = [1.0, 2.0, 0.0, -1.0, 2.5, -3.0, 0.5, 1.5];
    for (seed, temperature) in [(1, 1.0f32), (2, 0.7), (3, 2.0)] {
        let how = Sampling {
            temperature,
            ..free(seed)
        };
        let n = 20_000;
        let counts = counts(&logits, &how, n);
        let weights: Vec<f64> = logits.iter().map(|l| f64::from(l / temperature).exp()).collect();
        let sum: f64 = weights.iter().sum();
        let chi: f64 = weights
            .iter()
            .zip(&counts)
            .map(|(w, c)| {
                let expected = w / sum * f64::from(u32::try_from(n).unwrap());
                (f64::from(u32::try_from(*c).unwrap()) - expected).powi(2) / expected
            })
            .sum();
        // 7 degrees of freedom: above 24.3 once in a thousand seeds.
        println!("seed {seed}: chi-square {chi}");
        assert!(chi < 24.3, "seed {seed}: {chi}, {counts:?}");
    }
}

#[test]
fn temperature_zero_is_the_lowest_of_the_largest() {
    let how = Sampling::greedy();
    assert_eq!(sample(&mut [1.0, 3.0, 3.0, 2.0], &[], &[], 0, &how), 1);
    assert_eq!(argmax(&[f32::NAN, 1.0, 2.0]), 2);
    assert_eq!(argmax(&[]), 0);
    let how = Sampling {
        temperature: f32::NAN,
        ..free(1)
    };
    assert_eq!(sample(&mut [1.0, 3.0], &[], &[], 0, &how), 1);
    // Nearly so too: over so small a number all logits are the largest there is.
    for temperature in [1e-38, 1e-31, f32::from_bits(1)] {
        let how = Sampling { temperature, ..free(1) };
        assert_eq!(sample(&mut [4.0, 10.0], &[], &[], 0, &how), 1, "{temperature}");
    }
}

#[test]
fn the_same_seed_gives_the_same_tokens() {
    let logits: Vec<f32> = (0..1000u16).map(|i| f32::from(i % 37) / 7.0).collect();
    let tokens = |seed| -> Vec<u32> {
        (0..50)
            .map(|p| sample(&mut logits.clone(), &[], &[], p, &free(seed)))
            .collect()
    };
    assert_eq!(tokens(1), tokens(1));
    assert_ne!(tokens(1), tokens(2));
}

#[test]
fn top_k_keeps_the_most_likely_and_the_lower_ids_on_a_tie() {
    let logits = [1.0, 2.0, 2.0, 2.0, 0.0];
    assert_eq!(drawn(&logits, &Sampling { top_k: 2, ..free(1) }), [1, 2]);
    assert_eq!(drawn(&logits, &Sampling { top_k: 1, ..free(1) }), [1]);
    assert_eq!(drawn(&logits, &Sampling { top_k: 50, ..free(1) }), [0, 1, 2, 3, 4]);
}

#[test]
fn top_p_keeps_the_share_and_one_at_least() {
    // Probabilities 0.5, 0.25, 0.125, 0.125.
    let logits = [4.0f32, 2.0, 1.0, 1.0].map(f32::ln);
    for (top_p, expected) in [
        (0.0, &[0][..]),
        (0.4, &[0]),
        (0.6, &[0, 1]),
        (0.8, &[0, 1, 2]),
        (0.99, &[0, 1, 2, 3]),
        (1.0, &[0, 1, 2, 3]),
    ] {
        assert_eq!(drawn(&logits, &Sampling { top_p, ..free(1) }), expected, "{top_p}");
    }
}

#[test]
fn top_p_over_a_large_vocabulary_is_exact() {
    // Equal logits: the share is reached after exactly that many tokens, the lowest ids first.
    let logits = vec![0.0; 5000];
    let how = Sampling { top_p: 0.5, ..free(3) };
    let ids: Vec<u32> = (0..3000)
        .map(|p| sample(&mut logits.clone(), &[], &[], p, &how))
        .collect();
    assert!(ids.iter().all(|id| *id < 2500));
    assert!(ids.iter().any(|id| *id > 2400));
}

#[test]
fn min_p_is_relative_to_the_most_likely() {
    let logits = [4.0f32, 2.0, 1.0, 0.1].map(f32::ln);
    assert_eq!(drawn(&logits, &Sampling { min_p: 0.4, ..free(1) }), [0, 1]);
    assert_eq!(drawn(&logits, &Sampling { min_p: 1.0, ..free(1) }), [0]);
}

#[test]
fn filters_follow_the_temperature() {
    // At temperature 2 the share of the first falls below a half, so top-p keeps the second too.
    let logits = [2.0, 1.0, 0.0];
    let how = Sampling { top_p: 0.6, ..free(1) };
    assert_eq!(drawn(&logits, &how), [0]);
    assert_eq!(
        drawn(
            &logits,
            &Sampling {
                temperature: 2.0,
                ..how
            }
        ),
        [0, 1]
    );
    // min-p looks at the logits over the temperature as well.
    let how = Sampling { min_p: 0.5, ..free(1) };
    assert_eq!(drawn(&logits, &how), [0]);
    assert_eq!(
        drawn(
            &logits,
            &Sampling {
                temperature: 2.0,
                ..how
            }
        ),
        [0, 1]
    );
}

#[test]
fn top_p_looks_at_what_top_k_left() {
    // Of all: 0.4, 0.2, 0.2, 0.2; of the first two: 2/3, 1/3.
    let logits = [2.0f32, 1.0, 1.0, 1.0].map(f32::ln);
    assert_eq!(drawn(&logits, &Sampling { top_p: 0.55, ..free(1) }), [0, 1]);
    assert_eq!(
        drawn(
            &logits,
            &Sampling {
                top_p: 0.55,
                top_k: 2,
                ..free(1)
            }
        ),
        [0]
    );
}

#[test]
fn penalties_come_before_the_bias_and_the_bias_before_the_temperature() {
    let mut logits = [2.0, -2.0, 1.0, 1.0];
    let how = Sampling {
        temperature: 0.5,
        repetition_penalty: 2.0,
        presence_penalty: 0.25,
        frequency_penalty: 0.5,
        logit_bias: vec![(0, 3.0), (3, -100.0), (999, 1.0)],
        ..free(1)
    };
    let _ = sample(&mut logits, &[0, 1], &[0, 2, 2], 0, &how);
    // 0: 2/2 - 0.25 - 0.5 + 3; 1: -2*2, prompt only; 2: 1/2 - 0.25 - 2*0.5; 3: bias only; all over 0.5.
    assert_eq!(logits, [6.5, -8.0, -1.5, -198.0]);
}

#[test]
fn a_repeated_token_is_penalised_once_for_repetition() {
    let mut logits = [4.0, 0.0];
    let how = Sampling {
        repetition_penalty: 2.0,
        ..Sampling::greedy()
    };
    let _ = sample(&mut logits, &[0, 0, 0], &[0, 0], 0, &how);
    assert_eq!(logits, [2.0, 0.0]);
}

#[test]
fn numbers_that_are_none_never_panic_nor_win() {
    let odd = [
        f32::NAN,
        f32::INFINITY,
        f32::NEG_INFINITY,
        -f32::NAN,
        1.0,
        f32::MAX,
        f32::MIN,
    ];
    for temperature in [0.0, 1e-30, 1.0, f32::INFINITY, -1.0] {
        for (top_p, min_p) in [(1.0, 0.0), (0.5, 0.5), (f32::NAN, f32::NAN), (-1.0, 2.0)] {
            for bias in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.5] {
                let how = Sampling {
                    temperature,
                    top_p,
                    min_p,
                    top_k: 3,
                    repetition_penalty: 1.5,
                    presence_penalty: f32::INFINITY,
                    frequency_penalty: -1.0,
                    logit_bias: vec![(4, bias)],
                    seed: 1,
                };
                let id = sample(&mut odd.to_vec(), &[0, 1, 77], &[1, 2, 5, 99], 3, &how);
                assert!(id < 7 && ![0, 3].contains(&id), "{id} by {how:?}");
            }
        }
    }
    for len in [0, 1] {
        assert_eq!(sample(&mut vec![f32::NAN; len], &[], &[], 0, &free(1)), 0);
    }
    assert_eq!(
        sample(
            &mut [f32::NEG_INFINITY; 4],
            &[],
            &[],
            0,
            &Sampling { top_p: 0.5, ..free(1) }
        ),
        0
    );
}

#[test]
fn the_models_files_overlay_the_contracts_defaults() {
    let mut checkpoint = Checkpoint::new("test", Container::Safetensors);
    assert_eq!(
        Sampling::from_generation_config(&checkpoint).unwrap(),
        (Sampling::default(), vec![])
    );
    let config = r#"{"do_sample": false, "temperature": 0.6, "top_k": 20, "repetition_penalty": 1.1, "min_p": null}"#;
    checkpoint.side.insert("generation_config.json".into(), config.into());
    let (how, notes) = Sampling::from_generation_config(&checkpoint).unwrap();
    let expected = Sampling {
        temperature: 0.6,
        top_k: 20,
        repetition_penalty: 1.1,
        ..Sampling::default()
    };
    assert_eq!((how, notes.len()), (expected, 0));
    for (field, odd) in [
        ("temperature", "-1"),
        ("top_p", "7"),
        ("top_k", "-1"),
        ("repetition_penalty", "0"),
    ] {
        let config = format!(r#"{{"{field}": {odd}}}"#);
        checkpoint.side.insert("generation_config.json".into(), config.into());
        let (how, notes) = Sampling::from_generation_config(&checkpoint).unwrap();
        assert_eq!((how, notes.len()), (Sampling::default(), 1), "{field}");
        let words = format!("test: generation_config.json: {field}");
        assert!(notes[0].starts_with(&words) && notes[0].contains(odd), "{notes:?}");
    }
    checkpoint.side.insert("generation_config.json".into(), "{".into());
    let error = Sampling::from_generation_config(&checkpoint).unwrap_err();
    assert_eq!(error.code(), "bad-file");
    let mut gguf = Checkpoint::new("test", Container::Gguf);
    gguf.meta.insert("general.sampling.temp".into(), Meta::Float(0.5));
    gguf.meta.insert("general.sampling.top_k".into(), Meta::Int(7));
    let (how, _) = Sampling::from_generation_config(&gguf).unwrap();
    assert_eq!(
        how,
        Sampling {
            temperature: 0.5,
            top_k: 7,
            ..Sampling::default()
        }
    );
}

#[test]
fn generation_configs_of_the_zoo_are_read() {
    let Some(shared) = disk::shared() else { return };
    for (name, path) in crate::text::zoo(&shared) {
        let (_, notes) = Sampling::from_generation_config(&crate::text::folder(&path)).unwrap();
        assert!(notes.is_empty(), "{name}: {notes:?}");
    }
}
