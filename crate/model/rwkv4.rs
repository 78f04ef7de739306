//! RWKV 4 (Peng et al., 2023): instead of attention a decaying mean of values, channel by channel, and a feed-forward part with
//! a gate; what they read is a mix of this token and the one before.

use super::{
    Arch, Network,
    block::Decoder,
    keys::{LeftOut, Number},
    layers::{Gain, Linear},
    spec::Spec,
    weights::Layout,
};
use crate::{
    error::Result,
    format::Checkpoint,
    op::{Act, Conv, Graph, Tensor, Window, activate, add, conv, gate, wkv},
};

pub(crate) static ARCH: Arch = Arch {
    name: "rwkv4",
    classes: &["RwkvForCausalLM"],
    names: &[NAMES],
    open,
};

const NAMES: &[(&str, &str)] = &[
    ("rwkv.embeddings.weight", "token_embd.weight"),
    ("rwkv.blocks.0.pre_ln.weight", "token_embd_norm.weight"),
    ("rwkv.blocks.0.pre_ln.bias", "token_embd_norm.bias"),
    ("rwkv.blocks.{}.ln1.weight", "blk.{}.attn_norm.weight"),
    ("rwkv.blocks.{}.ln1.bias", "blk.{}.attn_norm.bias"),
    ("rwkv.blocks.{}.attention.time_decay", "blk.{}.time_mix_decay.weight"),
    ("rwkv.blocks.{}.attention.time_first", "blk.{}.time_mix_first.weight"),
    ("rwkv.blocks.{}.attention.time_mix_key", "blk.{}.time_mix_lerp_k.weight"),
    (
        "rwkv.blocks.{}.attention.time_mix_value",
        "blk.{}.time_mix_lerp_v.weight",
    ),
    (
        "rwkv.blocks.{}.attention.time_mix_receptance",
        "blk.{}.time_mix_lerp_r.weight",
    ),
    ("rwkv.blocks.{}.attention.key.weight", "blk.{}.time_mix_key.weight"),
    ("rwkv.blocks.{}.attention.value.weight", "blk.{}.time_mix_value.weight"),
    (
        "rwkv.blocks.{}.attention.receptance.weight",
        "blk.{}.time_mix_receptance.weight",
    ),
    (
        "rwkv.blocks.{}.attention.output.weight",
        "blk.{}.time_mix_output.weight",
    ),
    ("rwkv.blocks.{}.ln2.weight", "blk.{}.attn_norm_2.weight"),
    ("rwkv.blocks.{}.ln2.bias", "blk.{}.attn_norm_2.bias"),
    (
        "rwkv.blocks.{}.feed_forward.time_mix_key",
        "blk.{}.channel_mix_lerp_k.weight",
    ),
    (
        "rwkv.blocks.{}.feed_forward.time_mix_receptance",
        "blk.{}.channel_mix_lerp_r.weight",
    ),
    (
        "rwkv.blocks.{}.feed_forward.key.weight",
        "blk.{}.channel_mix_key.weight",
    ),
    (
        "rwkv.blocks.{}.feed_forward.value.weight",
        "blk.{}.channel_mix_value.weight",
    ),
    (
        "rwkv.blocks.{}.feed_forward.receptance.weight",
        "blk.{}.channel_mix_receptance.weight",
    ),
    ("rwkv.ln_out.weight", "output_norm.weight"),
    ("rwkv.ln_out.bias", "output_norm.bias"),
    ("head.weight", "output.weight"),
];

/// There is no attention.
const LEFT_OUT: LeftOut = &[
    ("", "num_attention_heads", Number::Int(1)),
    ("", "layer_norm_epsilon", Number::Float(1e-5)),
];

/// A linear map of a mix of two tokens.
struct Mixed {
    /// How much of the later one.
    share: usize,
    /// Number of what it keeps of the earlier one.
    past: usize,
    linear: Linear,
}

/// Weights of a layer.
struct Mixes {
    /// Keys, values, and the gate.
    time: [Mixed; 3],
    decay: usize,
    first: usize,
    /// Number of the sums that it keeps.
    past: usize,
    output: Linear,
    norm: Gain,
    /// The hidden row, and the gate.
    channel: [Mixed; 2],
    down: Linear,
}

