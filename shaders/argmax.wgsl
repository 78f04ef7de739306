//! token = the lowest id among the highest logits; it becomes the next step's token, goes into the ring, and the state
//! advances: pos += len, len = 1. A row with a logit that is no finite number gives NO_TOKEN.
struct Params { width: u32 }
@group(0) @binding(0) var<uniform>             params: Params;
@group(0) @binding(1) var<storage, read>       logits: array<f32>;       // [1, V]
@group(0) @binding(2) var<storage, read_write> state: array<u32>;
@group(0) @binding(3) var<storage, read_write> tokens: array<u32>;       // [T]
@group(0) @binding(4) var<storage, read_write> ring: array<u32>;         // [RING]
#import lib/state
const WG: u32 = 256u;
const RING: u32 = 64u;
const NO_TOKEN: u32 = 0xffffffffu;
var<workgroup> best_value: array<f32, WG>;
var<workgroup> best_id: array<u32, WG>;
var<workgroup> broken: array<u32, WG>;

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) local: u32) {
    var value = -3.4028234e38;
    var id = NO_TOKEN;
    var bad = 0u;
    for (var i = local; i < params.width; i += WG) {
        let v = logits[i];
        if (bitcast<u32>(v) & 0x7f800000u) == 0x7f800000u { bad = 1u; }
        if id == NO_TOKEN || v > value { value = v; id = i; }
    }
    best_value[local] = value;
    best_id[local] = id;
    broken[local] = bad;
    workgroupBarrier();
    for (var half = WG / 2u; half > 0u; half /= 2u) {
        if local < half {
            let other = local + half;
            let v = best_value[other];
            let higher = v > best_value[local] || (v == best_value[local] && best_id[other] < best_id[local]);
            if best_id[other] != NO_TOKEN && (higher || best_id[local] == NO_TOKEN) {
                best_value[local] = v;
                best_id[local] = best_id[other];
            }
            broken[local] |= broken[other];
        }
        workgroupBarrier();
    }
    if local == 0u {
        let step = state[STATE_STEP];
        ring[step % RING] = select(best_id[0], NO_TOKEN, broken[0] != 0u);
        tokens[0] = best_id[0];
        state[STATE_POS] += state[STATE_LEN];
        state[STATE_LEN] = 1u;
        state[STATE_STEP] = step + 1u;
    }
}
