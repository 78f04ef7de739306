//! Products of rows of a weight with a row of x, which may be one that is still to be normalised by its root mean square: the gain
//! then goes to each value on its way, and the factor, which all have, to the sums. A subgroup (or, without them, a workgroup)
//! makes four at a time, or eight where values of x are dear; where it is lanes of a CPU, each lane so many of its own. Needs `WG`,
//! `NORMED`, `QUADS`, `params` with `width`, `eps` and `plus`, `x`, `gain` and a decoder.
#import lib/lanes
#if SUBGROUPS
#import lib/share
#endif
var<private> x_row: u32;   // vec4 that the row of x begins with

/// Products of four rows, and of four more if `QUADS` is 2.
struct Products { first: vec4<f32>, second: vec4<f32> }

/// Takes unit `u` of x; the lane's part of the sum of its squares.
fn take(u: u32, lane: u32) -> f32 {
    var squares = 0.0;
    // The last unit of two may be half.
    let last = params.width / 4u - 1u;
#if SUBGROUPS
    if LANES > 4u {
        let k = u * UNIT4 + brings(lane);
        var mine = x[x_row + min(k, last)];
        if NORMED != 0u {
            squares = select(0.0, dot(mine, mine), lane < UNIT4 && k <= last);
            mine *= params.plus + gain[min(k, last)];
        }
        share(mine);
        return squares;
    }
#endif
    for (var i = 0u; i < UNIT4; i++) {
        let k = min(u * UNIT4 + i, last);
#if SUBGROUPS
        if LANES == 4u {
            var one = x[x_row + k][lane];
            if NORMED != 0u {
                squares += select(0.0, one * one, k == u * UNIT4 + i);
                one *= params.plus + gain[k][lane];
            }
            xs[i] = spread(one);
            continue;
        }
#endif
        var v = x[x_row + k];
        if NORMED != 0u {
            squares += select(0.0, dot(v, v), k == u * UNIT4 + i);
            v *= params.plus + gain[k];
        }
        xs[i] = v;
    }
    return squares;
}

/// Dots of unit `u` of four rows.
fn dots(rows: vec4<u32>, u: u32) -> vec4<f32> {
    return vec4<f32>(w_dot(rows.x, u), w_dot(rows.y, u), w_dot(rows.z, u), w_dot(rows.w, u));
}

fn factor(squares: f32) -> f32 { return inverseSqrt(squares / f32(params.width) + params.eps); }

#if SUBGROUPS
fn products(rows: vec4<u32>, more: vec4<u32>, lane: u32, size: u32) -> Products {
    var sums = Products();
    var squares = 0.0;
    for (var u = select(lane, 0u, LANES != 0u); u < w_units(); u += select(size, 1u, LANES != 0u)) {
        squares += take(u, lane);
        if QUADS == 2u && UNIT4 > 1u && LANES <= 4u {
            // Written once: compilers of software adapters take long for what is unrolled, and make it no faster.
            for (var i = 0u; i < 4u; i++) {
                sums.first[i] += w_dot(rows[i], u);
                sums.second[i] += w_dot(more[i], u);
            }
        } else {
            sums.first += dots(rows, u);
            if QUADS == 2u { sums.second += dots(more, u); }
        }
    }
    var scale = 1.0;
    if NORMED != 0u { scale = factor(subgroupAdd(squares)); }
    if LANES != 0u { return Products(scale * sums.first, scale * sums.second); }
    sums.first = scale * subgroupAdd(sums.first);
    if QUADS == 2u { sums.second = scale * subgroupAdd(sums.second); }
    return sums;
}
#else
var<workgroup> partial: array<vec4<f32>, WG>;
var<workgroup> partial_squares: array<f32, WG>;

fn products(rows: vec4<u32>, more: vec4<u32>, lane: u32, size: u32) -> Products {
    var sums = vec4<f32>();
    var squares = 0.0;
    for (var u = lane; u < w_units(); u += WG) {
        squares += take(u, lane);
        sums += dots(rows, u);
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
    return Products(sums, vec4<f32>());
}
#endif
