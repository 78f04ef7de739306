//! The keys that a token sees, and which of them each of several workgroups goes over. Needs `DH`, `state` and `params` with `window`
//! and `sees`.
override SPLITS: u32 = 1u;   // workgroups that share the keys of a token, where that is the only one
override CHUNK: u32 = 64u;   // keys that a workgroup goes over at a time
const LOWEST: f32 = -3.0e38;

/// Where what workgroup `split` of them finds for a head begins, `[H, SPLITS, Dh + 2]`: sums, their highest score, their weight.
fn part(head: u32, split: u32) -> u32 { return (head * SPLITS + split) * (DH + 2u); }

/// The end of the keys that token `t` of the step sees.
fn keys_end(t: u32) -> u32 {
    let known = select(state[STATE_POS] + t + 1u, state[STATE_POS] + state[STATE_LEN], params.sees == 1u);
    return select(known, state[STATE_ENCODED], params.sees == 2u);
}

/// The first of them.
fn first_key(t: u32) -> u32 {
    let end = keys_end(t);
    return select(0u, end - min(end, params.window), params.window > 0u);
}

/// So many of `keys` for each workgroup, whole chunks; the last ones may have none.
fn each_of(keys: u32) -> u32 { return ((keys + SPLITS - 1u) / SPLITS + CHUNK - 1u) / CHUNK * CHUNK; }
