//! Weights whose scales lie apart, against the same weights as plain floats.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::{
    disk::Memory,
    zoo::{self, CPU, GPU, Mode},
};
use nomoat::{Result, engine::Model, format, quant};
use safetensors::{
    Dtype,
    tensor::{TensorView, serialize},
};
use std::fs;

/// What 8 bits stand for, by the definition: sign, exponent less 7, mantissa in eighths; no infinity.
fn float(bits: u8) -> f32 {
    let (sign, exponent, mantissa) = (bits >> 7, i32::from(bits >> 3 & 15), f32::from(bits & 7));
    let size = match exponent {
        15 if bits & 7 == 7 => f32::NAN,
        0 => mantissa / 8.0 * 2f32.powi(-6),
        _ => (1.0 + mantissa / 8.0) * 2f32.powi(exponent - 7),
    };
    if sign == 1 { -size } else { size }
}

/// Blocks of all floats of 8 bits but those that are no number, by several scales, and their values.
pub(crate) fn vectors() -> (Vec<u8>, Vec<f32>) {
    let (mut raw, mut values) = (vec![], vec![]);
    for scale in [1.0f32, 0.000_123_4, -3.5, 1e-30, 0.0, 777.0, 2e-7, 0.1, 5.0] {
        for first in [0u8, 64, 128, 192] {
            let codes = (first..=first + 63).map(|q| if q & 0x7f == 0x7f { q - 1 } else { q });
            raw.extend(scale.to_le_bytes());
            raw.extend(codes.clone());
            values.extend(codes.map(|q| scale * float(q)));
        }
    }
    (raw, values)
}

/// The nearest float of 8 bits.
fn nearest(value: f32) -> u8 {
    let far = |bits: &u8| (float(*bits) - value).abs();
    (0..=255)
        .filter(|bits| bits & 0x7f != 0x7f)
        .min_by(|a, b| far(a).total_cmp(&far(b)))
        .unwrap()
}

/// How scales lie: rows and columns of a block, the shape of their tensor, what its name ends with, and its type.
#[derive(Debug, Clone, Copy)]
struct Form {
    block: [usize; 2],
    dims: fn([usize; 2]) -> Vec<usize>,
    end: &'static str,
    dtype: Dtype,
    stated: bool,
}

const WHOLE: usize = 1 << 20;

const FORMS: &[Form] = &[
    // the form of Qwen 3 and DeepSeek V3, with smaller blocks
    Form {
        block: [24, 64],
        dims: |n| n.to_vec(),
        end: "weight_scale_inv",
        dtype: Dtype::F32,
        stated: true,
    },
    // of Ministral 3
    Form {
        block: [WHOLE, WHOLE],
        dims: |_| vec![],
        end: "weight_scale_inv",
        dtype: Dtype::BF16,
        stated: false,
    },
    Form {
        block: [WHOLE, WHOLE],
        dims: |_| vec![1],
        end: "weight_scale",
        dtype: Dtype::F32,
        stated: false,
    },
    // of compressed-tensors
    Form {
        block: [1, WHOLE],
        dims: |n| vec![n[0], 1],
        end: "weight_scale",
        dtype: Dtype::BF16,
        stated: false,
    },
];

type Tensors = Vec<(String, (Dtype, Vec<usize>, Vec<u8>))>;

/// The zoo's llama with its matrices in floats of 8 bits, and with what these stand for in f32.
fn both(form: Form) -> [Memory; 2] {
    let folder = zoo::shared("zoo/llama3").unwrap();
    let file = fs::read(folder.join("model.safetensors")).unwrap();
    let file = safetensors::SafeTensors::deserialize(&file).unwrap();
    let (mut narrow, mut plain): (Tensors, Tensors) = (vec![], vec![]);
    let bytes = |values: &[f32]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    for (name, view) in file.tensors() {
        let values = quant::by_name("BF16").unwrap().decode(view.data());
        let shape = view.shape().to_vec();
        let stays = shape.len() < 2 || name.contains("embed") || shape[1] % 64 != 0;
        if stays {
            plain.push((name.clone(), (Dtype::F32, shape.clone(), bytes(&values))));
            narrow.push((name, (Dtype::BF16, shape, view.data().to_vec())));
            continue;
        }
        let (rows, width) = (shape[0], shape[1]);
        let [tall, wide] = [form.block[0].min(rows), form.block[1].min(width)];
        let counts = [rows.div_ceil(tall), width.div_ceil(wide)];
        let at = |i: usize| i / width / tall * counts[1] + i % width / wide;
        let mut scales = vec![0f32; counts[0] * counts[1]];
        for (i, v) in values.iter().enumerate() {
            scales[at(i)] = scales[at(i)].max(v.abs() / 448.0);
        }
        let as_stored = quant::by_name(if form.dtype == Dtype::F32 { "F32" } else { "BF16" }).unwrap();
        let stored = as_stored.encode(&scales).unwrap();
        let scales = as_stored.decode(&stored);
        let codes: Vec<u8> = values
            .iter()
            .enumerate()
            .map(|(i, v)| nearest(v / scales[at(i)]))
            .collect();
        let stood: Vec<f32> = codes
            .iter()
            .enumerate()
            .map(|(i, q)| float(*q) * scales[at(i)])
            .collect();
        plain.push((name.clone(), (Dtype::F32, shape.clone(), bytes(&stood))));
        let stem = name.strip_suffix("weight").unwrap();
        narrow.push((format!("{stem}{}", form.end), (form.dtype, (form.dims)(counts), stored)));
        narrow.push((format!("{stem}input_scale"), (Dtype::F32, vec![], bytes(&[1.0]))));
        narrow.push((name, (Dtype::F8_E4M3, shape, codes)));
    }
    let mut config = zoo::json(&folder.join("config.json"));
    let mut files = |tensors: &Tensors, quantised: bool| {
        if quantised {
            config["quantization_config"] = serde_json::json!({ "quant_method": "fp8" });
            if form.stated {
                config["quantization_config"]["weight_block_size"] = form.block.into();
            }
        }
        let views = tensors
            .iter()
            .map(|(name, (dtype, shape, data))| (name, TensorView::new(*dtype, shape.clone(), data).unwrap()));
        let weights = serialize(views, None).unwrap();
        let config = serde_json::to_vec(&config).unwrap();
        let tokenizer = fs::read(folder.join("tokenizer.json")).unwrap();
        Memory(
            [
                ("model.safetensors".into(), weights),
                ("config.json".into(), config),
                ("tokenizer.json".into(), tokenizer),
            ]
            .into(),
        )
    };
    let plain = files(&plain, false);
    [files(&narrow, true), plain]
}

