// What a caller may name as a model, turned into what the worker takes: an address, files of a host, or files at hand.

import { addressOf, locate, parse } from "./hub.js";
import { NomoatError } from "./protocol.js";
import { connects, embedded } from "./thread.js";

/** Files of a host as the module reads them: by their address. @param {any} from @returns {import("./protocol.js").Source} */
export const readable = (from) => (from[0]?.url ? addressOf(from) : from);

/** Refuses what would have to be fetched where this page may not. @param {any} source */
export function permitted(source) {
  if (!connects && source !== "embedded" && (typeof source === "string" || source instanceof URL)) {
    throw new NomoatError("sealed", `${source}: this file is not allowed to connect to anything: download the model and open it as a file`);
  }
}

/** Refuses options that are functions, which no worker can be given: their names are misspelt. @param {object} options */
export function spelt(options) {
  for (const [name, value] of Object.entries(options)) {
    if (typeof value === "function") throw new NomoatError("unsupported-field", `the option ${name} is not supported`);
  }
}

/** @param {any} source @param {import("./hub.js").LookUp} [how] @returns {Promise<import("./protocol.js").Source | import("./protocol.js").RemoteFile[]>} */
export async function resolved(source, how = {}) {
  permitted(source);
  if (source instanceof URL) return source.href;
  if (typeof source === "string" && parse(source, how.hub)) {
    const found = await locate(source, how);
    how.onFound?.(found);
    return found.files;
  }
  if (typeof source === "string") return address(source);
  if (source instanceof Blob) return [named(source)];
  if (globalThis.FileSystemHandle && source instanceof FileSystemHandle) return handle(source);
  if (source?.[Symbol.iterator]) {
    const listed = [...source];
    if (listed.length && listed.every((file) => typeof file?.name === "string" && typeof file.url === "string")) {
      return listed.map((file) => ({ ...file, url: new URL(file.url, location.href).href }));
    }
    // of files in sub-folders, those nearest to the top count
    const files = listed.map(named).sort((a, b) => a.depth - b.depth);
    return files.map(({ name, blob }) => ({ name, blob }));
  }
  throw new NomoatError("unsupported-field", "source: expected an address, a file, files, or a file handle");
}

/** @param {string} source @returns {import("./protocol.js").Source | import("./protocol.js").RemoteFile[]} */
function address(source) {
  const inside = source === "embedded" ? embedded() : undefined;
  if (inside) return inside;
  if (source === "embedded") throw new NomoatError("unsupported-field", "no model is inside this file: name another");
  try {
    return new URL(source, location.href).href;
  } catch (cause) {
    throw new NomoatError("unsupported-field", `${source} is not an address`, cause);
  }
}

/** @param {any} blob */
function named(blob) {
  if (!(blob instanceof Blob)) throw new NomoatError("unsupported-field", "source: expected files");
  const { name = "model.gguf", webkitRelativePath = "" } = /** @type {File} */ (blob);
  const parts = webkitRelativePath.split("/");
  // parts of an encoder have configurations of their own
  const inside = parts.length === 3 && name === "config.json";
  return { name: inside ? parts.slice(1).join("/") : name, blob, depth: parts.length };
}

/** @param {any} handle @returns {Promise<import("./protocol.js").NamedBlob[]>} */
async function handle(handle) {
  if (handle.kind === "file") return [named(await handle.getFile())];
  const files = [];
  for await (const entry of handle.values()) {
    if (entry.kind === "file") files.push(named(await entry.getFile()));
    else {
      const inside = await entry.getFileHandle("config.json").catch(() => null);
      if (inside) files.push({ name: `${entry.name}/config.json`, blob: await inside.getFile() });
    }
  }
  return files;
}
