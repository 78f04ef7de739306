//! Q4_0: value = d * (q - 8). Plane 1: f16 scales, two a word.
#import lib/bytes
#import lib/nibbles
#import lib/side
alias Block = f32;   // d

fn w_block(row: u32, block: u32) -> Block { return side_f16(row, 0u, block); }

fn w_four(b: Block, q: u32, j: u32) -> vec4<f32> { return u8s(q) - vec4<f32>(8.0); }

fn w_factor(b: Block) -> f32 { return b; }