fn load(folder: &Memory, mode: Mode) -> Result<Model> {
    zoo::load_from(folder, "", mode)
}

/// The message of what cannot be read.
fn refused(tensors: &[(&str, Dtype, Vec<usize>, Vec<u8>)]) -> String {
    let views = tensors
        .iter()
        .map(|(name, dtype, shape, data)| (*name, TensorView::new(*dtype, shape.clone(), data).unwrap()));
    let weights = serialize(views, None).unwrap();
    let folder = Memory(
        [
            ("model.safetensors".into(), weights),
            ("config.json".into(), "{}".into()),
        ]
        .into(),
    );
    let model = pollster::block_on(format::open(&folder, "")).unwrap();
    let read = |name: &str| {
        model
            .tensor(name)
            .and_then(|e| pollster::block_on(model.read(e, 0, e.shape.rows())))
    };
    let error = model.whole().err().or_else(|| read(tensors[0].0).err());
    error.unwrap_or_else(|| panic!("it is read")).to_string()
}

#[test]
fn what_cannot_be_read_of_quantised_weights_is_named() {
    let narrow = |code: u8| ("a.weight", Dtype::F8_E4M3, vec![2, 64], vec![code; 128]);
    let scale = |bytes: [u8; 4]| ("a.weight_scale", Dtype::F32, vec![1], bytes.to_vec());
    let one = 1f32.to_le_bytes();
    for (tensors, words) in [
        (vec![narrow(0x7f), scale(one)], "finite values"),
        (vec![narrow(1), scale(f32::INFINITY.to_le_bytes())], "inf"),
        (vec![narrow(1)], "F8_E4M3 [2, 64] (tensor a.weight) without scales"),
        (
            vec![narrow(1), ("a.weight_scale", Dtype::F32, vec![3], [one; 3].concat())],
            "F8_E4M3 [2, 64]",
        ),
        (
            vec![("a.weight", Dtype::F8_E4M3, vec![2, 32], vec![1; 64]), scale(one)],
            "F8_E4M3 [2, 32]",
        ),
    ] {
        let message = refused(&tensors);
        assert!(message.contains(words), "{message}");
    }
}

/// Both give the same logits, up to the order of sums.
fn holds(mode: Mode) {
    for form in FORMS {
        let logits = both(*form).map(|folder| match load(&folder, mode) {
            Ok(mut model) => zoo::logits(&mut model, &[1, 17, 80, 200, 3, 41], true).unwrap(),
            Err(error) if zoo::no_gpu(&error) => vec![],
            Err(error) => panic!("{form:?}: {error}"),
        });
        let [found, expected] = &logits;
        assert_eq!(found.len(), expected.len());
        for (f, e) in found.iter().flatten().zip(expected.iter().flatten()) {
            assert!((f - e).abs() <= 1e-4 + 1e-4 * e.abs(), "{form:?}: {f} for {e}");
        }
    }
}

#[test]
fn floats_of_eight_bits_do_as_what_they_stand_for() {
    holds(CPU);
}

#[test]
fn floats_of_eight_bits_do_as_what_they_stand_for_on_the_gpu() {
    holds(GPU);
}

#[test]
fn other_methods_are_named() {
    for (method, form, words) in [
        ("gptq", "", "gptq of safetensors"),
        ("awq", "gemm", "awq gemm of safetensors"),
        ("bitsandbytes", "", "bitsandbytes"),
        ("compressed-tensors", "pack-quantized", "pack-quantized"),
    ] {
        let [mut folder, _] = both(FORMS[2]);
        let mut config: serde_json::Value = serde_json::from_slice(&folder.0["config.json"]).unwrap();
        config["quantization_config"] = serde_json::json!({ "quant_method": method, "format": form });
        folder
            .0
            .insert("config.json".into(), serde_json::to_vec(&config).unwrap());
        let error = load(&folder, CPU).err().unwrap();
        assert_eq!(error.code(), "unsupported-format");
        assert!(error.to_string().contains(words), "{error}");
    }
}
