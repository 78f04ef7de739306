// The entry: everything that a page imports.

export { load } from "./engine.js";
export { NomoatError } from "./protocol.js";
