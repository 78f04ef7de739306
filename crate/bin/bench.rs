//! `nomoat bench`: times of operators and models beside what the device can do at best.

mod compare;

use crate::{
    args::Bench as Args,
    load::{load, trace_stats},
    print, print_json,
    trace::{Trace, clock},
};
use nomoat::{
    Result,
    dev::{Bench, Kernel, Roofline, Row, Traffic, dequant_ms, kernels, operators, traffic},
    engine::{Event, Model, Request, Stats},
    text::sample::Sampling,
};
use serde_json::{Map, Value, json};
use std::path::Path;

/// Tokens that are made after a prompt.
const TOKENS: usize = 64;

/// Times what the flags ask for; also answers the file that an error is about.
pub(crate) fn bench(args: &Args, trace: Trace) -> (Option<&Path>, Result<()>) {
    if let [before, after, ..] = &*args.compare {
        return compare::compare(before, after);
    }
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
    let (info, traffic) = (model.info().clone(), traffic(&model)?);
    let dequant_ms = pollster::block_on(dequant_ms(&model, clock))?;
    let load_mbps = traffic.file_bytes as f64 / load_ms / 1e3;
    if !args.json {
        print(&format!(
            "\nmodel     {} ({}) on the {}\n",
            path.display(),
            info.formats.join(" "),
            info.device
        ))?;
        print(&format!("load      {load_ms:.0} ms, {load_mbps:.1} MB/s\n"))?;
    }
    // Each prompt begins with another id, so that nothing is used again; the first of each length warms up.
    let lengths = lengths(&args.prompts, info.context);
    generate(&mut model, 1, lengths[0], TOKENS)?;
    for (length, first) in lengths.into_iter().zip((2..).step_by(2)) {
        generate(&mut model, first, length, 1)?;
        generate(&mut model, first + 1, length, TOKENS)?;
        let stats = model.stats();
        trace_stats(&stats, trace);
        let made = pollster::block_on(kernels(&mut model, 1))?;
        let run = Run {
            stats,
            traffic,
            dequant_ms,
            kernel_ms: Some(sum(&made)).filter(|ms| *ms > 0.0),
        };
        if args.json {
            let mut row = run.json(roofline);
            let known = [
                ("kind", json!("model")),
                ("device", json!(info.device)),
                ("model", json!(path.display().to_string())),
                ("name", json!(info.name)),
                ("formats", json!(info.formats)),
                ("loadMs", json!(load_ms)),
                ("loadMBps", json!(load_mbps)),
            ];
            row.extend(known.map(|(key, value)| (key.to_owned(), value)));
            if args.kernels {
                let read = pollster::block_on(kernels(&mut model, length))?;
                row.insert("decodeKernels".into(), list(&made));
                row.insert("prefillKernels".into(), list(&read));
            }
            print_json(&Value::from(row))?;
        } else {
            run.print(roofline)?;
            if args.kernels {
                table("a token", &made)?;
                table(
                    "a step of the prompt",
                    &pollster::block_on(kernels(&mut model, length))?,
                )?;
            }
        }
    }
    Ok(())
}

/// The lengths of prompts that leave room for an answer; half the context if none does.
fn lengths(asked: &[usize], context: usize) -> Vec<usize> {
    let mut fit: Vec<usize> = asked
        .iter()
        .copied()
        .filter(|n| n.saturating_add(TOKENS) <= context)
        .collect();
    if fit.is_empty() {
        fit.push(context.div_ceil(2));
    }
    fit
}

fn sum(kernels: &[Kernel]) -> f64 {
    kernels.iter().map(|kernel| kernel.ms).sum()
}

fn list(kernels: &[Kernel]) -> Value {
    let row = |k: &Kernel| json!({"name": k.name, "dispatches": k.dispatches, "ms": k.ms});
    kernels.iter().map(row).collect()
}

fn table(step: &str, kernels: &[Kernel]) -> Result<()> {
    if kernels.is_empty() {
        return print(&format!("{step}: there is no clock that tells its kernels apart\n"));
    }
    let all = sum(kernels).max(f64::MIN_POSITIVE);
    print(&format!(
        "\n{step:<40} {:>10} {:>10} {:>7}\n",
        "dispatches", "ms", "share"
    ))?;
    for Kernel { name, dispatches, ms } in kernels {
        print(&format!(
            "{name:<40} {dispatches:>10} {ms:>10.4} {:>6.1}%\n",
            100.0 * ms / all
        ))?;
    }
    Ok(())
}

/// A prompt with its answer.
struct Run {
    stats: Stats,
    traffic: Traffic,
    /// The least milliseconds in which the weights of a token are dequantised and multiplied, on a GPU.
    dequant_ms: Option<f64>,
    /// Milliseconds of all kernels of a token, where the GPU has a clock.
    kernel_ms: Option<f64>,
}

