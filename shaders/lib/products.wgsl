//! Products of four rows of a weight with a row of x, which may be one that is still to be normalised by its root mean square:
//! the gain then goes to each value on its way, and the factor, which all have, to the sums. A subgroup (or, without them, a
//! workgroup) makes four at a time. Needs `WG`, `NORMED`, `params` with `width`, `eps` and `plus`, `x`, `gain` and a decoder.
var<private> x_row: u32;   // vec4 that the row of x begins with

fn x4(i: u32) -> vec4<f32> {
    if NORMED == 0u { return x[i]; }
    return x[i] * (params.plus + gain[i - x_row]);
}

/// Sum of the squares of unit `u` of x.
fn squares_of(u: u32) -> f32 {
    var sum = 0.0;
    for (var k = u * UNIT4; k < min((u + 1u) * UNIT4, params.width / 4u); k++) {
        let v = x[x_row + k];
        sum += dot(v, v);
    }
    return sum;
}

fn factor(squares: f32) -> f32 { return inverseSqrt(squares / f32(params.width) + params.eps); }

#if SUBGROUPS
fn products(rows: vec4<u32>, lane: u32, size: u32) -> vec4<f32> {
    var sums = vec4<f32>();
    var squares = 0.0;
    for (var u = lane; u < w_units(); u += size) {
        sums += vec4<f32>(w_dot(rows.x, u, x_row), w_dot(rows.y, u, x_row), w_dot(rows.z, u, x_row), w_dot(rows.w, u, x_row));
        if NORMED != 0u { squares += squares_of(u); }
    }
    sums = subgroupAdd(sums);
    if NORMED != 0u { sums *= factor(subgroupAdd(squares)); }
    return sums;
}
#else
var<workgroup> partial: array<vec4<f32>, WG>;
var<workgroup> partial_squares: array<f32, WG>;

fn products(rows: vec4<u32>, lane: u32, size: u32) -> vec4<f32> {
    var sums = vec4<f32>();
    var squares = 0.0;
    for (var u = lane; u < w_units(); u += WG) {
        sums += vec4<f32>(w_dot(rows.x, u, x_row), w_dot(rows.y, u, x_row), w_dot(rows.z, u, x_row), w_dot(rows.w, u, x_row));
        if NORMED != 0u { squares += squares_of(u); }
    }
    partial[lane] = sums;
    if NORMED != 0u { partial_squares[lane] = squares; }
    workgroupBarrier();
    for (var half = WG / 2u; half > 0u; half /= 2u) {
        if lane < half {
            partial[lane] += partial[lane + half];
            if NORMED != 0u { partial_squares[lane] += partial_squares[lane + half]; }
        }
        workgroupBarrier();
    }
    sums = partial[0];
    if NORMED != 0u { sums *= factor(partial_squares[0]); }
    workgroupBarrier();
    return sums;
}
#endif
