//! The cache as codes of 8 bits, four a word, and behind all of them the largest magnitude of each block of `BLOCK` values. Needs a
//! binding `kv`, `DH`, and `params` with `kv_heads` and `capacity`.
override BLOCK: u32 = 32u;   // a multiple of 4 that divides DH, or of 8 if that is one

/// The word with the largest magnitude of the block of value i.
fn kv_most(i: u32) -> u32 { return params.kv_heads * params.capacity * (DH / 2u) + i / BLOCK; }

#if FORM=wide
fn kv_load8(i: u32) -> mat2x4<f32> {
    let p = kv[i / 16u];
    let codes = select(p.xy, p.zw, (i & 8u) != 0u);
    let at = kv_most(i);
    let most = bitcast<f32>(kv[at / 4u][at % 4u]);
    return mat2x4<f32>(most * unpack4x8snorm(codes.x), most * unpack4x8snorm(codes.y));
}
#else
fn kv_load4(i: u32) -> vec4<f32> { return bitcast<f32>(kv[kv_most(i)]) * unpack4x8snorm(kv[i / 4u]); }
#endif
