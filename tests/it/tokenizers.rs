//! One table of all published tokenizers that there are expectations for: set, texts, how many are right, and what was
//! not compared. `cargo test --test it tokenizers -- --nocapture` prints it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::{disk, text};
use nomoat::{format::Checkpoint, text::tokenizer::Tokenizer};
use serde_json::{Value, json};
use std::{
    collections::{BTreeSet, HashMap},
    fs,
    path::Path,
};

/// Files of GGUF vocabularies that are not read, and why.
const UNSUPPORTED: [(&str, &str); 0] = [];

/// Where the vocabulary lies whose ids a list of goldens has, below `tokenizers/`: as the files of a folder, or as one
/// file of it that stands alone; then the goldens.
const LISTS: [(&str, &str, &str); 19] = [
    ("gpt2", "", "set-30/openai-community__gpt2"),
    ("gpt2", "vocab.json", "set-30/openai-community__gpt2"),
    ("llama-2", "", "set-30/TinyLlama__TinyLlama-1.1B-Chat-v1.0"),
    ("t5-small", "", "set-30/google-t5__t5-small"),
    ("t5-small", "spiece.model", "set-30/google-t5__t5-small"),
    ("bert-base-uncased", "vocab.txt", "set-30/BAAI__bge-small-en-v1.5"),
    ("gpt2", "", "set-83/gpt2_multilingual"),
    ("llama-2", "", "set-83/tinyllama_multilingual"),
    ("roberta-base", "", "set-83/roberta_base_multilingual"),
    ("t5-small", "", "set-83/t5_small_multilingual"),
    ("t5-small", "spiece.model", "set-83/t5_small_multilingual"),
    ("bert-base-uncased", "vocab.txt", "set-83/bge_small_multilingual"),
    ("gpt2", "", "gpt2_encoded_tokens"),
    ("llama-2", "", "llama_encoded"),
    ("falcon", "", "falcon_encoded"),
    ("whisper-tiny", "", "whisper_large_v2_encoded"),
    ("t5-small", "", "t5_base_encoded"),
    ("bert-base-uncased", "vocab.txt", "bert_uncased_encoded"),
    ("llama-3", "tokenizer.model", "llama_3.2_encoded"),
];

/// llama.cpp's expectations whose vocabulary lies elsewhere.
const ELSEWHERE: [(&str, &str); 4] = [
    ("llama-bpe", "llama-3"),
    ("roberta-bpe", "roberta-base"),
    ("phi-3", "phi-3"),
    ("gpt-2", "gpt2"),
];

/// A row: what was compared, and what differed.
struct Row {
    name: String,
    texts: usize,
    wrong: Vec<String>,
}

impl Row {
    fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            texts: 0,
            wrong: Vec::new(),
        }
    }

    fn compare(&mut self, tokenizer: &Tokenizer, text: &str, special: bool, expected: &[u32]) {
        self.texts += 1;
        let got = tokenizer.encode(text, special).unwrap();
        if got != expected {
            let text: String = text.chars().take(60).collect();
            self.wrong.push(format!("{text:?}: {got:?} for {expected:?}"));
        }
    }
}

fn ids(value: &Value) -> Vec<u32> {
    let list = value.as_array().unwrap();
    list.iter()
        .map(|v| u32::try_from(v.as_u64().unwrap()).unwrap())
        .collect()
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// The tokenizer of a folder, or of one file of it with what its class says.
fn open(folder: &Path, only: &str) -> Tokenizer {
    let checkpoint = match only {
        "" => text::folder(folder),
        "tokenizer.model" if folder.ends_with("llama-3") => ranked(folder),
        _ => {
            let class = if only == "spiece.model" { "T5Tokenizer" } else { "" };
            let config = json!({ "tokenizer_class": class }).to_string();
            let mut files = vec![
                ("tokenizer_config.json", config.into()),
                (only, fs::read(folder.join(only)).unwrap()),
            ];
            if only == "vocab.json" {
                files.push(("merges.txt", fs::read(folder.join("merges.txt")).unwrap()));
            }
            text::beside(&files)
        }
    };
    Tokenizer::open(&checkpoint).unwrap().unwrap()
}

/// Llama 3 as its makers publish it, a list of ranked byte strings, written as the GGUF that llama.cpp makes of it: this
/// holds the cut `llama-bpe` to the published vocabulary.
fn ranked(folder: &Path) -> Checkpoint {
    let text = fs::read_to_string(folder.join("tokenizer.model")).unwrap();
    let ranked: Vec<Vec<u8>> = text
        .lines()
        .map(|line| base64(line.split(' ').next().unwrap()))
        .collect();
    let ranks: HashMap<&[u8], usize> = ranked
        .iter()
        .enumerate()
        .map(|(rank, bytes)| (bytes.as_slice(), rank))
        .collect();
    let merges = ranked
        .iter()
        .filter(|bytes| bytes.len() > 1)
        .filter_map(|bytes| halves(bytes, &ranks));
    let merges = merges
        .map(|(left, right)| format!("{} {}", byte_level(left), byte_level(right)))
        .collect();
    let mut tokens: Vec<String> = ranked.iter().map(|bytes| byte_level(bytes)).collect();
    let mut kinds = vec![1; tokens.len()];
    tokens.push("<|begin_of_text|>".to_owned());
    kinds.push(3);
    let mut checkpoint = Checkpoint::new("llama-3", nomoat::format::Container::Gguf);
    let bos = i128::try_from(tokens.len() - 1).unwrap();
    use nomoat::format::Value as Meta;
    for (key, value) in [
        ("model", Meta::Str("gpt2".into())),
        ("pre", Meta::Str("llama-bpe".into())),
        ("tokens", Meta::Strs(tokens)),
        ("token_type", Meta::Ints(kinds)),
        ("merges", Meta::Strs(merges)),
        ("bos_token_id", Meta::Int(bos)),
    ] {
        checkpoint.meta.insert(format!("tokenizer.ggml.{key}"), value);
    }
    checkpoint
}

/// The two tokens that a token is merged from last; `None` for one that comes from whole words only.
fn halves<'a>(bytes: &'a [u8], ranks: &HashMap<&[u8], usize>) -> Option<(&'a [u8], &'a [u8])> {
    let own = ranks[bytes];
    let mut cuts: Vec<usize> = (0..=bytes.len()).collect();
    while cuts.len() > 3 {
        let best = (1..cuts.len() - 1)
            .filter_map(|i| Some((ranks.get(&bytes[cuts[i - 1]..cuts[i + 1]]).filter(|r| **r < own)?, i)))
            .min()?;
        cuts.remove(best.1);
    }
    Some(bytes.split_at(cuts[1]))
}

