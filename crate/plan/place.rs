//! Puts the tensors of a step into slots that are reused once nothing reads them any more. A slot is a buffer of its
//! own, and a node's inputs are alive while it runs, so an output never shares a buffer with an input.

use crate::{
    error::{Error, Result},
    op::{Graph, Place, Tensor},
    tensor::sort_by_numbers,
};

/// Gives each tensor of the step a slot; returns the length of each slot in f32 values, multiples of 4.
pub(super) fn place(graph: &mut Graph) -> Result<Vec<usize>> {
    let mut last = vec![0; graph.places.len()];
    for (at, node) in graph.nodes.iter().enumerate() {
        node.inputs.iter().chain(&node.outputs).for_each(|t| last[t.id] = at);
    }
    for kept in graph.inputs.iter().chain(&graph.outputs) {
        last[kept.id] = usize::MAX;
    }
    let mut slots: Vec<usize> = Vec::new();
    let mut free: Vec<usize> = Vec::new();
    let mut put = |tensor: Tensor, free: &mut Vec<usize>, places: &mut [Place]| {
        let need = tensor.shape.count().next_multiple_of(4);
        // The smallest that fits, else the largest, which grows.
        let best = free
            .iter()
            .enumerate()
            .min_by_key(|(_, s)| (slots[**s] < need, slots[**s].abs_diff(need)));
        let slot = match best.map(|(i, _)| i) {
            Some(i) => free.swap_remove(i),
            None => {
                slots.push(0);
                slots.len() - 1
            }
        };
        slots[slot] = slots[slot].max(need);
        places[tensor.id] = Place::Slot(slot);
    };
    for tensor in graph.inputs.clone() {
        put(tensor, &mut free, &mut graph.places);
    }
    for (at, node) in graph.nodes.iter().enumerate() {
        if let Some(tensor) = node.inputs.iter().find(|t| graph.places[t.id] == Place::Step) {
            return Err(Error::internal(format!(
                "{}: reads tensor {} that nothing wrote",
                node.op.name, tensor.id
            )));
        }
        for tensor in &node.outputs {
            if graph.places[tensor.id] == Place::Step {
                put(*tensor, &mut free, &mut graph.places);
            }
        }
        let mut done: Vec<_> = node
            .inputs
            .iter()
            .chain(&node.outputs)
            .filter(|t| last[t.id] == at)
            .collect();
        sort_by_numbers(&mut done, |t| [t.id as u64, 0]);
        done.dedup();
        free.extend(done.iter().filter_map(|t| match graph.places[t.id] {
            Place::Slot(slot) => Some(slot),
            _ => None,
        }));
    }
    Ok(slots)
}
