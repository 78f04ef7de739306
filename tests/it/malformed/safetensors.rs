//! Malformed safetensors files and indexes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use super::{Case, FAR, case};

/// A safetensors file of this header and so many bytes of data.
pub(crate) fn file(header: &[u8], data: usize) -> Vec<u8> {
    let mut out = (header.len() as u64).to_le_bytes().to_vec();
    out.extend(header);
    out.resize(out.len() + data, 0);
    out
}

/// A header with nothing wrong, of two tensors over 48 bytes.
pub(crate) const SOUND: &str = r#"{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,4],"data_offsets":[0,32]},"b":{"dtype":"F16","shape":[8],"data_offsets":[32,48]}}"#;

pub(super) fn cases() -> Vec<Case> {
    let mut all = truncated();
    all.extend(numbers());
    all.extend(headers());
    all.extend(indexes());
    all
}

/// A sound file, cut in each of its parts.
fn truncated() -> Vec<Case> {
    let mut all = Vec::new();
    let whole = file(SOUND.as_bytes(), 48);
    for (name, at) in [("nothing", 0), ("length", 4), ("header", 60), ("data", whole.len() - 1)] {
        let name = format!("safetensors-cut-in-{name}");
        all.push(case(name, "cut.safetensors", whole[..at].to_vec(), "bad-file", &[]));
    }
    all
}

/// Lengths and counts far beyond the file.
fn numbers() -> Vec<Case> {
    let mut all = Vec::new();
    for far in FAR {
        let mut add = |what: &str, bytes: Vec<u8>, says: &[&str]| {
            let name = format!("safetensors-{what}-{far}");
            all.push(case(name, "far.safetensors", bytes, "bad-file", says));
        };
        let mut bytes = file(SOUND.as_bytes(), 48);
        bytes[..8].copy_from_slice(&far.to_le_bytes());
        add("header-length", bytes, &["header length"]);
        let shape = SOUND.replace("[8]", &format!("[{far}]"));
        add("shape", file(shape.as_bytes(), 48), &["tensor b"]);
        let end = SOUND.replace("48]", &format!("{far}]"));
        add("end", file(end.as_bytes(), 48), &["tensor b"]);
    }
    all
}

/// Headers of a safetensors file.
fn headers() -> Vec<Case> {
    let mut all = Vec::new();
    let mut add = |name: &str, bytes: Vec<u8>, says: &[&str]| {
        let name = format!("safetensors-{name}");
        all.push(case(name, "bad.safetensors", bytes, "bad-file", says));
    };
    let whole = |header: &str| file(header.as_bytes(), 48);
    let with = |from: &str, to: &str| {
        assert!(SOUND.contains(from));
        whole(&SOUND.replacen(from, to, 1))
    };
    let mut beyond = whole(SOUND);
    beyond[0] = 0xff;
    add("header-beyond-the-file", beyond, &["header length"]);
    add("header-empty", whole(""), &["header: "]);
    add("not-json", whole("hello"), &["header: "]);
    add("an-array", whole("[]"), &["header: "]);
    add("not-utf8", file(b"{\"\xff\": 1}", 48), &["header: "]);
    add("text-behind-the-header", whole(&format!("{SOUND} {{}}")), &["header: "]);
    add("deep", whole(&format!("{{\"a\":{}", "[".repeat(10_000))), &["header: "]);
    add("tensor-twice", with("\"b\"", "\"a\""), &["duplicate key \"a\""]);
    add(
        "tensor-twice-escaped",
        with("\"b\"", "\"\\u0061\""),
        &["duplicate key \"a\""],
    );
    add(
        "field-twice",
        with("\"shape\":[8]", "\"shape\":[8],\"shape\":[8]"),
        &["shape"],
    );
    add(
        "metadata-twice",
        with("{\"__m", "{\"__metadata__\":{},\"__m"),
        &["__metadata__"],
    );
    add(
        "metadata-key-twice",
        with("\"format\":\"pt\"", "\"x\":\"\",\"x\":\"\""),
        &["duplicate key \"x\""],
    );
    add("metadata-of-numbers", with("\"pt\"", "1"), &["header: "]);
    add("field-missing", with("\"dtype\":\"F16\",", ""), &["dtype"]);
    add("dtype", with("F16", "F17"), &["tensor b", "F17"]);
    let rude = format!("\"\\n{}\"", "x".repeat(60_000));
    add("rude-dtype", with("\"F16\"", &rude), &["\\nxxx", "…"]);
    add("rude-shape", with("[8]", &rude), &["header: ", "a text"]);
    add("hole", with("[32,48]", "[34,50]"), &["tensor b", "data_offsets"]);
    add("overlap", with("[32,48]", "[30,46]"), &["tensor b", "data_offsets"]);
    add("backwards", with("[32,48]", "[32,16]"), &["tensor b", "data_offsets"]);
    add("size", with("\"shape\":[8]", "\"shape\":[7]"), &["tensor b"]);
    add("negative", with("\"shape\":[8]", "\"shape\":[-8]"), &["header: "]);
    add("fraction", with("\"shape\":[8]", "\"shape\":[8.5]"), &["header: "]);
    add(
        "above-64-bits",
        with("\"shape\":[8]", "\"shape\":[18446744073709551624]"),
        &["header: "],
    );
    add(
        "product-wraps",
        with("\"shape\":[8]", "\"shape\":[4294967296,4294967296,8]"),
        &["tensor b"],
    );
    add(
        "half-a-byte",
        whole(&SOUND.replace("F16", "F4").replace("[8]", "[31]")),
        &["tensor b"],
    );
    add("trailing-bytes", file(SOUND.as_bytes(), 49), &["data_offsets"]);
    add("plain-type-outside", whole(&SOUND.replace("F16", "I64")), &["tensor b"]);
    let zip = b"PK\x03\x04 and so on".to_vec();
    all.push(case("a-zip", "pytorch_model.bin", zip, "unsupported-format", &["PK"]));
    all
}

