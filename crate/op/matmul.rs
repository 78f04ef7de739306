//! The matrix product with a weight: a vector form for few tokens, a tiled form for many, one decoder per block format.

use super::{Bind, Fixed, Graph, Lowering, Op, Run, Tensor, case::Case, lowering::u32_of, norm::narrow};
use crate::{
    cpu::simd,
    error::{Error, Result},
    shader::{matmul_tile, matmul_vec},
    tensor::Format,
};

pub(crate) static OP: Op = Op {
    name: "matmul",
    twin,
    fast: Some(fast),
    lower,
    cases,
};

/// Buckets above this take the tiled form.
const VECTOR_TOKENS: usize = 8;

/// `y: [T, N]`, `y[t] = w x[t]`, for `x: [T, K]` and a weight `w: [N, K]` of any format. K is a multiple of 4.
pub(crate) fn matmul(g: &mut Graph, w: Tensor, x: Tensor) -> Result<Tensor> {
    g.format(OP.name, w)?;
    let ([rows, width], [t, k]) = (w.shape.dims2(OP.name)?, x.shape.dims2(OP.name)?);
    if width != k || !width.is_multiple_of(4) {
        return Err(Error::shape(
            OP.name,
            "x",
            format!("rows of {width}, a multiple of 4"),
            x.shape,
        ));
    }
    let y = g.alloc([t, rows]);
    let state = g.fixed(Fixed::State);
    g.push(&OP, (), &[state, w, x], &[y]);
    Ok(y)
}

/// The decoder of a format, or an error that names it.
pub(super) fn quant<Q>(found: Option<Q>, format: &Format) -> Result<Q> {
    found.ok_or_else(|| Error::internal(format!("no shader decodes {}", format.name)))
}

fn twin(run: &mut Run<'_>) -> Result<()> {
    let mut y = run.take(0)?;
    let (w, x) = (run.weight(1)?, run.input(2)?);
    let mut row = vec![0.0; w.width];
    for n in 0..w.rows {
        w.row(n, &mut row);
        for t in 0..run.rows(run.tensor(2)) {
            let x = &x[t * w.width..(t + 1) * w.width];
            let sum: f64 = row.iter().zip(x).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            y[t * w.rows + n] = narrow(sum);
        }
    }
    run.give(0, y)
}

fn fast(run: &mut Run<'_>) -> Result<()> {
    let mut y = run.take(0)?;
    let (w, x) = (run.weight(1)?, run.input(2)?);
    let mut row = vec![0.0; w.width];
    for n in 0..w.rows {
        w.row(n, &mut row);
        for t in 0..run.rows(run.tensor(2)) {
            y[t * w.rows + n] = simd::dot(&row, &x[t * w.width..(t + 1) * w.width]);
        }
    }
    run.give(0, y)
}

fn lower(low: &mut Lowering<'_>) -> Result<()> {
    let (number, format, shards) = low.weight(1)?;
    let ([rows, width], x) = (low.node.inputs[1].shape.dims2(OP.name)?, low.node.inputs[2].shape);
    let words = (format.plane_words)(width);
    for (i, shard) in shards.iter().enumerate() {
        let (state, w) = (low.input(0)?, Bind::Shard(number, i));
        let (x_bind, y) = (low.input(2)?, low.output(0)?);
        // [rows, width, first, out_width, row0, row1, plane1], the same in both kernels
        let sizes = [
            shard.rows,
            width,
            shard.first,
            rows,
            words[0] / 4,
            words[1] / 4,
            shard.rows * words[0] / 4,
        ];
        let [n, k, first, out_width, row0, row1, plane1] = u32s(sizes)?;
        if x.rows() <= VECTOR_TOKENS {
            use matmul_vec::{Args, Consts, Params, Quant, Variant};
            let args = Args { state, w, x: x_bind, y };
            let params = Params {
                rows: n,
                width: k,
                first,
                out_width,
                row0,
                row1,
                plane1,
            };
            let quant = quant(Quant::from_name(format.shader), format)?;
            let variant = Variant {
                quant,
                subgroups: low.caps.subgroups(),
            };
            let consts = Consts::default();
            // Enough groups for the widest subgroups there are; surplus ones find no rows.
            let per_group = if low.caps.subgroups() {
                (consts.wg / low.caps.subgroup_max()).max(1)
            } else {
                1
            };
            let groups = shard.rows.div_ceil(4 * per_group as usize).clamp(1, 65_535);
            low.dispatch(
                variant.source(),
                consts.entries(),
                &params,
                args.bindings(),
                [groups, x.rows(), 1],
            )?;
        } else {
            use matmul_tile::{Args, Params, Quant, Variant};
            let args = Args { state, w, x: x_bind, y };
            let params = Params {
                rows: n,
                width: k,
                first,
                out_width,
                row0,
                row1,
                plane1,
            };
            let variant = Variant {
                quant: quant(Quant::from_name(format.shader), format)?,
            };
            let grid = [shard.rows.div_ceil(64), x.rows().div_ceil(32), 1];
            low.dispatch(variant.source(), vec![], &params, args.bindings(), grid)?;
        }
    }
    Ok(())
}

fn u32s<const N: usize>(sizes: [usize; N]) -> Result<[u32; N]> {
    let mut out = [0; N];
    for (to, from) in out.iter_mut().zip(sizes) {
        *to = u32_of(OP.name, from)?;
    }
    Ok(out)
}

fn cases() -> Vec<Case> {
    // (bucket, valid, N, K): one row, odd rows, tails of tiles, widths that no block of 32 divides
    let shapes = [
        (1, 1, 1, 32),
        (1, 1, 77, 96),
        (8, 5, 130, 64),
        (32, 31, 65, 160),
        (128, 33, 70, 96),
    ];
    let plain = [(1, 1, 33, 20), (8, 8, 9, 172), (32, 9, 80, 84)];
    let timed = [(1, 1, 4096, 4096), (128, 128, 2048, 2048)];
    let mut all = Vec::new();
    for format in crate::quant::FORMATS {
        let case = |&(bucket, valid, rows, width): &(usize, usize, usize, usize)| {
            let name = format!("{} t{valid}/{bucket} n{rows} k{width}", format.name);
            Case::new(name, bucket, move |c| {
                c.valid(valid);
                let w = c.weight(format, rows, width);
                let x = c.input(bucket, width);
                let y = matmul(c.graph, w, x)?;
                c.graph.output(y);
                Ok(())
            })
        };
        let extra: &[_] = if format.block == 1 { &plain } else { &[] };
        all.extend(shapes.iter().chain(extra).map(case));
        all.extend(timed.iter().map(|row| {
            let &(_, t, rows, width) = row;
            let bytes = rows * format.row_bytes_gpu(width) + 4 * t * (rows + width);
            case(row).timed(bytes, 2 * t * rows * width)
        }));
    }
    all
}
