//! MXFP4: value = 2^(e - 128) * level[q], levels being twice the floats of 4 bits. Plane 1: e, four a word.
#import lib/levels
#import lib/nibbles
#import lib/side
alias Block = f32;   // the power

fn w_block(row: u32, block: u32) -> Block {
    let e = (side(row, block / 4u) >> (8u * (block & 3u))) & 0xffu;
    return bitcast<f32>(select((e - 1u) << 23u, 0x00200000u << e, e < 2u));
}

fn w_four(b: Block, q: u32, j: u32) -> vec4<f32> {
    return levels(q, vec4<u32>(0x03020100u, 0x0c080604u, 0xfdfeff00u, 0xf4f8fafcu));
}

fn w_factor(b: Block) -> f32 { return b; }
