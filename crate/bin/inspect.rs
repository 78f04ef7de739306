//! `nomoat inspect`: what a model file holds, what it states about itself, and what memory it needs.

use crate::{args::Inspect, facts::Facts, load::open, print, print_json, trace::Trace};
use nomoat::{
    Result,
    engine::{
        Caps,
        fit::{Against, Fit, fit, size},
    },
    format::{Checkpoint, Container},
    model::export,
    quant,
};
use serde::Serialize;
use serde_json::{Value as Json, json};
use std::fmt::Write;

/// The most weights that fit into the memory of a page without a GPU.
const PAGE_MEMORY: u64 = 3 << 30;

/// A block format's share of the file.
#[derive(Serialize)]
struct Share {
    format: String,
    tensors: usize,
    bytes: u64,
    share: f64,
}

/// What `inspect` answers.
struct Report {
    facts: Facts,
    container: &'static str,
    files: usize,
    tensors: usize,
    parameters: u64,
    bytes: u64,
    shares: Vec<Share>,
    context: u64,
    weights_gpu: u64,
    kv: Option<u64>,
    fit: Fit,
    obstacles: Vec<String>,
    notes: Vec<String>,
}

pub(crate) fn inspect(args: &Inspect, trace: Trace) -> Result<()> {
    let checkpoint = open(&args.model, trace)?;
    let facts = Facts::of(&checkpoint);
    let report = report(&checkpoint, facts, args);
    if args.json {
        print_json(&as_json(&report))
    } else {
        print(&as_text(&report))
    }
}

fn report(checkpoint: &Checkpoint, facts: Facts, args: &Inspect) -> Report {
    let mut shares: Vec<Share> = Vec::new();
    let stored = checkpoint.tensors.values().map(|e| (e.format.name, e.bytes));
    let unread = || checkpoint.skipped.iter().filter(|(_, s)| s.weight);
    for (name, bytes) in stored.chain(unread().map(|(_, s)| (s.kind.as_str(), s.bytes))) {
        let at = shares.iter().position(|s| s.format == name).unwrap_or_else(|| {
            shares.push(Share {
                format: name.into(),
                tensors: 0,
                bytes: 0,
                share: 0.0,
            });
            shares.len() - 1
        });
        shares[at].tensors += 1;
        shares[at].bytes += bytes;
    }
    let bytes: u64 = shares.iter().map(|s| s.bytes).sum();
    for share in &mut shares {
        share.share = share.bytes as f64 / bytes.max(1) as f64;
    }
    shares.sort_by_key(|s| std::cmp::Reverse(s.bytes));
    let gpu = |e: &nomoat::format::Entry| {
        (e.shape.rows() as u64).saturating_mul(e.format.row_bytes_gpu(e.shape.width()) as u64)
    };
    let context = args.context.map_or_else(
        || facts.dims.context.unwrap_or(4096).min(4096),
        |context| context as u64,
    );
    let adapter = Caps::least();
    let binding = args.max_binding.unwrap_or(adapter.max_binding);
    let against = Against {
        adapter: Some(adapter),
        context: args.context,
        max_binding: args.max_binding,
        ..Against::default()
    };
    let fit = fit(checkpoint, &against);
    let (mut obstacles, mut notes) = (Vec::new(), Vec::new());
    let mut kinds: Vec<(&str, Vec<&str>)> = Vec::new();
    for (name, skipped) in unread() {
        match kinds.iter_mut().find(|(kind, _)| *kind == skipped.kind) {
            Some((_, names)) => names.push(name),
            None => kinds.push((&skipped.kind, vec![name])),
        }
    }
    match export::supported(checkpoint) {
        // Said below of all such tensors.
        Err(error) if error.code() == "unsupported-format" && !kinds.is_empty() => {}
        Err(error) => obstacles.push(error.to_string()),
        Ok(()) => {}
    }
    for (kind, names) in &kinds {
        obstacles.push(format!(
            "format {kind} is not supported: {} tensors, {} first (supported: {})",
            names.len(),
            names.first().copied().unwrap_or_default(),
            quant::names()
        ));
    }
    for entry in checkpoint.tensors.values() {
        let row = entry.format.row_bytes_gpu(entry.shape.width()) as u64;
        if row > binding {
            obstacles.push(format!(
                "{}: one row takes {}, more than a GPU binding of {}",
                entry.name,
                size(row),
                size(binding)
            ));
        } else if gpu(entry) > binding {
            notes.push(format!(
                "{}: {} on the GPU, more than a binding of {}: split by rows",
                entry.name,
                size(gpu(entry)),
                size(binding)
            ));
        }
    }
    for (name, stored) in checkpoint.skipped.iter().filter(|(_, s)| !s.weight) {
        notes.push(format!("{name}: stored as {stored}, which is no weight"));
    }
    if let Some(trained) = facts.dims.context
        && context > trained
    {
        notes.push(format!(
            "a context of {context} is longer than the {trained} the model was made for"
        ));
    }
    for reason in &fit.reasons {
        if ["context", "cache-too-big"].contains(&reason.code) {
            notes.push(format!("on the least GPU that a browser may have, {}", reason.message));
        }
    }
    if bytes > PAGE_MEMORY {
        notes.push(format!(
            "in a page without a GPU it does not fit: {} of weights, more than {}",
            size(bytes),
            size(PAGE_MEMORY)
        ));
    }
    Report {
        container: match checkpoint.container {
            Container::Gguf => "GGUF",
            Container::Safetensors => "safetensors",
        },
        files: checkpoint.files.len(),
        tensors: checkpoint.tensors.len() + unread().count(),
        parameters: checkpoint.tensors.values().map(|e| e.shape.count() as u64).sum::<u64>()
            + unread().map(|(_, s)| s.dims.iter().product::<u64>()).sum::<u64>(),
        bytes,
        shares,
        context,
        fit,
        // Of a format that is not known yet: what it takes in the file.
        weights_gpu: checkpoint.tensors.values().map(gpu).sum::<u64>() + unread().map(|(_, s)| s.bytes).sum::<u64>(),
        // Two bytes a value, as a GPU keeps it by default.
        kv: facts
            .dims
            .kv_values
            .and_then(|v| v.checked_mul(context)?.checked_mul(2)),
        facts,
        obstacles,
        notes,
    }
}

