//! Keys and values into the cache of fixed capacity, in place.

use super::{
    Fixed, Graph, Lowering, Node, Op, Run, Tensor,
    case::Case,
    lowering::{strided, u32_of},
};
use crate::{
    error::{Error, Result},
    shader::{kv_pack, kv_write as kernel},
    tensor::{Kv, block},
};

pub(crate) static OP: Op = Op {
    name: "kv_write",
    twin,
    fast: None,
    lower,
};

/// Rows that a step wrote, into a cache of codes.
pub(crate) static PACK: Op = Op {
    name: "kv_pack",
    // A CPU's `kv_write` made codes of them.
    twin: |_| Ok(()),
    fast: None,
    lower: lower_pack,
};

/// Configuration of [`kv_write`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct KvWrite {
    /// Key-value heads.
    pub(crate) heads: usize,
    /// Whose cache.
    pub(crate) layer: usize,
}

/// Writes `k, v: [T, Hk * Dh]` at positions `pos ..` of the layer's cache. Only valid tokens are written.
pub(crate) fn kv_write(g: &mut Graph, k: Tensor, v: Tensor, cfg: KvWrite) -> Result<()> {
    let [_, width] = k.shape.dims2(OP.name)?;
    if k.shape != v.shape || !width.is_multiple_of(2 * cfg.heads) {
        return Err(Error::shape(
            OP.name,
            "v",
            format!("{:?}, heads of even width", k.shape),
            v.shape,
        ));
    }
    let (state, kv) = (g.fixed(Fixed::State), g.fixed(Fixed::Kv(cfg.layer)));
    if g.kv != Kv::Q8 {
        g.push(&OP, cfg, &[state, k, v], &[kv]);
        return Ok(());
    }
    // A block of codes needs all of its values: they come here first, whoever writes them.
    let rows = g.alloc([k.shape.rows(), 2 * width]);
    g.push(&OP, cfg, &[state, k, v], &[rows]);
    g.push(&PACK, cfg, &[state, rows], &[kv]);
    Ok(())
}

/// The cache that what node `at` writes goes to.
pub(crate) fn cache_of(g: &Graph, at: usize) -> Option<Tensor> {
    let to = *g.nodes[at].outputs.last()?;
    let packs = |n: &&Node| n.op.name == PACK.name && n.inputs.contains(&to);
    g.nodes[at..]
        .iter()
        .find(packs)
        .map_or(Some(to), |n| n.outputs.first().copied())
}

/// Tokens that a kernel which writes keys and values as its last output has room for: the cache's, or the step's.
pub(super) fn room(low: &Lowering<'_>) -> Result<u32> {
    let step = low.node.outputs.last().map_or(0, |rows| rows.shape.rows());
    u32_of(
        OP.name,
        if low.graph.kv == Kv::Q8 {
            step
        } else {
            low.graph.capacity
        },
    )
}

/// Whether that is the step's.
pub(super) fn ring(low: &Lowering<'_>) -> u32 {
    u32::from(low.graph.kv == Kv::Q8)
}

fn twin(run: &mut Run<'_>) -> Result<()> {
    let cfg = *run.cfg::<KvWrite>()?;
    let [keys, values] = [valid(run, 1)?, valid(run, 2)?];
    write(run, 1, [&keys, &values], cfg);
    Ok(())
}

/// The valid rows of an input.
pub(super) fn valid(run: &Run<'_>, number: usize) -> Result<Vec<f32>> {
    let tensor = run.tensor(number);
    Ok(run.input(number)?[..run.rows(tensor) * tensor.shape.width()].to_vec())
}

