//! Frequencies of rotary embeddings and their table of cos and sin, made in f64.

use super::keys::{Finder, Keys};
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
}

/// The rotations of a model.
#[derive(Debug, Clone)]
pub(crate) struct RopeTable {
    theta: f64,
    /// Values of a head that are rotated.
    pub(crate) rotated: usize,
    scaling: Scaling,
    /// A tensor that divides each frequency, in GGUF files of Llama 3.
    pub(crate) factors: Option<Entry>,
}

impl RopeTable {
    /// Reads the rotations; `rotated` is how much of a head turns unless the file says otherwise.
    pub(super) fn read(keys: &Keys<'_>, finder: &Finder<'_>, head_dim: usize) -> Result<Self> {
        let rotated = keys.size("rope.dimension_count", "")?.unwrap_or(head_dim);
        if rotated > head_dim || rotated % 2 == 1 {
            let expected = format!("an even number up to {head_dim}");
            return Err(Error::bad(
                &keys.checkpoint.name,
                "rope.dimension_count",
                expected,
                rotated,
            ));
        }
        // transformers 5 moved theta and scaling into one object
        let object = if keys.json("rope_parameters").is_some() {
            "rope_parameters"
        } else {
            "rope_scaling"
        };
        let theta = match keys.float("rope.freq_base", "rope_theta")? {
            Some(theta) => theta,
            None => keys.float("", &format!("{object}.rope_theta"))?.unwrap_or(10_000.0),
        };
        // GGUF files before the type was written have a factor alone, and before that its older name.
        let linear = keys.float("rope.scaling.factor", "")?.is_some() || keys.float("rope.scale_linear", "")?.is_some();
        let kind = keys
            .text("rope.scaling.type", &format!("{object}.rope_type"))
            .or_else(|| keys.text("", &format!("{object}.type")))
            .unwrap_or(if linear { "linear" } else { "none" });
        let number = |gguf: &str, hf: &str| -> Result<f64> {
            let key = format!("{object}.{hf}");
            keys.float(gguf, &key)?
                .filter(|n| *n > 0.0)
                .ok_or_else(|| Error::bad(&keys.checkpoint.name, key, "a number above 0", "nothing"))
        };
        let scaling = match kind {
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
            other => {
                return Err(Error::Unsupported {
                    kind: Unsupported::Architecture,
                    file: keys.checkpoint.name.clone(),
                    what: format!("rope scaling {other}"),
                    supported: "none, linear, llama3".into(),
                });
            }
        };
        let factors = finder.entry("rope_freqs.weight", None).map(|(_, entry)| entry.clone());
        if let Some(entry) = &factors
            && (entry.format.name != "F32" || entry.shape.count() != rotated / 2)
        {
            let found = format!("{:?} {:?}", entry.format, entry.shape);
            return Err(Error::bad(
                &keys.checkpoint.name,
                "rope_freqs.weight",
                format!("F32 [{}]", rotated / 2),
                found,
            ));
        }
        Ok(Self {
            theta,
            rotated,
            scaling,
            factors,
        })
    }

    /// Radians a position, by pair.
    #[allow(clippy::cast_precision_loss, reason = "pairs of a head are few")]
    fn frequencies(&self, factors: Option<&[f32]>) -> Vec<f64> {
        let plain = (0..self.rotated / 2).map(|i| self.theta.powf(-2.0 * i as f64 / self.rotated as f64));
        plain
            .enumerate()
            .map(|(i, f)| {
                let f = f / factors.and_then(|all| all.get(i)).map_or(1.0, |d| f64::from(*d));
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
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "exact below 2^53; rounded to f32 last"
    )]
    pub(crate) fn table(
        &self,
        positions: usize,
        factors: Option<&[f32]>,
        mut row: impl FnMut(&[f32]) -> Result<()>,
    ) -> Result<()> {
        let frequencies = self.frequencies(factors);
        let mut values = Vec::with_capacity(2 * frequencies.len());
        for p in 0..positions {
            values.clear();
            values.extend(
                frequencies
                    .iter()
                    .flat_map(|f| [(p as f64 * f).cos() as f32, (p as f64 * f).sin() as f32]),
            );
            row(&values)?;
        }
        Ok(())
    }
}