/// Indexes over several files.
fn indexes() -> Vec<Case> {
    let index = "model.safetensors.index.json";
    let shard = "model-00001-of-00002.safetensors";
    let other = "model-00002-of-00002.safetensors";
    let folder = |name: &str, json: String, code, says: &[&str]| {
        let mut case = case(format!("index-{name}"), index, json.into_bytes(), code, says);
        case.says.remove(0);
        case.entry = String::new();
        case.folder.0.insert("config.json".into(), b"{}".to_vec());
        case.folder.0.insert(shard.into(), file(SOUND.as_bytes(), 48));
        case
    };
    let map = |entries: &str| format!("{{\"metadata\":{{}},\"weight_map\":{{{entries}}}}}");
    let naming = |name: &str| map(&format!("\"a\":\"{name}\""));
    let mut all = Vec::new();
    let outside = [
        ("up", "../model.safetensors"),
        ("root", "/etc/model.safetensors"),
        ("below", "sub/model.safetensors"),
        ("backslash", "..\\\\model.safetensors"),
        ("address", "https://example.org/model.safetensors"),
        ("drive", "C:model.safetensors"),
        ("escaped", "%2e%2e%2fmodel.safetensors"),
        ("query", "model.safetensors?x=.safetensors"),
        ("itself", index),
        ("dots", ".."),
        ("nothing", ""),
    ];
    for (name, path) in outside {
        all.push(folder(
            &format!("path-{name}"),
            naming(path),
            "bad-file",
            &[index, "weight_map"],
        ));
    }
    all.push(folder("missing-shard", naming(other), "not-found", &[other]));
    all.push(folder("not-json", "weights".into(), "bad-file", &[index]));
    all.push(folder(
        "no-map",
        "{\"metadata\":{}}".into(),
        "bad-file",
        &[index, "weight_map"],
    ));
    all.push(folder("empty-map", map(""), "bad-file", &[index, "weight_map"]));
    all.push(folder(
        "map-of-numbers",
        map("\"a\":1"),
        "bad-file",
        &[index, "weight_map"],
    ));
    let twice = map(&format!("\"a\":\"{shard}\",\"a\":\"{shard}\""));
    all.push(folder(
        "tensor-twice",
        twice,
        "bad-file",
        &[index, "duplicate key \"a\""],
    ));
    let wrong = map(&format!("\"c\":\"{shard}\""));
    all.push(folder("tensor-not-there", wrong, "bad-file", &[index, "c: ", shard]));
    let both = map(&format!("\"a\":\"{shard}\",\"b\":\"{other}\""));
    let mut same = folder("tensor-in-two-files", both, "bad-file", &[other, "tensor a"]);
    same.folder.0.insert(other.into(), file(SOUND.as_bytes(), 48));
    all.push(same);
    let mut broken = folder("shard-truncated", naming(shard), "bad-file", &[shard, "header length"]);
    broken.folder.0.insert(shard.into(), vec![9; 30]);
    all.push(broken);
    all
}
