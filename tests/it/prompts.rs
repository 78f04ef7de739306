//! Prompt formats: what each writes, and which files get one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::{disk, text};
use nomoat::{
    format::{Checkpoint, Container, Value as Meta},
    text::{
        chat::{Message, Template},
        formats,
        tokenizer::Tokenizer,
    },
};
use serde_json::{Value, json};

const ALPACA: &str =
    "Below is an instruction that describes a task. Write a response that appropriately completes the request.";
const VICUNA: &str = "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, \
                      detailed, and polite answers to the user's questions.";
const STABLELM: &str = "# StableLM Tuned (Alpha version)
- StableLM is a helpful and harmless open-source AI language model developed by StabilityAI.
- StableLM is excited to be able to help the user, but will refuse to do anything that could be considered harmful to the user.
- StableLM is more than just an information source, StableLM is also able to write poetry, short stories, and make jokes.
- StableLM will refuse to participate in anything that could harm a human.
";
const HARMONY: &str = "You are ChatGPT, a large language model trained by OpenAI.
Knowledge cutoff: 2024-06
Current date: 2026-03-01

Reasoning: medium

# Valid channels: analysis, commentary, final. Channel must be included for every message.";

/// Two questions with an answer between them, and one question with a system message, as each format writes them.
/// `{…}` stands for a text above.
const GOLDENS: [(&str, &str, &str); 17] = [
    (
        "alpaca",
        "{ALPACA}\n\n### Instruction:\nHi\n\n### Response:Hello!</s>### Instruction:\nWho?\n\n### Response:",
        "Be brief.\n\n### Instruction:\nHi\n\n### Response:",
    ),
    (
        "vicuna",
        "{VICUNA} USER: Hi ASSISTANT: Hello!</s>USER: Who? ASSISTANT:",
        "Be brief. USER: Hi ASSISTANT:",
    ),
    (
        "koala",
        "BEGINNING OF CONVERSATION: USER: Hi GPT: Hello!</s>USER: Who? GPT:",
        "BEGINNING OF CONVERSATION: Be brief. USER: Hi GPT:",
    ),
    (
        "open-assistant",
        "<|prompter|>Hi</s><|assistant|>Hello!</s><|prompter|>Who?</s><|assistant|>",
        "<|system|>Be brief.</s><|prompter|>Hi</s><|assistant|>",
    ),
    (
        "dolly",
        "{ALPACA}\n\n### Instruction:\nHi\n\n### Response:\nHello!\n\n### End\n\n### Instruction:\nWho?\n\n### Response:\n",
        "Be brief.\n\n### Instruction:\nHi\n\n### Response:\n",
    ),
    (
        "stablelm",
        "<|SYSTEM|>{STABLELM}<|USER|>Hi<|ASSISTANT|>Hello!<|USER|>Who?<|ASSISTANT|>",
        "<|SYSTEM|>Be brief.<|USER|>Hi<|ASSISTANT|>",
    ),
    (
        "llama-2",
        "<s>[INST] Hi [/INST] Hello! </s><s>[INST] Who? [/INST]",
        "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi [/INST]",
    ),
    (
        "llama-3",
        "<s><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n\
         Hello!<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nWho?<|eot_id|>\
         <|start_header_id|>assistant<|end_header_id|>\n\n",
        "<s><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>\
         <|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
    ),
    (
        "mistral",
        "<s>[INST] Hi [/INST] Hello!</s>[INST] Who? [/INST]",
        "<s>[INST] Be brief.\n\nHi [/INST]",
    ),
    (
        "mistral-v3",
        "<s>[INST] Hi[/INST] Hello!</s>[INST] Who?[/INST]",
        "<s>[INST] Be brief.\n\nHi[/INST]",
    ),
    (
        "gemma",
        "<s><start_of_turn>user\nHi<end_of_turn>\n<start_of_turn>model\nHello!<end_of_turn>\n\
         <start_of_turn>user\nWho?<end_of_turn>\n<start_of_turn>model\n",
        "<s><start_of_turn>user\nBe brief.\n\nHi<end_of_turn>\n<start_of_turn>model\n",
    ),
    (
        "chatml",
        "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello!<|im_end|>\n<|im_start|>user\nWho?<|im_end|>\n\
         <|im_start|>assistant\n",
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n",
    ),
    (
        "zephyr",
        "<|user|>\nHi</s>\n<|assistant|>\nHello!</s>\n<|user|>\nWho?</s>\n<|assistant|>\n",
        "<|system|>\nBe brief.</s>\n<|user|>\nHi</s>\n<|assistant|>\n",
    ),
    (
        "phi-3",
        "<|user|>\nHi<|end|>\n<|assistant|>\nHello!<|end|>\n<|user|>\nWho?<|end|>\n<|assistant|>\n",
        "<|system|>\nBe brief.<|end|>\n<|user|>\nHi<|end|>\n<|assistant|>\n",
    ),
    (
        "phi-4",
        "<|im_start|>user<|im_sep|>Hi<|im_end|><|im_start|>assistant<|im_sep|>Hello!<|im_end|>\
         <|im_start|>user<|im_sep|>Who?<|im_end|><|im_start|>assistant<|im_sep|>",
        "<|im_start|>system<|im_sep|>Be brief.<|im_end|><|im_start|>user<|im_sep|>Hi<|im_end|>\
         <|im_start|>assistant<|im_sep|>",
    ),
    (
        "phi-2",
        "Instruct: Hi\nOutput: Hello!\nInstruct: Who?\nOutput:",
        "Be brief.\nInstruct: Hi\nOutput:",
    ),
    (
        "harmony",
        "<|start|>system<|message|>{HARMONY}<|end|><|start|>user<|message|>Hi<|end|>\
         <|start|>assistant<|channel|>final<|message|>Hello!<|end|><|start|>user<|message|>Who?<|end|><|start|>assistant",
        "<|start|>system<|message|>{HARMONY}<|end|><|start|>developer<|message|># Instructions\n\nBe brief.<|end|>\
         <|start|>user<|message|>Hi<|end|><|start|>assistant",
    ),
];