impl Run {
    /// Bytes that a token reads: weights, and keys and values behind half the answer.
    fn bytes(&self) -> u64 {
        let cached = self.stats.prompt_tokens + self.stats.generated_tokens / 2;
        self.traffic.decode_bytes + self.traffic.cached_bytes * cached as u64
    }

    /// Shares of what the device can do at best: of decoding, of the prompt.
    fn shares(&self, roofline: &Roofline) -> [f64; 2] {
        [
            roofline.least(self.bytes(), 0) * self.stats.decode_tps / 1e3,
            roofline.least(0, self.traffic.prefill_flops) * self.stats.prefill_tps / 1e3,
        ]
    }

    /// What share of the best the kernels reach while they run, and how much of the time they run.
    fn etas(&self, roofline: &Roofline) -> Option<[f64; 2]> {
        let ms = self.kernel_ms?;
        Some([roofline.least(self.bytes(), 0) / ms, ms * self.stats.decode_tps / 1e3])
    }

    /// What dequantising allows at best in GB/s, and the share of the lower of that and the read.
    fn dequantising(&self, roofline: &Roofline) -> Option<[f64; 2]> {
        let ms = self.dequant_ms?;
        let share = roofline.least(self.bytes(), 0).max(ms) * self.stats.decode_tps / 1e3;
        Some([self.traffic.decode_bytes as f64 / ms / 1e6, share])
    }

    fn gbps(&self) -> f64 {
        self.bytes() as f64 * self.stats.decode_tps / 1e9
    }

    fn json(&self, roofline: &Roofline) -> Map<String, Value> {
        let (stats, [share, prefill_share]) = (&self.stats, self.shares(roofline));
        let [kernel, host] = self.etas(roofline).map_or([None; 2], |etas| etas.map(Some));
        let [dequant, dequant_share] = self.dequantising(roofline).map_or([None; 2], |all| all.map(Some));
        let all = [
            ("promptTokens", json!(stats.prompt_tokens)),
            ("generatedTokens", json!(stats.generated_tokens)),
            ("prefillTps", json!(stats.prefill_tps)),
            ("decodeTps", json!(stats.decode_tps)),
            ("firstTokenMs", json!(stats.first_token_ms)),
            ("weightBytesPerToken", json!(self.traffic.decode_bytes)),
            ("bytesPerToken", json!(self.bytes())),
            ("GBps", json!(self.gbps())),
            ("roofline", json!(share)),
            ("dequantGBps", json!(dequant)),
            ("dequantRoofline", json!(dequant_share)),
            ("etaKernel", json!(kernel)),
            ("etaHost", json!(host)),
            ("prefillRoofline", json!(prefill_share)),
            ("dispatchesPerToken", json!(stats.dispatches_per_token)),
            ("submissionsPerToken", json!(stats.submissions_per_token)),
        ];
        all.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }

    fn print(&self, roofline: &Roofline) -> Result<()> {
        let stats = &self.stats;
        let [share, prefill_share] = self.shares(roofline).map(|share| 100.0 * share);
        print(&format!(
            "prefill   {:.1} tokens/s over {} tokens, {prefill_share:.1} % of the roofline\n",
            stats.prefill_tps, stats.prompt_tokens
        ))?;
        print(&format!(
            "decode    {:.1} tokens/s over {} tokens behind them, {:.2} GB/s, {share:.1} % of the roofline\n",
            stats.decode_tps,
            stats.generated_tokens,
            self.gbps()
        ))?;
        if let Some([gbps, share]) = self.dequantising(roofline) {
            let share = 100.0 * share;
            print(&format!(
                "dequant   {gbps:.2} GB/s in registers, multiplied: {share:.1} % of the lower of both\n"
            ))?;
        }
        let etas = self.etas(roofline).map_or_else(String::new, |etas| {
            let [kernel, host] = etas.map(|eta| 100.0 * eta);
            format!("; kernels at {kernel:.1} % of it, running {host:.1} % of the time")
        });
        print(&format!(
            "a token   {:.1} dispatches, {:.2} submissions{etas}\n",
            stats.dispatches_per_token, stats.submissions_per_token
        ))
    }
}

/// Continues a prompt of so many ids, the first of them `first`, by so many tokens.
fn generate(model: &mut Model, first: u32, length: usize, tokens: usize) -> Result<()> {
    let vocabulary = u32::try_from(model.info().vocabulary).unwrap_or(u32::MAX).max(1);
    let ids: Vec<u32> = (first..).step_by(37).map(|id| id % vocabulary).take(length).collect();
    let request = Request {
        max_tokens: tokens.min(model.info().context - ids.len()),
        sampling: Sampling::greedy(),
        stop: Vec::new(),
        ignore_eos: true,
        decoder: Vec::new(),
    };
    let mut generation = model.begin(&ids, request)?;
    while !matches!(pollster::block_on(model.next(&mut generation))?, Event::End { .. }) {}
    Ok(())
}
