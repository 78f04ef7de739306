//! Block formats: decoding is bit exact, encoding is ggml's, the planes hold the same values.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::{apart, disk};
use nomoat::{
    dev,
    error::{Error, Gpu},
    quant::{self, FORMATS},
    tensor::Format,
};
use safetensors::SafeTensors;
use std::{fs, path::Path};

/// Numbers from -1 to 1, the same every time.
fn noise(count: usize, mut seed: u32) -> Vec<f32> {
    let mut next = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f32::from(u16::try_from(seed >> 16).unwrap()) / 32_768.0 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

fn encode(format: &Format, values: &[f32]) -> Vec<u8> {
    format.encode(values).unwrap()
}

/// The formats that are written.
fn written() -> impl Iterator<Item = &'static Format> {
    FORMATS.iter().copied().filter(|f| f.encoding.is_some())
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|v| v.to_bits()).collect()
}

#[test]
fn decoding_is_bit_exact() {
    let Some(shared) = disk::shared() else { return };
    for format in FORMATS {
        let Some((raw, expected)) = vectors(&shared, format) else {
            continue;
        };
        assert_eq!(bits(&format.decode(&raw)), bits(&expected), "{}", format.name);
    }
}

/// Blocks of a format, and their values by another implementation.
pub(crate) fn vectors(shared: &Path, format: &Format) -> Option<(Vec<u8>, Vec<f32>)> {
    if format.ggml.is_none() {
        return Some(apart::vectors());
    }
    let path = shared.join(format!("zoo/quants/vectors/{}.safetensors", format.name));
    let Ok(file) = fs::read(&path) else {
        return None;
    };
    let file = SafeTensors::deserialize(&file).unwrap();
    let f32 = quant::by_name("F32").unwrap();
    let values = f32.decode(file.tensor("f32").unwrap().data());
    Some((file.tensor("raw").unwrap().data().to_vec(), values))
}

#[test]
fn the_planes_decode_to_the_same_bits_on_the_gpu() {
    let Some(shared) = disk::shared() else { return };
    let (mut trials, mut all) = (Vec::new(), Vec::new());
    for format in FORMATS {
        let Some((raw, expected)) = vectors(&shared, format) else {
            continue;
        };
        // rows of one block, and of as many as leave planes to be padded
        for blocks in [1, 3, 9, 12] {
            let blocks = blocks * 4_usize.div_ceil(format.block);
            let rows = raw.len() / format.bytes / blocks;
            all.push((format.name, expected[..rows * blocks * format.block].to_vec()));
            trials.push((
                *format,
                blocks * format.block,
                raw[..rows * blocks * format.bytes].to_vec(),
            ));
        }
    }
    let found = match pollster::block_on(dev::decoded(&trials)) {
        Err(Error::Gpu {
            kind: Gpu::Missing,
            cause,
            ..
        }) if std::env::var_os("NOMOAT_REQUIRE_GPU").is_none() => {
            println!("skipped: no adapter ({cause})");
            return;
        }
        found => found.unwrap(),
    };
    for ((name, expected), found) in all.iter().zip(&found) {
        assert_eq!(bits(found), bits(expected), "{name}");
    }
}

#[test]
fn halves_agree_with_the_half_crate() {
    let f16 = quant::by_name("F16").unwrap();
    let bf16 = quant::by_name("BF16").unwrap();
    for i in 0..=u16::MAX {
        let ours = f16.decode(&i.to_le_bytes())[0];
        assert_eq!(ours.to_bits(), half::f16::from_bits(i).to_f32().to_bits(), "{i:#x}");
        let ours = bf16.decode(&i.to_le_bytes())[0];
        assert!(
            ours.is_nan() || ours.to_bits() == half::bf16::from_bits(i).to_f32().to_bits(),
            "{i:#x}"
        );
    }
    // Every f32 whose lower bits decide on rounding: all upper halves, and the lower bits round the middle.
    for high in 0..=u16::MAX {
        for low in [
            0u32, 1, 0x0fff, 0x1000, 0x1001, 0x2000, 0x3000, 0x7fff, 0x8000, 0x8001, 0xf000, 0xffff,
        ] {
            let value = f32::from_bits(u32::from(high) << 16 | low);
            let two = |b: Vec<u8>| u16::from_le_bytes([b[0], b[1]]);
            let (a, b) = (two(encode(f16, &[value])), half::f16::from_f32(value).to_bits());
            assert!(a == b, "{:#x}: {a:#x} {b:#x}", value.to_bits());
            let (a, b) = (two(encode(bf16, &[value])), half::bf16::from_f32(value).to_bits());
            assert!(a == b, "{:#x}: {a:#x} {b:#x}", value.to_bits());
        }
    }
}

