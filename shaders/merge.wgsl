//! y[h] = what the workgroups that shared the keys of a token found for head h, as attention of all these keys: sums whose scores
//! were lessened by the highest of their own
override DH: u32 = 64u;     // head width
const WG: u32 = 64u;
struct Params {
    window: u32,     // keys seen at most, 0 for all
    sunk: u32,       // whether there are sinks
    sees: u32,       // as in `attention`
}
@group(0) @binding(0) var<uniform>             params: Params;
@group(0) @binding(1) var<storage, read>       state: array<u32>;
@group(0) @binding(2) var<storage, read>       parts: array<f32>;      // [H, SPLITS, Dh + 2]
@group(0) @binding(3) var<storage, read>       of_heads: array<f32>;   // sinks [H]
@group(0) @binding(4) var<storage, read_write> y: array<f32>;          // [1, H * Dh]
#import lib/state
#import lib/keys
var<workgroup> weight: array<f32, SPLITS>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    if state[STATE_LEN] == 0u { return; }
    let head = group.x;
    let keys = keys_end(0u) - first_key(0u);
    let each = each_of(keys);
    let found = (keys + max(each, 1u) - 1u) / max(each, 1u);
    var highest = LOWEST;
    if params.sunk > 0u { highest = of_heads[head]; }
    for (var s = 0u; s < found; s++) { highest = max(highest, parts[part(head, s) + DH]); }
    var total = 0.0;
    if params.sunk > 0u { total = exp(of_heads[head] - highest); }
    for (var s = local; s < found; s += WG) { weight[s] = exp(parts[part(head, s) + DH] - highest); }
    workgroupBarrier();
    for (var s = 0u; s < found; s++) { total += weight[s] * parts[part(head, s) + DH + 1u]; }
    for (var d = local; d < DH; d += WG) {
        var sum = 0.0;
        for (var s = 0u; s < found; s++) { sum += weight[s] * parts[part(head, s) + d]; }
        y[head * DH + d] = sum / total;
    }
}
