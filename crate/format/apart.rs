//! Weights whose scales published checkpoints have in a tensor of their own. Here the two become one.

use super::{Checkpoint, Entry, Scales, Skipped};
use crate::{
    quant::{self, F8_E4M3, MXFP4},
    tensor::Shape,
};
use std::collections::HashSet;

/// Puts such pairs together.
pub(super) fn join(model: &mut Checkpoint) {
    let config = model.config().unwrap_or_default();
    let stated = &config["quantization_config"]["weight_block_size"];
    let stated = [0, 1].map(|i| stated[i].as_u64().and_then(|n| usize::try_from(n).ok()));
    let block = stated.map(|n| n.unwrap_or(128).max(1));
    let (mut whole, mut gone) = (Vec::new(), HashSet::new());
    for (name, skipped) in &model.skipped {
        let pair = match name.strip_suffix("_blocks") {
            Some(name) => powers(model, name, skipped),
            None => scaled(model, name, skipped, block),
        };
        if let Some((entry, parts)) = pair {
            whole.push((entry.name.clone(), entry));
            gone.extend(parts);
        }
    }
    model.tensors.retain(|name, _| !gone.contains(name));
    model.skipped.retain(|name, _| !gone.contains(name));
    model.tensors.extend(whole);
}

/// MXFP4: the floats in a tensor `*_blocks`, `[.., blocks a row, 16]`, their powers in another, `*_scales`, `[.., blocks a row]`.
fn powers(model: &Checkpoint, name: &str, blocks: &Skipped) -> Option<(Entry, Vec<String>)> {
    let parts = ["blocks", "scales"].map(|half| format!("{name}_{half}"));
    let entry = joined(name, blocks, model.skipped.get(&parts[1])?)?;
    (!model.tensors.contains_key(name)).then(|| (entry, parts.to_vec()))
}

fn joined(name: &str, blocks: &Skipped, scales: &Skipped) -> Option<Entry> {
    let [rows @ .., 16] = &blocks.dims[..] else { return None };
    let [outer @ .., count] = rows else { return None };
    let dims = outer.iter().copied().chain([count.checked_mul(MXFP4.block as u64)?]);
    let dims: Vec<usize> = dims.map(|n| usize::try_from(n).ok()).collect::<Option<_>>()?;
    let fits = rows == scales.dims && [blocks, scales].iter().all(|half| half.kind == "U8" && half.bytes > 0);
    fits.then_some(Entry {
        name: name.into(),
        shape: Shape::new(&dims)?,
        format: MXFP4,
        file: blocks.file,
        offset: blocks.offset,
        bytes: blocks.bytes + scales.bytes,
        scales: Some(Scales {
            file: scales.file,
            offset: scales.offset,
            block: [1, MXFP4.block],
            format: None,
        }),
    })
}

/// Floats of 8 bits: the scales of `*` in `*_scale_inv` or `*_scale`, either of which is to be multiplied with: one for all,
/// one a row, or one for each block of the size that `config.json` states.
fn scaled(model: &Checkpoint, name: &str, floats: &Skipped, block: [usize; 2]) -> Option<(Entry, Vec<String>)> {
    let &[rows, width] = &*floats
        .dims
        .iter()
        .map(|n| usize::try_from(*n).ok())
        .collect::<Option<Vec<_>>>()?
    else {
        return None;
    };
    let names = ["scale_inv", "scale"].map(|end| format!("{name}_{end}"));
    let scale = names.iter().find_map(|n| scale(model, n))?;
    let block = match scale.dims[..] {
        [] | [1] | [1, 1] => [rows, width],
        [n] | [n, 1] if n == rows as u64 => [1, width],
        [a, b] if [a, b] == [rows.div_ceil(block[0]), width.div_ceil(block[1])].map(|n| n as u64) => block,
        _ => return None,
    };
    let one = block[1] >= width || block[1].is_multiple_of(F8_E4M3.block);
    if floats.kind != F8_E4M3.name || !floats.weight || !one || !width.is_multiple_of(F8_E4M3.block) {
        return None;
    }
    let entry = Entry {
        name: name.into(),
        shape: Shape::new(&[rows, width])?,
        format: F8_E4M3,
        file: floats.file,
        offset: floats.offset,
        bytes: F8_E4M3.size(floats.bytes)?,
        scales: Some(Scales { block, ..scale.at }),
    };
    // How far inputs were scaled where they are quantised too: here they are not.
    let inputs = name.strip_suffix("weight").unwrap_or(name);
    let inputs = ["activation_scale", "input_scale"].map(|end| format!("{inputs}{end}"));
    Some((entry, [vec![name.to_owned()], names.into(), inputs.into()].concat()))
}

struct Scale {
    at: Scales,
    dims: Vec<u64>,
}

/// The scales called `name`; one alone may have no dimension, so that it is no tensor of weights.
fn scale(model: &Checkpoint, name: &str) -> Option<Scale> {
    let (file, offset, format, dims) = match (model.tensors.get(name), model.skipped.get(name)) {
        (Some(e), _) => (
            e.file,
            e.offset,
            e.format,
            e.shape.dims().iter().map(|n| *n as u64).collect(),
        ),
        (None, Some(s)) => (s.file, s.offset, quant::by_safetensors(&s.kind)?, s.dims.clone()),
        (None, None) => return None,
    };
    let block = [1, 1];
    let at = Scales {
        file,
        offset,
        block,
        format: Some(format),
    };
    Some(Scale { at, dims })
}
