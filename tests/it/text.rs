//! Tokenizers: the goldens of other implementations, streams against whole texts, and files that are broken.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::disk;
use nomoat::{
    Error,
    error::Unsupported,
    format::{Checkpoint, Container, Metadata, Value as Meta},
    text::{chat::Template, tokenizer::Tokenizer},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

/// Folders of the zoo whose tokenizers are not run, and why.
const NOT_YET: [(&str, &str); 0] = [];

/// Text encoders, whose ids nobody decodes: transformers takes the marks of word ends away outside of the tokenizer.
const NEVER_DECODED: [&str; 2] = ["clip", "tokenizer"];

/// Kinds of GGUF vocabulary that are not translated yet.
const GGUF_NOT_YET: [(&str, &str); 2] = [("bert_minilm", "WordPiece (bert)"), ("flan_t5", "Unigram (t5)")];

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn ids(value: &Value) -> Vec<u32> {
    let list = value.as_array().unwrap();
    list.iter()
        .map(|v| u32::try_from(v.as_u64().unwrap()).unwrap())
        .collect()
}

/// A checkpoint of side files alone.
fn beside(files: &[(&str, Vec<u8>)]) -> Checkpoint {
    let mut checkpoint = Checkpoint::new("test", Container::Safetensors);
    checkpoint
        .side
        .extend(files.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.clone())));
    checkpoint
}

/// The small files of a folder, without its weights.
pub(crate) fn folder(path: &Path) -> Checkpoint {
    let mut files = Vec::new();
    for name in [
        "config.json",
        "generation_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "chat_template.jinja",
        "tokenizer.model",
        "vocab.json",
        "merges.txt",
    ] {
        if let Ok(bytes) = fs::read(path.join(name)) {
            files.push((name, bytes));
        }
    }
    beside(&files)
}

