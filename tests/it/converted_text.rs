//! What a converted file says of its text: the settings that change a tokenizer, and the tokens that a template names.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use crate::disk::{self, Memory};
use nomoat::{
    format::{self, Checkpoint, Container, Value as Meta},
    model::export,
    text::{chat::Template, tokenizer::Tokenizer},
};
use serde_json::{Value, json};
use std::{fs, path::Path};

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// A folder, to be changed.
fn files(path: &Path) -> Memory {
    let files = fs::read_dir(path).unwrap().map(Result::unwrap);
    let named = |entry: fs::DirEntry| {
        (
            entry.file_name().into_string().unwrap(),
            fs::read(entry.path()).unwrap(),
        )
    };
    Memory(files.map(named).collect())
}

/// What its weights and text become.
fn converted(files: &Memory) -> [Checkpoint; 2] {
    let published = pollster::block_on(format::open(files, "")).unwrap();
    let mut converted = Checkpoint::new("test", Container::Gguf);
    converted.meta = export::to_gguf(&published).unwrap().meta;
    [published, converted]
}

#[test]
fn a_converted_file_keeps_what_the_settings_change() {
    let Some(shared) = disk::shared() else { return };
    let path = shared.join("zoo/llama");
    let mut files = files(&path);
    let mut config = read(&path.join("tokenizer_config.json"));
    config["add_bos_token"] = false.into();
    config["added_tokens_decoder"]["2"]["special"] = false.into();
    files
        .0
        .insert("tokenizer_config.json".into(), config.to_string().into());
    let [published, converted] = converted(&files);
    for checkpoint in [&published, &converted] {
        let tokenizer = Tokenizer::open(checkpoint).unwrap().unwrap();
        assert_eq!(tokenizer.encode("<s></s>", true).unwrap(), [1, 2]);
        assert_eq!(tokenizer.decode(&[1, 2], true).unwrap(), "</s>");
    }
    // For other tools.
    let key = |name: &str| &converted.meta[&format!("tokenizer.ggml.{name}")];
    assert_eq!(key("add_bos_token"), &Meta::Bool(false));
    let Meta::Ints(kinds) = key("token_type") else { panic!() };
    assert_eq!(kinds[..3], [2, 3, 4]);
}

/// A template may name tokens, also where GGUF has no name for the cut and so no list of them.
#[test]
fn a_converted_template_names_the_same_tokens() {
    let Some(shared) = disk::shared() else { return };
    let path = shared.join("zoo/llama3");
    let mut files = files(&path);
    files.0.remove("chat_template.jinja");
    let mut config = read(&path.join("tokenizer_config.json"));
    config["bos_token"] = "<|begin_of_text|>".into();
    config["chat_template"] = json!([{"name": "chat", "template": "{{ bos_token }}{{ messages[0].content }}"}]);
    let mut tokenizer = read(&path.join("tokenizer.json"));
    tokenizer["pre_tokenizer"] = json!({"type": "Sequence", "pretokenizers": [
        {"type": "Split", "pattern": {"Regex": "[a-z]+"}, "behavior": "Isolated", "invert": false},
        {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false},
    ]});
    for (name, json) in [("tokenizer_config.json", config), ("tokenizer.json", tokenizer)] {
        files.0.insert(name.into(), json.to_string().into());
    }
    let [published, converted] = converted(&files);
    assert!(!converted.meta.contains_key("tokenizer.ggml.tokens"));
    let said = [("role", "user"), ("content", "hi")].map(|(key, value)| (key.to_owned(), value.into()));
    for checkpoint in [&published, &converted] {
        let template = Template::open(checkpoint).unwrap().unwrap();
        let text = template.render(&[said.clone().into_iter().collect()], false).unwrap();
        assert_eq!(text, "<|begin_of_text|>hi");
    }
}
