//! Tokenizer files that are broken: each is one error that names file and field.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::{disk, text::beside};
use nomoat::{
    Error,
    error::Unsupported,
    format::{Checkpoint, Container, Value as Meta},
    text::tokenizer::Tokenizer,
};
use serde_json::{Value, json};
use std::fs;

fn broken_json(text: &str) -> Error {
    match Tokenizer::open(&beside(&[("tokenizer.json", text.into())])) {
        Err(e) => e,
        Ok(_) => panic!("accepted: {text}"),
    }
}

#[test]
fn a_broken_tokenizer_json_is_an_error() {
    let model = |model: Value| json!({"model": model, "added_tokens": []}).to_string();
    let with = |key: &str, value: Value| {
        let mut json = json!({"model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": [["a", "b"]]}});
        json[key] = value;
        json.to_string()
    };
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let mut nested = json!({"type": "Lowercase"});
    for _ in 0..40 {
        nested = json!({"type": "Sequence", "normalizers": [nested]});
    }
    for text in [
        String::new(),
        "{".into(),
        "[]".into(),
        "\"text\"".into(),
        "{}".into(),
        deep,
        model(json!({"type": "BPE"})),
        model(json!({"type": "Magic"})),
        model(json!({"type": "BPE", "vocab": {}, "merges": []})),
        model(json!({"type": "BPE", "vocab": {"a": -1}, "merges": []})),
        model(json!({"type": "BPE", "vocab": {"a": 1.5}, "merges": []})),
        model(json!({"type": "BPE", "vocab": {"a": 4_294_967_296_u64}, "merges": []})),
        model(json!({"type": "BPE", "vocab": {"a": u32::MAX}, "merges": []})),
        model(json!({"type": "BPE", "vocab": {"x".repeat(100_000): 1}, "merges": []})),
        model(json!({"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": [["a", "b"]]})),
        model(json!({"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": ["a c"]})),
        model(json!({"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": ["ab"]})),
        model(json!({"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": ["a b c"]})),
        model(json!({"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": [["a"]]})),
        model(json!({"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": [[1, 2]]})),
        model(json!({"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": {}})),
        model(json!({"type": "BPE", "vocab": {"a": 0}, "merges": [], "unk_token": "<unk>"})),
        model(
            json!({"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"], "continuing_subword_prefix": "##"}),
        ),
        model(json!({"type": "WordPiece", "vocab": {"a": "x"}})),
        model(json!({"type": "Unigram", "vocab": [], "unk_id": 0})),
        model(json!({"type": "Unigram", "vocab": [["a", 0.0]], "unk_id": 7})),
        with("added_tokens", json!({})),
        with("added_tokens", json!([{"id": 1}])),
        with("added_tokens", json!([{"id": 99_999_999_999_u64, "content": "<x>"}])),
        with("added_tokens", json!([{"id": 0, "content": "<x>"}])),
        with(
            "added_tokens",
            json!([{"id": 5, "content": "<x>"}, {"id": 5, "content": "<y>"}]),
        ),
        with(
            "added_tokens",
            json!([{"id": 5, "content": "<x>", "rstrip": true}, {"id": 6, "content": " ", "lstrip": true}]),
        ),
        with("normalizer", json!({"type": "Magic"})),
        with("normalizer", nested),
        with(
            "normalizer",
            json!({"type": "Precompiled", "precompiled_charsmap": "AAAAAA=="}),
        ),
        with(
            "normalizer",
            json!({"type": "Precompiled", "precompiled_charsmap": "!"}),
        ),
        with(
            "pre_tokenizer",
            json!({"type": "Split", "pattern": {"Regex": "(("}, "behavior": "Isolated", "invert": false}),
        ),
        with("pre_tokenizer", json!({"type": "FixedLength", "length": 0})),
        with(
            "decoder",
            json!({"type": "Strip", "content": " ", "start": 0, "stop": 1}),
        ),
        with(
            "post_processor",
            json!({"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}],
            "pair": [], "special_tokens": {}}),
        ),
        with(
            "post_processor",
            json!({"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}],
            "pair": [], "special_tokens": {"<s>": {"id": "<s>", "ids": [99_999_999], "tokens": ["<s>"]}}}),
        ),
    ] {
        let error = broken_json(&text);
        let head: String = text.chars().take(120).collect();
        assert!(
            ["bad-file", "unsupported-tokenizer"].contains(&error.code()),
            "{head}: {error:?}"
        );
        assert!(
            error.to_string().starts_with("test: tokenizer.json: "),
            "{head}: {error}"
        );
    }
}

