// Where the worker's code, the WebAssembly module and perhaps a model are in the single file: inside it. Takes the place of
// www/thread.js; build/single.mjs puts the data there, in script elements that no browser runs.

import { here, thread as start } from "./inside.js";

/** The content security policy allows no connection. */
export const connects = false;

/** Gzipped. As bytes, since WebKit's workers cannot read a blob of a page from a disk. @type {Uint8Array<ArrayBuffer> | undefined} */
export let wasm;

export { here };

/** The worker's code on a thread of its own. */
export function thread() {
  wasm ??= held("nomoat-wasm");
  return start();
}

export const embeddedName = () => document.getElementById("nomoat-model")?.dataset.name;

/** The model in this file, if there is one. @returns {import("../www/protocol.js").NamedBlob[] | undefined} */
export function embedded() {
  const bytes = held("nomoat-model");
  return bytes && [{ name: document.getElementById("nomoat-model")?.dataset.name ?? "model.gguf", blob: new Blob([bytes]) }];
}

/** @param {string} id @returns {Uint8Array<ArrayBuffer> | undefined} */
function held(id) {
  const base64 = document.getElementById(id)?.textContent;
  if (!base64) return;
  const direct = /** @type {any} */ (Uint8Array).fromBase64;
  if (direct) return direct.call(Uint8Array, base64);
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}
