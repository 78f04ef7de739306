// Where the worker's code is when the modules are served as files. A bundle has it inside: build/inside.js takes this place.

/** @typedef {import("./protocol.js").Wasm} Wasm */

/** The worker's code on a thread of its own. */
export const thread = () => new Worker(new URL("./worker.js", import.meta.url), { type: "module", name: "nomoat" });

/** The worker's code on this thread. @returns {Promise<Pick<typeof import("./worker.js"), "serve">>} */
export const here = () => import("./worker.js");

/** The WebAssembly module, if it is not the one in pkg/. @type {Wasm | undefined} */
export const wasm = undefined;

/** Whether this page may fetch models at all; the single file may not. @type {boolean} */
export const connects = true;

/** The model that came with the page, if one did. @returns {import("./protocol.js").NamedBlob[] | undefined} */
export const embedded = () => undefined;