fn messages(list: &[(&str, &str)]) -> Vec<Message> {
    let message =
        |(role, content): &(&str, &str)| json!({"role": role, "content": content}).as_object().unwrap().clone();
    list.iter().map(message).collect()
}

/// Files without a template whose tokens are `<s>`, `</s>` and `tokens`.
fn files(config: &Value, tokens: &[&str], settings: &Value) -> Checkpoint {
    let all: Vec<&str> = ["<s>", "</s>", "a"].into_iter().chain(tokens.iter().copied()).collect();
    let vocab: Value = all
        .iter()
        .enumerate()
        .map(|(id, text)| ((*text).to_owned(), json!(id)))
        .collect();
    let added: Vec<Value> = (all.iter().enumerate().filter(|(_, text)| **text != "a"))
        .map(|(id, text)| json!({"id": id, "content": text, "special": true}))
        .collect();
    let json = json!({"model": {"type": "BPE", "vocab": vocab, "merges": []}, "added_tokens": added});
    let mut named = json!({"bos_token": "<s>", "eos_token": "</s>"});
    named
        .as_object_mut()
        .unwrap()
        .extend(settings.as_object().unwrap().clone());
    text::beside(&[
        ("config.json", config.to_string().into()),
        ("tokenizer.json", json.to_string().into()),
        ("tokenizer_config.json", named.to_string().into()),
    ])
}

/// The name of the format that files get, and the reason.
fn chosen(checkpoint: &Checkpoint) -> Option<(String, String)> {
    let tokenizer = Tokenizer::open(checkpoint).unwrap();
    let template = Template::choose(checkpoint, tokenizer.as_ref(), None).unwrap()?;
    assert!(template.origin().chosen);
    Some((template.origin().name.clone(), template.origin().reason.clone()))
}

