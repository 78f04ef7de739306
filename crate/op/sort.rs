//! Tokens sorted by expert, in tiles that the tiled matrix product takes one expert at a time: what makes a prompt's
//! tokens share the weights they need, without asking the host.

use super::{Fixed, Graph, Lowering, Op, Run, Tensor, case::Case, lowering::u32_of, route::number};
use crate::{
    error::{Error, Result},
    shader::sort as kernel,
};

pub(crate) static OP: Op = Op {
    name: "sort",
    twin,
    fast: None,
    lower,
};

/// Tokens a tile.
pub(super) const TILE: usize = 32;

/// Experts at most: each has a counter in workgroup memory.
const MOST: usize = 1024;

/// Tiles that are enough for `rows` choices among `experts`: each expert may leave one unfilled.
pub(super) fn tiles(rows: usize, experts: usize) -> usize {
    rows.div_ceil(TILE) + experts.min(rows)
}

/// `[1, tiles * TILE + tiles]`: for each place of each tile which choice (`t * used + j`) it takes, or -1; then each tile's
/// expert, or -1. From `routes: [T, 2 * used]`.
pub(crate) fn sort(g: &mut Graph, routes: Tensor, experts: usize) -> Result<Tensor> {
    let [t, double] = routes.shape.dims2(OP.name)?;
    if experts == 0 || experts > MOST {
        return Err(Error::shape(OP.name, "routes", format!("1 to {MOST} experts"), experts));
    }
    let y = g.alloc([1, tiles(t * double / 2, experts) * (TILE + 1)]);
    let state = g.fixed(Fixed::State);
    g.push(&OP, experts, &[state, routes], &[y]);
    Ok(y)
}

fn twin(run: &mut Run<'_>) -> Result<()> {
    let experts = *run.cfg::<usize>()?;
    let mut y = run.take(0)?;
    let (tensor, routes) = (run.tensor(1), run.input(1)?);
    let used = tensor.shape.width() / 2;
    let tiles = tiles(tensor.shape.rows() * used, experts);
    y.fill(-1.0);
    let mut tile = 0;
    for expert in 0..experts {
        let chose = |n: &usize| routes[n / used * 2 * used + n % used] == number(expert);
        let chosen: Vec<usize> = (0..run.rows(tensor) * used).filter(chose).collect();
        for part in chosen.chunks(TILE) {
            for (i, choice) in part.iter().enumerate() {
                y[tile * TILE + i] = number(*choice);
            }
            y[tiles * TILE + tile] = number(expert);
            tile += 1;
        }
    }
    run.give(0, y)
}

fn lower(low: &mut Lowering<'_>) -> Result<()> {
    let experts = *low.node.cfg::<usize>()?;
    let routes = low.node.inputs[1].shape;
    let args = kernel::Args {
        state: low.input(0)?,
        routes: low.input(1)?,
        order: low.output(0)?,
    };
    let used = routes.width() / 2;
    let params = kernel::Params {
        used: u32_of(OP.name, used)?,
        experts: u32_of(OP.name, experts)?,
        tiles: u32_of(OP.name, tiles(routes.rows() * used, experts))?,
    };
    low.dispatch(kernel::Variant {}.source(), vec![], &params, args.bindings(), [1, 1, 1])
}

pub(super) fn cases() -> Vec<Case> {
    let case = |(bucket, valid, used, experts): (usize, usize, usize, usize)| {
        Case::new(format!("t{valid}/{bucket} {used} of {experts}"), bucket, move |c| {
            c.valid(valid);
            let routes = c.routes(bucket, used, experts);
            let y = sort(c.graph, routes, experts)?;
            c.graph.output(y);
            Ok(())
        })
    };
    let checked = [(1, 1, 2, 4), (8, 5, 2, 3), (32, 31, 4, 8), (128, 100, 8, 130)].map(case);
    let timed = case((512, 512, 8, 128)).timed(4 * 512 * 8 * 3, 512 * 8);
    checked.into_iter().chain([timed]).collect()
}
