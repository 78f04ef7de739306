//! The models that tests run: where they are, how they are loaded, what their goldens say.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::disk::{self, Disk};
use nomoat::{
    Error, Result,
    engine::{Device, Event, Finish, Kv, LoadOptions, Model, OwnThreads, Precision, Request},
    error::Gpu,
    format::source::Folder,
    tensor::Format,
    text::sample::Sampling,
};
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    rc::Rc,
};

/// `path` in the data of this repository or else in the shared data; `None`, with one line, without that.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(path);
    if ours.exists() {
        return Some(ours);
    }
    let full = disk::shared()?.join(path);
    assert!(full.exists(), "there is no {}", full.display());
    Some(full)
}

/// A JSON file.
pub(crate) fn json(path: &Path) -> Value {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_slice(&bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// An array of ids.
pub(crate) fn ids(value: &Value) -> Vec<u32> {
    let list = value.as_array().unwrap_or_else(|| panic!("no ids: {value}"));
    list.iter()
        .map(|v| u32::try_from(v.as_u64().unwrap()).unwrap())
        .collect()
}

/// An array of numbers.
pub(crate) fn floats(value: &Value) -> Vec<f64> {
    let list = value.as_array().unwrap_or_else(|| panic!("no numbers: {value}"));
    list.iter().map(|v| v.as_f64().unwrap()).collect()
}

/// A device and how exact it is asked to be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mode {
    pub(crate) device: Device,
    /// f32 throughout, or the defaults.
    pub(crate) exact: bool,
    /// How the cache is stored; by default as that says.
    pub(crate) kv: Option<Kv>,
    pub(crate) max_binding: Option<u64>,
    /// Tokens the cache holds; by default the model's own context.
    pub(crate) context: Option<usize>,
    /// The format that floats become.
    pub(crate) quantize: Option<&'static Format>,
    /// Tokens a submission; by default as many as its time allows.
    pub(crate) together: Option<usize>,
    /// The kernels that hardware gets, on software too.
    pub(crate) as_hardware: bool,
    /// What is known of the GPU.
    pub(crate) verdicts: Option<&'static str>,
    /// Threads beside this one, which have a part of every matrix; by default none.
    pub(crate) helpers: usize,
    /// Whether this one keeps those parts all the same.
    pub(crate) keeps: bool,
}

pub(crate) const CPU: Mode = Mode {
    device: Device::Cpu,
    exact: true,
    kv: None,
    max_binding: None,
    context: None,
    quantize: None,
    together: None,
    as_hardware: false,
    verdicts: None,
    helpers: 0,
    keeps: false,
};

pub(crate) const GPU: Mode = Mode {
    device: Device::Gpu,
    ..CPU
};

impl Mode {
    /// The defaults in place of f32 throughout.
    pub(crate) fn default_precision(self) -> Self {
        Self { exact: false, ..self }
    }

    pub(crate) fn options(self) -> LoadOptions {
        LoadOptions {
            device: self.device,
            precision: if self.exact { Precision::F32 } else { Precision::Auto },
            kv: self.kv.or(self.exact.then_some(Kv::F32)),
            context: self.context,
            quantize: self.quantize,
            together: self.together,
            as_hardware: self.as_hardware,
            max_binding: self.max_binding,
            verdicts: self.verdicts.map(str::to_owned),
            threads: Some(Rc::new(OwnThreads {
                count: self.helpers,
                worth: 0,
                least: 0,
                kept: if self.keeps { u64::MAX } else { 0 },
            })),
            ..LoadOptions::default()
        }
    }

    /// How far a logit may be from its golden.
    pub(crate) fn allows(self, golden: f64) -> f64 {
        if self.exact { 1e-3 + 1e-3 * golden.abs() } else { 2e-2 }
    }
}

/// Loads `entry` of `folder`. `None`, with one line, if a GPU is asked for and there is none (unless
/// `NOMOAT_REQUIRE_GPU=1`).
pub(crate) fn load(folder: &Path, entry: &str, mode: Mode) -> Option<Model> {
    match try_load(folder, entry, mode) {
        Ok(model) => Some(model),
        Err(e) if no_gpu(&e) => None,
        Err(e) => panic!("{}/{entry} {mode:?}: {e}", folder.display()),
    }
}

/// Whether there is no GPU, which is said in one line (unless `NOMOAT_REQUIRE_GPU=1`).
pub(crate) fn no_gpu(error: &Error) -> bool {
    let Error::Gpu {
        kind: Gpu::Missing,
        cause,
        ..
    } = error
    else {
        return false;
    };
    if std::env::var("NOMOAT_REQUIRE_GPU").as_deref() == Ok("1") {
        return false;
    }
    eprintln!("skipped: no GPU adapter ({cause})");
    true
}

/// Loads `entry` of `folder`.
pub(crate) fn try_load(folder: &Path, entry: &str, mode: Mode) -> Result<Model> {
    load_from(&Disk(folder.to_owned()), entry, mode)
}

/// The same from any folder.
pub(crate) fn load_from(folder: &dyn Folder, entry: &str, mode: Mode) -> Result<Model> {
    pollster::block_on(Model::load(folder, entry, &mode.options(), || 0.0, &mut |_| true))
}

/// The most likely continuation of `prompt`, and why it ended.
pub(crate) fn greedy(model: &mut Model, prompt: &[u32], n: usize, ignore_eos: bool) -> Result<(Vec<u32>, Finish)> {
    greedy_from(model, prompt, &[], n, ignore_eos)
}

/// The same with ids for the decoder of an encoder-decoder model.
pub(crate) fn greedy_from(
    model: &mut Model,
    prompt: &[u32],
    decoder: &[u32],
    n: usize,
    ignore_eos: bool,
) -> Result<(Vec<u32>, Finish)> {
    let request = Request {
        max_tokens: n,
        sampling: Sampling::greedy(),
        stop: Vec::new(),
        ignore_eos,
        decoder: decoder.to_vec(),
    };
    let mut generation = model.begin(prompt, request)?;
    let mut ids = Vec::new();
    loop {
        match pollster::block_on(model.next(&mut generation))? {
            Event::Prefill { .. } => {}
            Event::Token { id, .. } => ids.push(id),
            Event::End { reason, .. } => return Ok((ids, reason)),
        }
    }
}

/// Logits after `ids`.
pub(crate) fn logits(model: &mut Model, ids: &[u32], all: bool) -> Result<Vec<Vec<f32>>> {
    pollster::block_on(model.logits(ids, all))
}

/// Collects what does not hold, so that one run shows all of it.
#[derive(Default)]
pub(crate) struct Findings(Vec<String>);

impl Findings {
    pub(crate) fn add(&mut self, finding: String) {
        self.0.push(finding);
    }

    /// Compares a row of logits; answers the largest difference.
    pub(crate) fn row(&mut self, what: &str, mode: Mode, found: &[f32], golden: &[f64]) -> f64 {
        if found.len() != golden.len() {
            self.add(format!("{what}: {} logits, not {}", found.len(), golden.len()));
            return f64::INFINITY;
        }
        let off = |i: usize| (f64::from(found[i]) - golden[i]).abs();
        // A NaN is never within its tolerance.
        let fits = |i: &usize| off(*i) <= mode.allows(golden[*i]);
        let bad: Vec<usize> = (0..golden.len()).filter(|i| !fits(i)).collect();
        if let Some(first) = bad.first() {
            self.add(format!(
                "{what}: {} of {} logits are off, the first at {first}: {}, not {}",
                bad.len(),
                golden.len(),
                found[*first],
                golden[*first]
            ));
        }
        (0..golden.len()).map(off).fold(0.0, f64::max)
    }

    /// Compares generated ids.
    pub(crate) fn ids(&mut self, what: &str, found: &[u32], golden: &[u32]) {
        if found == golden {
            return;
        }
        let same = found.iter().zip(golden).take_while(|(a, b)| a == b).count();
        self.add(format!(
            "{what}: {} ids, not {}; the first {same} agree, then {:?}, not {:?}",
            found.len(),
            golden.len(),
            found.get(same),
            golden.get(same)
        ));
    }

    /// Fails with all findings at once.
    pub(crate) fn none(self) {
        assert!(
            self.0.is_empty(),
            "{} findings\n  {}\n",
            self.0.len(),
            self.0.join("\n  ")
        );
    }
}