#[test]
fn each_format_writes_its_golden_text() {
    let checkpoint = files(&json!({}), &[], &json!({}));
    let told = formats::names();
    let mut names: Vec<&str> = told.split(", ").collect();
    for (name, talk, system) in GOLDENS {
        names.retain(|other| *other != name);
        let template = Template::choose(&checkpoint, None, Some(name)).unwrap().unwrap();
        assert_eq!(
            (template.origin().name.as_str(), template.origin().chosen),
            (name, false)
        );
        let template = template.at(1_772_323_200);
        let full = |text: &str| {
            [
                ("{ALPACA}", ALPACA),
                ("{VICUNA}", VICUNA),
                ("{STABLELM}", STABLELM),
                ("{HARMONY}", HARMONY),
            ]
            .iter()
            .fold(text.to_owned(), |text, (short, long)| text.replace(short, long))
        };
        let talked = messages(&[("user", "Hi"), ("assistant", "Hello!"), ("user", "Who?")]);
        assert_eq!(template.render(&talked, true).unwrap(), full(talk), "{name}");
        let with_system = messages(&[("system", "Be brief."), ("user", "Hi")]);
        assert_eq!(template.render(&with_system, true).unwrap(), full(system), "{name}");
        let open = template.render(&with_system, false).unwrap();
        assert!(full(system).starts_with(&open), "{name}: {open:?}");
    }
    assert!(names.is_empty(), "no golden text: {names:?}");
}

#[test]
fn mistral_has_the_system_message_before_the_newest_question() {
    let template = Template::choose(&files(&json!({}), &[], &json!({})), None, Some("mistral-v3"));
    let talk = [
        ("system", "Be brief."),
        ("user", "Hi"),
        ("assistant", "Hello!"),
        ("user", "Who?"),
    ];
    let text = template.unwrap().unwrap().render(&messages(&talk), true).unwrap();
    assert_eq!(text, "<s>[INST] Hi[/INST] Hello!</s>[INST] Be brief.\n\nWho?[/INST]");
}

#[test]
fn a_format_is_chosen_by_what_the_files_state() {
    let plain = |name: &str| json!({"model_type": "llama", "_name_or_path": name});
    let headers = ["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"];
    let turns = ["<start_of_turn>", "<end_of_turn>"];
    let im = ["<|im_start|>", "<|im_end|>"];
    let none = json!({});
    let end = |token: &str| json!({"eos_token": token});
    for (config, tokens, settings, expected) in [
        (plain("lmsys/vicuna-7b-v1.5"), &[][..], &none, "vicuna"),
        (plain("/raid/models/Koala-13B/"), &[], &none, "koala"),
        (plain("chavinlo/alpaca-native"), &[], &none, "alpaca"),
        (plain("meta-llama/Llama-2-7b-chat-hf"), &[], &none, "llama-2"),
        (plain("codellama/CodeLlama-7b-Instruct-hf"), &[], &none, "llama-2"),
        (
            json!({"model_type": "mistral", "_name_or_path": "mistralai/Mistral-7B-Instruct-v0.1"}),
            &[],
            &none,
            "mistral",
        ),
        (
            plain("Mistral-7B-Instruct-v0.3"),
            &["[INST]", "[/INST]"],
            &none,
            "mistral-v3",
        ),
        (
            json!({"model_type": "mistral", "_name_or_path": "zephyr-7b-alpha"}),
            &[],
            &none,
            "zephyr",
        ),
        (plain("Meta-Llama-3-8B-Instruct"), &headers, &none, "llama-3"),
        (plain("anything"), &headers, &end("<|eot_id|>"), "llama-3"),
        (
            json!({"model_type": "gemma", "_name_or_path": "gemma-2b-it"}),
            &turns,
            &none,
            "gemma",
        ),
        (
            json!({"model_type": "gemma2", "eos_token_id": [1, 4]}),
            &turns,
            &none,
            "gemma",
        ),
        (plain("anything"), &im, &end("<|im_end|>"), "chatml"),
        (plain(""), &["<|prompter|>", "<|assistant|>"], &none, "open-assistant"),
        (
            json!({"model_type": "gpt_neox"}),
            &["<|SYSTEM|>", "<|USER|>", "<|ASSISTANT|>"],
            &none,
            "stablelm",
        ),
        (
            json!({"model_type": "gpt_neox"}),
            &["### End", "### Instruction:", "### Response:"],
            &none,
            "dolly",
        ),
        (
            json!({"model_type": "phi3"}),
            &["<|user|>", "<|assistant|>", "<|end|>"],
            &none,
            "phi-3",
        ),
        (
            json!({"model_type": "phi3", "eos_token_id": 5}),
            &["<|im_start|>", "<|im_sep|>", "<|im_end|>"],
            &none,
            "phi-4",
        ),
        (
            json!({"model_type": "llama", "_name_or_path": "Llama-3.2-3B-Chat"}),
            &["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"],
            &none,
            "llama-3",
        ),
        (
            json!({"model_type": "gpt_oss"}),
            &["<|start|>", "<|channel|>", "<|message|>", "<|return|>", "<|end|>"],
            &none,
            "harmony",
        ),
        (
            plain(""),
            &[],
            &json!({"name_or_path": "lmsys/vicuna-7b-v1.5"}),
            "vicuna",
        ),
    ] {
        let (name, reason) = chosen(&files(&config, tokens, settings)).unwrap_or_else(|| panic!("none for {config}"));
        println!("{name}: {reason}");
        assert_eq!(name, expected, "{config}");
    }
}

