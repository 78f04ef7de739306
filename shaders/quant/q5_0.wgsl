//! Q5_0: value = d * (q - 16). Plane 1: a word of fifth bits a block, then f16 scales, two a word.
#import lib/fifths
#import lib/nibbles
#import lib/side
struct Block { d: f32, fifths: u32 }

fn w_block(row: u32, block: u32) -> Block { return Block(side_f16(row, params.width / 32u, block), side(row, block)); }

fn w_four(b: Block, q: u32, j: u32) -> vec4<f32> { return five_bits(q, b.fifths, j) - vec4<f32>(16.0); }

fn w_factor(b: Block) -> f32 { return b.d; }
