//! The matrix product with a weight: a vector form for few tokens, a tiled form for many, one decoder per block format.

use super::{
    Bind, Fixed, Graph, Lowering, Node, Op, Run, Tensor,
    case::Case,
    lowering::u32_of,
    norm::narrow,
    route::index,
    sort::{self, sort},
};
use crate::{
    cpu::product::{Product, product},
    error::{Error, Result},
    shader::{matmul_tile, matmul_vec},
    tensor::Format,
};

pub(crate) static OP: Op = Op {
    name: "matmul",
    twin,
    fast: Some(fast),
    lower,
};

/// Buckets above this take the tiled form.
pub(crate) const VECTOR_TOKENS: usize = 8;

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

/// Weight, x and y of a node that is a [`matmul`].
pub(crate) fn as_matmul(node: &Node) -> Option<[Tensor; 3]> {
    let plain = node.op.name == OP.name && node.cfg::<Of>().is_err();
    plain.then(|| [node.inputs[1], node.inputs[2], node.outputs[0]])
}

/// Which experts' rows of a weight each token takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Chosen {
    /// `[T, 2 * used]`: their ids first.
    pub(crate) routes: Tensor,
    /// The same sorted by expert, which many tokens need.
    pub(crate) order: Tensor,
    /// How many there are.
    pub(crate) experts: usize,
}

/// Configuration of [`matmul_of`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Of {
    /// Rows of an expert.
    rows: usize,
    /// Experts a token.
    used: usize,
    /// How many there are.
    experts: usize,
    /// Whether x has a row for each expert of a token; else one for all.
    own: bool,
}

/// `y: [T, used * N]`, `y[t, j] = w[e] x[t]` or `w[e] x[t, j]`, where e is the j-th expert of token t: for `x: [T, K]` or
/// `[T, used * K]` and a weight `w: [E * N, K]`.
pub(crate) fn matmul_of(g: &mut Graph, w: Tensor, x: Tensor, chosen: Chosen) -> Result<Tensor> {
    g.format(OP.name, w)?;
    let ([rows, width], [t, k]) = (w.shape.dims2(OP.name)?, x.shape.dims2(OP.name)?);
    let (used, experts) = (chosen.routes.shape.width() / 2, chosen.experts);
    let own = k != width;
    let fits = k == width || k == used * width;
    if !fits || !width.is_multiple_of(4) || !rows.is_multiple_of(experts) || chosen.routes.shape.rows() != t {
        let expected = format!("rows of {width}, a multiple of 4, for {experts} experts");
        return Err(Error::shape(OP.name, "x", expected, x.shape));
    }
    let rows = rows / experts;
    let y = g.alloc([t, used * rows]);
    let state = g.fixed(Fixed::State);
    let cfg = Of {
        rows,
        used,
        experts,
        own,
    };
    g.push(&OP, cfg, &[state, w, x, chosen.routes, chosen.order], &[y]);
    Ok(y)
}

/// Of how many experts in a weight a token reads how many; all of one, where there are none.
pub(crate) fn reads(node: &Node) -> [usize; 2] {
    node.cfg::<Of>().map_or([1, 1], |of| [of.used, of.experts])
}

/// The weight of a node that is a [`matmul_of`].
pub(crate) fn of_experts(node: &Node) -> Option<Tensor> {
    node.cfg::<Of>().is_ok().then(|| node.inputs[1])
}

/// The experts of a step's tokens, of `experts` there are.
pub(crate) fn choose(g: &mut Graph, routes: Tensor, experts: usize) -> Result<Chosen> {
    // Few tokens go to their experts one by one.
    let order = if routes.shape.rows() <= VECTOR_TOKENS {
        routes
    } else {
        sort(g, routes, experts)?
    };
    Ok(Chosen { routes, order, experts })
}

