//! Whether a model fits a device, told from its headers: the buffers that loading would make, found by the same
//! recording, planning and lowering, and held against the limits of an adapter.

use super::{
    device::{BUCKETS, CacheShape, Key, LONG, fixed, record, stacks},
    load,
};
use crate::{
    error::{Error, Result},
    format::Checkpoint,
    gpu::{Caps, UNIFORM, padded},
    model::{self, Card, Head, Kind, Network, Weight},
    op::{Fixed, Forms, RING, Stored, lay},
    plan::lower,
    quant,
    tensor::{Format, Kv, sort_by_numbers},
};
use serde::Serialize;

/// A context below this is of no use, unless the model was made for less.
const LEAST: usize = 256;

/// What a model is held against; `None` is "not known", or for a wish "no wish".
#[derive(Debug, Clone, Default)]
pub struct Against {
    /// The adapter; without one it is the CPU.
    pub adapter: Option<Caps>,
    /// Bytes of memory that the device has; a quarter of it is left to everything else.
    pub memory: Option<u64>,
    /// Bytes that may still be stored.
    pub disk: Option<u64>,
    /// How the cache is stored.
    pub kv: Option<Kv>,
    /// Tokens that the cache shall hold.
    pub context: Option<usize>,
    /// Largest GPU binding to use.
    pub max_binding: Option<u64>,
}

/// Bytes that a model takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Needs {
    /// Weights on the device.
    pub weights: u64,
    /// Keys and values, and what recurrent layers keep.
    pub kv: u64,
    /// Everything else that is there when loading is done.
    pub scratch: u64,
    /// The three above: on a GPU, what [`super::Info::gpu_bytes`] says after loading.
    pub total: u64,
    /// With the steps that reading prompts adds, at most.
    pub peak: u64,
}

/// Something that the user should know, in numbers and in words.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reason {
    /// A stable name.
    pub code: &'static str,
    /// The same in words.
    pub message: String,
    /// The numbers and names in it.
    pub values: Values,
}

/// A number or a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Said {
    /// Bytes or tokens.
    Number(u64),
    /// A tensor, a format, or what the cause is.
    Name(String),
}

/// Numbers and names by what they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Values(pub Vec<(&'static str, Said)>);

impl Values {
    /// What stands under `key`.
    pub fn get(&self, key: &str) -> Option<&Said> {
        self.0.iter().find(|(k, _)| *k == key).map(|(_, said)| said)
    }
}

impl Serialize for Values {
    fn serialize<S: serde::Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        to.collect_map(self.0.iter().map(|(key, said)| (key, said)))
    }
}

/// How a model fits.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fit {
    /// Whether it loads with a context of [`Self::context_length`] tokens.
    pub fits: bool,
    /// What it takes with that context; `None` if the model cannot be read.
    pub needs: Option<Needs>,
    /// Bytes of all files of weights.
    pub disk: u64,
    /// Tokens: those asked for, or as many of them as there is room for.
    pub context_length: usize,
    /// The most that there is room for.
    pub context_most: usize,
    /// Tokens that the model was made for; 0 if it cannot be read.
    pub context_trained: usize,
    /// `gpu` or `cpu`.
    pub device: &'static str,
    /// Why it fits or not, the most important first.
    pub reasons: Vec<Reason>,
    /// What the files state.
    pub card: Card,
}

/// Not inlined: reasons are many and given once.
#[inline(never)]
fn reason(code: &'static str, message: String, numbers: &[(&'static str, u64)]) -> Reason {
    let values = Values(numbers.iter().map(|(key, n)| (*key, Said::Number(*n))).collect());
    Reason { code, message, values }
}

impl Reason {
    fn naming(mut self, key: &'static str, name: &str) -> Self {
        self.values.0.push((key, Said::Name(name.to_owned())));
        self
    }
}

/// Bytes for people, in powers of 1000.
#[inline(never)]
#[allow(clippy::cast_precision_loss, reason = "one digit after the point is shown")]
pub fn size(bytes: u64) -> String {
    let units = [(1e9, "GB"), (1e6, "MB"), (1e3, "kB")];
    let value = bytes as f64;
    match units.into_iter().find(|(unit, _)| value >= *unit) {
        Some((unit, name)) => format!("{:.1} {name}", value / unit),
        None => format!("{bytes} bytes"),
    }
}

