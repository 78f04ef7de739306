//! Writes two neighbours of the cache as packed f16. Needs a binding `kv`; `i` is even.
fn kv_store2(i: u32, v: vec2<f32>) { kv[i / 2u] = pack2x16float(v); }

fn kv_slot(pos: u32) -> u32 { return pos; }