/// Calls `compute` for each expert's rows of w and the rows of y and x that go with it.
fn each(run: &mut Run<'_>, compute: impl Fn(&Product<'_>, &mut [f32])) -> Result<()> {
    let mut y = run.take(0)?;
    let (w, x) = (run.weight(1)?, run.input(2)?);
    let (tokens, of) = (run.rows(run.tensor(2)), run.cfg::<Of>().ok().copied());
    let exact = run.memory.exact;
    // Rows of y and of x for each expert; without experts all of them for one.
    let pairs: Vec<Vec<(usize, usize)>> = match of {
        None => vec![(0..tokens).map(|t| (t, t)).collect()],
        Some(of) => {
            let (routes, mut pairs) = (run.input(3)?, vec![Vec::new(); of.experts]);
            for n in 0..tokens * of.used {
                let expert = index(routes[n / of.used * 2 * of.used + n % of.used]).min(of.experts - 1);
                pairs[expert].push((n, if of.own { n } else { n / of.used }));
            }
            pairs
        }
    };
    let own = if run.memory.shared { w.own } else { w.rows };
    let [rows, wide] = [own, w.rows].map(|rows| rows / pairs.len());
    for (expert, pairs) in pairs.iter().enumerate().filter(|(_, pairs)| !pairs.is_empty()) {
        let first = expert * rows;
        let of = Product {
            w,
            first,
            rows,
            wide,
            pairs,
            x,
            exact,
        };
        compute(&of, &mut y);
    }
    run.give(0, y)
}

/// The decoder of a format, or an error that names it.
pub(super) fn quant<Q>(found: Option<Q>, format: &Format) -> Result<Q> {
    found.ok_or_else(|| Error::internal(format!("no shader decodes {}", format.name)))
}

fn twin(run: &mut Run<'_>) -> Result<()> {
    each(run, |of, y| {
        let (width, mut row) = (of.w.width, vec![0.0; of.w.width]);
        for n in 0..of.rows {
            of.w.row(of.first + n, &mut row);
            for (to, from) in of.pairs {
                let x = &of.x[from * width..(from + 1) * width];
                y[to * of.wide + n] = narrow(row.iter().zip(x).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum());
            }
        }
    })
}

fn fast(run: &mut Run<'_>) -> Result<()> {
    each(run, product)
}