/// How a checkpoint fits, of which nothing but headers was read.
pub fn fit(checkpoint: &Checkpoint, against: &Against) -> Fit {
    let mut fit = Fit {
        fits: false,
        needs: None,
        disk: checkpoint.files.iter().map(|f| f.size()).sum(),
        context_length: 0,
        context_most: 0,
        context_trained: 0,
        device: if against.adapter.is_some() { "gpu" } else { "cpu" },
        reasons: Vec::new(),
        card: Card::of(checkpoint),
    };
    if let Err(error) = model::open(checkpoint).and_then(|network| measure(&mut fit, &network, against)) {
        fit.fits = false;
        let told = |numbers: &[_]| reason(error.code(), error.to_string(), numbers);
        let told = match &error {
            Error::TooBig {
                what,
                needed,
                available,
            } => told(&[("needed", *needed), ("available", *available)]).naming("what", what),
            Error::Unsupported { what, supported, .. } => told(&[]).naming("what", what).naming("supported", supported),
            _ => told(&[]),
        };
        fit.reasons.insert(0, told);
    }
    if let Some(available) = against.disk
        && fit.disk > available
    {
        let message = format!(
            "it cannot be kept: {} to store, room for {}",
            size(fit.disk),
            size(available)
        );
        let values = [("needed", fit.disk), ("available", available)];
        fit.reasons.push(reason("quota", message, &values));
    }
    fit
}

/// Parts that do not depend on the context.
struct Base {
    weights: u64,
    /// Of the decoding step, and of what every load makes.
    scratch: u64,
    /// Of the other steps, at most.
    prompt: u64,
    /// Of the one behind a long context.
    long: u64,
}

fn measure(fit: &mut Fit, network: &Network, against: &Against) -> Result<()> {
    let hyper = &network.hyper;
    fit.context_trained = hyper.context;
    let wanted = against.context.unwrap_or_else(|| load::context(hyper)).max(1);
    let place = Place::new(network, against);
    for weight in &network.weights {
        if let Some(too_big) = place.row(weight) {
            fit.reasons.push(too_big);
            // One is enough: those of a kind are as large.
            break;
        }
    }
    if !fit.reasons.is_empty() {
        return Ok(());
    }
    let base = place.base(&network.weights.iter().map(|w| w.format).collect::<Vec<_>>())?;
    let room = |capacity: u64| usize::try_from(capacity).is_ok_and(|capacity| place.room(&base, capacity));
    let longest = wanted.max(hyper.context).min(hyper.most);
    fit.context_most = usize::try_from(most(longest as u64, room)).unwrap_or(longest);
    fit.context_length = wanted.min(fit.context_most);
    let least = LEAST.min(hyper.context).min(wanted);
    // Where there is no room, what is missing is to be seen.
    let needs = place.needs(&base, fit.context_length.max(least))?;
    fit.needs = Some(needs);
    fit.fits = fit.context_most >= if against.context.is_some() { wanted } else { least };
    let (context, bytes) = (fit.context_length, needs.peak);
    if fit.context_most < wanted && fit.context_most >= least {
        let message = format!(
            "fits with a context of {context} tokens, not of {wanted}: {}",
            size(bytes)
        );
        let values = [("context", context as u64), ("wanted", wanted as u64), ("bytes", bytes)];
        fit.reasons.push(reason("context", message, &values));
    } else if fit.fits {
        let message = format!("fits with a context of {context} tokens: {}", size(bytes));
        let values = [("context", context as u64), ("bytes", bytes)];
        fit.reasons.push(reason("fits", message, &values));
    } else {
        fit.reasons.push(place.obstacle(&base, least)?);
    }
    if let Some(memory) = against.memory
        && fit.fits
        && bytes > memory / 2
    {
        let message = format!("it takes {} of the {} that this device has", size(bytes), size(memory));
        let values = [("needed", bytes), ("available", memory)];
        fit.reasons.push(reason("tight", message, &values));
    }
    if !fit.fits || fit.context_most < wanted {
        let smaller = match place.smaller(&base, wanted)? {
            Some(smaller) => Some(smaller),
            None => place.smaller(&base, least.max(fit.context_most))?,
        };
        fit.reasons.extend(smaller);
    }
    if wanted > hyper.context && fit.fits {
        let message = format!(
            "a context of {wanted} is longer than the {} it was made for",
            hyper.context
        );
        let values = [("context", wanted as u64), ("trained", hyper.context as u64)];
        fit.reasons.push(reason("long-context", message, &values));
    }
    Ok(())
}

/// The largest number up to `longest` for which there is room; 0 if there is for none.
fn most(longest: u64, room: impl Fn(u64) -> bool) -> u64 {
    let (mut fits, mut not) = (0, longest.saturating_add(1));
    while not - fits > 1 {
        let middle = fits + (not - fits) / 2;
        if room(middle) {
            fits = middle;
        } else {
            not = middle;
        }
    }
    fits
}

/// A network on its way to a device.
struct Place<'a> {
    network: &'a Network,
    adapter: Option<&'a Caps>,
    binding: u64,
    /// Of it, what may be used.
    memory: Option<u64>,
    kv: Kv,
}