/// Bytes as byte-level BPE writes them: those that are no visible letter have one above U+0100.
fn byte_level(bytes: &[u8]) -> String {
    let visible = |b: u8| matches!(b, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    let letter = |b: u8| {
        let above = (0..b).filter(|b| !visible(*b)).count();
        if visible(b) {
            char::from(b)
        } else {
            char::from_u32(0x100 + u32::try_from(above).unwrap()).unwrap()
        }
    };
    bytes.iter().map(|b| letter(*b)).collect()
}

fn base64(text: &str) -> Vec<u8> {
    let digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits: Vec<u8> = text
        .trim_end_matches('=')
        .chars()
        .map(|c| u8::try_from(digits.find(c).unwrap()).unwrap())
        .collect();
    let mut bytes = Vec::new();
    for four in bits.chunks(4) {
        let held = (0..4).fold(0_u32, |held, i| {
            held << 6 | u32::from(four.get(i).copied().unwrap_or(0))
        });
        bytes.extend(&held.to_be_bytes()[1..four.len()]);
    }
    bytes
}

/// The goldens of transformers and of others for published tokenizers.
fn lists(root: &Path, rows: &mut Vec<Row>, used: &mut BTreeSet<String>) {
    for (folder, only, golden) in LISTS {
        used.insert(folder.to_owned());
        used.insert(golden.to_owned());
        let mut row = Row::new(format!("{folder} {only} {golden}").replace("  ", " "));
        let tokenizer = open(&root.join(folder), only);
        let goldens = root.join("swift-transformers-conformance");
        let file = read(&goldens.join(format!("{golden}.json")));
        if let Some(text) = file["text"].as_str() {
            // The set for Whisper puts its own tokens round the text.
            let ours = folder == "whisper-tiny";
            let expected = ids(&file["token_ids"]);
            let plain = file["bpe_tokens"].as_array().unwrap().len();
            let within = if ours { &expected[2..2 + plain] } else { &expected[..] };
            row.compare(&tokenizer, text, !ours, within);
        } else {
            let inputs = read(&goldens.join(golden.split('/').next().unwrap()).join("inputs.json"));
            for input in inputs.get("inputs").unwrap_or(&inputs).as_array().unwrap() {
                let id = &input["id"];
                let entry = match &file["entries"] {
                    Value::Array(list) => list.iter().find(|e| &e["id"] == id).unwrap(),
                    map => &map[id.as_str().unwrap()],
                };
                row.compare(
                    &tokenizer,
                    input["text"].as_str().unwrap(),
                    true,
                    &ids(&entry["input_ids"]),
                );
            }
        }
        rows.push(row);
    }
}

/// llama.cpp's vocabularies, and its expectations for others.
fn vocabularies(root: &Path, rows: &mut Vec<Row>, alone: &mut Vec<String>, used: &mut BTreeSet<String>) {
    let folder = root.join("llama.cpp-vocabs");
    let names = fs::read_dir(&folder)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap());
    let name = |file: &str| {
        file.split(".gguf")
            .next()
            .unwrap()
            .trim_start_matches("ggml-vocab-")
            .to_owned()
    };
    let names: BTreeSet<String> = names.map(|file| name(&file)).collect();
    for name in names {
        let file = folder.join(format!("ggml-vocab-{name}.gguf"));
        let mut vocabularies = Vec::new();
        if file.is_file() {
            match Tokenizer::open(&disk::open(&file).unwrap()) {
                Ok(tokenizer) => vocabularies.push(("gguf", tokenizer.unwrap())),
                Err(error) => {
                    let known = UNSUPPORTED.iter().any(|(n, _)| *n == name);
                    assert!(known && error.code() == "unsupported-tokenizer", "{name}: {error}");
                    alone.push(format!("{name}: {error}"));
                }
            }
        }
        if let Some((_, other)) = ELSEWHERE.iter().find(|(n, _)| *n == name) {
            used.insert((*other).to_owned());
            let only = if *other == "llama-3" { "tokenizer.model" } else { "" };
            vocabularies.push((other, open(&root.join(other), only)));
        }
        let beside = |ending: &str| fs::read_to_string(folder.join(format!("ggml-vocab-{name}.gguf.{ending}")));
        let (Ok(inputs), Ok(outputs)) = (beside("inp"), beside("out")) else {
            alone.push(format!("llama.cpp-vocabs/{name}: a vocabulary without expectations"));
            continue;
        };
        if vocabularies.is_empty() {
            alone.push(format!("llama.cpp-vocabs/{name}: expectations without a vocabulary"));
        }
        for (from, tokenizer) in vocabularies {
            let mut row = Row::new(format!("llama.cpp-vocabs/{name} ({from})"));
            for (input, output) in inputs.split("\n__ggml_vocab_test__\n").zip(outputs.lines()) {
                let expected: Vec<u32> = output.split_whitespace().map(|id| id.parse().unwrap()).collect();
                row.compare(&tokenizer, input, false, &expected);
            }
            rows.push(row);
        }
    }
}

