//! The native program: run, logits, greedy, tokenize, template, inspect, quantize, bench, devices (`CONTRACT.md`, 2).

mod args;
mod bench;
mod devices;
mod embedded;
mod facts;
mod files;
mod ids;
mod inspect;
mod kept;
mod load;
mod quantize;
mod run;
mod text;
mod trace;

use args::{Cli, Command};
use clap::Parser;
use nomoat::{Error, Result, error::Read};
use std::{
    io::{self, Write},
    path::Path,
    process::ExitCode,
};
use trace::Trace;

fn main() -> ExitCode {
    trace::clock();
    let mut cli = Cli::parse();
    let trace = Trace { on: cli.log };
    trace.line("program", || {
        let (version, os, arch) = (env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH);
        format!("nomoat {version} on {os} {arch}")
    });
    if let Command::Bench(bench) = &mut cli.command {
        // What is measured first is what one can do.
        bench.load.threads.get_or_insert(1);
    }
    let (subject, result) = dispatch(&cli.command, trace);
    match result {
        // Stopped, by whoever has read enough of the output.
        Ok(()) | Err(Error::Aborted) => ExitCode::SUCCESS,
        Err(error) => {
            trace.line("error", || error.code().into());
            say(&format!("error: {}", one_line(subject, &error)));
            ExitCode::FAILURE
        }
    }
}

/// Does what the command says; also answers the file that an error is about.
fn dispatch(command: &Command, trace: Trace) -> (Option<&Path>, Result<()>) {
    match command {
        Command::Run(args) => (args.model.as_deref(), run::run(args, trace)),
        Command::Logits(args) => (Some(&args.model), ids::logits(args, trace)),
        Command::Greedy(args) => (Some(&args.model), ids::greedy(args, trace)),
        Command::Tokenize(args) => (Some(&args.model), text::tokenize(args, trace)),
        Command::Template(args) => (Some(&args.model), text::template(args, trace)),
        Command::Embed(args) => (Some(&args.model), ids::embed(args, trace)),
        Command::Inspect(args) => (Some(&args.model), inspect::inspect(args, trace)),
        Command::Quantize(args) => (Some(&args.input), quantize::quantize(args, trace)),
        Command::Bench(args) => bench::bench(args, trace),
        Command::Devices => (None, devices::devices()),
    }
}

/// The message in one line, with the file in front where the error itself names none.
fn one_line(subject: Option<&Path>, error: &Error) -> String {
    let text = error.to_string();
    let names_file = matches!(
        error,
        Error::BadFile { .. } | Error::Unsupported { .. } | Error::Read { .. }
    );
    let text = match subject {
        Some(file) if !names_file => format!("{}: {text}", file.display()),
        _ => text,
    };
    text.split('\n')
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .collect::<Vec<_>>()
        .join("; ")
}

/// Writes a result to standard output, at once. [`Error::Aborted`] if nobody reads it any more.
fn print(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|e| match e.kind() {
            io::ErrorKind::BrokenPipe => Error::Aborted,
            _ => Error::Read {
                kind: Read::Io,
                from: "standard output".into(),
                cause: e.to_string(),
            },
        })
}

/// Writes a line to standard error, if anybody reads it.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Writes a result as one line of JSON.
fn print_json(value: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string(value).map_err(|e| Error::internal(format!("a result as JSON: {e}")))?;
    print(&format!("{text}\n"))
}
