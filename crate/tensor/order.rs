//! Sorting by numbers, compiled once: each type that is sorted directly adds 8 kB to the module.

/// Sorts by two numbers, the first before the second; equals keep their order.
pub(crate) fn sort_by_numbers<T>(items: &mut Vec<T>, key: impl Fn(&T) -> [u64; 2]) {
    let mut order: Vec<([u64; 2], usize)> = items.iter().enumerate().map(|(i, item)| (key(item), i)).collect();
    order.sort_unstable();
    let mut held: Vec<Option<T>> = items.drain(..).map(Some).collect();
    items.extend(order.iter().filter_map(|(_, i)| held.get_mut(*i)?.take()));
}

/// A number that grows as `f32::total_cmp` has it.
pub(crate) fn rank(value: f32) -> u32 {
    let bits = value.to_bits();
    if bits >> 31 == 1 { !bits } else { bits | 1 << 31 }
}
