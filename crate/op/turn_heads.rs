//! Heads of rows of products, normalised or with a bias, turned and into the cache, in one kernel: what `plan/project.rs` makes of
//! norms of heads or sums with a bias, and a `turn`. Made for a GPU; its reference is what it takes the place of.

use super::{
    Fixed, Graph, Lowering, Norm, Op, Run, Tensor, Turn,
    case::Case,
    kv_write::{KvWrite, kv_write, ring, room},
    lowering::u32_of,
    matmul::matmul,
    norm::{Affine, norm},
    rope::{Rope, rope},
    turn::Sizes,
};
use crate::{
    error::{Error, Result},
    shader::turn_heads as kernel,
    tensor::Kv,
};

pub(crate) static OP: Op = Op {
    name: "turn_heads",
    twin,
    fast: None,
    lower,
};

/// Configuration of [`turn_heads`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct TurnHeads {
    pub(crate) turn: Turn,
    /// How heads of queries and keys are normalised, by gains for all heads alike; else all heads have biases.
    pub(crate) norm: Option<Norm>,
}

/// Writes the queries of `x: [T, (H + 2 * Hk) * Dh]` into the first of `outputs`, `[T, H * Dh]`, turned, and its keys, turned, and
/// values to the second, where the `turn` wrote; before, by `beside`: the gains `[Dh]` of queries and keys, or the biases of queries,
/// keys and values.
pub(crate) fn turn_heads(g: &mut Graph, x: Tensor, beside: &[Tensor], cfg: TurnHeads, outputs: &[Tensor]) {
    let (state, table) = (g.fixed(Fixed::State), g.fixed(Fixed::RopeTable(cfg.turn.keys.table)));
    let inputs: Vec<Tensor> = [state, table, x].iter().chain(beside).copied().collect();
    g.push(&OP, cfg, &inputs, outputs);
}

fn twin(_: &mut Run<'_>) -> Result<()> {
    Err(Error::internal("turn_heads is not made for the CPU"))
}

fn lower(low: &mut Lowering<'_>) -> Result<()> {
    let TurnHeads { turn, norm } = *low.node.cfg::<TurnHeads>()?;
    let y = low.node.outputs[0].shape;
    let args = kernel::Args {
        state: low.input(0)?,
        table: low.input(1)?,
        x: low.input(2)?,
        of_q: low.input(3)?,
        of_k: low.input(4)?,
        of_v: low.input_or(5, 4)?,
        y: low.output(0)?,
        kv: low.output(1)?,
    };
    let size = |n| u32_of(OP.name, n);
    let params = kernel::Params {
        heads: size(turn.queries.heads)?,
        kv_heads: size(turn.keys.heads)?,
        head_dim: size(y.width() / turn.queries.heads)?,
        rotated: size(turn.keys.rotated)?,
        capacity: room(low)?,
        eps: norm.map_or(0.0, |norm| norm.eps),
        plus: norm.map_or(0.0, |norm| norm.plus),
    };
    let consts = kernel::Consts {
        normed: u32::from(norm.is_some()),
        ring: ring(low),
        wg: low.a_row(),
    };
    let variant = kernel::Variant {
        subgroups: low.caps.subgroups(),
        store: match low.graph.kv {
            Kv::F32 | Kv::Q8 => kernel::Store::KvStoreF32,
            Kv::F16 => kernel::Store::KvStoreF16,
        },
    };
    let grid = [turn.queries.heads + 2 * turn.keys.heads, y.rows(), 1];
    low.dispatch(variant.source(), consts.entries(), &params, args.bindings(), grid)
}

/// Heads with norms, or else with biases, rotated and written.
fn case(kv: Kv, normed: bool, (pos, bucket, valid, heads, kv_heads, head_dim, rotated): Sizes) -> Case {
    let kind = if normed { "norms" } else { "biases" };
    let name = format!(
        "{kind} pos{pos} t{valid}/{bucket} h{heads}/{kv_heads} dh{head_dim} dr{rotated} {}",
        kv.name()
    );
    Case::new(name, bucket, move |c| {
        c.position(pos);
        c.valid(valid);
        c.graph.kv = kv;
        c.graph.capacity = pos + bucket;
        c.rope_table(60, rotated);
        c.cache(0, kv_heads, head_dim)?;
        let x = c.input(bucket, 64);
        let mut parts = vec![];
        for (which, heads) in [heads, kv_heads, kv_heads].into_iter().enumerate() {
            let w = c.weight_about(0.1, crate::quant::F32, heads * head_dim, 64);
            let mut y = matmul(c.graph, w, x)?;
            if normed && which < 2 {
                let affine = Affine {
                    gain: Some(c.vector(head_dim)),
                    bias: None,
                };
                let cfg = Norm {
                    eps: 1e-5,
                    centred: false,
                    plus: 0.5,
                    heads,
                };
                y = norm(c.graph, y, affine, cfg)?;
            } else if !normed {
                let bias = c.vector(heads * head_dim);
                y = super::add(c.graph, y, bias)?;
            }
            if which < 2 {
                let cfg = Rope {
                    heads,
                    rotated,
                    table: 0,
                };
                y = rope(c.graph, y, cfg)?;
            }
            parts.push(y);
        }
        let write = KvWrite {
            heads: kv_heads,
            layer: 0,
        };
        kv_write(c.graph, parts[1], parts[2], write)?;
        c.graph.output(parts[0]);
        let y = super::attention(c.graph, parts[0], None, super::attention::plain(heads, kv_heads))?;
        c.graph.output(y);
        Ok(())
    })
}

/// A few tokens of heads of two widths.
pub(crate) fn turned(kv: Kv, normed: bool) -> [Case; 2] {
    [(9, 8, 5, 4, 2, 24, 24), (3, 1, 1, 8, 4, 128, 128)].map(|sizes| case(kv, normed, sizes))
}

pub(super) fn cases() -> Vec<Case> {
    let others = [
        (0, 1, 1, 2, 2, 16, 16),
        (30, 8, 7, 6, 1, 64, 32),
        (5, 1, 1, 2, 1, 260, 128),
    ];
    let kinds = [Kv::F32, Kv::F16, Kv::Q8].map(|kv| [(kv, true), (kv, false)]);
    let each = kinds.into_iter().flatten().flat_map(|(kv, normed)| {
        // a value may be rounded the other way, and of few that is much
        let others = others.into_iter().filter(move |sizes| kv == Kv::F32 || sizes.0 != 5);
        let others = others.map(move |sizes| case(kv, normed, sizes));
        turned(kv, normed).into_iter().chain(others)
    });
    each.collect()
}
