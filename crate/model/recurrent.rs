//! Recurrent layers: instead of attention a short convolution, and behind it, in most families, a matrix a head that each
//! token changes. What they keep does not grow with the context.

use super::{
    block::Decoder,
    layers::Linear,
    spec::Spec,
    weights::{Layout, Part},
};
use crate::{
    error::{Error, Result},
    op::{Act, Affine, Conv, Graph, Norm, Scan, Steps, Tensor, Window, activate, conv, gate, join, norm, scan},
};

/// What a recurrent layer is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Recurrence {
    /// Tokens that its convolution sees.
    pub(super) taps: usize,
    /// The matrices behind it; without them the convolution is gated (LFM 2).
    pub(super) scan: Option<Scan>,
    /// Width of what steps are made of, where they come from behind the convolution (Mamba 1); else 0.
    pub(super) rank: usize,
    /// What multiplies gate, values, keys, queries and steps (Falcon H1); gates by what follows the matrices.
    pub(super) scales: Option<[f32; 5]>,
}

impl Recurrence {
    /// One of so many taps, and plain.
    pub(super) fn of(taps: usize, scan: Option<Scan>) -> Self {
        Self {
            taps,
            scan,
            rank: 0,
            scales: None,
        }
    }
}

/// Weights of a recurrent layer.
pub(super) struct Recurrent {
    /// Side by side, and what multiplies them.
    input: Vec<(Linear, f32)>,
    conv: usize,
    bias: Option<usize>,
    cfg: Conv,
    matrices: Option<Matrices>,
    output: Linear,
}

/// Weights of what stands behind the convolution.
struct Matrices {
    gate: Linear,
    act: Act,
    decay: usize,
    bias: usize,
    extra: Extra,
    norm: Option<usize>,
    norm_cfg: Norm,
    cfg: Scan,
}

/// Where steps and what goes with them come from.
enum Extra {
    /// Linear maps of their own (delta rule).
    Linear([Linear; 2]),
    /// Steps are the columns behind those of the convolution, from here on; a weight goes with them (Mamba 2).
    Columns(usize, usize),
    /// Steps are a linear map of one of what the convolution makes, another has keys and queries, and a weight goes with
    /// them (Mamba 1).
    Behind([Linear; 3], usize),
}

