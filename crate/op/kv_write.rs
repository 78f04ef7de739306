//! Keys and values into the cache of fixed capacity, in place.

use super::{
    Fixed, Graph, Lowering, Op, Run, Tensor,
    case::Case,
    lowering::{strided, u32_of},
};
use crate::{
    error::{Error, Result},
    quant::half,
    shader::kv_write as kernel,
};

pub(crate) static OP: Op = Op {
    name: "kv_write",
    twin,
    fast: None,
    lower,
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
    g.push(&OP, cfg, &[state, k, v], &[kv]);
    Ok(())
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
    let (width, f16) = (tensor.shape.width(), run.kv_f16());
    let (head_dim, capacity, pos) = (width / cfg.heads, run.capacity(), run.memory.state.pos);
    let rows = run.rows(tensor);
    let kv = &mut run.memory.kv[cfg.layer];
    for (part, x) in parts.into_iter().enumerate() {
        for t in 0..rows {
            for h in 0..cfg.heads {
                let to = ((part * cfg.heads + h) * capacity + pos + t) * head_dim;
                let from = t * width + h * head_dim;
                let cells = &mut kv[to..to + head_dim];
                cells.copy_from_slice(&x[from..from + head_dim]);
                if f16 {
                    cells
                        .iter_mut()
                        .for_each(|c| *c = half::f16_to_f32(half::f32_to_f16(*c)));
                }
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
        capacity: u32_of(OP.name, low.graph.capacity)?,
        bucket: u32_of(OP.name, x.rows())?,
    };
    let store = if low.graph.kv_f16 {
        kernel::Store::KvStoreF16
    } else {
        kernel::Store::KvStoreF32
    };
    let variant = kernel::Variant { store };
    low.dispatch(
        variant.source(),
        vec![],
        &params,
        args.bindings(),
        [strided(x.count() / 2, 64), 1, 1],
    )
}

pub(super) fn cases() -> Vec<Case> {
    // Read back by attention, whose cases write the cache first.
    let cfg = super::attention::plain(4, 2);
    let checked = super::attention_cases::written(&[(5, 8, 3, cfg, 16)], false, false);
    let timed = |t| {
        let case = Case::new(format!("f16 t{t} h8 dh128"), t, move |c| {
            c.graph.kv_f16 = true;
            c.graph.capacity = 512;
            c.cache(0, 8, 128);
            let (k, v) = (c.input(t, 8 * 128), c.input(t, 8 * 128));
            kv_write(c.graph, k, v, KvWrite { heads: 8, layer: 0 })
        });
        case.timed(2 * t * 8 * 128 * (4 + 2), 0)
    };
    checked.into_iter().chain([1, 128].map(timed)).collect()
}
