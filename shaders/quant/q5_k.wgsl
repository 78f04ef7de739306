//! Q5_K: value = d * scale * q - dmin * minimum. Plane 1 as in lib/pairs, then a word of fifth bits for 32 values.
#import lib/fifths
#import lib/nibbles
#import lib/pairs
struct Block { pair: vec2<f32>, fifths: u32 }

fn w_block(row: u32, block: u32) -> Block {
    return Block(pair(row, block), side(row, params.width / 256u * 5u + block));
}

fn w_four(b: Block, q: u32, j: u32) -> vec4<f32> { return b.pair.x * five_bits(q, b.fifths, j) - b.pair.y; }

fn w_factor(b: Block) -> f32 { return 1.0; }