impl Spec<'_> {
    /// Makes layers of the first of two types recurrent, with matrices.
    pub(super) fn recur(&mut self, types: [&str; 2], sizes: [&str; 5], delta: bool) -> Result<()> {
        let recurrent = self.recurrent_layers(types)?;
        if recurrent.contains(&true) {
            let recurrence = self.recurrence(sizes, delta)?;
            for (layer, recurrent) in self.layers.iter_mut().zip(recurrent) {
                layer.recurrence = recurrent.then_some(recurrence);
                layer.attends = !recurrent;
            }
        }
        Ok(())
    }

    /// Tokens that a convolution sees.
    pub(super) fn taps(&self, gguf: &str, hf: &str) -> Result<usize> {
        let (keys, taps) = (&self.keys, self.keys.need(gguf, hf)?);
        if (2..=64).contains(&taps) {
            return Ok(taps);
        }
        Err(Error::bad(
            &keys.checkpoint.name,
            keys.name(gguf, hf),
            "2 to 64 tokens",
            taps,
        ))
    }

    /// Sizes of matrices by their keys in `config.json`: heads, groups, width of a key, tokens of the convolution, width of
    /// a value.
    pub(super) fn recurrence(&self, hf: [&str; 5], delta: bool) -> Result<Recurrence> {
        let (keys, gguf) = (&self.keys, self.keys.is_gguf());
        let heads = keys.need("ssm.time_step_rank", hf[0])?;
        let groups = keys.need("ssm.group_count", hf[1])?;
        let width = keys.need("ssm.state_size", hf[2])?;
        let taps = self.taps("ssm.conv_kernel", hf[3])?;
        let values = keys.need("ssm.inner_size", hf[4])? / if gguf { heads } else { 1 };
        let all = [heads, width, values]
            .iter()
            .try_fold(taps, |all, n| all.checked_mul(*n));
        let bad = |key, expected, found| Err(Error::bad(&keys.checkpoint.name, key, expected, found));
        if !heads.is_multiple_of(groups) {
            let key = keys.name("ssm.group_count", hf[1]);
            return bad(key, format!("a divisor of {heads} heads"), groups.to_string());
        }
        if !all.is_some_and(|n| (1..1 << 28).contains(&n)) {
            let expected = "heads times key, value and convolution below 2^28".into();
            let found = format!("{heads} times {width}, {values}, {taps}");
            return bad(keys.name("ssm.state_size", hf[2]), expected, found);
        }
        let scan = Scan {
            heads,
            groups,
            // GGUF has the heads of the delta rule by turns.
            share: if delta && gguf { 1 } else { heads / groups },
            keys: width,
            values,
            delta,
            each: false,
            logged: !gguf,
            past: 0,
        };
        Ok(Recurrence::of(taps, Some(scan)))
    }

    /// An error for steps of Mamba 2 that are cut off.
    pub(super) fn steps_without_limit(&self) -> Result<()> {
        let limited = |limit: &&serde_json::Value| limit[0].as_f64() > Some(0.0) || limit[1].is_number();
        match self.keys.json("time_step_limit").filter(limited) {
            Some(limit) => {
                let what = format!("time_step_limit {limit}");
                Err(self.keys.unsupported(what, "steps without a limit"))
            }
            None => Ok(()),
        }
    }

    fn vector(&mut self, n: usize, name: &str, count: usize) -> Result<usize> {
        let name = format!("blk.{{}}.{name}");
        self.find.take(&name, Some(n), [count], Layout::default())
    }

    /// The weights of recurrent layer `n`.
    pub(super) fn recurrent(&mut self, n: usize, cfg: Recurrence) -> Result<Recurrent> {
        let (width, whole, taps) = (self.width, Layout::default(), cfg.taps);
        let (conv, channels) = match &cfg.scan {
            Some(scan) if cfg.rank > 0 => ("ssm_conv1d", scan.values),
            Some(scan) => ("ssm_conv1d", scan.width()),
            None => ("shortconv.conv", self.rows(3, width)? / 3),
        };
        let weight = self.vector(n, &format!("{conv}.weight"), self.rows(channels, taps)?)?;
        let bias = format!("{conv}.bias");
        let biased = self.find.has(&format!("blk.{{}}.{bias}"), Some(n));
        let bias = biased.then(|| self.vector(n, &bias, channels)).transpose()?;
        let past = self.pasts.len();
        self.pasts.push((taps - 1) * channels);
        let (input, output, matrices) = match cfg.scan {
            None => {
                let input = self.linear(n, "shortconv.in_proj", [3 * width, width], whole)?;
                let output = self.linear(n, "shortconv.out_proj", [width, width], whole)?;
                (vec![(input, 1.0)], output, None)
            }
            Some(scan) => {
                let scan = Scan { past: past + 1, ..scan };
                self.pasts.push(scan.kept());
                let (input, matrices) = self.matrices(n, scan, cfg)?;
                let output = self.linear(n, "ssm_out", [width, scan.heads * scan.values], whole)?;
                (input, output, Some(matrices))
            }
        };
        Ok(Recurrent {
            input,
            conv: weight,
            bias,
            cfg: Conv {
                taps,
                past,
                window: if matrices.is_none() {
                    Window::Gated
                } else {
                    Window::Silu
                },
            },
            matrices,
            output,
        })
    }

    /// What stands before the convolution, and behind it.
    fn matrices(&mut self, n: usize, mut cfg: Scan, layer: Recurrence) -> Result<(Vec<(Linear, f32)>, Matrices)> {
        let (width, whole) = (self.width, Layout::default());
        let (heads, inner, channels) = (cfg.heads, cfg.heads * cfg.values, cfg.width());
        let part = |offset, block, stride| Layout {
            part: Some(Part { offset, block, stride }),
            ..whole
        };
        let [of_gate, of_values, of_keys, of_queries, of_steps] = layer.scales.unwrap_or([1.0; 5]);
        let (gate, extra);
        let mut input = Vec::new();
        if cfg.delta {
            let there = |name: &str| self.find.has(&format!("blk.{{}}.{name}.weight"), Some(n));
            let (fused, paired) = (there("ssm_in"), there("ssm_ba"));
            let share = heads / cfg.groups;
            if fused {
                // Queries, keys, values and gates lie in one tensor, key by key.
                let (keys, values) = (cfg.keys, share * cfg.values);
                let stride = 2 * (keys + values);
                let mut take = |offset, block| {
                    let shape = [cfg.groups * block, width];
                    self.linear(n, "ssm_in", shape, part(offset, block, stride))
                };
                let first = take(0, keys)?;
                take(keys, keys)?;
                take(2 * keys, values)?;
                self.find.stack(first.weight);
                gate = self.linear(n, "ssm_in", [inner, width], part(stride - values, values, stride))?;
                input.push((first, 1.0));
            } else {
                input.push((self.linear(n, "attn_qkv", [channels, width], whole)?, 1.0));
                gate = self.linear(n, "attn_gate", [inner, width], whole)?;
            }
            extra = Extra::Linear(if paired {
                // These too, and the heads of a key are side by side in either container.
                cfg.share = share;
                let both = [share, 0].map(|offset| part(offset, share, 2 * share));
                let [alpha, beta] = both.map(|layout| self.linear(n, "ssm_ba", [heads, width], layout));
                [alpha?, beta?]
            } else {
                [
                    self.linear(n, "ssm_alpha", [heads, width], whole)?,
                    self.linear(n, "ssm_beta", [heads, width], whole)?,
                ]
            });
        } else if layer.rank > 0 {
            input.push((
                self.linear(n, "ssm_in", [inner, width], part(0, inner, 2 * inner))?,
                1.0,
            ));
            gate = self.linear(n, "ssm_in", [inner, width], part(inner, inner, 2 * inner))?;
            let (rank, both) = (layer.rank, 2 * cfg.keys);
            let steps = self.find.take("blk.{}.ssm_dt.weight", Some(n), [inner, rank], whole)?;
            extra = Extra::Behind(
                [
                    self.linear(n, "ssm_x", [rank, inner], part(0, rank, rank + both))?,
                    Linear::of(steps),
                    self.linear(n, "ssm_x", [both, inner], part(rank, both, rank + both))?,
                ],
                self.vector(n, "ssm_d", inner)?,
            );
        } else {
            let stride = inner + channels + heads;
            gate = self.linear(n, "ssm_in", [inner, width], part(0, inner, stride))?;
            let keys = cfg.groups * cfg.keys;
            let parts = [
                (inner, of_values),
                (keys, of_keys),
                (keys, of_queries),
                (heads, of_steps),
            ];
            let parts = match layer.scales {
                Some(_) => &parts[..],
                None => &[(channels + heads, 1.0)],
            };
            let mut offset = inner;
            for (rows, scale) in parts {
                let layout = part(offset, *rows, stride);
                input.push((self.linear(n, "ssm_in", [*rows, width], layout)?, *scale));
                offset += rows;
            }
            extra = Extra::Columns(channels, self.vector(n, "ssm_d", heads)?);
        }
        // Of each head; of the row, or in GGUF of each group.
        let grouped = if self.keys.is_gguf() { cfg.groups } else { 1 };
        let normed = cfg.delta || self.find.has("blk.{}.ssm_norm.weight", Some(n));
        let (norms, gains) = if cfg.delta {
            (heads, cfg.values)
        } else {
            (grouped, inner)
        };
        let matrices = Matrices {
            gate,
            act: Act::Swish(of_gate),
            decay: self.vector(n, "ssm_a", cfg.decays())?,
            bias: self.vector(n, "ssm_dt.bias", cfg.steps())?,
            extra,
            norm: normed.then(|| self.vector(n, "ssm_norm.weight", gains)).transpose()?,
            norm_cfg: Norm {
                heads: norms,
                plus: 0.0,
                ..self.norm
            },
            cfg,
        };
        Ok((input, matrices))
    }
}

