//! Codes of 3 bits: plane 1 has four words of scales for 256 values, a signed byte for 16; then a word for 256 values, d; then
//! a word of third bits for 32 values, those of values 4j .. 4j + 3 being bit j of its bytes.
#import lib/crumbs
#import lib/side
struct Block { scales: vec2<f32>, thirds: u32 }

fn w_block(row: u32, block: u32) -> Block {
    let codes = side(row, block / 2u) << (16u * (1u - (block & 1u)));
    let d = bitcast<f32>(side(row, params.width / 64u + block / 8u));
    let scales = vec2<f32>(f32(bitcast<i32>(codes << 8u) >> 24u), f32(bitcast<i32>(codes) >> 24u));
    return Block(d * scales, side(row, params.width / 256u * 5u + block));
}

fn scale_of(b: Block, j: u32) -> f32 { return select(b.scales.x, b.scales.y, j > 3u); }

fn third(b: Block, j: u32) -> u32 { return (b.thirds >> j) & 0x01010101u; }
