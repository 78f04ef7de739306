//! Text as it comes: streams of ids against the whole decoded at once, stop strings across chunks.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::{
    disk,
    text::{folder, zoo},
};
use nomoat::text::{stop::StopMatcher, tokenizer::Tokenizer};
use std::time::Instant;

const TEXTS: [&str; 8] = [
    "Hello, world! How  are   you?",
    "今天天气很好，我们去公园吧。 今日は",
    "🚀 👨\u{200d}👩\u{200d}👧 ✅️ naïve café",
    " leading and trailing ",
    "line one\nline two\n\n\ttab",
    "السلام عليكم नमस्ते 안녕하세요",
    "def f(x):\n    return x**2 + 3.14159\n",
    "a\u{a0}b\u{2003}c 12345 don't e\u{301}",
];

/// The answer's text, streamed.
fn streamed(tokenizer: &Tokenizer, prompt: &[u32], answer: &[u32]) -> String {
    let mut stream = tokenizer.stream(prompt);
    let mut text = String::new();
    for &id in answer {
        let piece = stream.push(tokenizer, id).unwrap();
        assert!(!piece.contains('\u{fffd}'), "a split character in {piece:?}");
        text.push_str(&piece);
    }
    text.push_str(&stream.finish(tokenizer).unwrap());
    text
}

#[test]
fn a_stream_after_any_prompt_is_the_rest_of_the_whole() {
    let Some(shared) = disk::shared() else { return };
    let mut cases = 0;
    let published = [
        "gpt2",
        "llama-2",
        "falcon",
        "phi-2",
        "phi-3",
        "smollm",
        "gpt-neox-20b",
        "t5-small",
    ];
    let published = published.map(|name| (name.to_owned(), shared.join("tokenizers").join(name)));
    for (name, path) in zoo(&shared).into_iter().chain(published) {
        let tokenizer = Tokenizer::open(&folder(&path)).unwrap().unwrap();
        for text in TEXTS {
            let ids = tokenizer.encode(text, true).unwrap();
            let whole = tokenizer.decode(&ids, true).unwrap();
            if whole.contains('\u{fffd}') {
                continue; // its alphabet lacks something
            }
            for cut in 0..=ids.len() {
                let (prompt, answer) = ids.split_at(cut);
                let before = tokenizer.decode(prompt, true).unwrap();
                let rest = streamed(&tokenizer, prompt, answer);
                if before.contains('\u{fffd}') {
                    // The prompt ends inside of a character, which then shows with the answer.
                    assert!(whole.ends_with(&rest), "{name}: {text:?} cut at {cut}: {rest:?}");
                } else {
                    assert_eq!(format!("{before}{rest}"), whole, "{name}: {text:?} cut at {cut}");
                }
                cases += 1;
            }
        }
    }
    println!("{cases} cases");
    assert!(cases > 5000);
}

#[test]
fn the_first_word_has_a_space_behind_text_and_none_behind_bos() {
    let Some(shared) = disk::shared() else { return };
    let tokenizer = Tokenizer::open(&folder(&shared.join("tokenizers/llama-2")))
        .unwrap()
        .unwrap();
    let hello = tokenizer.encode("Hello", false).unwrap();
    assert_eq!(streamed(&tokenizer, &[1], &hello), "Hello");
    assert_eq!(streamed(&tokenizer, &[], &hello), "Hello");
    let mut prompt = tokenizer.encode("[INST] Hi [/INST]", true).unwrap();
    assert_eq!(streamed(&tokenizer, &prompt, &hello), " Hello");
    prompt.push(2); // behind a special token too: the whole has it
    assert_eq!(streamed(&tokenizer, &prompt, &hello), " Hello");
}

#[test]
fn bytes_that_are_no_character_are_replaced_and_lose_nothing_else() {
    let Some(shared) = disk::shared() else { return };
    let tokenizer = Tokenizer::open(&folder(&shared.join("tokenizers/llama-2")))
        .unwrap()
        .unwrap();
    let byte = |b: u32| b + 3;
    let word = *tokenizer.encode("x", false).unwrap().last().unwrap();
    let mut stream = tokenizer.stream(&[1, word]);
    let mut text = String::new();
    for id in [
        byte(0xE4),
        byte(0xBD),
        byte(0xF0),
        byte(0x9F),
        byte(0x98),
        byte(0x80),
        word,
        byte(0xE4),
    ] {
        text.push_str(&stream.push(&tokenizer, id).unwrap());
    }
    assert_eq!(
        text,
        format!("\u{fffd}😀{}", tokenizer.token(word).unwrap().replace('▁', " "))
    );
    assert_eq!(stream.finish(&tokenizer).unwrap(), "\u{fffd}");
    assert_eq!(stream.finish(&tokenizer).unwrap(), "");
}

