//! The `wanted` items of the greatest keys, of equal keys the first ones: a workgroup of 256 finds the least of these keys,
//! eight bits at a time, then gives the items away in order. Of the importer it needs `key_of`, the key of item `i` (0: there
//! is none), and `emit`, which takes item `i` as number `at` of the chosen.
const WG: u32 = 256u;
// Little of this memory: software adapters compile a store for each word of it. What the importer needs later may lie in `bins`.
var<workgroup> bins: array<atomic<u32>, WG>;
var<workgroup> sums: array<u32, 16>;

/// A number whose order is that of the floats, both zeros being one, and 0 for none of them.
fn ordered(v: f32) -> u32 {
    let bits = select(bitcast<u32>(v), 0u, v == 0.0);
    return max(select(bits | 0x80000000u, ~bits, (bits >> 31u) != 0u), 1u);
}

fn unordered(key: u32) -> f32 { return bitcast<f32>(select(~key, key & 0x7fffffffu, (key >> 31u) != 0u)); }

/// The greatest of the keys that invocations have, of equal ones that with the least id: into `bins`, the key and the id.
fn greatest(local: u32, key: u32, id: u32) {
    if local < 2u { atomicStore(&bins[local], local * 0xffffffffu); }
    workgroupBarrier();
    atomicMax(&bins[0], key);
    workgroupBarrier();
    if key == atomicLoad(&bins[0]) { atomicMin(&bins[1], id); }
    workgroupBarrier();
}

/// Into `sums`, the sums of sixteen bins each.
fn sum_sixteens(local: u32) {
    if local < 16u {
        var sum = 0u;
        for (var b = 16u * local; b < 16u * local + 16u; b++) { sum += atomicLoad(&bins[b]); }
        sums[local] = sum;
    }
    workgroupBarrier();
}

/// Chooses among items `0 .. 256 * each`; how many there were.
fn top(local: u32, each: u32, wanted: u32) -> u32 {
    var least = 0u;
    var known = 0u;
    var left = wanted;
    for (var round = 0u; round < 4u; round++) {
        let shift = 24u - 8u * round;
        atomicStore(&bins[local], 0u);
        workgroupBarrier();
        for (var i = local * each; i < (local + 1u) * each; i++) {
            let key = key_of(i);
            if key != 0u && (key & known) == least { atomicAdd(&bins[(key >> shift) & 255u], 1u); }
        }
        workgroupBarrier();
        sum_sixteens(local);
        var group = 15u;
        while group > 0u && sums[group] < left { left -= sums[group]; group--; }
        var bin = 16u * group + 15u;
        while bin > 16u * group {
            let count = atomicLoad(&bins[bin]);
            if count >= left { break; }
            left -= count;
            bin--;
        }
        least |= bin << shift;
        known |= 255u << shift;
        workgroupBarrier();
    }
    var above = 0u;
    var equal = 0u;
    for (var i = local * each; i < (local + 1u) * each; i++) {
        let key = key_of(i);
        above += u32(key > least);
        equal += u32(key == least && key != 0u);
    }
    // More of the equal ones than are wanted make no difference.
    atomicStore(&bins[local], above | (min(equal, wanted) << 16u));
    workgroupBarrier();
    sum_sixteens(local);
    var before = 0u;
    var all = 0u;
    for (var group = 0u; group < 16u; group++) {
        if group == local / 16u { before = all; }
        all += sums[group];
    }
    for (var i = local / 16u * 16u; i < local; i++) { before += atomicLoad(&bins[i]); }
    var at = before & 0xffffu;
    var rank = before >> 16u;
    let more = all & 0xffffu;
    for (var i = local * each; i < (local + 1u) * each; i++) {
        let key = key_of(i);
        if key > least {
            emit(i, at);
            at++;
        } else if key == least && key != 0u {
            if rank < left { emit(i, more + rank); }
            rank++;
        }
    }
    return more + min(all >> 16u, left);
}
