//! `nomoat tokenize` and `template`: text to ids and back, conversations to prompts, without loading weights.

use crate::{
    args::{Template, Tokenize},
    files::failed,
    load::{open, stdin},
    print, print_json, say,
    trace::Trace,
};
use nomoat::{
    Error, Result,
    text::{chat, chat::Message, formats, tokenizer::Tokenizer},
};
use serde_json::Value;
use std::io::IsTerminal;

pub(crate) fn tokenize(args: &Tokenize, trace: Trace) -> Result<()> {
    let checkpoint = open(&args.model, trace)?;
    let tokenizer = Tokenizer::open(&checkpoint)?.ok_or_else(|| Error::Invalid {
        field: "tokenizer".into(),
        expected: "a model with a tokenizer in or beside its file".into(),
        found: "none".into(),
    })?;
    let input = stdin()?;
    if args.decode {
        print(&tokenizer.decode(&parse_ids(&input)?, !args.special)?)
    } else {
        print_json(&tokenizer.encode(&input, args.special)?)
    }
}

pub(crate) fn template(args: &Template, trace: Trace) -> Result<()> {
    let checkpoint = open(&args.model, trace)?;
    let tokenizer = Tokenizer::open(&checkpoint)?;
    let asked = crate::run::template_of(args.template.as_deref())?;
    let template = chat::Template::choose(&checkpoint, tokenizer.as_ref(), asked.as_deref())?;
    let template = template.ok_or_else(|| Error::Invalid {
        field: "chat template".into(),
        expected: format!(
            "a model with a chat template, or --template with one of {}",
            formats::names()
        ),
        found: "none (a base model: use `nomoat run --raw`)".into(),
    })?;
    let origin = template.origin();
    if origin.chosen {
        say(&format!(
            "note: the prompt format {}, because {}",
            origin.name, origin.reason
        ));
    }
    let template = template.at(crate::run::now());
    print(&template.render(&messages(args)?, !args.no_generation_prompt)?)
}

/// Ids with anything but digits between them, so that a JSON array and a plain list are both read.
fn parse_ids(text: &str) -> Result<Vec<u32>> {
    text.trim()
        .trim_start_matches('[')
        .trim_end_matches(']')
        .split(|c: char| c == ',' || c.is_whitespace())
        .filter(|part| !part.is_empty())
        .map(|part| {
            part.parse().map_err(|_| Error::Invalid {
                field: "standard input".into(),
                expected: "token ids: a JSON array or a list of numbers".into(),
                found: format!("{part:?}"),
            })
        })
        .collect()
}

/// The conversation of the file, of standard input, or a greeting where both are absent.
fn messages(args: &Template) -> Result<Vec<Message>> {
    let (from, text) = match &args.messages {
        Some(path) => {
            let name = path.display().to_string();
            let text = std::fs::read_to_string(path).map_err(|e| failed(&name, &e))?;
            (name, text)
        }
        None if std::io::stdin().is_terminal() => (String::new(), String::new()),
        None => ("standard input".into(), stdin()?),
    };
    if args.messages.is_none() && text.trim().is_empty() {
        let greeting = [("role", "user"), ("content", "Hello")].map(|(k, v)| (k.to_owned(), Value::from(v)));
        return Ok(vec![Message::from_iter(greeting)]);
    }
    let bad = |found: String| {
        let expected = "a JSON array of objects with \"role\" and \"content\"";
        Error::bad(&from, "messages", expected, found)
    };
    let value: Value = serde_json::from_str(&text).map_err(|e| bad(e.to_string()))?;
    let list = match value {
        Value::Array(list) => list,
        Value::Object(mut object) => match object.remove("messages") {
            Some(Value::Array(list)) => list,
            _ => return Err(bad("an object without an array \"messages\"".into())),
        },
        other => return Err(bad(other.to_string())),
    };
    list.into_iter()
        .map(|message| match message {
            Value::Object(message) => Ok(message),
            other => Err(bad(other.to_string())),
        })
        .collect()
}
