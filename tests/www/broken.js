// A GPU whose error scopes answer something odd: for the page, or as the worker itself, with `?how=` in its address.

/** @typedef {"internal" | "uncaptured" | "nonsense"} How Errors that the browser may give, and what none gives. */

/** @param {How} how @returns {() => void} What mends it. */
export function breakScopes(how) {
  const device = globalThis.GPUDevice.prototype;
  const { pushErrorScope: push, popErrorScope: pop } = device;
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

const how = new URL(import.meta.url).searchParams.get("how");
if (how) {
  breakScopes(/** @type {How} */ (how));
  await import(new URL("/worker.js", import.meta.url).href);
}