fn lower(low: &mut Lowering<'_>) -> Result<()> {
    let of = low.node.cfg::<Of>().ok().copied();
    let (number, format, shards) = if of.is_some() {
        low.weight_alone(1)?
    } else {
        low.weight(1)?
    };
    let ([rows, width], x) = (low.node.inputs[1].shape.dims2(OP.name)?, low.node.inputs[2].shape);
    let words = (format.plane_words)(width);
    let (used, wide) = of.map_or((0, rows), |of| (of.used, of.rows));
    // Rows of y a token.
    let choices = used.max(1);
    let own = of.is_some_and(|of| of.own);
    let tiles = of.map_or(0, |of| sort::tiles(x.rows() * of.used, of.experts));
    for (i, shard) in shards.iter().enumerate() {
        let (state, w) = (low.input(0)?, Bind::Shard(number, i));
        let (x_bind, y) = (low.input(2)?, low.output(0)?);
        let routes = low.input_or(4, 2)?;
        // [rows, width, first, out_width, row0, row1, plane1, used, at], the same in both kernels
        let sizes = [
            shard.rows,
            width,
            shard.first,
            wide,
            words[0] / 4,
            words[1] / 4,
            shard.of * words[0] / 4,
            used,
            shard.at,
        ];
        let [n, k, first, out_width, row0, row1, plane1, used, at] = u32s(sizes)?;
        if x.rows() <= VECTOR_TOKENS {
            use matmul_vec::{Args, Consts, Params, Quant, Variant};
            let args = Args {
                state,
                w,
                x: x_bind,
                routes,
                y,
            };
            let params = Params {
                rows: n,
                width: k,
                first,
                out_width,
                row0,
                row1,
                plane1,
                used,
                own: u32::from(own),
                at,
            };
            let (quant, form) = (quant(Quant::from_name(format.shader), format)?, low.form(format));
            let variant = Variant {
                quant,
                subgroups: form.subgroups,
            };
            let consts = Consts {
                wg: form.invocations,
                lanes: low.caps.cpu_lanes(),
            };
            let mut grid = form.grid(low.caps, shard.rows.min(wide).div_ceil(4), x.rows());
            if used > 0 {
                grid[1] = x.rows() * choices;
            }
            low.dispatch(variant.source(), consts.entries(), &params, args.bindings(), grid)?;
        } else {
            use matmul_tile::{Args, Consts, Params, Quant, Tile, Variant};
            let args = Args {
                state,
                w,
                x: x_bind,
                routes,
                y,
            };
            let params = Params {
                rows: n,
                width: k,
                first,
                out_width,
                row0,
                row1,
                plane1,
                used,
                own: u32::from(own),
                tiles: u32_of(OP.name, tiles)?,
                at,
            };
            let lanes = low.caps.cpu_lanes();
            let variant = Variant {
                quant: quant(Quant::from_name(format.shader), format)?,
                tile: match lanes {
                    0 => Tile::Vectors,
                    4 => Tile::Lanes,
                    _ => Tile::Wide,
                },
            };
            let grid = match of {
                Some(of) => [of.rows.div_ceil(64), tiles, 1],
                None => [shard.rows.div_ceil(64), x.rows().div_ceil(32), 1],
            };
            low.dispatch(
                variant.source(),
                Consts { lanes }.entries(),
                &params,
                args.bindings(),
                grid,
            )?;
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

/// Cases of experts.
fn chosen_cases() -> impl Iterator<Item = Case> {
    // (bucket, valid, used, experts, N, K in blocks of 32 or more, whether x has a row for each)
    let shapes = [
        (1, 1, 2, 4, 12, 1, false),
        (8, 5, 3, 5, 70, 3, true),
        (8, 8, 1, 3, 9, 2, false),
        (32, 31, 2, 4, 70, 3, false),
        (32, 31, 2, 4, 70, 2, true),
        (128, 100, 4, 9, 66, 1, false),
    ];
    let case = |format: &'static Format, (bucket, valid, used, experts, rows, blocks, own)| {
        let width = blocks * format.block.max(32);
        let name = format!(
            "{} t{valid}/{bucket} {used} of {experts} n{rows} k{width} {own}",
            format.name
        );
        Case::new(name, bucket, move |c| {
            c.valid(valid);
            let w = c.weight(format, experts * rows, width);
            let x = c.input(bucket, if own { used * width } else { width });
            let routes = c.routes(bucket, used, experts);
            let chosen = choose(c.graph, routes, experts)?;
            let y = matmul_of(c.graph, w, x, chosen)?;
            c.graph.output(y);
            Ok(())
        })
    };
    let all = crate::quant::FORMATS.iter();
    all.flat_map(move |format| shapes.map(|shape| case(format, shape)))
}

pub(super) fn cases() -> Vec<Case> {
    // (bucket, valid, N, K): one row, odd rows, tails of tiles; K in blocks of 32 or more
    let shapes = [
        (1, 1, 1, 1),
        (1, 1, 77, 3),
        (1, 1, 257, 9),
        (8, 3, 3, 4),
        (8, 5, 130, 2),
        (32, 1, 1, 1),
        (32, 31, 65, 5),
        (32, 17, 257, 2),
        (128, 33, 70, 3),
    ];
    // widths that no block of 32 divides
    let plain = [(1, 1, 33, 20), (8, 8, 9, 172), (32, 9, 80, 84)];
    // so many rows that a workgroup takes one token after the other
    let many = [(8, 7, 4100, 64)];
    let timed = [(1, 1, 4096, 4096), (128, 128, 2048, 2048)];
    let mut all: Vec<Case> = chosen_cases().collect();
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
        let extra: &[_] = match format.name {
            "Q8_0" => &many,
            _ if format.block == 1 => &plain,
            _ => &[],
        };
        let shapes = shapes.map(|(bucket, valid, rows, blocks)| (bucket, valid, rows, blocks * format.block.max(32)));
        all.extend(shapes.iter().chain(extra).map(case));
        all.extend(timed.iter().map(|row| {
            let &(_, t, rows, width) = row;
            let bytes = rows * format.row_bytes_gpu(width) + 4 * t * (rows + width);
            case(row).timed(bytes, 2 * t * rows * width)
        }));
    }
    all
}
