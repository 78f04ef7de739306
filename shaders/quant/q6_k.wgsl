//! Q6_K: value = d * scale * (q - 32). Plane 1: four words of scales for 256 values, a signed byte for 16; two words of upper
//! bits for 32 values, those of values 4j .. 4j + 3 being bits 2 * (j & 3) and the next of the bytes of word j / 4; then d in
//! f16, two a word.
#import lib/bytes
#import lib/nibbles
#import lib/side
struct Block { d: f32, scales: vec2<f32>, upper: vec2<u32> }

fn w_block(row: u32, block: u32) -> Block {
    let codes = side(row, block / 2u) << (16u * (1u - (block & 1u)));
    let at = params.width / 64u + 2u * block;
    let scales = vec2<f32>(f32(bitcast<i32>(codes << 8u) >> 24u), f32(bitcast<i32>(codes) >> 24u));
    return Block(side_f16(row, params.width / 256u * 20u, block / 8u), scales, vec2<u32>(side(row, at), side(row, at + 1u)));
}

fn w_four(b: Block, q: u32, j: u32) -> vec4<f32> {
    let late = j > 3u;
    let upper = (select(b.upper.x, b.upper.y, late) >> (2u * (j & 3u))) & 0x03030303u;
    return select(b.scales.x, b.scales.y, late) * (u8s(q | (upper << 4u)) - vec4<f32>(32.0));
}

fn w_factor(b: Block) -> f32 { return b.d; }
