//! Writes two neighbours of the cache as f32. Needs a binding `kv`; `i` is even.
fn kv_store2(i: u32, v: vec2<f32>) {
    kv[i] = bitcast<u32>(v.x);
    kv[i + 1u] = bitcast<u32>(v.y);
}
