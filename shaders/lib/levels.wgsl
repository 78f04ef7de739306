//! Four nibbles, a byte each, as indices into 16 signed bytes: selected, since an indexed array would lie in memory.
#import lib/bytes
fn levels(q: u32, table: vec4<u32>) -> vec4<f32> {
    var i: vec4<u32>;
    if LANES == 0u { i = unpack4xU8(q); } else { i = vec4<u32>(u8s(q)); }
    let upper = (i & vec4<u32>(4u)) != vec4<u32>();
    let low = select(vec4<u32>(table.x), vec4<u32>(table.y), upper);
    let high = select(vec4<u32>(table.z), vec4<u32>(table.w), upper);
    let word = select(low, high, i > vec4<u32>(7u));
    if LANES == 0u { return vec4<f32>(bitcast<vec4<i32>>(word << (vec4<u32>(24u) - 8u * (i & vec4<u32>(3u)))) >> vec4<u32>(24u)); }
    let first = select(vec4<u32>(0x10000u), vec4<u32>(1u), (i & vec4<u32>(2u)) != vec4<u32>());
    let second = select(vec4<u32>(0x100u), vec4<u32>(1u), (i & vec4<u32>(1u)) != vec4<u32>());
    return 0x1p-24 * vec4<f32>(bitcast<vec4<i32>>((word * first * second) & vec4<u32>(0xff000000u)));
}