/// Ids as llama.cpp has them, with special tokens in the text or by rules that no expectation above shows.
#[test]
fn what_ggufs_leave_to_their_reader_is_as_in_llama_cpp() {
    let Some(shared) = disk::shared() else { return };
    for (name, text, expected) in [
        // Special tokens of Phi 3 take the white space behind them, BOS does not.
        (
            "phi-3",
            "<|user|>\nHi<|end|>\n<|assistant|>\n",
            &[32010, 6324, 32007, 32001][..],
        ),
        ("phi-3", "<s>\nHi", &[1, 29871, 13, 18567]),
        // A file that names no cut.
        ("gpt-neox", "a `b` ", &[66, 2634, 67, 65, 209]),
        ("gpt-neox", "a$$ 1234", &[66, 1890, 209, 10683, 21]),
    ] {
        let file = shared.join(format!("tokenizers/llama.cpp-vocabs/ggml-vocab-{name}.gguf"));
        let tokenizer = Tokenizer::open(&disk::open(&file).unwrap()).unwrap().unwrap();
        assert_eq!(tokenizer.encode(text, false).unwrap(), expected, "{name}: {text:?}");
    }
}

#[test]
fn every_expectation_of_a_published_tokenizer_is_met() {
    let Some(shared) = disk::shared() else { return };
    let root = shared.join("tokenizers");
    let (mut rows, mut alone, mut used) = (Vec::new(), Vec::new(), BTreeSet::new());
    lists(&root, &mut rows, &mut used);
    vocabularies(&root, &mut rows, &mut alone, &mut used);
    for entry in fs::read_dir(&root).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !used.contains(&name)
            && fs::read_dir(root.join(&name)).unwrap().count() > 0
            && !name.contains("-vocabs")
            && !name.contains("conformance")
        {
            let opened = match Tokenizer::open(&text::folder(&root.join(&name))) {
                Ok(Some(tokenizer)) => format!("opens, {} tokens", tokenizer.vocab_size()),
                Ok(None) => "no tokenizer file that a model's folder has".to_owned(),
                Err(error) => error.to_string(),
            };
            alone.push(format!("{name}: no expectations ({opened})"));
        }
    }
    let conformance = root.join("swift-transformers-conformance");
    for part in ["", "set-30", "set-83"] {
        for entry in fs::read_dir(conformance.join(part)).unwrap() {
            let path = entry.unwrap().path();
            let golden = path.strip_prefix(&conformance).unwrap().with_extension("");
            let golden = golden.to_str().unwrap();
            if path.is_file() && !used.contains(golden) && !golden.ends_with("inputs") {
                alone.push(format!("{golden}: expectations without a vocabulary"));
            }
        }
    }
    let mut wrong = Vec::new();
    for row in &rows {
        println!(
            "{:<72} {:>4} of {:>4}",
            row.name,
            row.texts - row.wrong.len(),
            row.texts
        );
        wrong.extend(row.wrong.iter().map(|w| format!("{}: {w}", row.name)));
    }
    for line in &alone {
        println!("not compared: {line}");
    }
    let texts: usize = rows.iter().map(|row| row.texts).sum();
    println!("{} sets, {texts} texts, {} wrong", rows.len(), wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(texts > 1000);
}
