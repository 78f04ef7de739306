//! f16 scales, which are finite, by integer operations: block scales are often subnormal, which WGSL may flush to zero. With the exponent of a float,
//! subnormals are a half of what they should be and half of 2^-14 too large. Products put bits in place: where lanes are those of a
//! CPU, a shift may be done lane by lane.
fn f16_bits(h: u32) -> f32 {
    let near = bitcast<f32>((h & 0x7fffu) * 0x2000u + (112u << 23u));
    let whole = min(near, near + near - 0x1p-14);
    return bitcast<f32>(bitcast<u32>(whole) | ((h & 0x8000u) * 0x10000u));
}
