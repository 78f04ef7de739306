//! The next token, of those that were picked: temperature, top-p, min-p and the draw of `CONTRACT.md`, 4. It becomes the next
//! step's token, goes into the ring, and the state advances: pos += len, len = 1. After an id that ends the answer, and where
//! a logit was no finite number, nothing goes on: later steps before the host comes back only say so in the ring.
struct Params { slices: u32 }
@group(0) @binding(0) var<uniform>             params: Params;
@group(0) @binding(1) var<storage, read>       picked: array<u32>;
@group(0) @binding(2) var<storage, read>       sampler: array<u32>;
@group(0) @binding(3) var<storage, read_write> state: array<u32>;
@group(0) @binding(4) var<storage, read_write> tokens: array<u32>;       // [T]
@group(0) @binding(5) var<storage, read_write> ring: array<u32>;         // [RING]
#import lib/state
#import lib/sampler
#import lib/top
const RING: u32 = 64u;
const NO_TOKEN: u32 = 0xffffffffu;
const STOPPED: u32 = 0xfffffffeu;
var<workgroup> chosen: array<u32, MOST>;   // in any order
// In `bins`, by rank: which was chosen, what it is worth, its random number.
const VALUES: u32 = MOST;
const NOISE: u32 = 2u * MOST;

fn key_of(i: u32) -> u32 {
    if i >= params.slices * MOST { return 0u; }
    return picked[i / MOST * PICKED + i % MOST];
}

fn emit(i: u32, at: u32) {
    chosen[at] = i;
}

fn id_of(i: u32) -> u32 { return picked[i / MOST * PICKED + MOST + i % MOST]; }

/// The id of rank `r`.
fn id_at(r: u32) -> u32 { return id_of(chosen[atomicLoad(&bins[r])]); }

fn value_at(r: u32) -> f32 { return bitcast<f32>(atomicLoad(&bins[VALUES + r])); }

fn noise_at(r: u32) -> f32 { return bitcast<f32>(atomicLoad(&bins[NOISE + r])); }

/// The upper word of a product.
fn upper(a: u32, b: u32) -> u32 {
    let low = (a & 0xffffu) * (b & 0xffffu);
    let m = (a >> 16u) * (b & 0xffffu) + (low >> 16u);
    let n = (a & 0xffffu) * (b >> 16u) + (m & 0xffffu);
    return (a >> 16u) * (b >> 16u) + (m >> 16u) + (n >> 16u);
}

/// The first word of Philox4x32-10 (Salmon et al., 2011) for the counter (id, 0, position, 0).
fn random(id: u32, position: u32) -> u32 {
    var c = vec4<u32>(id, 0u, position, 0u);
    var k = vec2<u32>(sampler[SAMPLER_SEED], sampler[SAMPLER_SEED + 1u]);
    for (var i = 0u; i < 10u; i++) {
        c = vec4<u32>(upper(0xcd9e8d57u, c.z) ^ c.y ^ k.x, 0xcd9e8d57u * c.z, upper(0xd2511f53u, c.x) ^ c.w ^ k.y, 0xd2511f53u * c.x);
        k += vec2<u32>(0x9e3779b9u, 0xbb67ae85u);
    }
    return c.x;
}

fn gumbel(id: u32, position: u32) -> f32 {
    let w = (f32(random(id, position) >> 9u) + 0.5) / 8388608.0;
    var e = -log(1.0 - w);
    if w < 0.25 {
        // near 1 the logarithm is too coarse
        var series = 0.0;
        for (var n = 11.0; n > 0.0; n -= 1.0) { series = series * w + 1.0 / n; }
        e = w * series;
    }
    return -log(e);
}

/// Which of `count` tokens, the likeliest first, is drawn.
fn draw(count: u32) -> u32 {
    let best = value_at(0u);
    var kept = count;
    let share = bitcast<f32>(sampler[SAMPLER_TOP_P]);
    if share < 1.0 {
        var sum = 0.0;
        for (var i = 0u; i < count; i++) { sum += exp(value_at(i) - best); }
        var reached = 0.0;
        kept = 0u;
        while kept < count {
            reached += exp(value_at(kept) - best);
            kept++;
            if reached >= share * sum { break; }
        }
    }
    let least = best + bitcast<f32>(sampler[SAMPLER_MIN_P]);
    var drawn = 0u;
    for (var i = 1u; i < kept; i++) {
        if value_at(i) < least { break; }
        let a = value_at(i) + noise_at(i);
        let b = value_at(drawn) + noise_at(drawn);
        if a > b || (a == b && id_at(i) < id_at(drawn)) { drawn = i; }
    }
    return drawn;
}

/// The likeliest token of all: each slice has its own.
fn likeliest(local: u32) -> u32 {
    var key = 0u;
    var id = 0u;
    for (var s = local; s < params.slices; s += WG) {
        let other = picked[s * PICKED];
        if other > key {
            key = other;
            id = picked[s * PICKED + MOST];
        }
    }
    greatest(local, key, id);
    return atomicLoad(&bins[1]);
}

/// A token of the `keep` likeliest; only the first invocation knows it.
fn drawn(local: u32, keep: u32) -> u32 {
    let position = state[STATE_POS] + state[STATE_LEN];
    let count = top(local, (params.slices * MOST + WG - 1u) / WG, keep);
    workgroupBarrier();
    if local < count {
        let key = key_of(chosen[local]);
        let id = id_of(chosen[local]);
        var rank = 0u;
        for (var i = 0u; i < count; i++) {
            let other = key_of(chosen[i]);
            rank += u32(other > key || (other == key && id_of(chosen[i]) < id));
        }
        atomicStore(&bins[rank], local);
        let value = clamp(unordered(key) / bitcast<f32>(sampler[SAMPLER_TEMPERATURE]), -3.4028234e38, 3.4028234e38);
        atomicStore(&bins[VALUES + rank], bitcast<u32>(value));
        atomicStore(&bins[NOISE + rank], bitcast<u32>(gumbel(id, position)));
    }
    workgroupBarrier();
    if local != 0u { return 0u; }
    return id_at(draw(count));
}

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) local: u32) {
    let stopped = state[STATE_STOPPED] != 0u;
    let keep = sampler[SAMPLER_KEEP];
    var id = 0u;
    if keep == 1u { id = likeliest(local); } else { id = drawn(local, keep); }
    if local != 0u { return; }
    var broken = false;
    for (var s = 0u; s < params.slices; s++) { broken |= picked[s * PICKED + 2u * MOST] != 0u; }
    let step = state[STATE_STEP];
    state[STATE_STEP] = step + 1u;
    if stopped {
        ring[step % RING] = STOPPED;
        return;
    }
    ring[step % RING] = select(id, NO_TOKEN, broken);
    var ends = broken;
    for (var i = 0u; i < sampler[SAMPLER_STOPS]; i++) { ends |= sampler[SAMPLER_STOPS + 1u + i] == id; }
    tokens[0] = id;
    state[STATE_POS] += state[STATE_LEN];
    state[STATE_LEN] = 1u;
    state[STATE_STOPPED] = u32(ends);
}
