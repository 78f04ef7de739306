// The models that are stored in this browser: what is there, whether it is sound, how much room there is. On the page or in
// a worker. What brings models in is store/keep.js.

import { NomoatError } from "./protocol.js";
import { check, length, licences, lock, present, read, root, used } from "./store/journal.js";

/** @typedef {import("./protocol.js").RemoteFile} RemoteFile */

/**
 * @typedef {object} Stored A model, whole or in part.
 * @property {string} key
 * @property {string} name
 * @property {number} bytes Of all its files, as far as their sizes are known.
 * @property {number} done Bytes that are there.
 * @property {boolean} complete
 * @property {string | null} sha256 Of the file, if it is one file and whole.
 * @property {string | RemoteFile[]} source What `load` takes to open it or to go on with it.
 * @property {number} lastUsed Milliseconds since 1970.
 * @property {(RemoteFile & { done: number })[]} files
 * @property {number | null} listed When its repository listed its licences, in milliseconds since 1970; `null`: none was asked.
 * @property {Licence[]} licences
 *
 * @typedef {object} Licence A text of a model's terms, as its repository had it.
 * @property {string} name
 * @property {string} url Of the revision that it is of.
 * @property {number | null} bytes
 * @property {string | null} sha256 Of what is kept; `null`: it is not here.
 * @property {number | null} at When it was kept.
 * @property {string | null} why The code of what kept it from coming.
 */

/** @returns {Promise<FileSystemDirectoryHandle>} */
async function place() {
  return root().catch((cause) => {
    throw new NomoatError("storage-unavailable", "this browser does not let this page store models", cause);
  });
}

/** @returns {Promise<Stored[]>} The one used last first; none where nothing can be stored. */
export async function list() {
  const top = await root().catch(() => null);
  if (!top) return [];
  /** @type {Stored[]} */
  const all = [];
  for await (const [key, folder] of top.entries()) {
    // one that goes while it is read is gone
    const stored = folder.kind === "directory" && (await described(key, /** @type {any} */ (folder)).catch(() => null));
    if (stored) all.push(stored);
  }
  return all.sort((a, b) => b.lastUsed - a.lastUsed);
}

/** The stored model that `source` names, if it is whole. @param {string} source @returns {Promise<Stored | undefined>} */
export async function find(source) {
  return (await list()).find((stored) => stored.complete && stored.source === source);
}

/** @param {string} key @param {FileSystemDirectoryHandle} folder @returns {Promise<Stored | null>} */
async function described(key, folder) {
  const state = await read(folder);
  if (state.source === null) return null;
  const files = present(state).map((file) => ({
    name: file.name,
    url: file.url,
    size: file.size ?? undefined,
    sha256: file.sha256 ?? undefined,
    done: length(file),
  }));
  const sum = (/** @type {(file: typeof files[0]) => number} */ of) => files.reduce((all, file) => all + of(file), 0);
  return {
    key,
    name: nameOf(state.source === "embedded" ? files : state.source),
    bytes: sum(({ size, done }) => size ?? done),
    done: sum(({ done }) => done),
    complete: state.whole,
    sha256: state.whole && files.length === 1 ? (files[0].sha256 ?? null) : null,
    source: state.source,
    lastUsed: await used(folder),
    files,
    listed: state.listed,
    licences: licences(state).map(({ name, url, size, sha256, done, at, why }) => ({ name, url, bytes: size, sha256: done ? sha256 : null, at, why })),
  };
}

/** The bytes of a licence as they came, or `null` if they are damaged. @param {string} key @param {string} name @returns {Promise<Uint8Array<ArrayBuffer> | null>} */
export async function licence(key, name) {
  const folder = await (await place()).getDirectoryHandle(key).catch(missing);
  const kept = licences(await read(folder)).find((one) => one.name === name && one.done);
  const { file } = kept ? await check(folder, kept, () => {}) : missing();
  return file && new Uint8Array(await file.arrayBuffer());
}

/** @param {unknown} [cause] @returns {never} */
function missing(cause) {
  throw new NomoatError("not-found", "there is no stored model of this key, or it has no such licence", cause);
}

/** What a person would call it. @param {string | RemoteFile[]} source */
export function nameOf(source) {
  if (typeof source !== "string") {
    const weights = source.find(({ name }) => /\.(gguf|safetensors)$/i.test(name)) ?? source[0];
    return weights?.name.split("/").at(-1) ?? "";
  }
  if (!URL.canParse(source)) return source;
  const parts = new URL(source).pathname.split("/").filter(Boolean);
  try {
    return decodeURIComponent(parts.at(-1) ?? source);
  } catch {
    return parts.at(-1) ?? source;
  }
}

/** @param {string} key @param {"shared" | "exclusive"} mode */
async function held(key, mode) {
  const release = await lock(key, mode, { ifAvailable: true });
  if (release) return release;
  throw new NomoatError("busy", "this model is being downloaded or opened, here or in another tab: wait until that is done");
}

/**
 * Reads all bytes of a stored model again. What is found wrong is mended by the next `load`; a licence text is not, for nobody is
 * asked for one at a load.
 * @param {string} key
 * @param {{ signal?: AbortSignal, onProgress?: (done: number, total: number) => void }} [options]
 * @returns {Promise<{ key: string, sound: boolean, files: { name: string, sound: boolean, bytes: number, licence?: boolean }[] }>} `bytes` from the
 *   beginning are sound.
 */
export async function verify(key, { signal, onProgress } = {}) {
  const top = await place();
  const release = await held(key, "shared");
  try {
    const folder = await top.getDirectoryHandle(key).catch(missing);
    const state = await read(folder);
    const all = [...present(state), ...licences(state).filter(({ done }) => done)];
    const total = all.reduce((sum, file) => sum + length(file), 0);
    let done = 0;
    const files = [];
    for (const kept of all) {
      const { good } = await check(folder, kept, (bytes) => onProgress?.((done += bytes), total), signal);
      files.push({ name: kept.name, sound: good === length(kept), bytes: good, ...(kept.licence && { licence: true }) });
    }
    return { key, sound: files.every(({ sound }) => sound), files };
  } finally {
    release();
  }
}

/** Removes a stored model, whole or in part. @param {string} key */
export async function remove(key) {
  const top = await place();
  const release = await held(key, "exclusive");
  try {
    await top.removeEntry(key, { recursive: true });
  } catch (error) {
    if (/** @type {DOMException} */ (error).name !== "NotFoundError") throw error;
  } finally {
    release();
  }
}

/** Removes earlier versions of a model that comes with the page: files of the same name and host, other than these. @param {RemoteFile[]} files */
export async function supersede([file]) {
  const place = (/** @type {string} */ url) => url.split("?")[0];
  for (const { key, source, files } of await list()) {
    if (source !== "embedded" || files.length !== 1) continue;
    const [{ url, sha256 }] = files;
    // one that is open in another tab goes another time
    if (place(url) === place(file.url) && sha256 !== file.sha256) await remove(key).catch(() => {});
  }
}

/** Bytes that this site uses and may use, and whether the browser keeps them when space runs low. */
export async function estimate() {
  const { usage = 0, quota = 0 } = (await navigator.storage?.estimate?.()) ?? {};
  return { usage, quota, persisted: (await navigator.storage?.persisted?.()) ?? false };
}

/** Asks the browser not to clear what is stored here; some ask the user. Says whether it will. @returns {Promise<boolean>} */
export async function persist() {
  return (await navigator.storage?.persist?.()) ?? false;
}
