//! IQ2_XXS, IQ2_XS, IQ2_S: value = d * scale * sign * size, the sizes of codes 0, 1 and 2 being 8, 25 and 43 and the third bit
//! the sign: made in whole words, a byte a value. Plane 1 as in lib/threes.
#import lib/bytes
#import lib/threes

fn w_four(b: Block, q: u32, j: u32) -> vec4<f32> {
    let sizes = 0x08080808u + 17u * q + ((q >> 1u) & 0x01010101u);
    let signs = third(b, j);
    return scale_of(b, j) * i8s((sizes ^ (255u * signs)) + signs);
}
