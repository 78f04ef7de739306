// A GPU whose error scopes answer something odd, or that computes something else, or whose memory is full, and a module that traps: for the page, or as
// the worker itself, with `?how=` in its address.

/** @typedef {"internal" | "uncaptured" | "refused" | "nonsense" | "trap" | "trap at once"} How Errors that the browser may give, what none gives, and a module that traps. */

/** Words of kernels and what stands there instead, as if a driver compiled them wrongly. @type {Record<string, [string, string]>} */
const WRONG = {
  subgroups: ["subgroupAdd(", "subgroupMax("],
  unknown: ["subgroupAdd(", "subgroupNone("],
  all: ["exp(", "exp2("],
};

/** @param {How} how @returns {() => void} What mends it. */
export function breakScopes(how) {
  if (how === "trap" || how === "trap at once") return breakClock(how === "trap");
  const device = globalThis.GPUDevice.prototype;
  const { pushErrorScope: push, popErrorScope: pop, createComputePipelineAsync: make } = device;
  if (how === "refused") {
    device.createComputePipelineAsync = () => Promise.reject(new Error("the compiler is tired"));
    return () => void (device.createComputePipelineAsync = make);
  }
  /** @type {GPUErrorFilter[]} */
  const open = [];
  device.pushErrorScope = function (filter) {
    open.push(filter);
    push.call(this, filter);
  };
  device.popErrorScope = async function () {
    const filter = open.pop();
    const error = await pop.call(this);
    if (how === "nonsense") return /** @type {any} */ ({});
    if (filter !== "internal") return error;
    const tired = new GPUInternalError("the compiler is tired");
    if (how === "internal") return tired;
    this.dispatchEvent(new GPUUncapturedErrorEvent("uncapturederror", { error: tired }));
    return error;
  };
  return () => void Object.assign(device, { pushErrorScope: push, popErrorScope: pop });
}

/** The module ends as if it had used up its memory: by a trap, without a word. @param {boolean} later Not in a call, which throws. @returns {() => void} What mends it. */
function breakClock(later) {
  const real = performance.now;
  performance.now = function () {
    const stack = String(new Error().stack);
    if (/\.wasm/.test(stack) && !(later && /begin/.test(stack))) throw new WebAssembly.RuntimeError("unreachable");
    return real.call(performance);
  };
  return () => void (performance.now = real);
}

/** @param {[string, string]} words */
function breakKernels([from, to]) {
  const { createShaderModule: make } = globalThis.GPUDevice.prototype;
  globalThis.GPUDevice.prototype.createShaderModule = function (descriptor) {
    return make.call(this, { ...descriptor, code: descriptor.code.replaceAll(from, to) });
  };
}

/** The GPU has no memory for buffer number `which`, and says in the end how many were asked for. @param {number} which */
function fill(which) {
  const device = globalThis.GPUDevice.prototype;
  const { createBuffer: create, pushErrorScope: push, popErrorScope: pop } = device;
  let count = 0;
  /** @type {{ filter: GPUErrorFilter, full?: boolean }[]} */
  const open = [];
  device.createBuffer = function (descriptor) {
    const buffer = create.call(this, descriptor);
    if (count++ !== which) return buffer;
    // what is left of it can be used no more than one that was never there
    buffer.destroy();
    const scope = open.findLast(({ filter }) => filter === "out-of-memory");
    if (scope) scope.full = true;
    else globalThis.postMessage({ type: "trace", ms: 0, what: "outside of all scopes", more: descriptor.label });
    return buffer;
  };
  device.pushErrorScope = function (filter) {
    open.push({ filter });
    push.call(this, filter);
  };
  device.popErrorScope = async function () {
    const scope = open.pop();
    const error = await pop.call(this);
    return scope?.full ? new GPUOutOfMemoryError("there is no more") : error;
  };
  const say = globalThis.postMessage;
  globalThis.postMessage = (/** @type {any} */ message, /** @type {any} */ more) => {
    if (message.type === "end" || message.type === "error") say.call(globalThis, { type: "trace", ms: 0, what: "buffers", more: count }, {});
    say.call(globalThis, message, more);
  };
}

const how = new URL(import.meta.url).searchParams.get("how");
if (how) {
  if (how.startsWith("full")) fill(Number(how.slice(4)));
  else if (WRONG[how]) breakKernels(WRONG[how]);
  else breakScopes(/** @type {How} */ (how));
  await import(new URL("/worker.js", import.meta.url).href);
}
