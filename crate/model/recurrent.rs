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
    op::{Act, Affine, Conv, Graph, Norm, Scan, Steps, Tensor, conv, gate, norm, scan},
};

/// What a recurrent layer is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Recurrence {
    /// Tokens that its convolution sees.
    pub(super) taps: usize,
    /// The matrices behind it; without them the convolution is gated (LFM 2).
    pub(super) scan: Option<Scan>,
}

/// Weights of a recurrent layer.
pub(super) struct Recurrent {
    input: Linear,
    conv: usize,
    bias: Option<usize>,
    cfg: Conv,
    matrices: Option<Matrices>,
    output: Linear,
}

/// Weights of what stands behind the convolution.
struct Matrices {
    gate: Linear,
    decay: usize,
    bias: usize,
    extra: Extra,
    norm: usize,
    norm_cfg: Norm,
    cfg: Scan,
}

/// Where steps and what goes with them come from.
enum Extra {
    /// Linear maps of their own (delta rule).
    Linear([Linear; 2]),
    /// Steps are the columns behind those of the convolution, from here on; a weight goes with them (Mamba 2).
    Columns(usize, usize),
}

impl Spec<'_> {
    /// Makes layers of the first of two types recurrent, with matrices.
    pub(super) fn recur(&mut self, types: [&str; 2], sizes: [&str; 5], delta: bool) -> Result<()> {
        let recurrent = self.recurrent_layers(types)?;
        if recurrent.contains(&true) {
            let recurrence = self.recurrence(sizes, delta)?;
            for (layer, recurrent) in self.layers.iter_mut().zip(recurrent) {
                layer.recurrence = recurrent.then_some(recurrence);
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
    fn recurrence(&self, hf: [&str; 5], delta: bool) -> Result<Recurrence> {
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
            logged: !gguf,
            past: 0,
        };
        Ok(Recurrence { taps, scan: Some(scan) })
    }

    fn vector(&mut self, n: usize, name: &str, count: usize) -> Result<usize> {
        let name = format!("blk.{{}}.{name}");
        self.find.take(&name, Some(n), [count], Layout::default())
    }

    /// The weights of recurrent layer `n`.
    pub(super) fn recurrent(&mut self, n: usize, cfg: Recurrence) -> Result<Recurrent> {
        let (width, whole, taps) = (self.width, Layout::default(), cfg.taps);
        let (conv, channels) = match &cfg.scan {
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
                (input, output, None)
            }
            Some(scan) => {
                let scan = Scan { past: past + 1, ..scan };
                self.pasts.push(scan.kept());
                let (input, matrices) = self.matrices(n, scan)?;
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
                gated: matrices.is_none(),
            },
            matrices,
            output,
        })
    }

    /// What stands before the convolution, and behind it.
    fn matrices(&mut self, n: usize, cfg: Scan) -> Result<(Linear, Matrices)> {
        let (width, whole) = (self.width, Layout::default());
        let (heads, inner, channels) = (cfg.heads, cfg.heads * cfg.values, cfg.width());
        let (input, gate, extra);
        if cfg.delta {
            input = self.linear(n, "attn_qkv", [channels, width], whole)?;
            gate = self.linear(n, "attn_gate", [inner, width], whole)?;
            extra = Extra::Linear([
                self.linear(n, "ssm_alpha", [heads, width], whole)?,
                self.linear(n, "ssm_beta", [heads, width], whole)?,
            ]);
        } else {
            let part = |offset, block| Layout {
                part: Some(Part {
                    offset,
                    block,
                    stride: inner + channels + heads,
                }),
                ..whole
            };
            gate = self.linear(n, "ssm_in", [inner, width], part(0, inner))?;
            let rest = channels + heads;
            input = self.linear(n, "ssm_in", [rest, width], part(inner, rest))?;
            extra = Extra::Columns(channels, self.vector(n, "ssm_d", heads)?);
        }
        // Of each head; of the row, or in GGUF of each group.
        let grouped = if self.keys.is_gguf() { cfg.groups } else { 1 };
        let (norms, gains) = if cfg.delta {
            (heads, cfg.values)
        } else {
            (grouped, inner)
        };
        let matrices = Matrices {
            gate,
            decay: self.vector(n, "ssm_a", heads)?,
            bias: self.vector(n, "ssm_dt.bias", heads)?,
            extra,
            norm: self.vector(n, "ssm_norm.weight", gains)?,
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
        let input = self.linear(g, layer.input, x)?;
        let (w, bias) = (self.weight(g, layer.conv), layer.bias.map(|b| self.weight(g, b)));
        let mut y = conv(g, input, w, bias, layer.cfg)?;
        if let Some(m) = &layer.matrices {
            let (steps, extra) = match m.extra {
                Extra::Linear([alpha, beta]) => ((self.linear(g, alpha, x)?, 0), self.linear(g, beta, x)?),
                Extra::Columns(first, passes) => ((input, first), self.weight(g, passes)),
            };
            let steps = Steps {
                steps,
                decay: self.weight(g, m.decay),
                bias: self.weight(g, m.bias),
                extra,
            };
            let affine = Affine {
                gain: Some(self.weight(g, m.norm)),
                bias: None,
            };
            let z = self.linear(g, m.gate, x)?;
            y = scan(g, y, steps, m.cfg)?;
            if m.cfg.delta {
                y = norm(g, y, affine, m.norm_cfg)?;
                y = gate(g, z, (y, 0), Act::Silu)?;
            } else {
                y = gate(g, z, (y, 0), Act::Silu)?;
                y = norm(g, y, affine, m.norm_cfg)?;
            }
        }
        self.linear(g, layer.output, y)
    }
}