/// Writes keys and values of the shape of input `number` into the cache.
pub(super) fn write(run: &mut Run<'_>, number: usize, parts: [&[f32]; 2], cfg: KvWrite) {
    let tensor = run.tensor(number);
    let width = tensor.shape.width();
    let (head_dim, capacity, pos) = (width / cfg.heads, run.capacity(), run.memory.state.pos);
    let rows = run.rows(tensor);
    let kv = &mut run.memory.kv[cfg.layer];
    for (part, x) in parts.into_iter().enumerate() {
        for t in 0..rows {
            for h in 0..cfg.heads {
                let from = t * width + h * head_dim;
                let row = (part * cfg.heads + h) * capacity + pos + t;
                kv.write(row, &x[from..from + head_dim]);
            }
        }
    }
}

fn lower(low: &mut Lowering<'_>) -> Result<()> {
    let cfg = low.node.cfg::<KvWrite>()?;
    let x = low.node.inputs[1].shape;
    let args = kernel::Args {
        state: low.input(0)?,
        k: low.input(1)?,
        v: low.input(2)?,
        kv: low.output(0)?,
    };
    let params = kernel::Params {
        heads: u32_of(OP.name, cfg.heads)?,
        head_dim: u32_of(OP.name, x.width() / cfg.heads)?,
        capacity: room(low)?,
        bucket: u32_of(OP.name, x.rows())?,
    };
    let store = match low.graph.kv {
        Kv::F32 | Kv::Q8 => kernel::Store::KvStoreF32,
        Kv::F16 => kernel::Store::KvStoreF16,
    };
    let variant = kernel::Variant { store };
    low.dispatch(
        variant.source(),
        kernel::Consts { ring: ring(low) }.entries(),
        &params,
        args.bindings(),
        [strided(x.count() / 2, 64), 1, 1],
    )
}

fn lower_pack(low: &mut Lowering<'_>) -> Result<()> {
    let cfg = low.node.cfg::<KvWrite>()?;
    let rows = low.node.inputs[1].shape;
    let width = rows.width() / (2 * cfg.heads);
    let args = kv_pack::Args {
        state: low.input(0)?,
        rows: low.input(1)?,
        kv: low.output(0)?,
    };
    let params = kv_pack::Params {
        heads: u32_of(OP.name, 2 * cfg.heads)?,
        head_dim: u32_of(OP.name, width)?,
        capacity: u32_of(OP.name, low.graph.capacity)?,
        bucket: u32_of(OP.name, rows.rows())?,
    };
    let consts = kv_pack::Consts {
        block: u32_of(OP.name, block(width))?,
    };
    low.dispatch(
        kv_pack::Variant {}.source(),
        consts.entries(),
        &params,
        args.bindings(),
        [strided(rows.count() / block(width), 64), 1, 1],
    )
}

/// Written, and read back by attention.
fn written(kv: Kv) -> Vec<Case> {
    let cfg = super::attention::plain(4, 2);
    super::attention_cases::written(kv, &[(5, 8, 3, cfg, 16), (70, 1, 1, cfg, 100)], false, false)
}

/// Keys and values that become codes, whichever kernel writes them.
pub(crate) fn packed() -> Vec<Case> {
    let mut cases = written(Kv::Q8);
    cases.push(super::turn::case(Kv::Q8, (30, 32, 31, 6, 1, 64, 32)));
    let sizes = [9, 8, 3, 2, 1, 16, 32];
    cases.push(super::project::turn_case(crate::quant::F32, Kv::Q8, true, sizes));
    cases
}

pub(super) fn cases() -> Vec<Case> {
    let checked = [Kv::F32, Kv::F16, Kv::Q8].into_iter().flat_map(written);
    let timed = |t| {
        let case = Case::new(format!("f16 t{t} h8 dh128"), t, move |c| {
            c.graph.kv = Kv::F16;
            c.graph.capacity = 512;
            c.cache(0, 8, 128)?;
            let (k, v) = (c.input(t, 8 * 128), c.input(t, 8 * 128));
            kv_write(c.graph, k, v, KvWrite { heads: 8, layer: 0 })
        });
        case.timed(2 * t * 8 * 128 * (4 + 2), 0)
    };
    checked.chain([1, 128].map(timed)).collect()
}
