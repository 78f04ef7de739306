// Where the worker's code is in a bundle: inside it, as a function whose text starts a worker from a blob, and which runs on
// the page where the host forbids that. Takes the place of www/thread.js; build/bundle.mjs puts the two names there.

import { SEEDLING, seedling } from "../www/seedling.js";

/** @typedef {import("../www/protocol.js").Wasm} Wasm */

/** @type {() => Pick<typeof import("../www/worker.js"), "serve">} */
const code = /** @type {any} */ (globalThis).nomoatWorker;
/** @type {string} */
const integrity = /** @type {any} */ (globalThis).nomoatIntegrity;

/** @type {string | TrustedScriptURL | undefined} */
let address;

/** The one address that a worker is started from: that of the code above. */
function trusted() {
  const blob = URL.createObjectURL(new Blob([`(${code})()`], { type: "text/javascript" }));
  const policy = globalThis.trustedTypes?.createPolicy("nomoat", {
    createScriptURL(url) {
      if (url !== blob) throw new TypeError("nomoat starts its own worker only");
      return url;
    },
  });
  return policy ? policy.createScriptURL(blob) : blob;
}

/** The worker's code on a thread of its own. */
export const thread = () => new Worker(/** @type {string} */ ((address ??= trusted())), { name: "nomoat" });

/** The worker's code on this thread; each time afresh, since after a panic it must be. */
export const here = async () => code();

export const connects = true;

export const embeddedName = () => SEEDLING.file;

/** Beside the script. */
export const embedded = () => seedling(new URL("./", import.meta.url).href);

/** @satisfies {Wasm} */
export const wasm = { url: new URL("nomoat_bg.wasm", import.meta.url).href, integrity };
