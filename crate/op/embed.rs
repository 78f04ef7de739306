//! Rows of the embedding by token id.

use super::{Fixed, Graph, Lowering, Op, Run, Tensor, case::Case, lowering::u32_of};
use crate::{error::Result, shader::embed as kernel};

pub(crate) static OP: Op = Op {
    name: "embed",
    twin,
    fast: None,
    lower,
};

/// Configuration of [`embed_as`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Embed {
    /// Multiplies the row.
    pub(crate) scale: f32,
    /// Rows by position, in place of token ids.
    pub(crate) positions: bool,
}

/// `x: [T, D]`, row t being row `tokens[t]` of `w: [V, D]`.
pub(crate) fn embed(g: &mut Graph, w: Tensor) -> Result<Tensor> {
    let cfg = Embed {
        scale: 1.0,
        positions: false,
    };
    embed_as(g, w, cfg)
}

/// `x: [T, D]`, row t being `scale` times row `tokens[t]` of `w: [V, D]`, or row `pos + t`.
pub(crate) fn embed_as(g: &mut Graph, w: Tensor, cfg: Embed) -> Result<Tensor> {
    g.format(OP.name, w)?;
    let x = g.alloc([g.bucket, w.shape.width()]);
    let (state, tokens) = (g.fixed(Fixed::State), g.fixed(Fixed::Tokens));
    g.push(&OP, cfg, &[state, tokens, w], &[x]);
    Ok(x)
}

fn twin(run: &mut Run<'_>) -> Result<()> {
    let cfg = *run.cfg::<Embed>()?;
    let mut x = run.take(0)?;
    let (w, state) = (run.weight(2)?, run.memory.state);
    let tokens = &run.memory.tokens[..state.len];
    for (t, (row, id)) in x.chunks_exact_mut(w.width).zip(tokens).enumerate() {
        w.row(if cfg.positions { state.pos + t } else { *id as usize }, row);
        row.iter_mut().for_each(|v| *v *= cfg.scale);
    }
    run.give(0, x)
}

fn lower(low: &mut Lowering<'_>) -> Result<()> {
    let cfg = *low.node.cfg::<Embed>()?;
    let (number, format, shards) = low.weight_alone(2)?;
    let width = low.node.inputs[2].shape.width();
    let words = (format.plane_words)(width);
    for (i, shard) in shards.iter().enumerate() {
        let args = kernel::Args {
            state: low.input(0)?,
            tokens: low.input(1)?,
            w: super::Bind::Shard(number, i),
            x: low.output(0)?,
        };
        let params = kernel::Params {
            rows: u32_of(OP.name, shard.rows)?,
            width: u32_of(OP.name, width)?,
            first: u32_of(OP.name, shard.first)?,
            row0: u32_of(OP.name, words[0] / 4)?,
            row1: u32_of(OP.name, words[1] / 4)?,
            plane1: u32_of(OP.name, shard.rows * words[0] / 4)?,
            positions: u32::from(cfg.positions),
            scale: cfg.scale,
        };
        let variant = kernel::Variant {
            quant: super::matmul::quant(kernel::Quant::from_name(format.shader), format)?,
        };
        let lanes = low.caps.cpu_lanes();
        low.dispatch(
            variant.source(),
            kernel::Consts { lanes }.entries(),
            &params,
            args.bindings(),
            [(width / 4).div_ceil(64), low.graph.bucket, 1],
        )?;
    }
    Ok(())
}

pub(super) fn cases() -> Vec<Case> {
    // The smaller one has scales that are subnormal in f16.
    let sizes = [("", 1.0), (" small", 1e-4)];
    let checked = crate::quant::FORMATS.iter().flat_map(|f| {
        let format = *f;
        sizes.map(|(name, size)| {
            Case::new(format!("{}{name}", format.name), 8, move |c| {
                let w = c.weight_about(size, format, 130, 3 * format.block.max(32));
                c.tokens(&[3, 129, 0, 41, 42, 84, 3]);
                let x = embed(c.graph, w)?;
                c.graph.output(x);
                Ok(())
            })
        })
    });
    let timed = crate::quant::FORMATS.iter().map(|f| {
        let format = *f;
        let case = Case::new(format!("{} t128 d4096", format.name), 128, move |c| {
            let w = c.weight(format, 1024, 4096);
            let ids: Vec<u32> = (0..128).map(|t| 331 * t % 1024).collect();
            c.tokens(&ids);
            let x = embed(c.graph, w)?;
            c.graph.output(x);
            Ok(())
        });
        case.timed(128 * (format.row_bytes_gpu(4096) + 4 * 4096), 0)
    });
    let scaled = |positions| {
        Case::new(format!("scaled, positions {positions}"), 8, move |c| {
            let w = c.weight(crate::quant::F32, 30, 60);
            c.position(20);
            c.tokens(&[3, 29, 0, 4, 3]);
            let cfg = Embed { scale: 7.5, positions };
            let x = embed_as(c.graph, w, cfg)?;
            c.graph.output(x);
            Ok(())
        })
    };
    let scaled = [false, true].map(scaled);
    checked.chain(scaled).chain(timed).collect()
}
