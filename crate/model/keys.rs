//! Configuration values under either of their names: GGUF's `family.key`, or the keys of `config.json`, of which `a|b` are
//! alternatives and those of a nested text model come first.

use crate::{
    error::{Error, Result, Unsupported},
    format::{Checkpoint, Container, Value},
    op::Act,
};
use serde_json::Value as Json;

/// Reads the values of one checkpoint.
pub(super) struct Keys<'a> {
    pub(super) checkpoint: &'a Checkpoint,
    family: &'static str,
    config: Json,
    left_out: LeftOut,
}

/// A number of either container.
#[derive(Debug, Clone, Copy)]
pub(super) enum Number {
    Int(i128),
    Float(f64),
}

/// Values that files of a family may leave out, because its class or other engines know them: GGUF's key, that of
/// `config.json`, and the number; an empty key is one that must be there.
pub(super) type LeftOut = &'static [(&'static str, &'static str, Number)];

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
            left_out: &[],
        })
    }

    fn bad(&self, key: &str, expected: &str, found: impl std::fmt::Display) -> Error {
        Error::bad(&self.checkpoint.name, key, expected, found)
    }

    pub(super) fn is_gguf(&self) -> bool {
        self.checkpoint.container == Container::Gguf
    }

    /// The key as this container has it, for messages.
    pub(super) fn name(&self, gguf: &str, hf: &str) -> String {
        if self.is_gguf() {
            format!("{}.{gguf}", self.family)
        } else {
            hf.to_owned()
        }
    }

    /// A value of `config.json`; dots go into objects. `null` is as if it were not there.
    pub(super) fn json(&self, key: &str) -> Option<&Json> {
        let whole = [self.config.get("text_config"), Some(&self.config)];
        let at = |key: &str| {
            let path = |config| key.split('.').try_fold(config, |at: &Json, part| at.get(part));
            whole.into_iter().flatten().filter_map(path).find(|v| !v.is_null())
        };
        key.split('|').find_map(at)
    }

    /// A switch of `config.json` or GGUF.
    pub(super) fn switch(&self, gguf: &str, hf: &str) -> Option<bool> {
        if self.is_gguf() {
            return match self.gguf(gguf) {
                Some(Value::Bool(on)) => Some(*on),
                _ => None,
            };
        }
        self.json(hf)?.as_bool()
    }

    /// One number a layer, where the files have a list.
    pub(super) fn list(&self, gguf: &str, hf: &str) -> Option<Vec<i64>> {
        if self.is_gguf() {
            return match self.gguf(gguf) {
                Some(Value::Ints(all)) => Some(all.clone()),
                _ => None,
            };
        }
        let number = |v: &Json| v.as_i64().or_else(|| v.as_bool().map(i64::from));
        self.json(hf)?.as_array()?.iter().map(number).collect()
    }

    /// An error for something of this family that is not supported.
    pub(super) fn unsupported(&self, what: impl std::fmt::Display, supported: impl Into<String>) -> Error {
        Error::Unsupported {
            kind: Unsupported::Architecture,
            file: self.checkpoint.name.clone(),
            what: format!("{} with {what}", self.family),
            supported: supported.into(),
        }
    }

    /// The activation that `config.json` names, `otherwise` where it names none, as GGUF never does.
    pub(super) fn act(&self, otherwise: Act) -> Result<Act> {
        Ok(
            match self.text(
                "",
                "hidden_activation|hidden_act|activation_function|dense_act_fn|activation",
            ) {
                None => otherwise,
                Some("silu" | "swish") => Act::Silu,
                Some("gelu") => Act::Gelu,
                Some("gelu_new" | "gelu_pytorch_tanh" | "gelu_fast") => Act::GeluTanh,
                Some("quick_gelu") => Act::GeluQuick,
                Some("relu") => Act::Relu,
                Some("relu2" | "relu_squared") => Act::Relu2,
                Some(other) => {
                    let supported = "silu, gelu, gelu_new, gelu_pytorch_tanh, gelu_fast, quick_gelu, relu, relu2";
                    return Err(self.unsupported(format!("activation {other}"), supported));
                }
            },
        )
    }

    /// A GGUF value of this family.
    pub(super) fn gguf(&self, key: &str) -> Option<&Value> {
        let at = |key| self.checkpoint.meta.get(&format!("{}.{key}", self.family));
        key.split('|').find_map(at)
    }

    /// The same with values for what the files leave out.
    pub(super) fn left_out(self, left_out: LeftOut) -> Self {
        Self { left_out, ..self }
    }

    /// The value of a key that is not there; one that `config.json` has as `null` is none on purpose.
    fn otherwise(&self, gguf: &str, hf: &str) -> Option<Number> {
        let stated = |key: &str| {
            let whole = [self.config.get("text_config"), Some(&self.config)];
            whole.into_iter().flatten().any(|config| config.get(key).is_some())
        };
        let asked = if self.is_gguf() { gguf } else { hf };
        if asked.split('|').any(stated) {
            return None;
        }
        let known = |(gguf, hf, _): &&(&str, &str, Number)| {
            let key = if self.is_gguf() { gguf } else { hf };
            !key.is_empty() && asked.split('|').any(|asked| asked == *key)
        };
        self.left_out.iter().find(known).map(|(_, _, number)| *number)
    }

    fn number(&self, gguf: &str, hf: &str) -> Result<Option<Number>> {
        let key = self.name(gguf, hf);
        if self.is_gguf() {
            return match self.gguf(gguf) {
                None => Ok(self.otherwise(gguf, hf)),
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
            None => Ok(self.otherwise(gguf, hf)),
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
        // What a family does not have is 0 in some files.
        let found = match self.number(gguf, hf)? {
            Some(Number::Int(0)) => self.otherwise(gguf, hf).or(Some(Number::Int(0))),
            other => other,
        };
        let found = match found {
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

    /// A size that may be 0, as it is where nothing is said.
    pub(super) fn size_or_zero(&self, gguf: &str, hf: &str) -> Result<usize> {
        match self.number(gguf, hf)? {
            Some(Number::Int(0)) => Ok(0),
            _ => Ok(self.size(gguf, hf)?.unwrap_or(0)),
        }
    }

    /// A size that must be there.
    pub(super) fn need(&self, gguf: &str, hf: &str) -> Result<usize> {
        self.size(gguf, hf)?
            .ok_or_else(|| self.bad(&self.name(gguf, hf), "a number", "nothing"))
    }

    /// An error for more layers than there are tensors: that many would be made before one is missed.
    pub(super) fn layers(&self, key: &str, count: usize) -> Result<()> {
        let most = self.checkpoint.tensors.len();
        if count <= most {
            return Ok(());
        }
        Err(self.bad(key, &format!("at most one for each of {most} tensors"), count))
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
            .config
            .get("architectures")
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
