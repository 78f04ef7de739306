//! IQ4_NL: value = d * level[q]. Plane 1: f16 scales, two a word.
#import lib/levels
#import lib/nibbles
#import lib/side
alias Block = f32;   // d

fn w_block(row: u32, block: u32) -> Block { return side_f16(row, 0u, block); }

fn w_four(b: Block, q: u32, j: u32) -> vec4<f32> {
    return levels(q, vec4<u32>(0xbfad9881u, 0xf6eaddcfu, 0x26190d01u, 0x71594535u));
}

fn w_factor(b: Block) -> f32 { return b; }
