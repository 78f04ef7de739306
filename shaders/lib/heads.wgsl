//! Heads of queries, keys and values, four values at a time: two neighbours and the two that they are rotated with. Needs `state`,
//! `table`, `y`, `params` with `heads`, `kv_heads`, `head_dim`, `rotated` and `capacity`, and a way to store into `kv`.

/// Where the `i`-th four values of a head are: `at.x`, the next, `at.y` and the next.
fn fours(i: u32) -> vec2<u32> {
    let half = params.rotated / 2u;
    let pair = 2u * i;
    // Behind the values that are rotated there are four neighbours.
    let d = select(2u * pair, pair, pair < half);
    return vec2<u32>(d, d + select(2u, half, pair < half));
}

/// Queries rotated into y; keys rotated, and values as they are, into the cache.
fn store_head(t: u32, head: u32, at: vec2<u32>, values: vec4<f32>) {
    let pos = state[STATE_POS] + t;
    let half = params.rotated / 2u;
    var p = values;
    if at.x < half && head < params.heads + params.kv_heads {
        let a = table[pos * half + at.x];
        let b = table[pos * half + at.x + 1u];
        let cos = vec2<f32>(a.x, b.x);
        let sin = vec2<f32>(a.y, b.y);
        p = vec4<f32>(p.xy * cos - p.zw * sin, p.zw * cos + p.xy * sin);
    }
    if head < params.heads {
        let to = (t * params.heads + head) * params.head_dim + at;
        y[to.x] = p.x;
        y[to.x + 1u] = p.y;
        y[to.y] = p.z;
        y[to.y + 1u] = p.w;
    } else if kv_slot(pos) < params.capacity {
        // Keys of all heads come before values of all heads.
        let to = ((head - params.heads) * params.capacity + kv_slot(pos)) * params.head_dim + at;
        kv_store2(to.x, p.xy);
        kv_store2(to.y, p.zw);
    }
}
