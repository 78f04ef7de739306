//! The native program from outside: exit codes, what goes to which stream, messages, shapes of JSON.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::zoo::{ids, json, shared};
use serde_json::Value;
use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

/// A folder that is gone after the test.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new(name: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("nomoat-test-{}-{n}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What a call of the program answered.
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

#[test]
fn run_without_a_model_writes_with_the_one_inside() {
    let ask = [
        "run",
        "--device",
        "cpu",
        "--temp",
        "0",
        "-p",
        "Tell me a story about a fox and a lantern",
    ];
    let done = nomoat(&ask, "");
    assert_eq!(done.code, 0, "{}", done.stderr);
    let story = done.stdout.trim();
    assert!(story.split_whitespace().count() > 5, "{story}");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("seedling/seedling.gguf");
    let mut named = ask.to_vec();
    named.insert(1, file.to_str().unwrap());
    assert_eq!(nomoat(&named, "").stdout, done.stdout, "another model is inside");
}

/// Calls the program.
pub(crate) fn nomoat(args: &[&str], stdin: &str) -> Done {
    let cache = Scratch::new("cache");
    let mut child = Command::new(env!("CARGO_BIN_EXE_nomoat"))
        .args(args)
        // what is known of the GPU here is neither asked nor changed
        .env("XDG_CACHE_HOME", &cache.0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The program may end without reading.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    let out = child.wait_with_output().unwrap();
    Done {
        code: out.status.code().unwrap_or(-1),
        stdout: String::from_utf8(out.stdout).unwrap(),
        stderr: String::from_utf8(out.stderr).unwrap(),
    }
}

/// Calls the program, which must succeed with nothing on standard error.
pub(crate) fn quiet(args: &[&str], stdin: &str) -> String {
    let done = nomoat(args, stdin);
    assert_eq!((done.code, done.stderr.as_str()), (0, ""), "{args:?}");
    done.stdout
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn an_error_is_one_line_that_names_the_file_and_ends_with_1() {
    let scratch = Scratch::new("errors");
    let (empty, junk, folder) = (
        scratch.path("empty.gguf"),
        scratch.path("junk.gguf"),
        scratch.path("folder"),
    );
    std::fs::write(&empty, "").unwrap();
    std::fs::write(&junk, "not a model, but long enough for a header").unwrap();
    std::fs::create_dir(&folder).unwrap();
    let missing = scratch.path("missing.gguf");
    let out = scratch.path("out.gguf");
    let cases: &[(&[&str], &str)] = &[
        (&["logits", text(&missing), "--tokens", "1"], "missing.gguf"),
        (&["greedy", text(&missing), "--tokens", "1"], "missing.gguf"),
        (&["run", text(&missing), "-p", "x"], "missing.gguf"),
        (&["tokenize", text(&missing)], "missing.gguf"),
        (&["template", text(&missing)], "missing.gguf"),
        (&["inspect", text(&missing)], "missing.gguf"),
        (&["embed", text(&missing), "x"], "missing.gguf"),
        (
            &["quantize", text(&missing), text(&out), "--type", "f16"],
            "missing.gguf",
        ),
        (&["inspect", text(&empty)], "empty.gguf"),
        (&["greedy", text(&junk), "--tokens", "1"], "junk.gguf"),
        (&["inspect", text(&folder)], "folder"),
        (&["run", text(&junk), "-p", "x", "--kv", "q8"], "junk.gguf"),
    ];
    for (args, word) in cases {
        let done = nomoat(args, "");
        let lines: Vec<_> = done.stderr.lines().collect();
        assert_eq!((done.code, done.stdout.as_str()), (1, ""), "{args:?}: {}", done.stderr);
        assert_eq!(lines.len(), 1, "{args:?}: {}", done.stderr);
        assert!(
            lines[0].starts_with("error: ") && lines[0].contains(word),
            "{args:?}: {}",
            lines[0]
        );
    }
    assert!(!out.exists());
}

#[test]
fn help_and_version_are_results() {
    let calls: [(&[&str], &str); 3] = [
        (&["--help"], "quantize"),
        (&["--version"], "nomoat"),
        (&["run", "--help"], "inside this program that tells short stories"),
    ];
    for (args, word) in calls {
        assert!(quiet(args, "").contains(word), "{args:?}");
    }
}

#[test]
fn tokenize_follows_the_tokenizers_goldens() {
    for folder in ["zoo/llama", "zoo/llama3"] {
        let Some(folder) = shared(folder) else { return };
        let golden = json(&folder.join("golden_tokenizer.json"));
        for case in golden["cases"].as_array().unwrap().iter().take(6) {
            let input = case["text"].as_str().unwrap();
            for (flags, key) in [(&["--special"][..], "ids"), (&[], "ids_no_special")] {
                let args = [&["tokenize", text(&folder)], flags].concat();
                let found: Value = serde_json::from_str(&quiet(&args, input)).unwrap();
                assert_eq!(found, case[key], "{input:?} {flags:?}");
            }
            let without = case["ids_no_special"].to_string();
            let decoded = quiet(&["tokenize", text(&folder), "--decode", "--special"], &without);
            assert_eq!(decoded, case["decoded"].as_str().unwrap(), "{without}");
            let with = case["ids"].to_string();
            let decoded = quiet(&["tokenize", text(&folder), "--decode"], &with);
            assert_eq!(decoded, case["decoded_skip_special"].as_str().unwrap(), "{with}");
        }
    }
}

#[test]
fn decode_takes_plain_lists_and_refuses_words() {
    let Some(folder) = shared("zoo/llama") else { return };
    let list = quiet(&["tokenize", text(&folder), "--decode"], "[360, 418]\n");
    assert_eq!(list, quiet(&["tokenize", text(&folder), "--decode"], "360 418"));
    let done = nomoat(&["tokenize", text(&folder), "--decode"], "360 hello");
    assert_eq!(done.code, 1);
    assert!(done.stderr.contains("hello"), "{}", done.stderr);
}

#[test]
fn template_renders_the_conversation_of_a_file_or_of_stdin() {
    for folder in ["zoo/llama", "zoo/llama3"] {
        let Some(folder) = shared(folder) else { return };
        let chat = &json(&folder.join("golden_tokenizer.json"))["chat"];
        let scratch = Scratch::new("template");
        let file = scratch.path("messages.json");
        std::fs::write(&file, chat["messages"].to_string()).unwrap();
        let expected = chat["rendered"].as_str().unwrap();
        assert_eq!(
            quiet(&["template", text(&folder), "--messages", text(&file)], ""),
            expected
        );
        assert_eq!(
            quiet(&["template", text(&folder)], &chat["messages"].to_string()),
            expected
        );
        let done = nomoat(&["template", text(&folder)], "\"hello\"");
        assert_eq!(done.code, 1, "{}", done.stderr);
    }
}

#[test]
fn a_prompt_format_is_chosen_aloud_and_by_name() {
    let Some(folder) = shared("models/TinyStories-656K") else {
        return;
    };
    let scratch = Scratch::new("format");
    for file in std::fs::read_dir(&folder).unwrap().map(Result::unwrap) {
        std::fs::write(
            scratch.path(file.file_name().to_str().unwrap()),
            std::fs::read(file.path()).unwrap(),
        )
        .unwrap();
    }
    let mut config = json(&scratch.path("config.json"));
    config["_name_or_path"] = "somebody/zephyr-656k".into();
    std::fs::write(scratch.path("config.json"), config.to_string()).unwrap();
    let own = scratch.path("own.jinja");
    std::fs::write(&own, "{{ messages[0].content }}!").unwrap();
    let at = scratch.path("");
    let hello = "[{\"role\": \"user\", \"content\": \"Hello\"}]";
    for (more, prompt, note) in [
        (&[][..], "<|user|>\nHello<|end_story|>\n<|assistant|>\n", true),
        (&["--template", "phi-2"], "Instruct: Hello\nOutput:", false),
        (&["--template", text(&own)], "Hello!", false),
    ] {
        let done = nomoat(&[&["template", text(&at)], more].concat(), hello);
        assert_eq!((done.code, done.stdout.as_str()), (0, prompt), "{}", done.stderr);
        assert_eq!(done.stderr.contains("zephyr-656k"), note, "{}", done.stderr);
    }
    let run = ["run", text(&at), "-p", "Hello", "-n", "2", "--device", "cpu"];
    for (more, note) in [(&[][..], true), (&["--raw"], false), (&["--template", "none"], false)] {
        let done = nomoat(&[&run[..], more].concat(), "");
        assert_eq!(done.code, 0, "{}", done.stderr);
        assert_eq!(
            done.stderr.contains("the prompt format zephyr is used"),
            note,
            "{}",
            done.stderr
        );
    }
    let done = nomoat(&[&run[..], &["--template", "alpacca"]].concat(), "");
    assert!(done.code == 1 && done.stderr.contains("alpaca, "), "{}", done.stderr);
    let words = quiet(&["inspect", text(&at)], "");
    assert!(words.contains("none; the prompt format zephyr is used"), "{words}");
    let found: Value = serde_json::from_str(&quiet(&["inspect", text(&at), "--json"], "")).unwrap();
    assert_eq!(
        (&found["chatTemplate"], &found["promptFormat"]["name"]),
        (&false.into(), &"zephyr".into())
    );
}

#[test]
fn inspect_says_what_the_files_state() {
    let Some(folder) = shared("models/TinyStories-656K") else {
        return;
    };
    let found: Value = serde_json::from_str(&quiet(&["inspect", text(&folder), "--json"], "")).unwrap();
    let expected = [
        ("/family", Value::from("llama")),
        ("/container", "safetensors".into()),
        ("/layers", 2.into()),
        ("/contextLength", 512.into()),
        ("/vocabulary", 2048.into()),
        ("/licence", "apache-2.0".into()),
        ("/chatTemplate", false.into()),
        ("/formats/0/format", "BF16".into()),
        ("/formats/0/share", 1.0.into()),
        ("/supported", true.into()),
        // Two layers of 4 heads of 16, keys and values, two bytes each.
        ("/memory/kv", (512 * 2 * 4 * 16 * 2 * 2).into()),
    ];
    for (pointer, value) in expected {
        assert_eq!(found.pointer(pointer), Some(&value), "{pointer} of {found}");
    }
    let Some(zoo) = shared("zoo/llama3") else { return };
    let words = quiet(&["inspect", text(&zoo.join("model-bf16.gguf"))], "");
    for line in [
        "family         llama",
        "licence        not stated",
        "chat template  yes",
        "lineage        not stated",
    ] {
        assert!(words.contains(line), "{line:?} is not in\n{words}");
    }
}

#[test]
fn inspect_names_an_unknown_family_and_says_the_rest() {
    let Some(folder) = shared("zoo/whisper") else {
        return;
    };
    let found: Value = serde_json::from_str(&quiet(&["inspect", text(&folder), "--json"], "")).unwrap();
    assert_eq!(found["supported"], false, "{found}");
    assert!(found["obstacles"][0].as_str().unwrap().contains("Whisper"), "{found}");
    assert!(found["parameters"].as_u64().unwrap() > 0, "{found}");
}

#[test]
fn inspect_says_what_is_too_large_for_a_binding() {
    let Some(file) = shared("zoo/llama3/model-bf16.gguf") else {
        return;
    };
    let split = quiet(&["inspect", text(&file), "--max-binding", "4096"], "");
    assert!(
        split.contains("split by rows") && !split.contains("will not run"),
        "{split}"
    );
    let broken = quiet(&["inspect", text(&file), "--max-binding", "64"], "");
    assert!(broken.contains("one row takes"), "{broken}");
}

#[test]
fn inspect_names_the_context_that_its_memory_is_of() {
    let Some(folder) = shared("zoo/gpt2") else { return };
    // It has a table of 64 positions.
    let memory = ["100000", "64"].map(|context| {
        let out = quiet(&["inspect", text(&folder), "--json", "--context", context], "");
        serde_json::from_str::<Value>(&out).unwrap()["memory"].take()
    });
    assert_eq!(memory[0]["contextLength"], 64, "{}", memory[0]);
    assert_eq!(memory[0], memory[1]);
}

#[test]
fn devices_lists_gpus_and_the_cpu_with_their_verdicts() {
    let done = nomoat(&["devices"], "");
    assert_eq!(done.code, 0, "{}", done.stderr);
    for word in ["gpu  ", "cpu  ", "self-test, f32"] {
        assert!(done.stdout.contains(word), "{word:?} is not in\n{}", done.stdout);
    }
    assert!(!done.stdout.contains("wrong in"), "{}", done.stdout);
}

/// The golden of `zoo/llama` and the folder.
fn llama() -> Option<(PathBuf, Value)> {
    let folder = shared("zoo/llama")?;
    let golden = json(&folder.join("golden.json"));
    Some((folder, golden))
}

fn list(ids: &[u32]) -> String {
    ids.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
}

#[test]
fn logits_are_rows_of_json() {
    let Some((folder, golden)) = llama() else { return };
    let prompt = list(&ids(&golden["short"]["ids"]));
    let exact = ["--device", "cpu", "--precision", "f32", "--kv", "f32"];
    for (flags, rows) in [(&[][..], 1), (&["--all"][..], 7)] {
        let args = [&["logits", text(&folder), "--tokens", &prompt], &exact[..], flags].concat();
        let out = quiet(&args, "");
        assert_eq!(out.lines().count(), 1, "{out}");
        let found: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(
            found.as_object().unwrap().keys().collect::<Vec<_>>(),
            ["device", "logits"]
        );
        assert_eq!(found["device"], "cpu");
        let found = found["logits"].as_array().unwrap();
        assert_eq!(found.len(), rows);
        let golden = golden["short"]["logits"].as_array().unwrap();
        let last = found.last().unwrap().as_array().unwrap();
        assert_eq!(last.len(), 448);
        for (a, b) in last.iter().zip(golden.last().unwrap().as_array().unwrap()) {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            assert!((a - b).abs() <= 1e-3 + 1e-3 * b.abs(), "{a}, not {b}");
        }
    }
}

#[test]
fn greedy_answers_the_new_ids_only() {
    let Some((folder, golden)) = llama() else { return };
    let prompt = list(&ids(&golden["long"]["ids"]));
    let args = [
        "greedy",
        text(&folder),
        "--tokens",
        &prompt,
        "-n",
        "24",
        "--ignore-eos",
        "--device",
        "cpu",
    ];
    let found: Value = serde_json::from_str(&quiet(&args, "")).unwrap();
    assert_eq!(
        found,
        serde_json::json!({ "device": "cpu", "ids": golden["long"]["greedy"] })
    );
}

#[test]
fn ids_that_no_model_takes_are_errors() {
    let Some((folder, _)) = llama() else { return };
    let cases: &[&[&str]] = &[
        &["--tokens", "448"],
        &["--tokens", "1", "--decoder-tokens", "0"],
        &["--tokens", "1,2,3,4,5", "--context", "4"],
    ];
    for flags in cases {
        let args = [&["greedy", text(&folder), "--device", "cpu"], *flags].concat();
        let done = nomoat(&args, "");
        assert_eq!((done.code, done.stdout.as_str()), (1, ""), "{flags:?}: {}", done.stderr);
        assert_eq!(done.stderr.lines().count(), 1, "{flags:?}: {}", done.stderr);
    }
}

#[test]
fn run_writes_only_the_new_text_and_one_line_end() {
    let Some(folder) = shared("models/TinyStories-656K") else {
        return;
    };
    let expected = json(&folder.join("expected_greedy.json"));
    let n = ids(&expected["ids"]).len() - ids(&expected["prompt_ids"]).len();
    let text_of = |key: &str| expected[key].as_str().unwrap();
    // The prompt begins with the token that begins a text; it is not added a second time.
    let prompt = text_of("prompt");
    let new = text_of("text").strip_prefix(prompt).unwrap();
    let args = [
        "run",
        text(&folder),
        "-n",
        &n.to_string(),
        "--temp",
        "0",
        "--raw",
        "--device",
        "cpu",
    ];
    let flag = quiet(&[&args[..], &["-p", prompt]].concat(), "");
    assert_eq!(flag, format!("{new}\n"));
    // Standard input loses its last line end only.
    assert_eq!(quiet(&args, &format!("{prompt}\n")), flag);
}

#[test]
fn a_prompt_that_an_encoder_reads_takes_no_room_from_the_answer() {
    let Some(folder) = shared("zoo/flan_t5") else { return };
    let prompt = "The house is wonderful and the garden is large.";
    let run = |more: &[&str]| {
        let args = ["run", text(&folder), "-p", prompt, "--temp", "0", "--context", "64"];
        let done = nomoat(&[&args[..], &["--device", "cpu"], more].concat(), "");
        assert_eq!(done.code, 0, "{}", done.stderr);
        (done.stdout, done.stderr)
    };
    let full = "note: the context of 64 tokens is full\n".to_owned();
    let (answer, note) = run(&[]);
    assert_eq!((answer, note), run(&["-n", "1000"]));
    assert_eq!(run(&[]).1, full);
    assert_eq!(run(&["-n", "8"]).1, "");
}

#[test]
#[cfg(target_arch = "x86_64")]
fn memory_that_is_not_there_is_called_a_part_of_the_model() {
    let Some((folder, _)) = llama() else { return };
    // Keys and values of a layer, of 5 heads of 16 in 4 bytes each, which no address space holds in one piece.
    let context = "200000000000";
    let args = [
        "logits",
        text(&folder),
        "--tokens",
        "1",
        "--device",
        "cpu",
        "--context",
        context,
    ];
    let done = nomoat(&args, "");
    let part = "one more part of the model on the CPU needs 128000000000000 bytes";
    assert!(done.code == 1 && done.stderr.contains(part), "{}", done.stderr);
}

#[test]
fn the_same_seed_writes_the_same_text() {
    let Some(folder) = shared("models/TinyStories-656K") else {
        return;
    };
    let run = |seed: &str| {
        let args = [
            "run",
            text(&folder),
            "-p",
            "Once upon a time",
            "-n",
            "40",
            "--temp",
            "1",
            "--seed",
            seed,
            "--device",
            "cpu",
        ];
        quiet(&args, "")
    };
    assert_eq!(run("7"), run("7"));
    assert_ne!(run("7"), run("8"));
}

#[test]
fn the_log_is_on_stderr_and_leaves_results_alone() {
    let Some((folder, _)) = llama() else { return };
    let args = [
        "greedy",
        text(&folder),
        "--tokens",
        "1,2,3",
        "-n",
        "4",
        "--ignore-eos",
        "--device",
        "cpu",
    ];
    let plain = quiet(&args, "");
    let logged = nomoat(&[&args[..], &["--log"]].concat(), "");
    assert_eq!((logged.code, logged.stdout), (0, plain));
    for word in ["program", "weights", "model", "device", "decode"] {
        assert!(logged.stderr.contains(word), "{word} is not in\n{}", logged.stderr);
    }
}

#[test]
fn a_format_that_cannot_be_read_is_told_with_all_the_rest() {
    let Some(file) = shared("zoo/quants/llama/llama-Q4_0.gguf") else {
        return;
    };
    // One tensor is of a type that is in no table here: behind its name are the number of its sizes, these two, and the type.
    let (mut bytes, name) = (std::fs::read(file).unwrap(), b"blk.0.ffn_up.weight");
    let at = bytes.windows(name.len()).position(|w| w == name).unwrap();
    bytes[at + name.len() + 4 + 2 * 8] = 40;
    let scratch = Scratch::new("unread");
    let (file, out) = (scratch.path("in.gguf"), scratch.path("out.gguf"));
    std::fs::write(&file, bytes).unwrap();
    let (file, missing) = (text(&file), "NVFP4 is not supported");
    let facts: Value = serde_json::from_str(&quiet(&["inspect", file, "--json"], "")).unwrap();
    let formats = facts["formats"].as_array().unwrap();
    let share = |f: &&Value| f["format"] == "NVFP4" && f["bytes"].as_u64().unwrap() > 0;
    assert!(formats.iter().any(|f| share(&f)), "{facts}");
    assert!(facts["layers"].is_u64() && facts["vocabulary"].is_u64(), "{facts}");
    assert_eq!(facts["supported"], false);
    let obstacles = facts["obstacles"].as_array().unwrap();
    assert!(
        obstacles.iter().any(|o| o.as_str().unwrap().contains(missing)),
        "{facts}"
    );
    let calls: [&[&str]; 2] = [
        &["greedy", file, "--tokens", "1", "--device", "cpu"],
        &["quantize", file, text(&out), "--type", "f16"],
    ];
    for args in calls {
        let done = nomoat(args, "");
        assert_eq!((done.code, done.stdout.as_str()), (1, ""), "{args:?}");
        assert!(
            done.stderr.contains("format NVFP4") && done.stderr.contains("(tensor "),
            "{}",
            done.stderr
        );
    }
    assert!(!out.exists());
}
