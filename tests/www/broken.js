// A GPU whose error scopes answer something odd: for the page, or as the worker itself, with `?how=` in its address.

/** @typedef {"internal" | "nonsense"} How An error that the browser may give, or what none gives. */

/** @param {How} how @returns {() => void} What mends it. */
export function breakScopes(how) {
  const device = globalThis.GPUDevice.prototype;
  const whole = device.popErrorScope;
  device.popErrorScope = async function () {
    await whole.call(this);
    return how === "internal" ? new GPUInternalError("the compiler is tired") : /** @type {any} */ ({});
  };
  return () => void (device.popErrorScope = whole);
}

const how = new URL(import.meta.url).searchParams.get("how");
if (how) {
  breakScopes(/** @type {How} */ (how));
  await import(new URL("/worker.js", import.meta.url).href);
}
