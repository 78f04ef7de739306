//! TQ1_0, TQ2_0, IQ1_S, IQ1_M: value = d * scale * (8 * (q - 1) + move). Plane 1: four words for 256 values, a byte for 16 with the scale in
//! its lower half and above it, two bits each, one more than the moves of both eights; then a word for 256 values, d.
#import lib/bytes
#import lib/crumbs
#import lib/side
struct Block { d: f32, codes: u32 }

fn w_block(row: u32, block: u32) -> Block {
    return Block(bitcast<f32>(side(row, params.width / 64u + block / 8u)), side(row, block / 2u) >> (16u * (block & 1u)));
}

fn w_four(b: Block, q: u32, j: u32) -> vec4<f32> {
    let code = b.codes >> (8u * (j / 4u));
    let moved = f32((code >> (4u + (j & 2u))) & 3u) - 9.0;
    return b.d * f32(code & 15u) * (8.0 * u8s(q) + moved);
}
