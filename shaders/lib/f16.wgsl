//! f16 scales by integer operations: block scales are often subnormal, which WGSL may flush to zero.
fn f16_bits(h: u32) -> f32 {
    let exponent = (h >> 10u) & 31u;
    let mantissa = h & 1023u;
    let sign = (h & 0x8000u) << 16u;
    let normal = bitcast<f32>(sign | ((exponent + 112u) << 23u) | (mantissa << 13u));
    let subnormal = select(1.0, -1.0, sign != 0u) * f32(mantissa) * 5.9604644775390625e-8;
    return select(normal, subnormal, exponent == 0u);
}
