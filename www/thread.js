// Where the worker's code is when the modules are served as files. A bundle has it inside: build/inside.js takes this place.

import { SEEDLING, seedling } from "./seedling.js";

/** @typedef {import("./protocol.js").Wasm} Wasm */
/** @typedef {import("./protocol.js").NamedBlob[] | import("./protocol.js").RemoteFile[]} Files */

/** The worker's code on a thread of its own. */
export const thread = () => new Worker(new URL("./worker.js", import.meta.url), { type: "module", name: "nomoat" });

/** The worker's code on this thread. @returns {Promise<Pick<typeof import("./worker.js"), "serve">>} */
export const here = () => import("./worker.js");

/** The WebAssembly module, if it is not the one in pkg/. @type {Wasm | undefined} */
export const wasm = undefined;

/** Whether this page may fetch models at all; the single file may not. @type {boolean} */
export const connects = true;

/** Where build.sh puts the model that comes with the page. */
const MODELS = "pkg/";

/** The file name of the model that comes with the page, if one does. @returns {string | undefined} */
export const embeddedName = () => SEEDLING.file;

/** That model. @returns {Files | undefined} */
export const embedded = () => seedling(new URL(MODELS, import.meta.url).href);
