//! Frequencies of rotary embeddings and their tables of cos and sin, made in f64.

use super::{keys::Keys, weights::Finder};
use crate::{
    error::{Error, Result, Unsupported},
    format::Entry,
};

/// How long contexts stretch the frequencies.
#[derive(Debug, Clone, PartialEq)]
enum Scaling {
    None,
    /// All divided by a factor (Chen et al., 2023).
    Linear(f64),
    /// Long waves divided by `factor`, short ones kept, a ramp between (Llama 3.1).
    Llama3 {
        factor: f64,
        low: f64,
        high: f64,
        original: f64,
    },
    /// The same by the number of turns within the original context (`YaRN`; Peng et al., 2023): the ramp goes from pair
    /// `low` to pair `high`.
    Yarn {
        factor: f64,
        low: f64,
        high: f64,
    },
    /// Only so many pairs turn, with the frequencies that they have in a whole head (Gemma 4).
    Proportional(usize),
}

/// The rotations of a model, or of some of its layers.
#[derive(Debug, Clone)]
pub(crate) struct RopeTable {
    theta: f64,
    /// Values of a head that are rotated.
    pub(crate) rotated: usize,
    scaling: Scaling,
    /// Multiplies what is rotated.
    pub(super) size: f64,
    /// `(beta, length)`: multiplies it by `1 + beta * ln(1 + floor(pos / length))` too (Llama 4, for queries).
    growth: Option<(f64, f64)>,
    /// Tensors that divide each frequency, in GGUF files: one, or one for contexts up to [`Self::short`] and another.
    factors: Vec<Entry>,
    /// The same from `config.json`.
    divisors: Vec<Vec<f64>>,
    /// The longest context of the short kind (`LongRoPE`; Ding et al., 2024).
    pub(crate) short: usize,
}

impl RopeTable {
    /// Plain rotations.
    pub(super) fn plain(theta: f64, rotated: usize) -> Self {
        Self {
            theta,
            rotated,
            scaling: Scaling::None,
            size: 1.0,
            growth: None,
            factors: Vec::new(),
            divisors: Vec::new(),
            short: usize::MAX,
        }
    }

    /// Reads the rotations of heads of `head_dim`, from where `config.json` has them by default.
    pub(super) fn read(keys: &Keys<'_>, finder: &mut Finder<'_>, head_dim: usize) -> Result<Self> {
        // transformers 5 moved theta and scaling into one object
        let object = if keys.json("rope_parameters").is_some() {
            "rope_parameters"
        } else {
            "rope_scaling"
        };
        let rotated = rotated(keys, object, head_dim)?;
        let mut table = Self::read_from(keys, object, head_dim, rotated)?;
        // Files say so by these tensors, the later ones by the type too.
        let stated = keys.is_gguf() && keys.text("rope.scaling.type", "") == Some("longrope");
        let long = stated || finder.has("rope_factors_long.weight", None);
        let names: &[&str] = if long {
            table.short = keys.need("rope.scaling.original_context_length", "")?;
            &["rope_factors_short.weight", "rope_factors_long.weight"]
        } else {
            &["rope_freqs.weight"]
        };
        for name in names {
            let entry = finder.entry(name, None);
            let fits = entry.is_some_and(|e| e.format.name == "F32" && e.shape.count() == rotated / 2);
            match entry {
                Some(entry) if fits => table.factors.push(entry.clone()),
                None if !long => {}
                other => {
                    let found = other.map_or("nothing".into(), |e| format!("{:?} {:?}", e.format, e.shape));
                    let expected = format!("F32 [{}]", rotated / 2);
                    return Err(Error::bad(&keys.checkpoint.name, *name, expected, found));
                }
            }
            finder.note(name, None);
        }
        Ok(table)
    }

