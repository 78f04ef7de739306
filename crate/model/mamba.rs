//! Mamba (Gu and Dao, 2023): layers that are nothing but a convolution and a scan, in which every channel has steps of its own.

use super::{
    Arch, Network,
    keys::{LeftOut, Number},
    recurrent::Recurrence,
    spec::Spec,
};
use crate::{
    error::Result,
    format::Checkpoint,
    op::{Act, Scan},
};

pub(crate) static ARCH: Arch = Arch {
    name: "mamba",
    classes: &["MambaForCausalLM"],
    names: &[NAMES],
    open,
};

const NAMES: &[(&str, &str)] = &[
    ("backbone.embeddings.weight", "token_embd.weight"),
    ("backbone.layers.{}.norm.weight", "blk.{}.attn_norm.weight"),
    ("backbone.layers.{}.mixer.in_proj.weight", "blk.{}.ssm_in.weight"),
    ("backbone.layers.{}.mixer.in_proj.bias", "blk.{}.ssm_in.bias"),
    ("backbone.layers.{}.mixer.conv1d.weight", "blk.{}.ssm_conv1d.weight"),
    ("backbone.layers.{}.mixer.conv1d.bias", "blk.{}.ssm_conv1d.bias"),
    ("backbone.layers.{}.mixer.x_proj.weight", "blk.{}.ssm_x.weight"),
    ("backbone.layers.{}.mixer.dt_proj.weight", "blk.{}.ssm_dt.weight"),
    ("backbone.layers.{}.mixer.dt_proj.bias", "blk.{}.ssm_dt.bias"),
    ("backbone.layers.{}.mixer.A_log", "blk.{}.ssm_a"),
    ("backbone.layers.{}.mixer.D", "blk.{}.ssm_d"),
    ("backbone.layers.{}.mixer.out_proj.weight", "blk.{}.ssm_out.weight"),
    ("backbone.layers.{}.mixer.out_proj.bias", "blk.{}.ssm_out.bias"),
    ("backbone.norm_f.weight", "output_norm.weight"),
    ("lm_head.weight", "output.weight"),
];

/// There is no attention, and nothing else in a layer; the context has no end.
const LEFT_OUT: LeftOut = &[
    ("attention.head_count", "num_attention_heads", Number::Int(1)),
    ("feed_forward_length", "", Number::Int(1)),
    ("", "max_position_embeddings", Number::Int(1 << 20)),
    ("", "layer_norm_epsilon", Number::Float(1e-5)),
];

fn open(checkpoint: &Checkpoint) -> Result<Network> {
    let mut spec = Spec::read_with(checkpoint, &ARCH, LEFT_OUT)?;
    let keys = &spec.keys;
    if spec.act != Act::Silu || keys.switch("ssm.dt_b_c_rms", "") == Some(true) {
        return Err(keys.unsupported("another activation, or norms of steps", "silu, without norms"));
    }
    let inner = keys.need("ssm.inner_size", "intermediate_size")?;
    let width = keys.need("ssm.state_size", "state_size")?;
    let rank = match keys.text("", "time_step_rank") {
        Some("auto") => spec.width.div_ceil(16),
        _ => keys.need("ssm.time_step_rank", "time_step_rank")?,
    };
    spec.rows(inner, width)?;
    if rank.max(width) > 1 << 16 {
        return Err(keys.unsupported(format!("{width} states, and steps of {rank} values"), "65536 at most"));
    }
    let scan = Scan {
        heads: 1,
        groups: 1,
        share: 1,
        keys: width,
        values: inner,
        delta: false,
        each: true,
        logged: !keys.is_gguf(),
        past: 0,
    };
    let taps = spec.taps("ssm.conv_kernel", "conv_kernel")?;
    for layer in &mut spec.layers {
        layer.recurrence = Some(Recurrence {
            rank,
            ..Recurrence::of(taps, Some(scan))
        });
        layer.attends = false;
        layer.hidden = 0;
        layer.rope = None;
    }
    spec.network()
}