impl<'a> Place<'a> {
    fn new(network: &'a Network, against: &'a Against) -> Self {
        let adapter = against.adapter.as_ref();
        let granted = adapter.map_or(u64::MAX, |caps| caps.max_binding);
        let cpu = adapter.is_none().then_some(super::cpu::MOST_BYTES);
        Self {
            network,
            adapter,
            binding: against.max_binding.map_or(granted, |m| m.min(granted)),
            memory: [against.memory.map(|memory| memory / 4 * 3), cpu]
                .into_iter()
                .flatten()
                .min(),
            kv: load::kv(&network.hyper, against.kv, adapter.is_some()),
        }
    }

    /// Why a weight cannot be on the device at all: it is cut by rows, but not within one.
    fn row(&self, weight: &Weight) -> Option<Reason> {
        let (needed, available) = (weight.format.row_bytes_gpu(weight.shape.width()) as u64, self.binding);
        (self.adapter.is_some() && needed > available).then(|| {
            let name = weight.name();
            let message = format!(
                "one tensor is larger than this GPU's largest buffer: a row of {name} takes {}, a binding holds {}",
                size(needed),
                size(available)
            );
            let values = [("needed", needed), ("available", available)];
            reason("tensor-too-big", message, &values).naming("tensor", name)
        })
    }

    fn shape(&self, capacity: usize) -> CacheShape {
        CacheShape::new(&self.network.hyper, capacity, self.kv)
    }

    fn ropes(&self, capacity: usize) -> Result<Vec<usize>> {
        load::ropes(&self.network.hyper, capacity)
    }

    /// The step that loading prepares.
    fn first(&self) -> Key {
        Key::new(1, self.network.hyper.kind.head())
    }

    /// The steps that requests may prepare beside the first one.
    fn steps(&self) -> Vec<Key> {
        let of = |buckets: &[usize], head| buckets.iter().map(|b| Key::new(*b, head)).collect::<Vec<_>>();
        let kind = self.network.hyper.kind;
        if kind == Kind::Encoder {
            return of(&BUCKETS[1..], Head::Encode);
        }
        // A chunk that others follow is full.
        let (last, full) = if self.adapter.is_some() {
            (&BUCKETS[1..], &BUCKETS[2..])
        } else {
            (&BUCKETS[1..3], &BUCKETS[2..4])
        };
        let mut steps = of(last, Head::Last);
        steps.extend(of(full, Head::None));
        if kind != Kind::Decoder {
            steps.extend(of(&BUCKETS, Head::Encode));
        }
        steps
    }

