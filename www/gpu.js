// The GPU as the browser has it: what wgpu cannot read of it, and what it lacks for wgpu.

import { breathe } from "./breathe.js";

// wgpu does not map these on the web, so a device that it asks for would lack them.
const FEATURES = ["subgroups", "subgroup-size-control"];
/** Of the module's devices. */
const LABEL = "nomoat";
/** How long a device may take to say that it is lost. */
const GONE_SOON_MS = 200;

/** Those of the module, on this thread. @type {Set<GPUDevice>} */
export const devices = new Set();
let wrapped = false;

/** Adds the features to the devices that the module asks for, and makes their reads prompt. */
export function wrapRequestDevice() {
  const adapter = globalThis.GPUAdapter?.prototype;
  if (!adapter || wrapped) return;
  wrapped = true;
  const request = adapter.requestDevice;
  adapter.requestDevice = async function (descriptor = {}) {
    // on a page there may be others who use the GPU
    if (descriptor.label !== LABEL) return request.call(this, descriptor);
    const wanted = new Set(descriptor.requiredFeatures ?? []);
    for (const feature of FEATURES) {
      if (this.features.has(feature)) wanted.add(/** @type {GPUFeatureName} */ (feature));
    }
    const device = await request.call(this, { ...descriptor, requiredFeatures: [...wanted] });
    devices.add(device);
    compileAside(device);
    wrapErrors(device);
    void device.lost.then(() => devices.delete(device));
    return device;
  };
  const pass = globalThis.GPUComputePassEncoder.prototype;
  const set = pass.setPipeline;
  pass.setPipeline = function (pipeline) {
    set.call(this, pipeline instanceof Aside ? pipeline.get() : pipeline);
  };
  if (navigator.userAgent.includes("Gecko/")) wrapMapAsync();
}

/** A pipeline that the browser compiles beside other work; it stands for it where a pass is given one. */
class Aside {
  /** @type {GPUComputePipeline | undefined} */
  #made;
  /** @type {(() => GPUComputePipeline) | undefined} */
  #now;

  /** @param {GPUDevice} device @param {GPUComputePipelineDescriptor} descriptor @param {() => GPUComputePipeline} now Makes it at once, for a pass that did not wait. */
  constructor(device, descriptor, now) {
    this.#now = now;
    /** What is wrong with it, if anything. @type {Promise<GPUError | null>} */
    this.error = device.createComputePipelineAsync(descriptor).then(
      (made) => this.#keep(made) && null,
      // as with scopes, that the device is lost is said elsewhere
      async (error) => ((await soonLost([device])) ? null : new GPUValidationError(error.message)),
    );
  }

  get() {
    return this.#made ?? this.#keep(/** @type {any} */ (this.#now)());
  }

  /** Its text is not needed any more. @param {GPUComputePipeline} made */
  #keep(made) {
    this.#now = undefined;
    return (this.#made ??= made);
  }
}

/**
 * wgpu asks for pipelines to be compiled one after the other while all else of the GPU waits. Asked for like this, a browser that has
 * threads for it (Chromium) compiles them side by side, and the error scope that they were made in waits for them.
 * @param {GPUDevice} device
 */
function compileAside(device) {
  const { pushErrorScope: push, popErrorScope: pop, createComputePipeline: create } = device;
  /** The scopes that stand open. @type {{ filter: GPUErrorFilter, made: Aside[] }[]} */
  const scopes = [];
  device.pushErrorScope = function (filter) {
    scopes.push({ filter, made: [] });
    return push.call(this, filter);
  };
  device.popErrorScope = async function () {
    const made = scopes.pop()?.made ?? [];
    const errors = await Promise.all([pop.call(this), ...made.map((one) => one.error)]);
    return errors.find(Boolean) ?? null;
  };
  device.createComputePipeline = function (descriptor) {
    const scope = scopes.findLast(({ filter }) => filter === "validation");
    const now = () => create.call(this, descriptor);
    if (!scope) return now();
    const one = new Aside(this, descriptor, now);
    scope.made.push(one);
    return /** @type {any} */ (one);
  };
}