    /// The same for the object that `config.json` has for some layers.
    pub(super) fn read_from(keys: &Keys<'_>, object: &str, head_dim: usize, rotated: usize) -> Result<Self> {
        let theta = match keys.float("rope.freq_base", &format!("{object}.rope_theta"))? {
            Some(theta) => theta,
            None => keys.float("", "rope_theta|rotary_emb_base")?.unwrap_or(10_000.0),
        };
        // GGUF files before the type was written have a factor alone, and before that its older name.
        let linear = keys.float("rope.scaling.factor", "")?.is_some() || keys.float("rope.scale_linear", "")?.is_some();
        let kind = keys
            .text("rope.scaling.type", &format!("{object}.rope_type|{object}.type"))
            .unwrap_or(if linear { "linear" } else { "none" });
        let number = |gguf: &str, hf: &str| -> Result<f64> {
            let key = format!("{object}.{hf}");
            keys.float(gguf, &key)?
                .filter(|n| *n > 0.0)
                .ok_or_else(|| Error::bad(&keys.checkpoint.name, key, "a number above 0", "nothing"))
        };
        let mut table = Self::plain(theta, rotated);
        table.size = keys.float("rope.scaling.attn_factor", "")?.unwrap_or(1.0);
        table.scaling = match kind {
            "none" | "default" => Scaling::None,
            "linear" => Scaling::Linear(match keys.float("rope.scale_linear", "")?.filter(|n| *n > 0.0) {
                Some(factor) => factor,
                None => number("rope.scaling.factor", "factor")?,
            }),
            "llama3" => Scaling::Llama3 {
                factor: number("", "factor")?,
                low: number("", "low_freq_factor")?,
                high: number("", "high_freq_factor")?,
                original: number("", "original_max_position_embeddings")?,
            },
            "yarn" => {
                let factor = number("rope.scaling.factor", "factor")?;
                let original = number(
                    "rope.scaling.original_context_length",
                    "original_max_position_embeddings",
                )?;
                table.size = yarn_size(keys, object, factor)?;
                yarn(keys, object, &table, factor, original)?
            }
            "longrope" | "su" => {
                if !keys.is_gguf() {
                    table.stretch_by_length(keys, object)?;
                }
                Scaling::None
            }
            // HunYuan's, which stretches the base once and for all
            "dynamic" if keys.json(&format!("{object}.alpha")).is_some() => {
                let width = narrow(rotated);
                table.theta *= number("", "alpha")?.powf(width / (width - 2.0));
                Scaling::None
            }
            "proportional" => {
                let key = format!("{object}.partial_rotary_factor");
                let share = keys.float("", &key)?.unwrap_or(1.0);
                let factor = keys.float("", &format!("{object}.factor"))?.unwrap_or(1.0);
                #[allow(clippy::float_cmp, reason = "what is written is compared")]
                if factor != 1.0 {
                    return Err(keys.unsupported(format!("proportional rotations and factor {factor}"), "factor 1"));
                }
                Scaling::Proportional(whole(share * narrow(head_dim) / 2.0))
            }
            other => {
                return Err(Error::Unsupported {
                    kind: Unsupported::Architecture,
                    file: keys.checkpoint.name.clone(),
                    what: format!("rope scaling {other}"),
                    supported: "none, linear, llama3, yarn, longrope, proportional, dynamic by alpha".into(),
                });
            }
        };
        Ok(table)
    }

