//! The best tokens of each slice of 4096 logits: as many as the sampler keeps, with their order as keys. A logit that is no
//! finite number is noted.
struct Params { width: u32 }
@group(0) @binding(0) var<uniform>             params: Params;
@group(0) @binding(1) var<storage, read>       logits: array<f32>;       // [1, V]
@group(0) @binding(2) var<storage, read>       sampler: array<u32>;
@group(0) @binding(3) var<storage, read_write> picked: array<u32>;       // [slices, 64 keys, 64 ids, broken]
#import lib/sampler
#import lib/top
var<workgroup> first: u32;
var<workgroup> broken: atomic<u32>;

fn key_of(i: u32) -> u32 {
    let id = first + i;
    if id >= params.width { return 0u; }
    return ordered(logits[id]);
}

fn emit(i: u32, at: u32) {
    let to = first / SLICE * PICKED;
    picked[to + at] = key_of(i);
    picked[to + MOST + at] = first + i;
}

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) group: vec3<u32>) {
    if local == 0u {
        first = SLICE * group.x;
        atomicStore(&broken, 0u);
    }
    workgroupBarrier();
    var best = 0u;
    var id_of_best = 0u;
    for (var id = first + local; id < min(first + SLICE, params.width); id += WG) {
        let logit = logits[id];
        if (bitcast<u32>(logit) & 0x7f800000u) == 0x7f800000u { atomicStore(&broken, 1u); }
        let key = ordered(logit);
        if key > best {
            best = key;
            id_of_best = id;
        }
    }
    var count = 1u;
    if sampler[SAMPLER_KEEP] == 1u {
        greatest(local, best, id_of_best);
        if local == 0u {
            picked[group.x * PICKED] = atomicLoad(&bins[0]);
            picked[group.x * PICKED + MOST] = atomicLoad(&bins[1]);
        }
    } else {
        count = top(local, SLICE / WG, sampler[SAMPLER_KEEP]);
    }
    if local >= count && local < MOST { picked[group.x * PICKED + local] = 0u; }
    if local == 0u { picked[group.x * PICKED + 2u * MOST] = atomicLoad(&broken); }
}
