//! Q4_1: value = d * q + m. Plane 1: a word a block, d low and m high, in f16.
#import lib/bytes
#import lib/nibbles
#import lib/side
alias Block = vec2<f32>;   // d, m

fn w_block(row: u32, block: u32) -> Block {
    let pair = side(row, block);
    return vec2<f32>(f16_bits(pair & 0xffffu), f16_bits(pair >> 16u));
}

fn w_four(b: Block, q: u32, j: u32) -> vec4<f32> { return b.x * u8s(q) + b.y; }

fn w_factor(b: Block) -> f32 { return 1.0; }