    /// What does not depend on the context, the weights being in `formats`.
    fn base(&self, formats: &[&'static Format]) -> Result<Base> {
        let (shape, first) = (self.shape(1), self.first());
        let weights = self.network.weights.iter().zip(formats);
        let Some(caps) = self.adapter else {
            // Slots grow to what the largest step needs and are shared by all.
            let mut slots: Vec<usize> = Vec::new();
            for key in self.steps().into_iter().chain([first]) {
                let (plan, _) = record(self.network, key, &shape, None)?;
                slots.resize(slots.len().max(plan.slots.len()), 0);
                slots
                    .iter_mut()
                    .zip(&plan.slots)
                    .for_each(|(most, n)| *most = (*most).max(*n));
            }
            let bytes = |(w, f): (&Weight, &&'static Format)| f.size(w.shape.count() as u64).unwrap_or(w.bytes());
            return Ok(Base {
                weights: weights.map(bytes).sum(),
                scratch: 0,
                prompt: 4 * slots.iter().map(|n| *n as u64).sum::<u64>(),
                long: 0,
            });
        };
        let stored: Vec<_> = weights.map(|(w, format)| Stored { format, ..w.stored() }).collect();
        let laid = lay(&stored, &stacks(self.network)?, self.binding)?;
        let program = |key: Key| -> Result<(u64, u64)> {
            let (plan, logits) = record(self.network, key, &shape, Some(&laid.stacks))?;
            let mut sum = padded(UNIFORM * lower(&plan, caps, &Forms::default(), &laid.shards)?.len() as u64);
            for length in &plan.slots {
                let slot = padded(4 * *length as u64);
                if slot > caps.max_binding {
                    return Err(Error::TooBig {
                        what: format!("an activation of a step of {} tokens", key.bucket),
                        needed: slot,
                        available: caps.max_binding,
                    });
                }
                sum += slot;
            }
            Ok((sum, logits.map_or(0, |t| padded(4 * t.shape.count() as u64))))
        };
        let (step, logits) = program(first)?;
        let prompt = self.steps().into_iter().map(|key| Ok(program(key)?.0));
        let behind = first.behind(LONG);
        let long = if behind.long && caps.shares_keys() {
            program(behind)?.0
        } else {
            0
        };
        Ok(Base {
            weights: laid.buffers.iter().map(|(_, bytes)| padded(*bytes)).sum(),
            // The tokens that come back have a buffer of their own, as have the logits.
            scratch: step + logits + 2 * padded(4 * RING as u64),
            prompt: prompt.sum::<Result<u64>>()?,
            long,
        })
    }

    /// What the model takes with a cache of `capacity` tokens.
    fn needs(&self, base: &Base, capacity: usize) -> Result<Needs> {
        let (shape, ropes) = (self.shape(capacity), self.ropes(capacity)?);
        let (mut kv, mut scratch) = (0, base.scratch);
        if self.adapter.is_some() {
            for (which, _, bytes) in fixed(&shape, &ropes)? {
                let sum = if matches!(which, Fixed::Kv(_) | Fixed::Past(_)) {
                    &mut kv
                } else {
                    &mut scratch
                };
                *sum += padded(bytes);
            }
        } else {
            let pasts = shape.pasts.iter().map(|n| 4 * *n as u64);
            kv = shape.bytes()?.into_iter().chain(pasts).sum();
            scratch += ropes.iter().map(|n| 4 * *n as u64).sum::<u64>();
        }
        let total = base.weights.saturating_add(kv).saturating_add(scratch);
        let long = if capacity > LONG { base.long } else { 0 };
        Ok(Needs {
            weights: base.weights,
            kv,
            scratch,
            total,
            peak: total.saturating_add(base.prompt).saturating_add(long),
        })
    }

    fn room(&self, base: &Base, capacity: usize) -> bool {
        let within = || -> Result<bool> {
            let buffers = fixed(&self.shape(capacity), &self.ropes(capacity)?)?;
            let limit = self.adapter.map_or(u64::MAX, |caps| caps.max_binding);
            let peak = self.needs(base, capacity)?.peak;
            Ok(buffers.iter().all(|(_, _, bytes)| *bytes <= limit) && self.memory.is_none_or(|memory| peak <= memory))
        };
        within().unwrap_or(false)
    }

    /// Why there is no room for `capacity` tokens.
    fn obstacle(&self, base: &Base, capacity: usize) -> Result<Reason> {
        let peak = self.needs(base, capacity)?.peak;
        let values = |needed, available| {
            [
                ("needed", needed),
                ("available", available),
                ("context", capacity as u64),
            ]
        };
        Ok(match self.memory {
            Some(memory) if peak > memory => {
                let where_ = if self.adapter.is_some() {
                    "this device"
                } else {
                    "a page without a GPU"
                };
                let message = format!(
                    "it takes {} with a context of {capacity} tokens, more than the {} that {where_} has for it",
                    size(peak),
                    size(memory)
                );
                reason("memory", message, &values(peak, memory))
            }
            _ => {
                let layer = self.shape(capacity).bytes()?.into_iter().max().unwrap_or(0);
                let message = format!(
                    "the cache of one layer takes {} with a context of {capacity} tokens, more than this GPU's largest \
                     buffer of {}",
                    size(layer),
                    size(self.binding)
                );
                reason("cache-too-big", message, &values(layer, self.binding))
            }
        })
    }

    /// The best format smaller than its own in which it would fit with `context` tokens.
    fn smaller(&self, base: &Base, context: usize) -> Result<Option<Reason>> {
        let mut formats: Vec<&'static Format> = quant::FORMATS.to_vec();
        // what nobody writes is no advice
        formats.retain(|f| f.encoding.is_some());
        // bits a value, the most first
        sort_by_numbers(&mut formats, |f| [u64::MAX - (f.bytes * 1024 / f.block) as u64, 0]);
        for format in formats {
            let other: Vec<_> = self.network.weights.iter().map(|w| turned(w, format)).collect();
            let weights = self.base(&other)?;
            if weights.weights < base.weights && self.room(&weights, context) {
                let bytes = self.needs(&weights, context)?.total;
                let message = format!(
                    "use {}: {} with a context of {context} tokens",
                    format.name,
                    size(bytes)
                );
                let values = [("bytes", bytes), ("context", context as u64)];
                return Ok(Some(reason("format", message, &values).naming("format", format.name)));
            }
        }
        Ok(None)
    }
}

/// The format that a weight has in a file of `format`: vectors stay, and so do rows that its blocks do not divide.
fn turned(weight: &Weight, format: &'static Format) -> &'static Format {
    let whole = weight.shape.width().is_multiple_of(format.block);
    if weight.shape.dims().len() > 1 && whole {
        format
    } else {
        weight.format
    }
}