    /// The divisors of frequencies in short contexts and in long ones, and by how much those grow what is rotated.
    fn stretch_by_length(&mut self, keys: &Keys<'_>, object: &str) -> Result<()> {
        let of = |name: &str| format!("{object}.{name}");
        let original = "original_max_position_embeddings";
        self.short = keys.need("", &format!("{}|{original}", of(original)))?;
        for name in ["short_factor", "long_factor"] {
            let list = keys.json(&of(name)).and_then(serde_json::Value::as_array);
            let list: Vec<f64> = list
                .into_iter()
                .flatten()
                .filter_map(serde_json::Value::as_f64)
                .collect();
            if list.len() != self.rotated / 2 || list.iter().any(|n| *n <= 0.0) {
                let expected = format!("{} numbers above 0", self.rotated / 2);
                return Err(Error::bad(
                    &keys.checkpoint.name,
                    of(name),
                    expected,
                    format!("{list:?}"),
                ));
            }
            self.divisors.push(list);
        }
        let original = narrow(self.short);
        let factor = match keys.float("", &of("factor"))? {
            Some(factor) => factor,
            None => narrow(keys.need("", "max_position_embeddings")?) / original,
        };
        let grown = (1.0 + factor.max(1.0).ln() / original.ln()).sqrt();
        self.size = keys.float("", &of("attention_factor"))?.unwrap_or(grown);
        Ok(())
    }

    /// Of what differs by the length of a context, that for `positions`.
    fn of_length<'a, T>(&self, all: &'a [T], positions: usize) -> Option<&'a T> {
        all.get(usize::from(positions > self.short)).or(all.last())
    }

    /// The tensor that divides each frequency in a context of so many positions.
    pub(crate) fn factors(&self, positions: usize) -> Option<&Entry> {
        self.of_length(&self.factors, positions)
    }

    /// The same without what stretches it.
    pub(super) fn unstretched(self) -> Self {
        Self::plain(self.theta, self.rotated)
    }

    /// The same for queries whose size grows with the position.
    pub(super) fn growing(self, beta: f64, length: f64) -> Self {
        Self {
            growth: Some((beta, length)),
            ..self
        }
    }

    /// Radians a position, by pair.
    fn frequencies(&self, positions: usize, factors: Option<&[f32]>) -> Vec<f64> {
        let divisors = self.of_length(&self.divisors, positions);
        let plain = (0..self.rotated / 2).map(|i| self.theta.powf(-2.0 * narrow(i) / narrow(self.rotated)));
        plain
            .enumerate()
            .map(|(i, f)| {
                let f = f / factors.and_then(|all| all.get(i)).map_or(1.0, |d| f64::from(*d));
                let f = f / divisors.and_then(|all| all.get(i)).copied().unwrap_or(1.0);
                match self.scaling {
                    Scaling::None => f,
                    Scaling::Linear(factor) => f / factor,
                    Scaling::Llama3 {
                        factor,
                        low,
                        high,
                        original,
                    } => {
                        let wave = std::f64::consts::TAU / f;
                        if wave < original / high {
                            f
                        } else if wave > original / low {
                            f / factor
                        } else {
                            let smooth = (original / wave - low) / (high - low);
                            (1.0 - smooth) * f / factor + smooth * f
                        }
                    }
                    Scaling::Yarn { factor, low, high } => {
                        let ramp = ((narrow(i) - low) / (high - low)).clamp(0.0, 1.0);
                        ramp * f / factor + (1.0 - ramp) * f
                    }
                    Scaling::Proportional(pairs) => {
                        if i < pairs {
                            f
                        } else {
                            0.0
                        }
                    }
                }
            })
            .collect()
    }

    /// Values a position has in the table: cos and sin of each pair.
    pub(crate) fn values(&self) -> usize {
        self.rotated
    }

    /// Calls `row` with a position's cos and sin by pair, for each position. `factors` are the values of
    /// [`Self::factors`].
    ///
    /// # Errors
    /// Of `row`.
    #[allow(clippy::cast_possible_truncation, reason = "rounded to f32 last")]
    pub(crate) fn table(
        &self,
        positions: usize,
        factors: Option<&[f32]>,
        mut row: impl FnMut(&[f32]) -> Result<()>,
    ) -> Result<()> {
        let frequencies = self.frequencies(positions, factors);
        let mut values = Vec::with_capacity(2 * frequencies.len());
        for p in 0..positions {
            let p = narrow(p);
            let growth = self
                .growth
                .map_or(1.0, |(beta, length)| 1.0 + beta * (p / length).floor().ln_1p());
            let size = self.size * growth;
            values.clear();
            let pairs = frequencies.iter().map(|f| p * f);
            values.extend(pairs.flat_map(|angle| [(size * angle.cos()) as f32, (size * angle.sin()) as f32]));
            row(&values)?;
        }
        Ok(())
    }
}

