//! `nomoat run`: a prompt in, the model's text out as it is made.

use crate::{
    args::{Cli, Run},
    files::failed,
    load::{Source, stdin, trace_stats},
    print, say,
    trace::Trace,
};
use clap::{CommandFactory, error::ErrorKind};
use nomoat::{
    Result,
    engine::{Event, Finish, Model, Request},
    text::{chat::Message, formats},
};
use std::{
    io::IsTerminal,
    time::{SystemTime, UNIX_EPOCH},
};

pub(crate) fn run(args: &Run, trace: Trace) -> Result<()> {
    let prompt = prompt(args)?;
    let template = template_of(args.template.as_deref())?;
    if args.model.is_none() {
        say("note: this is Seedling, a very small model that tells stories: name another for anything else");
    }
    let source = Source::new(args.model.as_deref(), &args.load, template, trace)?;
    let mut model = source.load()?;
    if args.tune {
        source.tune(&mut model)?;
    }
    model.set_date(now());
    model.notes().iter().for_each(|note| say(&format!("note: {note}")));
    if let Some(origin) = model
        .info()
        .template
        .as_ref()
        .filter(|origin| origin.chosen && !args.raw)
    {
        say(&format!(
            "note: the files carry no chat template: the prompt format {} is used, because {}; --template names another, \
             --raw takes none",
            origin.name, origin.reason
        ));
    }
    let ids = encode(&model, &prompt, args.raw)?;
    trace.line("prompt", || format!("{} tokens", ids.len()));
    let mut sampling = args.sampling(model.sampling());
    sampling.seed = args.seed.unwrap_or_else(seed);
    trace.line("sampling", || format!("{sampling:?}"));
    let request = Request {
        // Without a number, the context is the end.
        max_tokens: args.max_tokens.unwrap_or(usize::MAX),
        sampling,
        stop: Vec::new(),
        ignore_eos: false,
        decoder: Vec::new(),
    };
    let reason = write(&mut model, &source, &ids, request)?;
    trace_stats(&model.stats(), trace);
    trace.line("end", || reason.name().into());
    if reason == Finish::Context {
        say(&format!("note: the context of {} tokens is full", model.info().context));
    }
    Ok(())
}

/// The prompt of the flag, else standard input without its last line end.
fn prompt(args: &Run) -> Result<String> {
    if let Some(prompt) = &args.prompt {
        return Ok(prompt.clone());
    }
    if std::io::stdin().is_terminal() {
        let missing = "there is no prompt: give -p PROMPT, or a text on standard input";
        Cli::command().error(ErrorKind::MissingRequiredArgument, missing).exit();
    }
    let mut text = stdin()?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}

/// What `--template` says: the text of a file where there is one of this name and no prompt format.
pub(crate) fn template_of(named: Option<&str>) -> Result<Option<String>> {
    let Some(name) = named else { return Ok(None) };
    if formats::names().split(", ").any(|known| known == name) || !std::path::Path::new(name).is_file() {
        return Ok(Some(name.to_owned()));
    }
    let text = std::fs::read_to_string(name).map_err(|e| failed(name, &e))?;
    Ok(Some(text))
}

/// The ids to go on from: the conversation as the template has it, or the text itself for a base model.
fn encode(model: &Model, prompt: &str, raw: bool) -> Result<Vec<u32>> {
    if raw || model.template().is_none() {
        return model.prompt(prompt);
    }
    let mut message = Message::new();
    message.insert("role".into(), "user".into());
    message.insert("content".into(), prompt.into());
    model.conversation(&[message])
}

/// Times that a lost device is followed by another one in an answer.
const TRIES: usize = 3;

fn write(model: &mut Model, source: &Source, ids: &[u32], request: Request) -> Result<Finish> {
    let mut generation = model.begin(ids, request)?;
    let mut lost = 0;
    loop {
        let mut event = pollster::block_on(model.next(&mut generation));
        while let Err(error) = &event
            && error.code() == "device-lost"
            && lost < TRIES
        {
            lost += 1;
            say(&format!("note: {error}: the answer goes on, on a device opened anew"));
            event = match source.revive(model) {
                Ok(()) => pollster::block_on(model.next(&mut generation)),
                Err(error) => Err(error),
            };
        }
        match event? {
            Event::Prefill { .. } => {}
            Event::Token { text, .. } if text.is_empty() => {}
            Event::Token { text, .. } => print(&text)?,
            Event::End { reason, text } => {
                print(&text)?;
                print("\n")?;
                return Ok(reason);
            }
        }
    }
}

/// Seconds since 1970: the date that chat templates write.
pub(crate) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}

/// A seed from the time, for runs that ask for none.
fn seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.as_secs()
        .wrapping_mul(1_000_000_007)
        .wrapping_add(u64::from(now.subsec_nanos()))
}
