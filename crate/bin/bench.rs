//! `nomoat bench`: times of operators and models beside what the device can do at best.

use crate::{
    args::Bench as Args,
    load::{load, trace_stats},
    print, print_json,
    trace::{Trace, clock},
};
use nomoat::{
    Result,
    dev::{Bench, Roofline, Row, operators, traffic},
    engine::{Event, Model, Request, Stats},
    text::sample::Sampling,
};
use serde_json::json;
use std::path::Path;

/// Tokens of the prompt, where the context has room.
const PROMPT: usize = 128;
/// Tokens that are made after it.
const TOKENS: usize = 64;

/// Times what the flags ask for; also answers the file that an error is about.
pub(crate) fn bench(args: &Args, trace: Trace) -> (Option<&Path>, Result<()>) {
    let roofline = match rows(args, trace) {
        Ok(roofline) => roofline,
        Err(error) => return (None, Err(error)),
    };
    for path in &args.models {
        if let Err(error) = model(path, args, &roofline, trace) {
            return (Some(path), Err(error));
        }
    }
    (None, Ok(()))
}

/// Measures the device and the operators. The device is given back: a model opens its own.
fn rows(args: &Args, trace: Trace) -> Result<Roofline> {
    let start = clock();
    let mut bench = pollster::block_on(Bench::open(&args.load.options()?, clock))?;
    trace.line("device", || format!("measured in {:.1} ms", clock() - start));
    let roofline = bench.roofline().clone();
    header(&roofline, args.json)?;
    let names: Vec<_> = match args.op {
        Some(name) => vec![name],
        None if args.models.is_empty() => operators().collect(),
        None => vec![],
    };
    if !names.is_empty() && !args.json {
        print(&format!(
            "\n{:<13} {:<28} {:>10} {:>9} {:>9} {:>9}\n",
            "operator", "case", "ms", "GB/s", "GFLOP/s", "roofline"
        ))?;
    }
    for name in names {
        pollster::block_on(bench.operator(name, &mut |row| operator(&row, &roofline, args.json)))?;
    }
    Ok(roofline)
}

fn header(roofline: &Roofline, as_json: bool) -> Result<()> {
    let Roofline { device, adapter, .. } = roofline;
    let (gbps, gflops) = (roofline.read / 1e6, roofline.flops / 1e6);
    if as_json {
        return print_json(&json!({
            "kind": "device",
            "device": device,
            "adapter": adapter,
            "software": roofline.software,
            "readGBps": gbps,
            "fmaGflops": gflops,
            "dispatchMs": roofline.dispatch,
            "readBackMs": roofline.read_back,
        }));
    }
    let adapter = match (adapter.as_str(), roofline.software) {
        ("", _) => String::new(),
        (name, true) => format!(" (software: {name})"),
        (name, false) => format!(" ({name})"),
    };
    print(&format!("device    {device}{adapter}\n"))?;
    print(&format!("roofline  read {gbps:.1} GB/s, f32 {gflops:.1} GFLOP/s"))?;
    if roofline.dispatch > 0.0 {
        let (dispatch, read_back) = (1e3 * roofline.dispatch, 1e3 * roofline.read_back);
        print(&format!("; a dispatch {dispatch:.2} us, a read-back {read_back:.0} us"))?;
    }
    print("\n")
}

fn operator(row: &Row, roofline: &Roofline, as_json: bool) -> Result<()> {
    let Row { op, case, ms, .. } = row;
    let (gbps, gflops) = (row.bytes as f64 / ms / 1e6, row.flops as f64 / ms / 1e6);
    let share = roofline.least(row.bytes, row.flops) / ms;
    if as_json {
        return print_json(&json!({
            "kind": "operator",
            "device": roofline.device,
            "op": op,
            "case": case,
            "ms": ms,
            "bytes": row.bytes,
            "flops": row.flops,
            "GBps": gbps,
            "gflops": gflops,
            "roofline": share,
            "dispatches": row.dispatches,
        }));
    }
    let share = 100.0 * share;
    print(&format!(
        "{op:<13} {case:<28} {ms:>10.4} {gbps:>9.2} {gflops:>9.2} {share:>7.1} %\n"
    ))
}

fn model(path: &Path, args: &Args, roofline: &Roofline, trace: Trace) -> Result<()> {
    let start = clock();
    let mut model = load(path, &args.load, None, trace)?;
    let load_ms = clock() - start;
    // Each prompt begins with another id, so that nothing of the first, which warms up, is used again.
    generate(&mut model, 0)?;
    generate(&mut model, 1)?;
    let (stats, info, traffic) = (model.stats(), model.info(), traffic(&model)?);
    trace_stats(&stats, trace);
    let Stats {
        prefill_tps,
        decode_tps,
        ..
    } = stats;
    let load_mbps = traffic.file_bytes as f64 / load_ms / 1e3;
    let gbps = traffic.decode_bytes as f64 * decode_tps / 1e9;
    let share = roofline.least(traffic.decode_bytes, 0) * decode_tps / 1e3;
    let prefill_share = roofline.least(0, traffic.prefill_flops) * prefill_tps / 1e3;
    if args.json {
        return print_json(&json!({
            "kind": "model",
            "device": info.device,
            "model": path.display().to_string(),
            "name": info.name,
            "formats": info.formats,
            "loadMs": load_ms,
            "loadMBps": load_mbps,
            "promptTokens": stats.prompt_tokens,
            "generatedTokens": stats.generated_tokens,
            "prefillTps": prefill_tps,
            "decodeTps": decode_tps,
            "weightBytesPerToken": traffic.decode_bytes,
            "GBps": gbps,
            "roofline": share,
            "prefillRoofline": prefill_share,
            "dispatchesPerToken": stats.dispatches_per_token,
            "submissionsPerToken": stats.submissions_per_token,
        }));
    }
    let (prompt, made) = (stats.prompt_tokens, stats.generated_tokens);
    let (share, prefill_share) = (100.0 * share, 100.0 * prefill_share);
    print(&format!(
        "\nmodel     {} ({}) on the {}\n",
        path.display(),
        info.formats.join(" "),
        info.device
    ))?;
    print(&format!("load      {load_ms:.0} ms, {load_mbps:.1} MB/s\n"))?;
    print(&format!(
        "prefill   {prefill_tps:.1} tokens/s over {prompt} tokens, {prefill_share:.1} % of the roofline\n"
    ))?;
    print(&format!(
        "decode    {decode_tps:.1} tokens/s over {made} tokens, {gbps:.2} GB/s of weights, {share:.1} % of the roofline\n"
    ))?;
    print(&format!(
        "a token   {:.1} dispatches, {:.2} submissions\n",
        stats.dispatches_per_token, stats.submissions_per_token
    ))
}

/// Continues a prompt of ids that begins with `first`.
fn generate(model: &mut Model, first: u32) -> Result<()> {
    let (context, vocabulary) = (model.info().context, model.info().vocabulary);
    let ids: Vec<u32> = (first..)
        .step_by(37)
        .map(|id| id % u32::try_from(vocabulary).unwrap_or(u32::MAX).max(1))
        .take(PROMPT.min(context.div_ceil(2)))
        .collect();
    let request = Request {
        max_tokens: TOKENS.min(context - ids.len()),
        sampling: Sampling::greedy(),
        stop: Vec::new(),
        ignore_eos: true,
        decoder: Vec::new(),
    };
    let mut generation = model.begin(&ids, request)?;
    while !matches!(pollster::block_on(model.next(&mut generation))?, Event::End { .. }) {}
    Ok(())
}