/// A count as a number.
#[allow(clippy::cast_precision_loss, reason = "exact below 2^53")]
fn narrow(count: usize) -> f64 {
    count as f64
}

/// The whole part of a number from 0, at most 2^20.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped before; a NaN becomes 0"
)]
fn whole(number: f64) -> usize {
    number.clamp(0.0, f64::from(1 << 20)) as usize
}

/// How much of a head turns.
fn rotated(keys: &Keys<'_>, object: &str, head_dim: usize) -> Result<usize> {
    let shares = format!("{object}.partial_rotary_factor|partial_rotary_factor|rotary_pct|rope_pct");
    let rotated = match keys.size("rope.dimension_count", "rotary_dim")? {
        Some(rotated) => rotated,
        None => match keys.float("", &shares)? {
            Some(share) => whole(share * narrow(head_dim)),
            None => head_dim,
        },
    };
    if rotated > head_dim || rotated % 2 == 1 {
        let expected = format!("an even number up to {head_dim}");
        let key = "rope.dimension_count";
        return Err(Error::bad(&keys.checkpoint.name, key, expected, rotated));
    }
    Ok(rotated)
}

/// What `YaRN` multiplies queries and keys by.
fn yarn_size(keys: &Keys<'_>, object: &str, factor: f64) -> Result<f64> {
    let of = |name: &str| format!("{object}.{name}");
    let times = keys.float("rope.scaling.attn_factor", "")?.unwrap_or(1.0);
    let given = keys.float("rope.scaling.yarn_attn_factor", &of("attention_factor"))?;
    if let Some(size) = given.filter(|n| *n > 0.0) {
        return Ok(size * times);
    }
    let scale = |m: f64| if factor > 1.0 { 0.1 * m * factor.ln() + 1.0 } else { 1.0 };
    let all = keys.float("rope.scaling.yarn_log_multiplier", &of("mscale_all_dim"))?;
    let one = keys.float("", &of("mscale"))?;
    // GGUF has one of the two, and the other is 1; `config.json` means something by both only.
    let one = one.or(keys.is_gguf().then_some(1.0));
    Ok(times
        * match (one.unwrap_or(0.0), all.unwrap_or(0.0)) {
            (one, all) if one != 0.0 && all != 0.0 => scale(one) / scale(all),
            _ => scale(1.0),
        })
}

/// The ramp of `YaRN`, between the pairs that make `beta_fast` and `beta_slow` turns within the original context.
fn yarn(keys: &Keys<'_>, object: &str, table: &RopeTable, factor: f64, original: f64) -> Result<Scaling> {
    let of = |name: &str| format!("{object}.{name}");
    let fast = keys
        .float("rope.scaling.yarn_beta_fast", &of("beta_fast"))?
        .unwrap_or(32.0);
    let slow = keys
        .float("rope.scaling.yarn_beta_slow", &of("beta_slow"))?
        .unwrap_or(1.0);
    let width = narrow(table.rotated);
    let pair = |turns: f64| width * (original / (turns * std::f64::consts::TAU)).ln() / (2.0 * table.theta.ln());
    let (mut low, mut high) = (pair(fast), pair(slow));
    let truncate = keys.json(&of("truncate")).and_then(serde_json::Value::as_bool);
    if truncate.unwrap_or(true) {
        (low, high) = (low.floor(), high.ceil());
    }
    let (low, mut high) = (low.max(0.0), high.min(width - 1.0));
    if low >= high {
        high = low + 0.001;
    }
    Ok(Scaling::Yarn { factor, low, high })
}