fn as_json(report: &Report) -> Json {
    let Report { facts, .. } = report;
    let dims = &facts.dims;
    let card = &facts.card;
    let stated = |list: Vec<(&str, String)>| -> Json {
        list.into_iter()
            .map(|(k, v)| json!({ "what": k, "stated": v }))
            .collect()
    };
    let needs = report.fit.needs;
    json!({
        "family": facts.family,
        "name": card.name,
        "container": report.container,
        "files": report.files,
        "tensors": report.tensors,
        "parameters": report.parameters,
        "bytes": report.bytes,
        "formats": report.shares,
        "layers": dims.layers,
        "width": dims.width,
        "heads": dims.heads,
        "vocabulary": dims.vocabulary,
        "contextLength": dims.context,
        "tokenizer": facts.tokenizer,
        "chatTemplate": facts.chat,
        "promptFormat": facts.template,
        "licence": card.licence,
        "licenceDetails": stated(card.licence_details()),
        "lineage": stated(card.lineage()),
        "card": card,
        "memory": {
            "contextLength": needs.map_or(report.context, |_| report.fit.context_length as u64),
            "weights": needs.map_or(report.weights_gpu, |n| n.weights),
            "kv": needs.map(|n| n.kv).or(report.kv),
            "scratch": needs.map(|n| n.scratch),
            "total": needs.map(|n| n.total).or_else(|| report.kv?.checked_add(report.weights_gpu)),
            "peak": needs.map(|n| n.peak),
        },
        "supported": report.obstacles.is_empty(),
        "obstacles": report.obstacles,
        "notes": report.notes,
    })
}

fn as_text(report: &Report) -> String {
    let Report { facts, .. } = report;
    let dims = &facts.dims;
    let mut out = String::new();
    // Writing to a String cannot fail.
    let mut line = |what: &str, words: String| {
        let _ = writeln!(out, "{what:<14} {words}");
    };
    let or_not_stated = |value: Option<String>| value.unwrap_or_else(|| "not stated".into());
    let number = |value: Option<u64>| or_not_stated(value.map(|n| n.to_string()));
    line("family", or_not_stated(facts.family.clone()));
    line("name", or_not_stated(facts.card.name.clone()));
    line(
        "parameters",
        format!("{} ({})", report.parameters, short(report.parameters)),
    );
    let files = if report.files == 1 {
        "1 file".into()
    } else {
        format!("{} files", report.files)
    };
    line(
        "weights",
        format!(
            "{} in {} tensors, {}, {files}",
            size(report.bytes),
            report.tensors,
            report.container
        ),
    );
    for share in &report.shares {
        let Share {
            format,
            tensors,
            bytes,
            share,
        } = share;
        line(
            "  format",
            format!(
                "{format:<6} {:>5.1} %  {}, {tensors} tensors",
                share * 100.0,
                size(*bytes)
            ),
        );
    }
    line("layers", number(dims.layers));
    line("width", number(dims.width));
    line("heads", number(dims.heads));
    line("vocabulary", number(dims.vocabulary));
    line("context", number(dims.context));
    line("tokenizer", facts.tokenizer.clone().unwrap_or_else(|| "none".into()));
    line(
        "chat template",
        match &facts.template {
            Some(origin) if origin.chosen => {
                format!(
                    "none; the prompt format {} is used, because {}",
                    origin.name, origin.reason
                )
            }
            _ => if facts.chat { "yes" } else { "no" }.into(),
        },
    );
    line("licence", or_not_stated(facts.card.licence.clone()));
    let lineage = facts.card.lineage();
    let none = lineage.is_empty();
    for (what, words) in facts.card.licence_details().into_iter().chain(lineage) {
        line(what, words);
    }
    if none {
        line("lineage", "not stated".into());
    }
    let weights = report.weights_gpu;
    let memory = match (report.fit.needs, report.kv) {
        (Some(needs), _) => format!(
            "{} on a GPU at a context of {}: {} of weights, {} of keys and values (f16), {} to compute, up to {} more to \
             read prompts",
            size(needs.total),
            report.fit.context_length,
            size(needs.weights),
            size(needs.kv),
            size(needs.scratch),
            size(needs.peak - needs.total)
        ),
        (None, Some(kv)) => format!(
            "{} at a context of {}: {} of weights, {} of keys and values (f16)",
            size(weights.saturating_add(kv)),
            report.context,
            size(weights),
            size(kv)
        ),
        (None, None) => format!("{} of weights; the cache cannot be told", size(weights)),
    };
    line("memory", memory);
    for note in &report.notes {
        line("note", note.clone());
    }
    for obstacle in &report.obstacles {
        line("will not run", obstacle.clone());
    }
    if report.obstacles.is_empty() {
        line("runs", "yes".into());
    }
    out
}

/// A count for people: 656K, 7.2B.
fn short(count: u64) -> String {
    let units = [(1e9, "B"), (1e6, "M"), (1e3, "K")];
    let value = count as f64;
    match units.into_iter().find(|(unit, _)| value >= *unit) {
        Some((unit, name)) if value / unit < 10.0 => format!("{:.1}{name}", value / unit),
        Some((unit, name)) => format!("{:.0}{name}", value / unit),
        None => count.to_string(),
    }
}