impl Spec<'_> {
    /// A past of so many values.
    fn past(&mut self, values: usize) -> usize {
        self.pasts.push(values);
        self.pasts.len() - 1
    }

    fn mixed(&mut self, n: usize, [lerp, name]: [&str; 2], rows: usize) -> Result<Mixed> {
        let (width, whole) = (self.width, Layout::default());
        let lerp = format!("blk.{{}}.{lerp}.weight");
        Ok(Mixed {
            share: self.find.take(&lerp, Some(n), [width], whole)?,
            past: self.past(width),
            linear: self.linear(n, name, [rows, width], whole)?,
        })
    }

    fn mixes(&mut self, n: usize, inner: usize, hidden: usize) -> Result<Mixes> {
        let (width, whole) = (self.width, Layout::default());
        Ok(Mixes {
            time: [
                self.mixed(n, ["time_mix_lerp_k", "time_mix_key"], inner)?,
                self.mixed(n, ["time_mix_lerp_v", "time_mix_value"], inner)?,
                self.mixed(n, ["time_mix_lerp_r", "time_mix_receptance"], inner)?,
            ],
            decay: self
                .find
                .take("blk.{}.time_mix_decay.weight", Some(n), [inner], whole)?,
            first: self
                .find
                .take("blk.{}.time_mix_first.weight", Some(n), [inner], whole)?,
            past: self.past(self.rows(3, inner)?),
            output: self.linear(n, "time_mix_output", [width, inner], whole)?,
            norm: self.gain("blk.{}.attn_norm_2", Some(n), width)?,
            channel: [
                self.mixed(n, ["channel_mix_lerp_k", "channel_mix_key"], hidden)?,
                self.mixed(n, ["channel_mix_lerp_r", "channel_mix_receptance"], width)?,
            ],
            down: self.linear(n, "channel_mix_value", [width, hidden], whole)?,
        })
    }
}

impl Mixed {
    fn of(&self, decoder: &Decoder, g: &mut Graph, x: Tensor) -> Result<Tensor> {
        let share = decoder.weight(g, self.share);
        let cfg = Conv {
            taps: 2,
            past: self.past,
            window: Window::Shift,
        };
        let y = conv(g, x, share, None, cfg)?;
        decoder.linear(g, self.linear, y)
    }
}

fn open(checkpoint: &Checkpoint) -> Result<Network> {
    let mut spec = Spec::read_with(checkpoint, &ARCH, LEFT_OUT)?;
    // What halves the residual stream every few layers is for f16, and the norms behind it undo it.
    spec.norm.centred = true;
    spec.embed_norm = true;
    let inner = spec.keys.size("", "attention_hidden_size")?.unwrap_or(spec.width);
    let mut layers = Vec::new();
    for n in 0..spec.layers.len() {
        let hidden = spec.layers[n].hidden;
        layers.push(spec.mixes(n, inner, hidden)?);
        let layer = &mut spec.layers[n];
        (layer.attends, layer.hidden, layer.rope) = (false, 0, None);
    }
    spec.decoder()?.network(move |decoder, g, head| {
        let mut x = decoder.embed(g)?;
        for (layer, plain) in layers.iter().zip(&decoder.layers) {
            let y = plain.attn_norm.map_or(Ok(x), |gain| decoder.norm(g, gain, x))?;
            let [key, value, open] = &layer.time;
            let kv = [key.of(decoder, g, y)?, value.of(decoder, g, y)?];
            let weights = [layer.decay, layer.first].map(|weight| decoder.weight(g, weight));
            let mean = wkv(g, kv, weights, layer.past)?;
            let open = open.of(decoder, g, y)?;
            let y = gate(g, open, (mean, 0), Act::Sigmoid)?;
            let y = decoder.linear(g, layer.output, y)?;
            x = add(g, x, y)?;
            let y = decoder.norm(g, layer.norm, x)?;
            let [up, open] = &layer.channel;
            let hidden = up.of(decoder, g, y)?;
            let hidden = activate(g, hidden, Act::Relu2)?;
            let down = decoder.linear(g, layer.down, hidden)?;
            let open = open.of(decoder, g, y)?;
            let y = gate(g, open, (down, 0), Act::Sigmoid)?;
            x = add(g, x, y)?;
        }
        decoder.head(g, x, head)
    })
}