/// The folders of the zoo that have tokenizer goldens.
pub(crate) fn zoo(shared: &Path) -> Vec<(String, PathBuf)> {
    let mut folders: Vec<PathBuf> = fs::read_dir(shared.join("zoo"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .chain([shared.join("zoo/stable_diffusion/tokenizer")])
        .filter(|p| p.join("golden_tokenizer.json").is_file())
        .collect();
    folders.sort();
    let name = |p: &PathBuf| p.file_name().unwrap().to_str().unwrap().to_owned();
    folders.into_iter().map(|p| (name(&p), p)).collect()
}

/// Every way in which `tokenizer` differs from the golden cases. `also` has other right ids for some texts.
fn differences(tokenizer: &Tokenizer, golden: &Value, also: &BTreeMap<String, Vec<u32>>) -> Vec<String> {
    let mut found = Vec::new();
    for case in golden["cases"].as_array().unwrap() {
        let text = case["text"].as_str().unwrap();
        let with = tokenizer.encode(text, true).unwrap();
        let without = tokenizer.encode(text, false).unwrap();
        if with != ids(&case["ids"]) && also.get(text) != Some(&with) {
            found.push(format!("{text:?}: {with:?} for {:?}", case["ids"].to_string()));
            continue;
        }
        if with == ids(&case["ids"]) && without != ids(&case["ids_no_special"]) {
            found.push(format!("{text:?} bare: {without:?}"));
        }
        let decoded = tokenizer.decode(&ids(&case["ids_no_special"]), false).unwrap();
        if decoded != case["decoded"] {
            found.push(format!("decoded {decoded:?} for {}", case["decoded"]));
        }
        let skipped = tokenizer.decode(&ids(&case["ids"]), true).unwrap();
        if skipped != case["decoded_skip_special"] {
            found.push(format!("skipped {skipped:?} for {}", case["decoded_skip_special"]));
        }
    }
    found
}

fn check_chat(name: &str, checkpoint: &Checkpoint, tokenizer: &Tokenizer, golden: &Value) -> usize {
    let chat = &golden["chat"];
    if chat.is_null() {
        return 0;
    }
    let Some(template) = Template::open(checkpoint).unwrap() else {
        // The zoo's GGUF of grok carries none, as the published files of that family.
        assert!(
            name == "grok" && checkpoint.container == Container::Gguf,
            "{name}: no template"
        );
        return 0;
    };
    let messages: Vec<_> = chat["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m.as_object().unwrap().clone())
        .collect();
    let rendered = template.render(&messages, true).unwrap();
    assert_eq!(rendered, chat["rendered"].as_str().unwrap(), "{name}");
    assert_eq!(
        tokenizer.encode(&rendered, false).unwrap(),
        ids(&chat["ids"]),
        "{name}: chat"
    );
    1
}

#[test]
fn the_zoo_is_tokenized_as_transformers_does() {
    let Some(shared) = disk::shared() else { return };
    let (mut folders, mut chats) = (0, 0);
    let mut found = Vec::new();
    for (name, path) in zoo(&shared) {
        if let Some((_, reason)) = NOT_YET.iter().find(|(n, _)| *n == name) {
            println!("{name}: not yet ({reason})");
            continue;
        }
        let checkpoint = folder(&path);
        let golden = read(&path.join("golden_tokenizer.json"));
        let tokenizer = Tokenizer::open(&checkpoint).unwrap().unwrap();
        let mut differences = differences(&tokenizer, &golden, &BTreeMap::new());
        differences.retain(|d| !d.contains("</w>") || !NEVER_DECODED.contains(&name.as_str()));
        found.extend(differences.into_iter().map(|d| format!("{name}: {d}")));
        chats += check_chat(&name, &checkpoint, &tokenizer, &golden);
        if let Some(eos) = golden["eos_token_id"].as_u64() {
            assert!(
                tokenizer.eos().contains(&u32::try_from(eos).unwrap()),
                "{name}: eos {:?}",
                tokenizer.eos()
            );
        }
        let bos = golden["bos_token_id"].as_u64().map(|b| u32::try_from(b).unwrap());
        if bos.is_some() {
            assert_eq!(tokenizer.bos(), bos, "{name}");
        }
        folders += 1;
    }
    println!("{folders} folders, {chats} chats");
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert!(folders > 60 && chats > 30);
}

#[test]
fn vocabularies_of_the_zoos_gguf_files_give_the_same_ids() {
    let Some(shared) = disk::shared() else { return };
    let (mut files, mut chats) = (0, 0);
    let mut found = Vec::new();
    for (name, path) in zoo(&shared) {
        let ggufs = fs::read_dir(&path).unwrap().map(|e| e.unwrap().path());
        let Some(gguf) = ggufs.into_iter().find(|p| p.extension().is_some_and(|e| e == "gguf")) else {
            continue;
        };
        let Ok(checkpoint) = disk::open(&gguf) else {
            println!("{name}: its block format is not there yet");
            continue;
        };
        if let Some((_, kind)) = GGUF_NOT_YET.iter().find(|(n, _)| *n == name) {
            let error = Tokenizer::open(&checkpoint).err().unwrap();
            assert_eq!(error.code(), "unsupported-tokenizer", "{error}");
            println!("{name}: not yet ({kind})");
            continue;
        }
        let golden = read(&path.join("golden_tokenizer.json"));
        let gguf = read(&path.join("golden_gguf.json"));
        // Where llama.cpp gives other ids, the file lacks what tokenizer.json says (a normaliser): either will do.
        let also = gguf["tokenizer"]["disagree"].as_array().into_iter().flatten();
        let also = also
            .map(|d| (d["text"].as_str().unwrap().to_owned(), ids(&d["llama_cpp_ids"])))
            .collect();
        let tokenizer = Tokenizer::open(&checkpoint)
            .unwrap_or_else(|e| panic!("{name}: {e}"))
            .unwrap();
        found.extend(
            differences(&tokenizer, &golden, &also)
                .into_iter()
                .map(|d| format!("{name}: {d}")),
        );
        chats += check_chat(&name, &checkpoint, &tokenizer, &golden);
        files += 1;
    }
    println!("{files} files, {chats} chats");
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert!(files > 40 && chats > 20);
}

#[test]
fn vocabularies_of_published_models_give_llama_cpps_ids() {
    let Some(shared) = disk::shared() else { return };
    let mut run = 0;
    let mut found = Vec::new();
    for entry in fs::read_dir(shared.join("tokenizers/llama.cpp-vocabs")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if !name.ends_with(".gguf") {
            continue;
        }
        let tokenizer = match Tokenizer::open(&disk::open(&path).unwrap()) {
            Ok(tokenizer) => tokenizer.unwrap(),
            Err(e) => {
                assert_eq!(e.code(), "unsupported-tokenizer", "{e}");
                println!("{name}: {e}");
                continue;
            }
        };
        let (Ok(inputs), Ok(outputs)) = (
            fs::read_to_string(path.with_extension("gguf.inp")),
            fs::read_to_string(path.with_extension("gguf.out")),
        ) else {
            continue;
        };
        let inputs = inputs.split("\n__ggml_vocab_test__\n");
        for (input, output) in inputs.zip(outputs.lines()) {
            let expected: Vec<u32> = output.split_whitespace().map(|id| id.parse().unwrap()).collect();
            let got = tokenizer.encode(input, false).unwrap();
            run += 1;
            if got != expected {
                found.push(format!("{name}: {input:?}: {got:?} for {expected:?}"));
            }
        }
    }
    println!("{run} texts");
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert!(run > 300);
}
