//! Weights in MXFP4 as published checkpoints have them: the floats in a tensor `*_blocks`, `[.., blocks a row, 16]`, their
//! powers in another, `*_scales`, `[.., blocks a row]`. Here they become one.

use super::{Checkpoint, Entry, Skipped};
use crate::{quant::MXFP4, tensor::Shape};

/// Puts such pairs together.
pub(super) fn join(model: &mut Checkpoint) {
    let names: Vec<String> = model
        .skipped
        .keys()
        .filter_map(|n| Some(n.strip_suffix("_blocks")?.to_owned()))
        .collect();
    for name in names {
        let halves = ["blocks", "scales"].map(|half| format!("{name}_{half}"));
        let [Some(blocks), Some(scales)] = [0, 1].map(|i| model.skipped.get(&halves[i])) else {
            continue;
        };
        if let Some(entry) = joined(&name, blocks, scales).filter(|_| !model.tensors.contains_key(&name)) {
            model.tensors.insert(name, entry);
            model.skipped.retain(|name, _| !halves.contains(name));
        }
    }
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
        scales: Some((scales.file, scales.offset)),
    })
}
