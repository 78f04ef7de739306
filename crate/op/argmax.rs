//! Greedy choice, and the step to the next position: the end of a program that decodes.

use super::{Fixed, Graph, Lowering, Op, Run, Tensor, case::Case, lowering::u32_of};
use crate::{
    error::{Error, Result},
    shader::argmax as kernel,
};

pub(crate) static OP: Op = Op {
    name: "argmax",
    twin,
    fast: None,
    lower,
};

/// What stands in the ring where a row of logits was not all finite numbers.
pub(crate) const NO_TOKEN: u32 = u32::MAX;
/// Places in the ring.
pub(crate) const RING: usize = 64;

/// Chooses the lowest id among the highest of `logits: [1, V]`: it becomes the next step's token and goes into the
/// ring; the state advances.
pub(crate) fn argmax(g: &mut Graph, logits: Tensor) -> Result<()> {
    if logits.shape.rows() != 1 {
        return Err(Error::shape(OP.name, "logits", "one row", logits.shape));
    }
    let fixed = [g.fixed(Fixed::State), g.fixed(Fixed::Tokens), g.fixed(Fixed::Ring)];
    g.push(&OP, (), &[logits], &fixed);
    Ok(())
}

fn twin(run: &mut Run<'_>) -> Result<()> {
    let logits = &run.input(0)?[..run.tensor(0).shape.width()];
    let mut best = None;
    for (id, value) in (0..).zip(logits) {
        if best.is_none_or(|(_, highest)| *value > highest) {
            best = Some((id, *value));
        }
    }
    let finite = logits.iter().all(|v| v.is_finite());
    let id = best.map_or(NO_TOKEN, |(id, _)| id);
    run.memory.chosen = finite.then_some(id);
    run.memory.tokens[0] = id;
    run.memory.state.pos += run.memory.state.len;
    run.memory.state.len = 1;
    Ok(())
}

fn lower(low: &mut Lowering<'_>) -> Result<()> {
    let width = low.node.inputs[0].shape.width();
    let args = kernel::Args {
        logits: low.input(0)?,
        state: low.output(0)?,
        tokens: low.output(1)?,
        ring: low.output(2)?,
    };
    let params = kernel::Params {
        width: u32_of(OP.name, width)?,
    };
    low.dispatch(kernel::Variant {}.source(), vec![], &params, args.bindings(), [1, 1, 1])
}

pub(super) fn cases() -> Vec<Case> {
    let case = |width: usize, broken: Option<(usize, f32)>| {
        Case::new(format!("v{width} {broken:?}"), 1, move |c| {
            let logits = c.input(1, width);
            if let Some(values) = c.inputs.last_mut() {
                // Coarse, so that the highest is there several times.
                values.iter_mut().for_each(|v| *v = (*v * 2.0).round());
                if let Some((at, value)) = broken {
                    values[at] = value;
                }
            }
            argmax(c.graph, logits)
        })
    };
    let widths = [1, 5, 255, 256, 257, 3000].into_iter().map(|v| case(v, None));
    let breaks = [(7, f32::NAN), (299, f32::INFINITY), (0, f32::NEG_INFINITY)].into_iter();
    let timed = [32_000, 128_256].map(|v| case(v, None).timed(4 * v, v));
    let checked = widths.chain(breaks.map(|b| case(300, Some(b))));
    checked.chain(timed).collect()
}
