//! Codes of 4 bits: plane 1 has two words of scales for 256 values, a signed byte for 32, then a word for 256 values, d.
#import lib/nibbles
#import lib/side
alias Block = f32;   // d * scale

fn w_block(row: u32, block: u32) -> Block {
    let scale = bitcast<i32>(side(row, block / 4u) << (24u - 8u * (block & 3u))) >> 24u;
    return bitcast<f32>(side(row, params.width / 128u + block / 8u)) * f32(scale);
}

fn w_factor(b: Block) -> f32 { return b; }
