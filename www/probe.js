// What the browser's GPU can do at best, measured: a streaming read, a chain of multiply-adds, the cost of a dispatch and of a
// read-back. A benchmark judges models by it.

/** @typedef {{ name: string, readGBps: number, fmaGflops: number, dispatchMs: number, readBackMs: number }} Roofline */

/** Bits of the specification, whose names not every scope of types has. */
const [MAP_READ, COPY_SRC, COPY_DST, STORAGE, MODE_READ] = [1, 4, 8, 128, 1];

const READ_BYTES = 128 << 20;
const GROUP = 256;
/** Quads that an invocation reads, all of a workgroup one beside another. */
const QUADS = 16;
const ROUNDS = 2048;
const SMALL = 256;
const SAMPLES = 5;
const LONG_MS = 20;

const READ = `
@group(0) @binding(0) var<storage, read> data: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read_write> out: array<u32>;
@compute @workgroup_size(${GROUP}) fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) group: vec3<u32>) {
  var sum = vec4<u32>(0u);
  let first = group.x * ${GROUP * QUADS}u + local;
  for (var i = 0u; i < ${QUADS}u; i++) { sum += data[first + i * ${GROUP}u]; }
  let all = sum.x + sum.y + sum.z + sum.w;
  if all == 0x12345678u { out[0] = all; }
}`;
const FMA = `
@group(0) @binding(0) var<storage, read> data: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read_write> out: array<u32>;
@compute @workgroup_size(${GROUP}) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let scale = vec4<f32>(0.999 + f32(data[0].x)); let step = vec4<f32>(0.001);
  var a = vec4<f32>(f32(id.x)); var b = a + 1.0; var c = a + 2.0; var d = a + 3.0;
  for (var i = 0u; i < ${ROUNDS}u; i++) { a = fma(a, scale, step); b = fma(b, scale, step); c = fma(c, scale, step); d = fma(d, scale, step); }
  let all = a + b + c + d;
  if all.x + all.y + all.z + all.w == 12345.678 { out[0] = 1u; }
}`;
const NOTHING = `
@group(0) @binding(0) var<storage, read> data: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read_write> out: array<u32>;
@compute @workgroup_size(1) fn main() { out[0] = data[0].x; }`;

/** @returns {Promise<Roofline | null>} `null`: there is no GPU. */
export async function probe() {
  const adapter = await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" }).catch(() => null);
  if (!adapter) return null;
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  const device = await adapter.requestDevice({ requiredLimits: { maxBufferSize, maxStorageBufferBindingSize } });
  try {
    const { description, device: product, architecture, vendor } = /** @type {GPUAdapterInfo} */ (adapter.info ?? {});
    return { name: description || [product, architecture, vendor].filter(Boolean).join(" "), ...(await measured(device)) };
  } finally {
    device.destroy();
  }
}

/** @param {GPUDevice} device */
async function measured(device) {
  const data = device.createBuffer({ size: READ_BYTES, usage: STORAGE });
  const out = device.createBuffer({ size: 16, usage: STORAGE | COPY_SRC });
  const back = device.createBuffer({ size: 16, usage: COPY_DST | MAP_READ });
  /** @param {string} code @param {number} groups @param {number} times */
  const run = async (code, groups, times) => {
    const pipeline = await device.createComputePipelineAsync({ layout: "auto", compute: { module: device.createShaderModule({ code }) } });
    const entries = [data, out].map((buffer, binding) => ({ binding, resource: { buffer } }));
    const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
    const once = async () => {
      const begun = performance.now();
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      for (let i = 0; i < times; i++) pass.dispatchWorkgroups(groups);
      pass.end();
      encoder.copyBufferToBuffer(out, 0, back, 0, 16);
      device.queue.submit([encoder.finish()]);
      await back.mapAsync(MODE_READ);
      back.unmap();
      return performance.now() - begun;
    };
    await once();
    const all = [];
    for (let i = 0; i < SAMPLES; i++) all.push(await once());
    return Math.min(...all);
  };
  /** Milliseconds of one, of as many in a row as take a while. @param {string} code @param {number} groups */
  const one = async (code, groups) => {
    let [times, ms] = [1, await run(code, groups, 1)];
    while (ms < LONG_MS + readBackMs && times < 4096) ms = await run(code, groups, (times *= 8));
    // what a submission costs by itself is no part of the rate
    return Math.max(ms - readBackMs, ms / 10) / times;
  };
  const groups = READ_BYTES / 16 / GROUP / QUADS;
  const readBackMs = await run(NOTHING, 1, 1);
  const dispatchMs = ((await run(NOTHING, 1, SMALL)) - readBackMs) / (SMALL - 1);
  const lanes = 256 * GROUP;
  return {
    readGBps: READ_BYTES / (await one(READ, groups)) / 1e6,
    fmaGflops: (2 * 16 * ROUNDS * lanes) / (await one(FMA, lanes / GROUP)) / 1e6,
    dispatchMs: Math.max(0, dispatchMs),
    readBackMs,
  };
}