#[test]
fn base_models_stay_base_models() {
    let named = |family: &str, name: &str| json!({"model_type": family, "_name_or_path": name});
    let none = json!({});
    for (config, tokens, settings) in [
        (named("llama", "meta-llama/Llama-2-7b-hf"), &[][..], &none),
        (named("llama", "vicuna-fans/llama-7b"), &[], &none),
        (named("llama", "lmsys/vicuna-13b-delta-v0"), &[], &none),
        (named("llama", "stable-vicuna-13b"), &[], &none),
        (
            named("mistral", "Mistral-Nemo-Instruct-2407"),
            &["[INST]", "[/INST]"],
            &none,
        ),
        (
            named("phi3", "Phi-4-mini-instruct"),
            &["<|user|>", "<|assistant|>", "<|end|>"],
            &none,
        ),
        (
            named("llama", "meta-llama/Llama-3.2-1B"),
            &["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"],
            &none,
        ),
        (
            named("gemma", "google/gemma-2b"),
            &["<start_of_turn>", "<end_of_turn>"],
            &none,
        ),
        (named("llama", "gemma-it"), &["<start_of_turn>", "<end_of_turn>"], &none),
        (named("qwen2", "Qwen2.5-0.5B"), &["<|im_start|>", "<|im_end|>"], &none),
        (
            named("mistral", "mistralai/Mistral-7B-v0.3"),
            &["[INST]", "[/INST]"],
            &none,
        ),
        (named("phi", "microsoft/phi-2"), &[], &none),
        (named("llama", "x"), &["<|user|>", "<|assistant|>", "<|end|>"], &none),
        (json!({}), &[], &none),
    ] {
        assert_eq!(chosen(&files(&config, tokens, settings)), None, "{config}");
    }
    let bare = Checkpoint::new("vicuna-7b", Container::Safetensors);
    assert!(Template::choose(&bare, None, None).unwrap().is_none());
}

