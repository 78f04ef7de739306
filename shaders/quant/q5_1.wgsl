//! Q5_1: value = d * q + m. Plane 1: two words a block, the fifth bits, and d low with m high in f16.
#import lib/fifths
#import lib/nibbles
#import lib/side
struct Block { d: f32, m: f32, fifths: u32 }

fn w_block(row: u32, block: u32) -> Block {
    let pair = side(row, 2u * block + 1u);
    return Block(f16_bits(pair & 0xffffu), f16_bits(pair >> 16u), side(row, 2u * block));
}

fn w_four(b: Block, q: u32, j: u32) -> vec4<f32> { return b.d * five_bits(q, b.fifths, j) + b.m; }

fn w_factor(b: Block) -> f32 { return 1.0; }
