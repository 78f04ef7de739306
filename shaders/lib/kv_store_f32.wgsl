//! Writes two neighbours of the cache as f32, or of the rows of which `kv_pack` makes codes. Needs a binding `kv`; `i` is even.
override RING: u32 = 0u;   // whether there is room for a step's tokens only, each of which has a place
fn kv_store2(i: u32, v: vec2<f32>) {
    kv[i] = bitcast<u32>(v.x);
    kv[i + 1u] = bitcast<u32>(v.y);
}

fn kv_slot(pos: u32) -> u32 { return select(pos, pos % params.capacity, RING != 0u); }
