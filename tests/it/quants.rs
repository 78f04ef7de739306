//! Block formats: decoding is bit exact, encoding is ggml's, the planes hold the same values.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::disk;
use nomoat::{
    quant::{self, FORMATS},
    tensor::Format,
};
use safetensors::SafeTensors;
use std::fs;

/// Numbers from -1 to 1, the same every time.
fn noise(count: usize, mut seed: u32) -> Vec<f32> {
    let mut next = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f32::from(u16::try_from(seed >> 16).unwrap()) / 32_768.0 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

fn decode(format: &Format, bytes: &[u8]) -> Vec<f32> {
    let mut values = vec![0.0; bytes.len() / format.bytes * format.block];
    (format.decode)(bytes, &mut values);
    values
}

fn encode(format: &Format, values: &[f32]) -> Vec<u8> {
    let mut bytes = vec![0; values.len() / format.block * format.bytes];
    (format.encode)(values, &mut bytes);
    bytes
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|v| v.to_bits()).collect()
}

#[test]
fn decoding_is_bit_exact() {
    let Some(shared) = disk::shared() else { return };
    for format in FORMATS {
        let path = shared.join(format!("zoo/quants/vectors/{}.safetensors", format.name));
        let Ok(file) = fs::read(&path) else {
            println!("no vectors for {}", format.name);
            continue;
        };
        let file = SafeTensors::deserialize(&file).unwrap();
        let raw = file.tensor("raw").unwrap();
        let f32 = quant::by_name("F32").unwrap();
        let expected = decode(f32, file.tensor("f32").unwrap().data());
        assert_eq!(bits(&decode(format, raw.data())), bits(&expected), "{}", format.name);
    }
}

#[test]
fn halves_agree_with_the_half_crate() {
    let f16 = quant::by_name("F16").unwrap();
    let bf16 = quant::by_name("BF16").unwrap();
    for i in 0..=u16::MAX {
        let ours = decode(f16, &i.to_le_bytes())[0];
        assert_eq!(ours.to_bits(), half::f16::from_bits(i).to_f32().to_bits(), "{i:#x}");
        let ours = decode(bf16, &i.to_le_bytes())[0];
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
    for format in FORMATS {
        let exact = decode(format, &encode(format, &noise(1024, 1)));
        // What was decoded is on the grid of its block, so it stays.
        assert_eq!(decode(format, &encode(format, &exact)).len(), 1024);
        let worst = (noise(1024, 1).iter().zip(&exact)).fold(0f32, |m, (a, b)| m.max((a - b).abs()));
        let step = match format.name {
            "F32" => 0.0,
            "F16" | "BF16" => 1.0 / 256.0,
            "Q8_0" => 1.0 / 220.0,
            "Q4_0" => 0.13,
            other => panic!("no bound for {other}"),
        };
        assert!(worst <= step, "{}: {worst}", format.name);
        assert!(decode(format, &encode(format, &[0.0; 64])).iter().all(|v| *v == 0.0));
    }
}

/// Values of a row read back from the planes, as the shaders' comments in each format describe them.
fn from_planes(format: &Format, planes: &[Vec<u32>], width: usize) -> Vec<f32> {
    let half = |plane: &[u32], i: usize| u16::try_from(plane[i / 2] >> (16 * (i % 2)) & 0xffff).unwrap();
    let byte = |plane: &[u32], i: usize| u8::try_from(plane[i / 4] >> (8 * (i % 4)) & 0xff).unwrap();
    let scale = |k: usize| half::f16::from_bits(half(&planes[1], k / 32)).to_f32();
    (0..width)
        .map(|k| match format.name {
            "F32" => f32::from_bits(planes[0][k]),
            "F16" => half::f16::from_bits(half(&planes[0], k)).to_f32(),
            "BF16" => half::bf16::from_bits(half(&planes[0], k)).to_f32(),
            "Q8_0" => scale(k) * f32::from(byte(&planes[0], k).cast_signed()),
            "Q4_0" => {
                let word = planes[0][k / 8];
                let four = (if k % 8 < 4 { word } else { word >> 4 }) & 0x0f0f_0f0f;
                scale(k) * (f32::from(four.to_le_bytes()[k % 4]) - 8.0)
            }
            other => panic!("no planes for {other}"),
        })
        .collect()
}

#[test]
fn the_planes_hold_what_decoding_gives() {
    for format in FORMATS {
        for blocks in [1, 2, 3, 5, 8, 9, 33] {
            let width = blocks * format.block;
            let row = encode(format, &noise(width, 7));
            let words = (format.plane_words)(width);
            assert!(words.iter().all(|w| w % 4 == 0), "{} {width}: {words:?}", format.name);
            let mut planes = words.map(|w| vec![u32::MAX; w]);
            (format.pack)(&row, planes.each_mut().map(|p| p.as_mut_slice()));
            assert_eq!(
                from_planes(format, &planes, width),
                decode(format, &row),
                "{} {width}",
                format.name
            );
            let used = width * format.bytes / format.block;
            let set = planes.iter().flatten().filter(|w| **w == u32::MAX).count();
            assert_eq!(set, 0, "{} {width}: padding of {used} bytes", format.name);
        }
    }
}

#[test]
fn encoding_gives_the_bytes_of_the_reference() {
    let Some(shared) = disk::shared() else { return };
    let folder = shared.join("zoo/quants/llama");
    let model = disk::open(&folder).unwrap();
    let pairs = [
        ("token_embd.weight", "model.embed_tokens.weight"),
        ("blk.0.ffn_down.weight", "model.layers.0.mlp.down_proj.weight"),
        ("blk.0.ffn_gate.weight", "model.layers.0.mlp.gate_proj.weight"),
        ("blk.0.ffn_up.weight", "model.layers.0.mlp.up_proj.weight"),
        ("blk.0.attn_v.weight", "model.layers.0.self_attn.v_proj.weight"),
    ];
    for name in ["Q8_0", "Q4_0"] {
        let reference = disk::open(&folder.join(format!("llama-{name}.gguf"))).unwrap();
        let mut compared = 0;
        for (theirs, ours) in pairs {
            let entry = reference.tensor(theirs).unwrap();
            if entry.format.name != name {
                continue;
            }
            let bytes = pollster::block_on(reference.read(entry, 0, entry.shape.rows())).unwrap();
            let encoded = encode(entry.format, &disk::values(&model, ours));
            let wrong = bytes.iter().zip(&encoded).filter(|(a, b)| a != b).count();
            assert_eq!(wrong, 0, "{name} {theirs}: of {} bytes", bytes.len());
            compared += 1;
        }
        assert!(compared > 2, "{name}");
    }
}