#[test]
fn special_and_unknown_ids_are_no_text() {
    let Some(shared) = disk::shared() else { return };
    let tokenizer = Tokenizer::open(&folder(&shared.join("zoo/llama3"))).unwrap().unwrap();
    let mut stream = tokenizer.stream(&[]);
    assert_eq!(stream.push(&tokenizer, 319).unwrap(), "");
    assert_eq!(stream.push(&tokenizer, 4_000_000).unwrap(), "");
    assert_eq!(stream.push(&tokenizer, 0).unwrap(), "!");
}

#[test]
fn a_long_stream_takes_constant_time_per_token() {
    let Some(shared) = disk::shared() else { return };
    for name in ["llama-2", "gpt2"] {
        let tokenizer = Tokenizer::open(&folder(&shared.join("tokenizers").join(name)))
            .unwrap()
            .unwrap();
        let ids = tokenizer.encode(&"我 hello 🚀 ".repeat(10_000), false).unwrap();
        let start = Instant::now();
        let text = streamed(&tokenizer, &[], &ids);
        println!("{name}: {} ids in {:?}", ids.len(), start.elapsed());
        assert_eq!(text, tokenizer.decode(&ids, true).unwrap());
        assert!(start.elapsed().as_secs() < 5);
    }
}

/// Feeds `text` in chunks of `size` bytes (at characters) and gives what was shown and whether it stopped.
fn matched(stops: &[&str], text: &str, size: usize) -> (String, bool) {
    let mut matcher = StopMatcher::new(stops.iter().map(|s| (*s).to_owned()).collect());
    let (mut shown, mut chunk) = (String::new(), String::new());
    for c in text.chars() {
        chunk.push(c);
        if chunk.len() >= size {
            let (text, stopped) = matcher.push(&chunk);
            shown.push_str(&text);
            if stopped {
                return (shown, true);
            }
            chunk.clear();
        }
    }
    let (text, stopped) = matcher.push(&chunk);
    shown.push_str(&text);
    shown.push_str(&matcher.finish());
    (shown, stopped)
}

#[test]
fn a_stop_string_never_shows_however_the_text_is_cut() {
    for (stops, text, shown, stopped) in [
        (&["</s>"][..], "Hello</s> world", "Hello", true),
        (&["</s>"][..], "Hello</b> </s", "Hello</b> </s", false),
        (&["\n\n", "User:"][..], "one\ntwo\nUser: three", "one\ntwo\n", true),
        (&["aab"][..], "aaaab", "aa", true),
        (&["abcabd"][..], "abcabcabd!", "abc", true),
        (&["好吧"][..], "天气很好，好吧。", "天气很好，", true),
        (&["abcd", "bc"][..], "xabcd", "xa", true),
        (&["abc", "bx"][..], "abx", "a", true),
        (&[""][..], "all of it", "all of it", false),
        (&[][..], "all of it", "all of it", false),
        (&["x"][..], "x", "", true),
        (&["🚀🚀"][..], "go 🚀 🚀🚀", "go 🚀 ", true),
    ] {
        for size in 1..=text.len() {
            assert_eq!(
                matched(stops, text, size),
                (shown.to_owned(), stopped),
                "{stops:?} in {text:?} by {size}"
            );
        }
    }
}

#[test]
fn only_what_may_become_a_stop_string_is_held_back() {
    let mut matcher = StopMatcher::new(vec!["<|end|>".into()]);
    assert_eq!(matcher.push("a <"), ("a ".into(), false));
    assert_eq!(matcher.push("b"), ("<b".into(), false));
    assert_eq!(matcher.push("<|en"), (String::new(), false));
    assert_eq!(matcher.finish(), "<|en");
    assert_eq!(matcher.push("<|end|>tail"), (String::new(), true));
    assert_eq!(matcher.push("more"), (String::new(), true));
    assert_eq!(matcher.finish(), "");
}
