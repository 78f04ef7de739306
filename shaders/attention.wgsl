//! y[t, h] = sum over s of softmax over s (scale * q[t, h] . k[s, g]) * v[s, g], s all keys that t sees, g the kv head of h: a
//! workgroup takes up to 8 rows, query heads that share a kv head of one token or of some, and walks the cache in chunks with a
//! running maximum and sum. Causality trims the walk to what any of its tokens sees. Where several workgroups share the keys of a
//! token, `merge` has the rest to do.
//! variant KV: lib/kv_f16 lib/kv_f32 lib/kv_q8
//! variant FORM: alone subgroups lanes wide
override WG: u32 = 64u;
override SHARE: u32 = 1u;   // query heads a workgroup
override SPAN: u32 = 1u;    // tokens a workgroup; rows are at most 8
override DH: u32 = 64u;     // head width, a multiple of 4
struct Params {
    heads: u32,      // H
    kv_heads: u32,   // Hk
    capacity: u32,   // S
    window: u32,     // keys seen at most, 0 for all
    scale: f32,
    cap: f32,        // above 0: scores are capped
    alibi: f32,      // above 0: a key counts less by its distance, by so many times the slopes
    sunk: u32,       // whether there are sinks
    sees: u32,       // keys up to its own; 1: of the whole step; 2: of the encoder
    buckets: u32,    // above 0: biases of a head, by buckets of distances
    most: u32,       // the distance of the last bucket
}
@group(0) @binding(0) var<uniform>             params: Params;
@group(0) @binding(1) var<storage, read>       state: array<u32>;
#if FORM=wide
@group(0) @binding(2) var<storage, read>       q: array<vec4<f32>>;    // [T, H * Dh]
@group(0) @binding(3) var<storage, read>       kv: array<vec4<u32>>;   // [2, Hk, S, Dh]
#else
@group(0) @binding(2) var<storage, read>       q: array<f32>;    // [T, H * Dh]
@group(0) @binding(3) var<storage, read>       kv: array<u32>;   // [2, Hk, S, Dh]
#endif
@group(0) @binding(4) var<storage, read>       of_heads: array<f32>;   // sinks [H], scores of a key without a value; or biases [buckets, H]
#if FORM=wide
@group(0) @binding(5) var<storage, read_write> y: array<vec4<f32>>;    // [T, H * Dh]
#else
@group(0) @binding(5) var<storage, read_write> y: array<f32>;    // [T, H * Dh]; of a part of the keys as `merge` takes it
#endif
#import lib/state
#import lib/keys
#import KV
/// What a key loses for each position of distance (Press et al., 2021).
fn slope(head: u32) -> f32 {
    let power = 1u << firstLeadingBit(params.heads);
    if head < power { return params.alibi * exp2(-8.0 * f32(head + 1u) / f32(power)); }
    return params.alibi * exp2(-4.0 * f32(2u * (head - power) + 1u) / f32(power));
}

/// The first bias, of head 0, for a key `distance` before its query.
fn bias_at(distance: i32) -> u32 {
    let count = select(params.buckets, params.buckets / 2u, params.sees == 1u);
    let exact = count / 2u;
    let n = u32(abs(distance));
    let near = f32(exact);
    let rest = f32(count - exact);
    // a little more, so that rounding does not take away from what is whole
    let over = log(f32(max(n, 1u)) / near) / log(f32(params.most) / near) * rest + 1e-4;
    let bucket = select(exact + u32(clamp(over, 0.0, rest - 1.0)), n, n < exact);
    return params.heads * (bucket + select(0u, count, params.sees == 1u && distance < 0));
}

/// Whether scores are more than products.
fn changes() -> bool { return params.cap > 0.0 || params.alibi > 0.0 || params.buckets > 0u; }

/// A score of key s in row `row` of the workgroup's, from token `t` and `head` on.
fn changed(product: f32, row: u32, s: u32, t: u32, head: u32) -> f32 {
    var score = product;
    // A clamped argument: some drivers give NaN beyond the range of exp.
    if params.cap > 0.0 { score = params.cap * tanh(clamp(score / params.cap, -15.0, 15.0)); }
    let distance = i32(state[STATE_POS] + t + row / SHARE) - i32(s);
    if params.alibi > 0.0 { score -= slope(head + row % SHARE) * f32(abs(distance)); }
    if params.buckets > 0u { score += of_heads[bias_at(distance) + head + row % SHARE]; }
    return score;
}

/// Where value `i` of the rows of a workgroup, from token `t` and `head` on, lies in q and in y.
fn place(t: u32, head: u32, i: u32) -> u32 {
    let row = i / DH;
    return ((t + row / SHARE) * params.heads + head + row % SHARE) * DH + i % DH;
}

/// Keys of which a workgroup goes over some, those of `split`.
struct Keys { begin: u32, end: u32 }

fn keys_of(t: u32, split: u32) -> Keys {
    let begin = first_key(t);
    let end = keys_end(min(t + SPAN, state[STATE_LEN]) - 1u);
    if SPLITS == 1u { return Keys(begin, end); }
    let each = each_of(end - begin);
    let first = min(begin + split * each, end);
    return Keys(first, min(first + each, end));
}

#if FORM=lanes
#import lib/attend_lanes
#endif
#if FORM=wide
#import lib/attend_wide
#endif
#if FORM=alone
#import lib/attend_chunks
#endif
#if FORM=subgroups
#import lib/attend_chunks
#endif