#[test]
fn a_gguf_is_known_by_its_keys() {
    let open = |keys: &[(&str, Meta)]| {
        let mut checkpoint = Checkpoint::new("test", Container::Gguf);
        let meta = &mut checkpoint.meta;
        let text = |s: &str| Meta::Str(s.to_owned());
        meta.insert("general.architecture".into(), text("llama"));
        meta.insert("tokenizer.ggml.model".into(), text("llama"));
        let tokens = ["<unk>", "<s>", "</s>", "a", "<|im_start|>", "<|im_end|>"];
        meta.insert(
            "tokenizer.ggml.tokens".into(),
            Meta::Strs(tokens.map(str::to_owned).to_vec()),
        );
        meta.insert("tokenizer.ggml.scores".into(), Meta::Floats(vec![0.0; 6]));
        meta.insert("tokenizer.ggml.token_type".into(), Meta::Ints(vec![2, 3, 3, 1, 3, 3]));
        meta.insert("tokenizer.ggml.eos_token_id".into(), Meta::Int(2));
        meta.insert("tokenizer.ggml.bos_token_id".into(), Meta::Int(1));
        meta.extend(keys.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
        checkpoint
    };
    let text = |s: &str| Meta::Str(s.to_owned());
    assert_eq!(chosen(&open(&[])), None);
    assert_eq!(chosen(&open(&[("tokenizer.ggml.eot_token_id", Meta::Int(5))])), None);
    for (keys, name, reason) in [
        (
            vec![("general.name", text("Vicuna 7B\u{7} v1.5"))],
            "vicuna",
            "general.name is \"Vicuna 7B v1.5\"",
        ),
        (
            vec![
                ("general.basename", text("Llama-2")),
                ("general.finetune", text("chat-hf")),
            ],
            "llama-2",
            "general.basename with general.finetune is \"Llama-2 chat-hf\"",
        ),
        (
            vec![("tokenizer.ggml.eos_token_id", Meta::Int(5))],
            "chatml",
            "<|im_end|> ends its turns",
        ),
    ] {
        assert_eq!(chosen(&open(&keys)), Some((name.to_owned(), reason.to_owned())));
    }
    // The tokenizer puts BOS where the format does not; where it does, there is one all the same.
    let checkpoint = open(&[("general.name", text("Llama 2 chat"))]);
    let tokenizer = Tokenizer::open(&checkpoint).unwrap().unwrap();
    for name in ["llama-2", "vicuna"] {
        let template = Template::choose(&checkpoint, Some(&tokenizer), Some(name))
            .unwrap()
            .unwrap();
        let ids = template.ids(&tokenizer, &template.render(&messages(&[("user", "a")]), true).unwrap());
        assert_eq!(ids.unwrap().iter().filter(|id| **id == 1).count(), 1, "{name}");
    }
    // A file's own template may leave it out as well.
    for own in ["{{ messages[0].content }}", "{{ bos_token }}{{ messages[0].content }}"] {
        let checkpoint = open(&[("tokenizer.chat_template", text(own))]);
        let template = Template::open(&checkpoint).unwrap().unwrap();
        let ids = template.ids(&tokenizer, &template.render(&messages(&[("user", "a")]), true).unwrap());
        let ids = ids.unwrap();
        assert_eq!((ids[0], ids.iter().filter(|id| **id == 1).count()), (1, 1), "{own}");
    }
}

#[test]
fn what_the_system_says_is_never_lost() {
    let checkpoint = files(&json!({}), &[], &json!({}));
    let gemma = "<s><start_of_turn>model\nHello!<end_of_turn>\n<start_of_turn>user\nBe brief.\n\nHi<end_of_turn>\n\
                 <start_of_turn>model\n";
    let [system, hello, hi] = [("system", "Be brief."), ("assistant", "Hello!"), ("user", "Hi")];
    for name in formats::names().split(", ") {
        let template = Template::choose(&checkpoint, None, Some(name)).unwrap().unwrap();
        for talk in [&[system, hello, hi][..], &[system, hi, hello]] {
            let text = template.render(&messages(talk), true).unwrap();
            assert_eq!(text.matches("Be brief.").count(), 1, "{name}: {text:?}");
            assert!(name != "gemma" || talk[1] == hi || text == gemma, "{text:?}");
        }
        let alone = template.render(&messages(&[system]), true);
        if ["gemma", "llama-2", "mistral", "mistral-v3"].contains(&name) {
            let error = alone.unwrap_err().to_string();
            assert!(error.contains("a user beside the system"), "{error}");
        } else {
            assert!(alone.unwrap().contains("Be brief."), "{name}");
        }
    }
}

#[test]
fn of_the_channels_of_an_answer_only_the_last_is_shown() {
    let letters = "abcdefghijklmnopqrstuvwxyzĠ";
    let tokens = letters.chars().map(String::from);
    let vocab: serde_json::Map<String, Value> = tokens.zip((0..).map(|id: u32| json!(id))).collect();
    let marks = ["start", "end", "message", "channel", "constrain", "return", "call"];
    let added = (27..)
        .zip(marks)
        .map(|(id, mark): (u32, _)| json!({"id": id, "content": format!("<|{mark}|>"), "special": true}));
    let bytes = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false});
    let json = json!({"model": {"type": "BPE", "vocab": vocab, "merges": []}, "added_tokens": added.collect::<Vec<_>>(),
        "pre_tokenizer": bytes, "decoder": bytes});
    let tokenizer = Tokenizer::open(&text::beside(&[("tokenizer.json", json.to_string().into())]));
    let tokenizer = tokenizer.unwrap().unwrap();
    let ids = |text: &str| tokenizer.encode(text, false).unwrap();
    let asked =
        "<|start|>assistant<|channel|>final<|message|>hi<|end|><|start|>user<|message|>who<|end|><|start|>assistant";
    let thought = "<|channel|>analysis<|message|>";
    let rest = "think of it<|end|><|start|>assistant<|channel|>final<|message|>hello you<|return|>";
    for (prompt, answer, shown) in [
        (asked.to_owned(), format!("{thought}{rest}"), "hello you"),
        (format!("{asked}{thought}"), rest.to_owned(), "hello you"),
        (asked.to_owned(), format!("{thought}think of it"), ""),
        (
            asked.to_owned(),
            "<|channel|>commentary to<|constrain|>json<|message|>x<|call|>".into(),
            "",
        ),
        (
            asked.to_owned(),
            "<|channel|>final<|constrain|>json<|message|>x".into(),
            "x",
        ),
        (asked.to_owned(), "hello you".into(), "hello you"),
        (String::new(), format!("tell {thought}{rest}"), "tell hello you"),
    ] {
        let mut stream = tokenizer.stream(&ids(&prompt));
        let text = ids(&answer).into_iter().map(|id| stream.push(&tokenizer, id).unwrap());
        assert_eq!(text.collect::<String>(), shown, "{answer}");
        assert_eq!(stream.finish(&tokenizer).unwrap(), "");
    }
}

