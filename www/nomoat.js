// The entry: everything that a page imports.

export { load } from "./engine.js";
export { fit } from "./fit.js";
export { resolve } from "./hub.js";
export { NomoatError } from "./protocol.js";
export * as store from "./store.js";
