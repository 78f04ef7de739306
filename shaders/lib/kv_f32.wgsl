//! The cache as f32: element i is word i. Needs a binding `kv`.
#if FORM=wide
fn kv_load8(i: u32) -> mat2x4<f32> {
    return mat2x4<f32>(bitcast<vec4<f32>>(kv[i / 4u]), bitcast<vec4<f32>>(kv[i / 4u + 1u]));
}
#else
fn kv_load4(i: u32) -> vec4<f32> {
    return bitcast<vec4<f32>>(vec4<u32>(kv[i], kv[i + 1u], kv[i + 2u], kv[i + 3u]));
}
#endif
