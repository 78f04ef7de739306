//! Elementwise sums and products: the residual stream, biases, positions, gates by a weight.

use super::{
    Graph, Lowering, Op, Place, Run, Tensor,
    case::Case,
    lowering::{strided, u32_of},
    norm::narrow,
    route::index,
};
use crate::{
    error::{Error, Result},
    shader::add as kernel,
};

pub(crate) static OP: Op = Op {
    name: "add",
    twin,
    fast: None,
    lower,
};

/// Configuration of [`blend`]: `y = a * of_a + b * of_b + a * b * of_both`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Blend {
    pub(crate) of_a: f32,
    pub(crate) of_b: f32,
    pub(crate) of_both: f32,
}

/// A plain sum.
pub(crate) const SUM: Blend = Blend {
    of_a: 1.0,
    of_b: 1.0,
    of_both: 0.0,
};

/// A plain product.
pub(crate) const PRODUCT: Blend = Blend {
    of_a: 0.0,
    of_b: 0.0,
    of_both: 1.0,
};

/// `a + b`, both `[T, D]`.
pub(crate) fn add(g: &mut Graph, a: Tensor, b: Tensor) -> Result<Tensor> {
    blend(g, a, b, SUM)
}

/// Sums and products of `a: [T, D]` with `b`: of the same shape, or a weight `[D]` or `[1]` for all rows.
pub(crate) fn blend(g: &mut Graph, a: Tensor, b: Tensor, cfg: Blend) -> Result<Tensor> {
    let weight = matches!(g.places[b.id], Place::Weight(..));
    let fits = if weight {
        [a.shape.width(), 1].contains(&b.shape.count())
    } else {
        a.shape == b.shape
    };
    if !fits {
        return Err(Error::shape(
            OP.name,
            "b",
            format!("{:?} or a row of it", a.shape),
            b.shape,
        ));
    }
    let y = g.alloc(a.shape);
    g.push(&OP, cfg, &[a, b], &[y]);
    Ok(y)
}

/// `x + b[e]` for each expert that a token goes to: `x: [T, used * N]`, a weight `b: [E, N]`, `routes: [T, 2 * used]`.
pub(crate) fn add_of(g: &mut Graph, x: Tensor, b: Tensor, routes: Tensor) -> Result<Tensor> {
    let [[t, all], [rows, double]] = [x.shape.dims2(OP.name)?, routes.shape.dims2(OP.name)?];
    let used = double / 2;
    let fits = used > 0 && all.is_multiple_of(used) && b.shape.count().is_multiple_of(all / used);
    if t != rows || !fits {
        return Err(Error::shape(OP.name, "b", format!("rows of {all} / {used}"), b.shape));
    }
    let y = g.alloc(x.shape);
    g.push(&OP, SUM, &[x, b, routes], &[y]);
    Ok(y)
}

/// Whether `b` is as long as `a`, so that a norm of the sum may be fused.
pub(crate) fn is_residual(inputs: &[Tensor], cfg: Blend) -> bool {
    inputs.len() == 2 && inputs[0].shape == inputs[1].shape && cfg.of_a == 1.0 && cfg.of_both == 0.0
}

fn twin(run: &mut Run<'_>) -> Result<()> {
    let cfg = *run.cfg::<Blend>()?;
    let mut y = run.take(0)?;
    let (tensor, b) = (run.tensor(0), run.values(1)?);
    let count = run.rows(tensor) * tensor.shape.width();
    let cell = |a: f32, b: f32| {
        let (a, b) = (f64::from(a), f64::from(b));
        narrow(f64::from(cfg.of_a) * a + f64::from(cfg.of_b) * b + f64::from(cfg.of_both) * a * b)
    };
    let (used, period) = shape(&run.node().inputs);
    let routes = if used > 0 { Some(run.input(2)?) } else { None };
    for (i, (y, a)) in y.iter_mut().zip(run.input(0)?).take(count).enumerate() {
        let row = routes.map_or(0, |routes| {
            let choice = i / period;
            index(routes[choice / used * 2 * used + choice % used])
        });
        *y = cell(*a, b[row * period + i % period]);
    }
    run.give(0, y)
}

/// Experts a token, 0 without, and values of `b` after which it repeats.
fn shape(inputs: &[Tensor]) -> (usize, usize) {
    match inputs {
        [a, _, routes] => {
            let used = routes.shape.width() / 2;
            (used, a.shape.width() / used.max(1))
        }
        [_, b, ..] => (0, b.shape.count()),
        _ => (0, 1),
    }
}

fn lower(low: &mut Lowering<'_>) -> Result<()> {
    let cfg = *low.node.cfg::<Blend>()?;
    let (a, (used, period)) = (low.node.inputs[0].shape, shape(&low.node.inputs));
    let args = kernel::Args {
        a: low.input(0)?,
        b: low.input(1)?,
        routes: low.input_or(2, 0)?,
        y: low.output(0)?,
    };
    let params = kernel::Params {
        count: u32_of(OP.name, a.count())?,
        period: u32_of(OP.name, period)?,
        used: u32_of(OP.name, used)?,
        ka: cfg.of_a,
        kb: cfg.of_b,
        kab: cfg.of_both,
    };
    low.dispatch(
        kernel::Variant {}.source(),
        vec![],
        &params,
        args.bindings(),
        [strided(a.count(), 64), 1, 1],
    )
}

pub(super) fn cases() -> Vec<Case> {
    let row = |width, values: usize, cfg: Blend| {
        Case::new(format!("t5 d{width} by a row of {values} {cfg:?}"), 8, move |c| {
            c.valid(5);
            let (a, b) = (c.input(8, width), c.vector(values));
            let y = blend(c.graph, a, b, cfg)?;
            c.graph.output(y);
            Ok(())
        })
    };
    let scaled = Blend {
        of_a: 0.5,
        of_b: 0.4,
        of_both: 0.0,
    };
    let chosen = Case::new("a bias an expert".into(), 8, |c| {
        c.valid(5);
        let (x, b) = (c.input(8, 3 * 20), c.vector(6 * 20));
        let routes = c.routes(8, 3, 6);
        let y = add_of(c.graph, x, b, routes)?;
        c.graph.output(y);
        Ok(())
    });
    let rows = [row(76, 76, SUM), row(72, 1, PRODUCT), row(70, 70, scaled)];
    let all = Case::elementwise(1, add).into_iter().chain(rows);
    all.chain([chosen]).collect()
}
