//! The cache as packed f16: element i is a half of word i / 2. Needs a binding `kv`.
#if FORM=wide
fn kv_load8(i: u32) -> mat2x4<f32> {
    let p = kv[i / 8u];
    return mat2x4<f32>(
        vec4<f32>(unpack2x16float(p.x), unpack2x16float(p.y)),
        vec4<f32>(unpack2x16float(p.z), unpack2x16float(p.w)));
}
#else
fn kv_load4(i: u32) -> vec4<f32> {
    return vec4<f32>(unpack2x16float(kv[i / 2u]), unpack2x16float(kv[i / 2u + 1u]));
}
#endif
