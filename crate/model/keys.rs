//! Configuration values under either of their names: GGUF's `family.key`, or the key of `config.json`.

use super::Order;
use crate::{
    error::{Error, Result},
    format::{Checkpoint, Container, Entry, Value},
    model::{Arch, Weight},
    tensor::Shape,
};
use serde_json::Value as Json;

/// Reads the values of one checkpoint.
pub(super) struct Keys<'a> {
    pub(super) checkpoint: &'a Checkpoint,
    family: &'static str,
    config: Json,
}

/// A number of either container.
#[derive(Debug, Clone, Copy)]
enum Number {
    Int(i128),
    Float(f64),
}

impl<'a> Keys<'a> {
    pub(super) fn new(checkpoint: &'a Checkpoint, family: &'static str) -> Result<Self> {
        let config = match (checkpoint.container, checkpoint.side.get("config.json")) {
            (Container::Gguf, _) => Json::Null,
            (_, None) => {
                return Err(Error::bad(
                    &checkpoint.name,
                    "config.json",
                    "a file beside the weights",
                    "none",
                ));
            }
            (_, Some(bytes)) => serde_json::from_slice(bytes)
                .map_err(|e| Error::bad(format!("{}: config.json", checkpoint.name), "text", "JSON", e))?,
        };
        Ok(Self {
            checkpoint,
            family,
            config,
        })
    }

    fn bad(&self, key: &str, expected: &str, found: impl std::fmt::Display) -> Error {
        Error::bad(&self.checkpoint.name, key, expected, found)
    }

    fn is_gguf(&self) -> bool {
        self.checkpoint.container == Container::Gguf
    }

    /// The key as this container has it, for messages.
    fn name(&self, gguf: &str, hf: &str) -> String {
        if self.is_gguf() {
            format!("{}.{gguf}", self.family)
        } else {
            hf.to_owned()
        }
    }

    /// A value of `config.json`; dots go into objects. `null` is as if it were not there.
    pub(super) fn json(&self, key: &str) -> Option<&Json> {
        key.split('.')
            .try_fold(&self.config, |at, part| at.get(part))
            .filter(|v| !v.is_null())
    }

    /// A GGUF value of this family.
    pub(super) fn gguf(&self, key: &str) -> Option<&Value> {
        self.checkpoint.meta.get(&format!("{}.{key}", self.family))
    }

    fn number(&self, gguf: &str, hf: &str) -> Result<Option<Number>> {
        let key = self.name(gguf, hf);
        if self.is_gguf() {
            return match self.gguf(gguf) {
                None => Ok(None),
                Some(Value::Int(n)) => Ok(Some(Number::Int(*n))),
                Some(Value::Float(n)) => Ok(Some(Number::Float(*n))),
                // One value a layer is accepted where all layers agree.
                Some(Value::Ints(all)) if all.windows(2).all(|w| w[0] == w[1]) => {
                    Ok(all.first().map(|n| Number::Int(i128::from(*n))))
                }
                Some(other) => Err(self.bad(&key, "a number", format!("{other:?}"))),
            };
        }
        match self.json(hf) {
            None => Ok(None),
            Some(Json::Number(n)) => Ok(n
                .as_i64()
                .map(|n| Number::Int(n.into()))
                .or_else(|| n.as_u64().map(|n| Number::Int(n.into())))
                .or_else(|| n.as_f64().map(Number::Float))),
            Some(other) => Err(self.bad(&key, "a number", other)),
        }
    }

    /// A size: at least 1, at most 2^31.
    pub(super) fn size(&self, gguf: &str, hf: &str) -> Result<Option<usize>> {
        let found = match self.number(gguf, hf)? {
            None => return Ok(None),
            Some(Number::Int(n)) => usize::try_from(n)
                .ok()
                .filter(|n| (1..=1 << 31).contains(n))
                .ok_or(n.to_string()),
            Some(Number::Float(n)) => Err(n.to_string()),
        };
        found
            .map(Some)
            .map_err(|n| self.bad(&self.name(gguf, hf), "a whole number of at least 1", n))
    }

    /// A size that must be there.
    pub(super) fn need(&self, gguf: &str, hf: &str) -> Result<usize> {
        self.size(gguf, hf)?
            .ok_or_else(|| self.bad(&self.name(gguf, hf), "a number", "nothing"))
    }

