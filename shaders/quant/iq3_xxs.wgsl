//! IQ3_XXS: value = d * scale * sign * size, the sizes of codes 0 to 6 being 8 * q + 4, that of 7 being 62, and the fourth bit
//! the sign: made in whole words, a byte a value. Plane 1 as in lib/fours.
#import lib/bytes
#import lib/fours

fn w_four(b: Block, q: u32, j: u32) -> vec4<f32> {
    let sizes = 0x04040404u + 8u * (q & 0x07070707u) + 2u * (q & (q >> 1u) & (q >> 2u) & 0x01010101u);
    let signs = (q >> 3u) & 0x01010101u;
    return i8s((sizes ^ (255u * signs)) + signs);
}
