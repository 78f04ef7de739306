//! The choice of the next token, and the step to its position: the end of a program that decodes.

use super::{Fixed, Graph, Lowering, Op, Run, Tensor, case::Case, lowering::u32_of};
use crate::{
    cpu::{
        Sampler,
        draw::{Draw, pick},
        philox::{high_word, low_word},
    },
    error::{Error, Result},
    shader::{pick as first, sample as kernel},
};

pub(crate) static OP: Op = Op {
    name: "sample",
    twin,
    fast: None,
    lower,
};

/// What stands in the ring where a row of logits was not all finite numbers.
pub(crate) const NO_TOKEN: u32 = u32::MAX;
/// What stands there for steps after an answer was over.
pub(crate) const STOPPED: u32 = u32::MAX - 1;
/// Places in the ring.
pub(crate) const RING: usize = 64;
/// The most tokens that a kernel keeps to draw from.
pub(crate) const MOST_KEPT: usize = 64;
/// The most ids that end an answer.
pub(crate) const MOST_STOPS: usize = 25;
/// Words of the sampler's buffer.
pub(crate) const SAMPLER: usize = 32;
/// Logits that a workgroup looks at, and the words that it leaves.
const SLICE: usize = 4096;
const PICKED: usize = 132;

/// Chooses the next token after `logits: [1, V]` as the sampler says: it becomes the next step's token and goes into the
/// ring; the state advances.
pub(crate) fn sample(g: &mut Graph, logits: Tensor) -> Result<()> {
    if logits.shape.rows() != 1 {
        return Err(Error::shape(OP.name, "logits", "one row", logits.shape));
    }
    let picked = g.alloc([logits.shape.width().div_ceil(SLICE), PICKED]);
    let sampler = g.fixed(Fixed::Sampler);
    let fixed = [Fixed::State, Fixed::Tokens, Fixed::Ring].map(|f| g.fixed(f));
    g.push(&OP, (), &[logits, sampler], &[&[picked], &fixed[..]].concat());
    Ok(())
}

/// The sampler's buffer; `None` for what the kernels cannot do.
pub(crate) fn sampler_words(sampler: &Sampler) -> Option<[u32; SAMPLER]> {
    let Sampler { draw, stops } = sampler;
    let keep = if draw.is_cold() { 1 } else { draw.top_k };
    if !(1..=MOST_KEPT).contains(&keep) || stops.len() > MOST_STOPS {
        return None;
    }
    let least = if draw.min_p > 0.0 {
        draw.min_p.min(1.0).ln()
    } else {
        f32::MIN
    };
    let mut words = [0; SAMPLER];
    let floats = [draw.temperature, draw.top_p, least].map(f32::to_bits);
    let keep = u32::try_from(keep).ok()?;
    let count = u32::try_from(stops.len()).ok()?;
    words[0] = keep;
    words[1..4].copy_from_slice(&floats);
    words[4..7].copy_from_slice(&[low_word(draw.seed), high_word(draw.seed), count]);
    words[7..7 + stops.len()].copy_from_slice(stops);
    Some(words)
}

fn twin(run: &mut Run<'_>) -> Result<()> {
    let mut logits = run.input(0)?[..run.tensor(0).shape.width()].to_vec();
    let memory = &mut run.memory;
    let position = (memory.state.pos + memory.state.len) as u64;
    let finite = logits.iter().all(|v| v.is_finite());
    let id = pick(&mut logits, position, &memory.sampler.draw);
    memory.chosen = finite.then_some(id);
    memory.tokens[0] = id;
    memory.state.pos += memory.state.len;
    memory.state.len = 1;
    Ok(())
}

fn lower(low: &mut Lowering<'_>) -> Result<()> {
    let width = low.node.inputs[0].shape.width();
    let slices = width.div_ceil(SLICE);
    let args = first::Args {
        logits: low.input(0)?,
        sampler: low.input(1)?,
        picked: low.output(0)?,
    };
    let params = first::Params {
        width: u32_of(OP.name, width)?,
    };
    low.dispatch(
        first::Variant {}.source(),
        vec![],
        &params,
        args.bindings(),
        [slices, 1, 1],
    )?;
    let args = kernel::Args {
        picked: low.output(0)?,
        sampler: low.input(1)?,
        state: low.output(1)?,
        tokens: low.output(2)?,
        ring: low.output(3)?,
    };
    let params = kernel::Params {
        slices: u32_of(OP.name, slices)?,
    };
    low.dispatch(kernel::Variant {}.source(), vec![], &params, args.bindings(), [1, 1, 1])
}

/// The choice out of so many logits, of which one may be broken.
fn case(width: usize, broken: Option<(usize, f32)>, draw: Draw) -> Case {
    let how = if draw.is_cold() {
        String::new()
    } else {
        format!(" {draw:?}")
    };
    Case::new(format!("v{width} {broken:?}{how}"), 1, move |c| {
        let logits = c.input(1, width);
        c.memory.sampler.draw = draw;
        c.position(17);
        if let Some(values) = c.inputs.last_mut() {
            // Coarse, so that the highest is there several times; what is drawn should not hang on the last bits.
            values.iter_mut().for_each(|v| *v = (*v * 2.0).round());
            if let Some((at, value)) = broken {
                values[at] = value;
            }
        }
        sample(c.graph, logits)
    })
}

/// Draws of a seed, one of them out of more logits than a workgroup looks at.
pub(crate) fn drawn(seed: u16) -> [Case; 4] {
    let draw = Draw {
        temperature: 0.9,
        top_k: 40,
        top_p: 1.0,
        min_p: 0.0,
        seed: (u64::from(seed) << 37) + 5,
    };
    let less = Draw {
        top_k: usize::from(seed),
        top_p: 0.83,
        min_p: 0.031,
        temperature: 1.7,
        ..draw
    };
    let wide = Draw {
        top_k: MOST_KEPT,
        temperature: 4.0,
        ..draw
    };
    [(3000, draw), (9000, less), (40, wide), (70_000, wide)].map(|(v, draw)| case(v, None, draw))
}

pub(super) fn cases() -> Vec<Case> {
    let cold = Draw::default();
    let widths = [1, 5, 255, 256, 257, 3000, 4096, 4097, 20_000].into_iter();
    let widths = widths.map(|v| case(v, None, cold));
    let breaks = [(7, f32::NAN), (299, f32::INFINITY), (0, f32::NEG_INFINITY)].into_iter();
    let timed = [32_000, 128_256].map(|v| case(v, None, cold).timed(4 * v, v));
    let checked = widths.chain(breaks.map(|b| case(300, Some(b), cold)));
    checked.chain((1..=12).flat_map(drawn)).chain(timed).collect()
}
