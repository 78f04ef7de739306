// The entry: everything that a page imports.

import { NomoatError } from "./protocol.js";

export { load } from "./engine.js";
export * as store from "./store.js";
export { NomoatError };

/**
 * Whether a model fits this device, from its header alone. Not built yet.
 * @returns {Promise<never>}
 */
export async function fit() {
  throw new NomoatError("unsupported-field", "fit() is not built yet: load the model, and the error says what does not fit");
}
