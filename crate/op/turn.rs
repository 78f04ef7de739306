//! Queries turned, and keys turned and values into the cache, in one kernel: what `plan/fuse.rs` makes of two `rope` and a
//! `kv_write`.

use super::{
    Fixed, Graph, KvWrite, Lowering, Op, Rope, Run, Tensor,
    case::Case,
    kv_write::{kv_write, ring, room, valid, write},
    lowering::{strided, u32_of},
    rope::{rope, rotate},
};
use crate::{
    error::{Error, Result},
    shader::turn as kernel,
    tensor::{Kv, Shape},
};

pub(crate) static OP: Op = Op {
    name: "turn",
    twin,
    fast: None,
    lower,
};

/// Configuration of [`turn`]: those of what it does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Turn {
    pub(crate) queries: Rope,
    pub(crate) keys: Rope,
    pub(crate) write: KvWrite,
}

impl Turn {
    /// Whether queries and keys of these shapes are turned alike, and by heads of one even width.
    pub(crate) fn fits(&self, q: Shape, k: Shape) -> bool {
        let by = |rope: Rope| (rope.table, rope.rotated);
        let head_dim = q.width() / self.queries.heads.max(1);
        let widths = k.width() == head_dim * self.keys.heads && head_dim.is_multiple_of(2);
        by(self.queries) == by(self.keys) && self.keys.heads == self.write.heads && widths
    }
}

/// Rotates `q: [T, H * Dh]` into `y`, and writes `k, v: [T, Hk * Dh]`, `k` rotated, to where the `kv_write` that it takes the place
/// of wrote. Both rotations are by one table, of as many values.
pub(crate) fn turn(g: &mut Graph, [q, k, v]: [Tensor; 3], cfg: Turn, [y, kv]: [Tensor; 2]) -> Result<()> {
    if !cfg.fits(q.shape, k.shape) || k.shape != v.shape || y.shape != q.shape {
        return Err(Error::shape(OP.name, "k", "heads as those of q", k.shape));
    }
    let inputs = [
        g.fixed(Fixed::State),
        g.fixed(Fixed::RopeTable(cfg.keys.table)),
        q,
        k,
        v,
    ];
    g.push(&OP, cfg, &inputs, &[y, kv]);
    Ok(())
}

fn twin(run: &mut Run<'_>) -> Result<()> {
    let cfg = *run.cfg::<Turn>()?;
    let mut y = run.take(0)?;
    rotate(run, 2, cfg.queries, &mut y)?;
    run.give(0, y)?;
    let mut keys = vec![0.0; run.rows(run.tensor(3)) * run.tensor(3).shape.width()];
    rotate(run, 3, cfg.keys, &mut keys)?;
    let values = valid(run, 4)?;
    write(run, 3, [&keys, &values], cfg.write);
    Ok(())
}

fn lower(low: &mut Lowering<'_>) -> Result<()> {
    let cfg = low.node.cfg::<Turn>()?;
    let [q, k] = [2, 3].map(|i| low.node.inputs[i].shape);
    let args = kernel::Args {
        state: low.input(0)?,
        table: low.input(1)?,
        q: low.input(2)?,
        k: low.input(3)?,
        v: low.input(4)?,
        y: low.output(0)?,
        kv: low.output(1)?,
    };
    let params = kernel::Params {
        heads: u32_of(OP.name, cfg.queries.heads)?,
        kv_heads: u32_of(OP.name, cfg.keys.heads)?,
        rotated: u32_of(OP.name, cfg.keys.rotated)?,
        capacity: room(low)?,
        bucket: u32_of(OP.name, q.rows())?,
    };
    let store = match low.graph.kv {
        Kv::F32 | Kv::Q8 => kernel::Store::KvStoreF32,
        Kv::F16 => kernel::Store::KvStoreF16,
    };
    let pairs = u32_of(OP.name, q.width() / cfg.queries.heads / 2)?;
    let groups = strided(q.width() / 2 + k.width(), 64);
    low.dispatch(
        kernel::Variant { store }.source(),
        kernel::Consts { pairs, ring: ring(low) }.entries(),
        &params,
        args.bindings(),
        [groups, q.rows(), 1],
    )
}

/// Position, bucket, valid tokens, query heads, kv heads, head width, rotated.
pub(super) type Sizes = (usize, usize, usize, usize, usize, usize, usize);

pub(super) fn case(kv: Kv, (pos, bucket, valid, heads, kv_heads, head_dim, rotated): Sizes) -> Case {
    let name = format!(
        "pos{pos} t{valid}/{bucket} h{heads}/{kv_heads} dh{head_dim} dr{rotated} {}",
        kv.name()
    );
    Case::new(name, bucket, move |c| {
        c.position(pos);
        c.valid(valid);
        c.graph.kv = kv;
        c.graph.capacity = pos + bucket;
        c.rope_table(100, rotated);
        c.cache(0, kv_heads, head_dim)?;
        let [q, k, v] = [heads, kv_heads, kv_heads].map(|n| c.input(bucket, n * head_dim));
        let by = |heads| Rope {
            heads,
            rotated,
            table: 0,
        };
        let q = rope(c.graph, q, by(heads))?;
        let k = rope(c.graph, k, by(kv_heads))?;
        kv_write(
            c.graph,
            k,
            v,
            KvWrite {
                heads: kv_heads,
                layer: 0,
            },
        )?;
        let y = super::attention(c.graph, q, None, super::attention::plain(heads, kv_heads))?;
        c.graph.output(y);
        Ok(())
    })
}

pub(super) fn cases() -> Vec<Case> {
    let shapes = [
        (0, 1, 1, 2, 2, 16, 16),
        (9, 8, 5, 4, 2, 24, 24),
        (30, 32, 31, 6, 1, 64, 32),
        (3, 1, 1, 8, 4, 128, 128),
    ];
    [Kv::F32, Kv::F16, Kv::Q8]
        .into_iter()
        .flat_map(|kv| shapes.map(|shape| case(kv, shape)))
        .collect()
}