#[test]
fn what_the_caller_asks_for_goes_before_the_file() {
    let mut checkpoint = files(&json!({"_name_or_path": "vicuna"}), &[], &json!({}));
    checkpoint
        .side
        .insert("chat_template.jinja".into(), "of the file".into());
    let tokenizer = Tokenizer::open(&checkpoint).unwrap();
    let choose = |asked| Template::choose(&checkpoint, tokenizer.as_ref(), asked);
    let talk = messages(&[("user", "Hi")]);
    for (asked, name, text) in [
        (None, "file", "of the file"),
        (Some("auto"), "file", "of the file"),
        (Some("phi-2"), "phi-2", "Instruct: Hi\nOutput:"),
        (Some("{{ bos_token }}{{ messages[0].content }}"), "given", "<s>Hi"),
    ] {
        let template = choose(asked).unwrap().unwrap();
        assert_eq!(
            (template.origin().name.as_str(), template.origin().chosen),
            (name, false)
        );
        assert_eq!(template.render(&talk, true).unwrap(), text);
    }
    assert!(choose(Some("none")).unwrap().is_none());
    let error = choose(Some("alpacca")).err().unwrap().to_string();
    assert!(error.contains("alpacca") && error.contains("alpaca,"), "{error}");
    assert_eq!(choose(Some("{% if %}")).err().unwrap().code(), "bad-file");
    let template = choose(Some("alpaca")).unwrap().unwrap();
    for (role, content) in [
        ("tool", json!("x")),
        ("user", json!([{"type": "text"}])),
        ("user", Value::Null),
    ] {
        let message = json!({"role": role, "content": content}).as_object().unwrap().clone();
        let error = template.render(&[message], true).unwrap_err();
        assert!(error.to_string().contains("knows no other"), "{error}");
    }
}

#[test]
fn the_zoos_files_get_no_format_they_do_not_ask_for() {
    let Some(shared) = disk::shared() else { return };
    for (name, path) in text::zoo(&shared) {
        let checkpoint = text::folder(&path);
        if Template::open(&checkpoint).unwrap().is_none() {
            // The published files of this family carry one; the zoo's have its tokens alone.
            let expected = name.starts_with("gpt_oss").then_some("harmony");
            let got = chosen(&checkpoint).map(|(format, _)| format);
            assert_eq!(got.as_deref(), expected, "{name}");
        }
    }
}
