//! The cache as f32: element i is word i. Needs a binding `kv`.
fn kv_load4(i: u32) -> vec4<f32> {
    return bitcast<vec4<f32>>(vec4<u32>(kv[i], kv[i + 1u], kv[i + 2u], kv[i + 3u]));
}
