//! Q4_K: value = d * scale * q - dmin * minimum. Plane 1 as in lib/pairs.
#import lib/bytes
#import lib/nibbles
#import lib/pairs
alias Block = vec2<f32>;   // scale, minimum

fn w_block(row: u32, block: u32) -> Block { return pair(row, block); }

fn w_four(b: Block, q: u32, j: u32) -> vec4<f32> { return b.x * u8s(q) - b.y; }

fn w_factor(b: Block) -> f32 { return 1.0; }