    /// A finite number.
    pub(super) fn float(&self, gguf: &str, hf: &str) -> Result<Option<f64>> {
        let value = match self.number(gguf, hf)? {
            None => return Ok(None),
            #[allow(clippy::cast_precision_loss, reason = "configuration numbers are small")]
            Some(Number::Int(n)) => n as f64,
            Some(Number::Float(n)) => n,
        };
        if value.is_finite() {
            Ok(Some(value))
        } else {
            Err(self.bad(&self.name(gguf, hf), "a finite number", value))
        }
    }

    /// Text.
    pub(super) fn text(&self, gguf: &str, hf: &str) -> Option<&str> {
        if self.is_gguf() {
            return match self.gguf(gguf) {
                Some(Value::Str(text)) => Some(text),
                _ => None,
            };
        }
        self.json(hf)?.as_str()
    }

    /// The classes that `config.json` names.
    pub(super) fn classes(&self) -> Result<Vec<String>> {
        let names = self
            .json("architectures")
            .and_then(Json::as_array)
            .into_iter()
            .flatten();
        let names: Vec<_> = names.filter_map(|n| n.as_str().map(str::to_owned)).collect();
        if names.is_empty() {
            return Err(self.bad("config.json: architectures", "a list with the model's class", "nothing"));
        }
        Ok(names)
    }
}

/// Finds tensors by their GGUF names in either container and numbers them.
pub(super) struct Finder<'a> {
    checkpoint: &'a Checkpoint,
    arch: &'static Arch,
    pub(super) weights: Vec<Weight>,
}

impl<'a> Finder<'a> {
    pub(super) fn new(checkpoint: &'a Checkpoint, arch: &'static Arch) -> Self {
        Self {
            checkpoint,
            arch,
            weights: Vec::new(),
        }
    }

    /// The names that a tensor with this GGUF name may have in the files; `{}` stands for the layer.
    fn names(&self, name: &str, layer: Option<usize>) -> Vec<String> {
        let stored = match self.checkpoint.container {
            Container::Gguf => Some(name),
            Container::Safetensors => {
                let row = self.arch.names.iter().find(|(_, gguf)| *gguf == name);
                row.map(|(published, _)| *published)
            }
        };
        let Some(stored) = stored else { return Vec::new() };
        let full = layer.map_or_else(|| stored.to_owned(), |n| stored.replacen("{}", &n.to_string(), 1));
        // Checkpoints saved from the inner model lack the outer prefix.
        let short = full.strip_prefix("model.").map(str::to_owned);
        [Some(full), short].into_iter().flatten().collect()
    }

    /// The tensor with this GGUF name.
    pub(super) fn entry(&self, name: &str, layer: Option<usize>) -> Option<(String, &'a Entry)> {
        let tensors = &self.checkpoint.tensors;
        let mut names = self.names(name, layer).into_iter();
        names.find_map(|n| tensors.get(&n).map(|entry| (n, entry)))
    }

    /// Whether there is such a tensor, even one that cannot be read: an optional part is never left out silently.
    pub(super) fn has(&self, name: &str, layer: Option<usize>) -> bool {
        let there = |n: &String| self.checkpoint.tensors.contains_key(n) || self.checkpoint.skipped.contains_key(n);
        self.names(name, layer).iter().any(there)
    }

    /// The number of a tensor that must be there with this shape.
    pub(super) fn take(
        &mut self,
        name: &str,
        layer: Option<usize>,
        shape: impl Into<Shape>,
        order: Order,
    ) -> Result<usize> {
        let shape = shape.into();
        let file = &self.checkpoint.name;
        let named = layer.map_or_else(|| name.to_owned(), |n| name.replacen("{}", &n.to_string(), 1));
        let Some((stored, entry)) = self.entry(name, layer) else {
            let names = self.names(name, layer).into_iter();
            let mut unreadable = names.filter(|n| self.checkpoint.skipped.contains_key(n));
            return Err(match unreadable.next().map(|n| self.checkpoint.tensor(&n)) {
                Some(Err(error)) => error,
                _ => Error::bad(file, &named, format!("a tensor {shape:?}"), "none"),
            });
        };
        if entry.shape != shape {
            return Err(Error::bad(
                file,
                stored,
                format!("{shape:?}"),
                format!("{:?}", entry.shape),
            ));
        }
        let order = if self.checkpoint.container == Container::Gguf {
            order
        } else {
            Order::Plain
        };
        let format = self.checkpoint.on_device(entry.format, shape);
        self.weights.push(Weight {
            entry: entry.clone(),
            format,
            shape,
            order,
        });
        Ok(self.weights.len() - 1)
    }
}
