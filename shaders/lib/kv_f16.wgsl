//! The cache as packed f16: element i is a half of word i / 2. Needs a binding `kv`.
fn kv_load4(i: u32) -> vec4<f32> {
    return vec4<f32>(unpack2x16float(kv[i / 2u]), unpack2x16float(kv[i / 2u + 1u]));
}
