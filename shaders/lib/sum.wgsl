//! The sum of a value over the workgroup, the same for each invocation. Needs `WG` (a power of two).
var<workgroup> sums: array<f32, WG>;

fn workgroup_sum(value: f32, local: u32, size: u32, lane: u32) -> f32 {
#if SUBGROUPS
    let part = subgroupAdd(value);
    if lane == 0u { sums[local / size] = part; }
    workgroupBarrier();
    var total = 0.0;
    for (var i = 0u; i < (WG + size - 1u) / size; i++) { total += sums[i]; }
    workgroupBarrier();
    return total;
#else
    sums[local] = value;
    workgroupBarrier();
    for (var half = WG / 2u; half > 0u; half /= 2u) {
        if local < half { sums[local] += sums[local + half]; }
        workgroupBarrier();
    }
    let total = sums[0];
    workgroupBarrier();
    return total;
#endif
}
