//! Q2_K: value = d * scale * q - dmin * minimum. Plane 1: four words for 256 values, a byte for 16 with the scale low and the
//! minimum high; then a word for 256 values, d low and dmin high in f16.
#import lib/bytes
#import lib/crumbs
#import lib/side
struct Block { scales: vec2<f32>, least: vec2<f32> }

fn w_block(row: u32, block: u32) -> Block {
    let pairs = vec2<u32>(side(row, block / 2u) >> (16u * (block & 1u))) >> vec2<u32>(0u, 8u);
    let d = side(row, params.width / 64u + block / 8u);
    let least = f16_bits(d >> 16u) * vec2<f32>((pairs >> vec2<u32>(4u)) & vec2<u32>(15u));
    return Block(f16_bits(d & 0xffffu) * vec2<f32>(pairs & vec2<u32>(15u)), least);
}

fn w_four(b: Block, q: u32, j: u32) -> vec4<f32> {
    let late = j > 3u;
    return select(b.scales.x, b.scales.y, late) * u8s(q) - select(b.least.x, b.least.y, late);
}
