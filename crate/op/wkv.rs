//! What RWKV has in the place of attention (Peng et al., 2023): a mean of all values so far, channel by channel, in which
//! each weighs the exponential of its key, less with every token since.

use super::{
    Fixed, Graph, Lowering, Op, Run, Tensor,
    case::Case,
    lowering::{strided, u32_of},
    norm::narrow,
};
use crate::{
    error::{Error, Result},
    shader::wkv as kernel,
};

pub(crate) static OP: Op = Op {
    name: "wkv",
    twin,
    fast: None,
    lower,
};

/// The exponent of sums in which there is nothing yet.
const NOTHING: f32 = -1e30;

/// `y: [T, C]` from keys and values `[T, C]` and weights `[C]`: the logarithm of what a token takes away from the exponent, and
/// what a token's own key has on top. The past with this number is `[3, C]`: sums of values and of weights, and the exponent
/// that both are without.
pub(crate) fn wkv(g: &mut Graph, [k, v]: [Tensor; 2], [decay, own]: [Tensor; 2], past: usize) -> Result<Tensor> {
    let [_, channels] = k.shape.dims2(OP.name)?;
    if k.shape != v.shape || decay.shape.count() != channels || own.shape.count() != channels {
        return Err(Error::shape(OP.name, "v", format!("{:?}", k.shape), v.shape));
    }
    let y = g.alloc(k.shape);
    let (state, kept) = (g.fixed(Fixed::State), g.fixed(Fixed::Past(past)));
    g.push(&OP, past, &[state, k, v, decay, own], &[y, kept]);
    Ok(y)
}

fn twin(run: &mut Run<'_>) -> Result<()> {
    let number = *run.cfg::<usize>()?;
    let (mut y, mut past) = (run.take(0)?, std::mem::take(&mut run.memory.past[number]));
    let (k, v, decay, own) = (run.input(1)?, run.input(2)?, run.vector(3)?, run.vector(4)?);
    let channels = decay.len();
    let (sums, top) = past.split_at_mut(2 * channels);
    let (sum, total) = sums.split_at_mut(channels);
    if run.memory.state.pos == 0 {
        sum.fill(0.0);
        total.fill(0.0);
        top.fill(NOTHING);
    }
    for i in 0..run.rows(run.tensor(1)) * channels {
        let c = i % channels;
        let (key, value) = (f64::from(k[i]), f64::from(v[i]));
        let kept = [top[c], sum[c], total[c]].map(f64::from);
        // Sums of values and of weights, and the exponent that both are without.
        let with = |exponent: f64, key: f64| {
            let top = exponent.max(key);
            let (before, now) = ((exponent - top).exp(), (key - top).exp());
            [before * kept[1] + now * value, before * kept[2] + now, top]
        };
        let [above, below, _] = with(kept[0], key + f64::from(own[c]));
        y[i] = narrow(above / below);
        let [above, below, exponent] = with(kept[0] - f64::from(decay[c]).exp(), key);
        (sum[c], total[c], top[c]) = (narrow(above), narrow(below), narrow(exponent));
    }
    run.memory.past[number] = past;
    run.give(0, y)
}

fn lower(low: &mut Lowering<'_>) -> Result<()> {
    let [bucket, channels] = low.node.inputs[1].shape.dims2(OP.name)?;
    let args = kernel::Args {
        state: low.input(0)?,
        k: low.input(1)?,
        v: low.input(2)?,
        decay: low.input(3)?,
        own: low.input(4)?,
        past: low.output(1)?,
        y: low.output(0)?,
    };
    let params = kernel::Params {
        channels: u32_of(OP.name, channels)?,
        bucket: u32_of(OP.name, bucket)?,
        nothing: NOTHING,
    };
    low.dispatch(
        kernel::Variant {}.source(),
        vec![],
        &params,
        args.bindings(),
        [strided(channels, 64), 1, 1],
    )
}

pub(super) fn cases() -> Vec<Case> {
    // Twice, so that the second shows what the first kept.
    let case = |(valid, bucket, pos, channels): (usize, usize, usize, usize)| {
        Case::new(format!("t{valid}/{bucket} at {pos} d{channels}"), bucket, move |c| {
            c.valid(valid);
            c.position(pos);
            c.past(0, 3 * channels);
            // A sum of weights is above 0.
            c.memory.past[0][channels..].iter_mut().for_each(|v| *v = v.abs() + 0.5);
            let weights = [c.vector(channels), c.vector(channels)];
            for _ in 0..2 {
                let inputs = [c.input(bucket, channels), c.input(bucket, channels)];
                let y = wkv(c.graph, inputs, weights, 0)?;
                c.graph.output(y);
            }
            Ok(())
        })
    };
    let timed = |t| case((t, t, 5, 2048)).timed(2 * 4 * 2048 * (3 * t + 6), 2 * 2 * 10 * t * 2048);
    let checked = [(1, 1, 5, 70), (3, 8, 0, 64), (31, 32, 9, 130)].map(case);
    checked.into_iter().chain([1, 128].map(timed)).collect()
}