#[test]
fn encoding_is_the_inverse_of_decoding() {
    for format in written() {
        let source = noise(1024, 1);
        let values = format.decode(&encode(format, &source));
        // What was decoded is on the grid of its block, so it nearly stays.
        let again = format.decode(&encode(format, &values));
        let error = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>();
        let norm: f64 = source.iter().map(|v| f64::from(*v).powi(2)).sum();
        // Values are uniform: their error is a third of the half step squared, and a step is 2 over 2 to the bits.
        let bits = 8.0 * format.bytes as f64 / format.block as f64;
        let bound = match format.name {
            "F32" => 0.0,
            "F16" => 4f64.powi(-11),
            "BF16" => 4f64.powi(-8),
            _ => 4f64.powf(1.0 - bits),
        };
        let (first, second) = (error(&values, &source) / norm, error(&again, &values) / norm);
        assert!(first <= bound, "{}: {first:e} of {bound:e}", format.name);
        assert!(second <= first, "{}: {second:e} after {first:e}", format.name);
        assert!(format.decode(&encode(format, &[0.0; 1024])).iter().all(|v| *v == 0.0));
    }
}

#[test]
fn the_planes_are_whole_packets_and_wholly_written() {
    for format in FORMATS {
        for blocks in [1, 2, 3, 5, 8, 9, 33] {
            let width = blocks * format.block;
            let row: Vec<u8> = (0..blocks * format.bytes)
                .map(|i| u8::try_from(i % 251).unwrap())
                .collect();
            let words = (format.plane_words)(width);
            assert!(words.iter().all(|w| w % 4 == 0), "{} {width}: {words:?}", format.name);
            let pack = |fill: u32| {
                let mut planes = words.map(|w| vec![fill; w]);
                (format.pack)(&row, planes.each_mut().map(|p| p.as_mut_slice()));
                planes
            };
            assert_eq!(
                pack(0),
                pack(u32::MAX),
                "{} {width}: something is not written",
                format.name
            );
        }
    }
}

/// The llama in every block format, its matrices that are not permuted by their names there and in the source.
const MATRICES: &[(&str, &str)] = &[
    ("token_embd.weight", "model.embed_tokens.weight"),
    ("blk.0.ffn_down.weight", "model.layers.0.mlp.down_proj.weight"),
    ("blk.0.ffn_gate.weight", "model.layers.0.mlp.gate_proj.weight"),
    ("blk.0.ffn_up.weight", "model.layers.0.mlp.up_proj.weight"),
    ("blk.0.attn_v.weight", "model.layers.0.self_attn.v_proj.weight"),
];

/// The matrices in a format as another tool encoded them, each with its source.
fn encoded(shared: &Path, format: &Format) -> Vec<(&'static str, Vec<u8>, Vec<f32>)> {
    let folder = shared.join("zoo/quants/llama");
    let file = folder.join(format!("llama-{}.gguf", format.name));
    if !file.exists() {
        return vec![];
    }
    let (source, reference) = (disk::open(&folder).unwrap(), disk::open(&file).unwrap());
    let read = |(theirs, ours): &(&'static str, &str)| {
        let entry = reference.tensor(theirs).unwrap();
        let bytes = pollster::block_on(reference.read(entry, 0, entry.shape.rows())).unwrap();
        assert_eq!(entry.format, format, "{theirs}");
        (*theirs, bytes, disk::values(&source, ours))
    };
    MATRICES.iter().map(read).collect()
}

#[test]
fn encoding_gives_the_bytes_of_the_reference() {
    let Some(shared) = disk::shared() else { return };
    for name in ["Q8_0", "Q4_0"] {
        let format = quant::by_name(name).unwrap();
        for (tensor, bytes, source) in encoded(&shared, format) {
            let ours = encode(format, &source);
            let wrong = bytes.iter().zip(&ours).filter(|(a, b)| a != b).count();
            assert_eq!(wrong, 0, "{name} {tensor}: of {} bytes", bytes.len());
        }
    }
}

#[test]
fn encoding_is_as_near_to_the_source_as_the_reference() {
    let Some(shared) = disk::shared() else { return };
    // Errors as they are, as their values are large, and by the squares of their values.
    for format in written() {
        let mut sums = [[0f64; 3]; 2];
        for (_, bytes, source) in encoded(&shared, format) {
            let values = [encode(format, &source), bytes].map(|b| format.decode(&b));
            for (sums, values) in sums.iter_mut().zip(&values) {
                for (x, v) in source.iter().map(|x| f64::from(*x)).zip(values) {
                    let error = (f64::from(*v) - x).powi(2);
                    for (sum, weight) in sums.iter_mut().zip([1.0, x.abs(), x * x]) {
                        *sum += weight * error;
                    }
                }
            }
        }
        let [ours, theirs] = sums;
        let ratios: Vec<f64> = ours.iter().zip(theirs).map(|(a, b)| a / b).collect();
        if theirs[0] > 0.0 {
            println!("{}: error {ratios:.4?} of the reference's", format.name);
            assert!(ratios.iter().all(|r| *r <= 1.05), "{}: {ratios:?}", format.name);
        }
    }
}
