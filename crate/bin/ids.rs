//! `nomoat logits`, `greedy` and `embed`: token ids in exactly as given, JSON out.

use crate::{
    args::{Embed, Greedy, Logits},
    load::{load, trace_stats},
    print_json,
    trace::Trace,
};
use nomoat::{
    Error, Result,
    engine::{Event, Request},
    text::sample::Sampling,
};
use serde::Serialize;

#[derive(Serialize)]
struct LogitsJson<'a> {
    device: &'a str,
    logits: &'a [Vec<f32>],
}

#[derive(Serialize)]
struct GreedyJson<'a> {
    device: &'a str,
    ids: &'a [u32],
}

#[derive(Serialize)]
struct EmbedJson<'a> {
    device: &'a str,
    embeddings: &'a [Vec<f32>],
}

pub(crate) fn logits(args: &Logits, trace: Trace) -> Result<()> {
    let mut model = load(&args.model, &args.load, None, trace)?;
    let logits = pollster::block_on(model.logits_from(&args.tokens, &args.decoder_tokens, args.all))?;
    trace_stats(&model.stats(), trace);
    if let Some(row) = logits.iter().position(|row| row.iter().any(|v| !v.is_finite())) {
        return Err(Error::NotFinite {
            place: format!("row {row} of the logits"),
        });
    }
    print_json(&LogitsJson {
        device: model.info().device,
        logits: &logits,
    })
}

pub(crate) fn greedy(args: &Greedy, trace: Trace) -> Result<()> {
    let mut model = load(&args.model, &args.load, None, trace)?;
    let request = Request {
        max_tokens: args.max_tokens,
        sampling: Sampling::greedy(),
        stop: Vec::new(),
        ignore_eos: args.ignore_eos,
        decoder: args.decoder_tokens.clone(),
    };
    let mut generation = model.begin(&args.tokens, request)?;
    let mut ids = Vec::new();
    let reason = loop {
        match pollster::block_on(model.next(&mut generation))? {
            Event::Prefill { .. } => {}
            Event::Token { id, .. } => ids.push(id),
            Event::End { reason, .. } => break reason,
        }
    };
    trace_stats(&model.stats(), trace);
    trace.line("end", || reason.name().into());
    print_json(&GreedyJson {
        device: model.info().device,
        ids: &ids,
    })
}

pub(crate) fn embed(args: &Embed, trace: Trace) -> Result<()> {
    let mut model = load(&args.model, &args.load, None, trace)?;
    let mut all = Vec::new();
    if !args.tokens.is_empty() {
        all.push(args.tokens.clone());
    }
    for text in &args.text {
        all.push(model.tokenizer()?.encode(text, true)?);
    }
    let mut embeddings = Vec::new();
    for ids in all {
        embeddings.push(pollster::block_on(model.embed(&ids))?);
    }
    print_json(&EmbedJson {
        device: model.info().device,
        embeddings: &embeddings,
    })
}
