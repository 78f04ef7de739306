//! What is wrong usage, and how the program ends when nobody reads what it says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::program::{Scratch, nomoat, text};
use std::{
    fs::File,
    io::{IsTerminal, PipeWriter},
    path::Path,
    process::{Command, Stdio},
};

#[test]
fn wrong_usage_ends_with_2_and_nothing_on_stdout() {
    let cases: &[&[&str]] = &[
        &[],
        &["fly"],
        &["greedy", "model.gguf"],
        &["greedy", "model.gguf", "--tokens", "1,x"],
        &["greedy", "model.gguf", "--tokens", "-1"],
        &["greedy", "model.gguf", "--tokens", "4294967296"],
        &["logits", "model.gguf", "--tokens", "1", "--device", "tpu"],
        &["logits", "model.gguf", "--tokens", "1", "--precision", "f64"],
        &["logits", "model.gguf", "--tokens", "1", "--kv", "q4"],
        &["logits", "model.gguf", "--tokens", "1", "--context", "0"],
        &["run", "model.gguf", "-p", "x", "--temp", "-1"],
        &["run", "model.gguf", "-p", "x", "--temp", "nan"],
        &["run", "model.gguf", "-p", "x", "--top-p", "1.5"],
        &["logits", "model.gguf", "--tokens", "1", "--quantize", "iq4_nl"],
        &["quantize", "a", "b"],
        &["quantize", "a", "b", "--type", "q3_z"],
        &["inspect"],
        &["bench", "--op", "fly"],
        &["embed", "model.gguf"],
    ];
    for args in cases {
        let done = nomoat(args, "");
        assert_eq!((done.code, done.stdout.as_str()), (2, ""), "{args:?}: {}", done.stderr);
        assert!(!done.stderr.is_empty(), "{args:?}");
    }
}

/// The program with these arguments, as if nothing were known of a GPU.
fn program(args: &[&str], scratch: &Scratch) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_nomoat"));
    program.args(args).env("XDG_CACHE_HOME", scratch.path(""));
    program
}

#[test]
fn a_terminal_is_no_prompt() {
    let terminal = File::options().read(true).write(true).open("/dev/ptmx");
    let Some(terminal) = terminal.ok().filter(IsTerminal::is_terminal) else {
        println!("skipped: no terminal can be opened here");
        return;
    };
    let scratch = Scratch::new("terminal");
    let done = program(&["run"], &scratch).stdin(terminal).output().unwrap();
    let said = String::from_utf8(done.stderr).unwrap();
    assert_eq!((done.status.code(), done.stdout.len()), (Some(2), 0), "{said}");
    assert!(said.contains("-p PROMPT"), "{said}");
}

/// The end to write to of a pipe that nobody reads.
fn unread() -> PipeWriter {
    std::io::pipe().unwrap().1
}

#[test]
fn an_output_that_nobody_reads_is_a_quiet_end() {
    let scratch = Scratch::new("unread");
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("seedling/seedling.gguf");
    let story = [
        "run",
        text(&model),
        "-p",
        "Tell me a story",
        "-n",
        "8",
        "--device",
        "cpu",
    ];
    let calls: [&[&str]; 3] = [&["inspect", text(&model)], &["inspect", text(&model), "--json"], &story];
    for args in calls {
        let done = program(args, &scratch).stdout(unread()).output().unwrap();
        let said = String::from_utf8(done.stderr).unwrap();
        assert_eq!((done.status.code(), said.as_str()), (Some(0), ""), "{args:?}");
    }
}

#[test]
fn notes_and_errors_that_nobody_reads_change_no_exit_code() {
    let scratch = Scratch::new("unread");
    let missing = scratch.path("missing.gguf");
    let story = ["run", "-p", "Tell me a story", "-n", "8", "--device", "cpu"];
    let logged = [&["--log"], &story[..]].concat();
    let calls: [(&[&str], i32); 3] = [(&["inspect", text(&missing)], 1), (&story, 0), (&logged, 0)];
    for (args, code) in calls {
        for stdout in [Stdio::null(), unread().into()] {
            let status = program(args, &scratch)
                .stdin(Stdio::null())
                .stdout(stdout)
                .stderr(unread())
                .status();
            assert_eq!(status.unwrap().code(), Some(code), "{args:?}");
        }
    }
}