#[test]
fn a_broken_vocabulary_of_a_gguf_is_an_error() {
    let strs = |list: &[&str]| Meta::Strs(list.iter().map(|s| (*s).to_owned()).collect());
    let open = |kind: &str, changes: &[(&str, Option<Meta>)]| {
        let mut checkpoint = Checkpoint::new("test", Container::Gguf);
        let meta = &mut checkpoint.meta;
        meta.insert("tokenizer.ggml.model".into(), Meta::Str(kind.into()));
        meta.insert("tokenizer.ggml.pre".into(), Meta::Str("gpt-2".into()));
        meta.insert("tokenizer.ggml.tokens".into(), strs(&["<unk>", "a", "b", "ab"]));
        meta.insert(
            "tokenizer.ggml.scores".into(),
            Meta::Floats(vec![0.0, -1.0, -2.0, -3.0]),
        );
        meta.insert("tokenizer.ggml.token_type".into(), Meta::Ints(vec![2, 1, 1, 1]));
        meta.insert("tokenizer.ggml.merges".into(), strs(&["a b"]));
        for (key, value) in changes {
            let key = format!("tokenizer.ggml.{key}");
            match value {
                Some(value) => meta.insert(key, value.clone()),
                None => meta.shift_remove(&key),
            };
        }
        Tokenizer::open(&checkpoint)
    };
    for kind in ["llama", "gpt2"] {
        assert!(open(kind, &[]).unwrap().is_some());
        for change in [
            ("tokens", None),
            ("tokens", Some(Meta::Strs(Vec::new()))),
            ("tokens", Some(Meta::Int(3))),
            ("tokens", Some(strs(&["<unk>", "a", "a", "ab"]))),
            ("tokens", Some(strs(&["<unk>", "a"]))),
            ("token_type", Some(Meta::Ints(vec![1]))),
            ("token_type", Some(Meta::Str("x".into()))),
        ] {
            let error = open(kind, std::slice::from_ref(&change))
                .err()
                .unwrap_or_else(|| panic!("{kind} {change:?}"));
            assert_eq!(error.code(), "bad-file", "{error}");
        }
        // Ids beyond the vocabulary are no tokens.
        let odd = [
            ("bos_token_id", Some(Meta::Int(-1))),
            ("eos_token_id", Some(Meta::Int(1 << 40))),
            ("add_bos_token", Some(Meta::Bool(true))),
        ];
        let tokenizer = open(kind, &odd).unwrap().unwrap();
        assert_eq!((tokenizer.bos(), tokenizer.eos()), (None, &[][..]));
    }
    for change in [
        ("scores", None),
        ("scores", Some(Meta::Floats(vec![f32::NAN]))),
        ("scores", Some(Meta::Int(1))),
    ] {
        assert_eq!(open("llama", &[change]).err().unwrap().code(), "bad-file");
    }
    assert!(open("llama", &[("scores", Some(Meta::Floats(vec![f32::NAN; 4])))]).is_ok());
    for change in [
        ("merges", None),
        ("merges", Some(strs(&["ab"]))),
        ("merges", Some(strs(&["a c"]))),
        ("merges", Some(strs(&["b a"]))),
        ("merges", Some(strs(&[""]))),
    ] {
        assert_eq!(open("gpt2", &[change]).err().unwrap().code(), "bad-file");
    }
    for (kind, pre) in [("gpt2", "viking"), ("rwkv", "x"), ("gpt2", "")] {
        let error = open(kind, &[("pre", Some(Meta::Str(pre.into())))]).err().unwrap();
        assert!(
            matches!(
                error,
                Error::Unsupported {
                    kind: Unsupported::Tokenizer,
                    ..
                }
            ),
            "{error}"
        );
        assert!(
            error.to_string().contains(if kind == "rwkv" { kind } else { pre }),
            "{error}"
        );
    }
}

#[test]
fn a_broken_sentencepiece_file_is_an_error() {
    let open = |bytes: &[u8]| Tokenizer::open(&beside(&[("tokenizer.model", bytes.to_vec())]));
    for bytes in [
        &b""[..],
        b"\x0a",
        b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        b"\x0a\x03\x0a\x01\xff",
        b"\x0b",
        b"plain text",
    ] {
        assert_eq!(open(bytes).err().unwrap().code(), "bad-file", "{bytes:?}");
    }
    let Some(shared) = disk::shared() else { return };
    let whole = fs::read(shared.join("zoo/llama/tokenizer.model")).unwrap();
    for cut in 0..whole.len() {
        // Cut between two pieces it is a smaller file, and anywhere else an error.
        let _ = open(&whole[..cut]);
    }
    // One piece, of a model that takes each character, or each word, as a token.
    for kind in [
        b"\x0a\x03\x0a\x01a\x12\x02\x18\x03",
        b"\x0a\x03\x0a\x01a\x12\x02\x18\x04",
    ] {
        assert_eq!(open(kind).err().unwrap().code(), "unsupported-tokenizer");
    }
    let mut unigram = fs::read(shared.join("tokenizers/t5-small/spiece.model")).unwrap();
    assert!(open(&unigram).unwrap().is_some());
    // In the middle of the replacements, which are the larger part of the file's end.
    let near_end = unigram.len() - 100_000;
    unigram[near_end..].fill(0xFF);
    assert_eq!(open(&unigram).err().unwrap().code(), "bad-file");
    assert!(
        open(&fs::read(shared.join("models/stories260K/tok512.model")).unwrap())
            .unwrap()
            .is_some()
    );
}