/** wgpu panics at internal errors, which it does not know: they reach it as validation errors. @param {GPUDevice} device */
function wrapErrors(device) {
  const known = (/** @type {GPUError} */ error) => (error instanceof GPUInternalError ? new GPUValidationError(error.message) : error);
  const pop = device.popErrorScope;
  device.popErrorScope = async function () {
    const error = await pop.call(this);
    return error && known(error);
  };
  // the first to listen, so wgpu reads what is put here
  device.addEventListener("uncapturederror", (event) => Object.defineProperty(event, "error", { value: known(event.error) }));
}

/**
 * Firefox looks every 100 ms whether a read is done, which is 10 tokens a second at most, but it also looks whenever
 * something is submitted: so nothing is submitted until the read is done (measured: 1 ms instead of 101).
 */
function wrapMapAsync() {
  const buffer = globalThis.GPUBuffer.prototype;
  const map = buffer.mapAsync;
  buffer.mapAsync = function (mode, offset, size) {
    let done = false;
    const mapped = map.call(this, mode, offset, size).finally(() => (done = true));
    void (async () => {
      const started = performance.now();
      while (!done) {
        await (performance.now() - started < 4 ? breathe() : new Promise((resolve) => setTimeout(resolve, 2)));
        if (!done) for (const { queue } of devices) queue.submit([]);
      }
    })();
    return mapped;
  };
}

/** Whether one of them is lost, or will be known to be in a moment. @param {Iterable<GPUDevice>} some */
const soonLost = (some) =>
  Promise.race([...Array.from(some, ({ lost }) => lost.then(() => true)), new Promise((/** @type {(value: false) => void} */ go) => setTimeout(go, GONE_SOON_MS, false))]);

/** Whether a device of the module is. */
export const gone = () => soonLost(devices);

/** What wgpu cannot read of the adapter; `null` where there is none. */
export async function identify() {
  const adapter = await globalThis.navigator.gpu?.requestAdapter({ powerPreference: "high-performance" }).catch(() => null);
  if (!adapter) return null;
  const info = /** @type {GPUAdapterInfo & { isFallbackAdapter?: boolean }} */ (adapter.info ?? {});
  const words = [info.description, info.device, info.architecture, info.vendor].filter(Boolean);
  return {
    identity: {
      description: info.description || words.reverse().join(" ") || "an adapter that does not say its name",
      fallback: Boolean(info.isFallbackAdapter ?? /** @type {any} */ (adapter).isFallbackAdapter),
      subgroups: adapter.features.has(/** @type {GPUFeatureName} */ ("subgroups")),
      subgroupMin: info.subgroupMinSize ?? 0,
      subgroupMax: info.subgroupMaxSize ?? 0,
    },
    trace: {
      vendor: info.vendor,
      architecture: info.architecture,
      device: info.device,
      description: info.description,
      features: [...adapter.features],
      limits: limits(adapter.limits),
      wgsl: [...(globalThis.navigator.gpu.wgslLanguageFeatures ?? [])],
    },
  };
}

/**
 * Why the GPU cannot be used, in words; empty if it can.
 * @param {import("./protocol.js").Device | undefined} device @param {{ fallback: boolean } | undefined} identity
 */
export function withoutGpu(device, identity) {
  if (device && device !== "auto" && device !== "gpu") return "";
  if (!globalThis.navigator.gpu) return "this browser has no WebGPU";
  if (!identity) return "this browser has WebGPU, but finds no GPU that it may use";
  if (identity.fallback && device !== "gpu") return "the only GPU here is emulated in software, which is slower than the CPU";
  return "";
}

/** @param {GPUSupportedLimits} supported @returns {Record<string, number>} */
function limits(supported) {
  /** @type {Record<string, number>} */
  const all = {};
  for (const name in supported) {
    const value = /** @type {any} */ (supported)[name];
    if (typeof value === "number") all[name] = value;
  }
  return all;
}