impl Decoder {
    /// A recurrent layer's part in the place of attention.
    pub(super) fn recurrent(&self, g: &mut Graph, layer: &Recurrent, x: Tensor) -> Result<Tensor> {
        let mut input = None;
        for (linear, scale) in &layer.input {
            let mut y = self.linear(g, *linear, x)?;
            #[allow(clippy::float_cmp, reason = "what is written is compared")]
            if *scale != 1.0 {
                let (scale, cap) = (*scale, 0.0);
                y = activate(g, y, Act::Cap { scale, cap })?;
            }
            let beside = |before: Tensor| join(g, 1, (before, before.shape.width()), (y, y.shape.width()));
            input = Some(input.map_or(Ok(y), beside)?);
        }
        let input = input.ok_or_else(|| Error::internal("a recurrent layer without input"))?;
        let (w, bias) = (self.weight(g, layer.conv), layer.bias.map(|b| self.weight(g, b)));
        let mut y = conv(g, input, w, bias, layer.cfg)?;
        if let Some(m) = &layer.matrices {
            let (steps, extra) = match m.extra {
                Extra::Linear([alpha, beta]) => ((self.linear(g, alpha, x)?, 0), self.linear(g, beta, x)?),
                Extra::Columns(first, passes) => ((input, first), self.weight(g, passes)),
                Extra::Behind([low, steps, both], passes) => {
                    let low = self.linear(g, low, y)?;
                    let steps = self.linear(g, steps, low)?;
                    let both = self.linear(g, both, y)?;
                    y = join(g, 1, (y, y.shape.width()), (both, both.shape.width()))?;
                    ((steps, 0), self.weight(g, passes))
                }
            };
            let steps = Steps {
                steps,
                decay: self.weight(g, m.decay),
                bias: self.weight(g, m.bias),
                extra,
            };
            let affine = Affine {
                gain: m.norm.map(|gain| self.weight(g, gain)),
                bias: None,
            };
            let z = self.linear(g, m.gate, x)?;
            y = scan(g, y, steps, m.cfg)?;
            if m.cfg.delta {
                y = norm(g, y, affine, m.norm_cfg)?;
                y = gate(g, z, (y, 0), m.act)?;
            } else {
                y = gate(g, z, (y, 0), m.act)?;
                if affine.gain.is_some() {
                    y = norm(g, y, affine, m.norm_cfg)?;
                }
            }
        }
        self.linear(g, layer.output, y)
    }
}
