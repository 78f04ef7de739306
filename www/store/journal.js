// The journal of a stored model: a line a fact, each with its number and a checksum, so a line that was cut off is known
// and only ever the last. Also where things lie: ROOT/KEY/journal, and the bytes in ROOT/KEY/0, 1, …

import { NomoatError } from "../protocol.js";

/** @typedef {import("../protocol.js").RemoteFile} RemoteFile */

/**
 * @typedef {{ end: number, sha256: string }} Chunk Bytes up to `end` from where the one before ended.
 *
 * @typedef {object} Kept A file, as the journal tells it.
 * @property {string} name
 * @property {string} url
 * @property {string} slot Where its bytes are.
 * @property {number | null} size
 * @property {string | null} etag Of the version that the bytes belong to.
 * @property {string | null} sha256 Known beforehand, or recorded when it was whole for the first time.
 * @property {Chunk[]} chunks
 * @property {boolean} done
 * @property {boolean} proved It was whole once: `sha256` is of what came then.
 * @property {boolean} absent The host has no such file, and none is needed.
 * @property {boolean} licence A text of the model's terms: it lies beside the model, which opens without it.
 * @property {number | null} at When it was whole, in milliseconds since 1970.
 * @property {string | null} why The code of what kept a licence from coming.
 *
 * @typedef {object} State
 * @property {string | RemoteFile[] | null} source What to load it by.
 * @property {Map<string, Kept>} files By name.
 * @property {boolean} whole All files are there.
 * @property {number | null} listed When its repository listed the licences that are among the files, if any; `null`: it was not asked.
 * @property {number} lines
 *
 * @typedef {{ is: "model", v: number, source: string | RemoteFile[] }
 *   | { is: "file", name: string, url: string, size?: number, sha256?: string, licence?: boolean }
 *   | { is: "listed", at: number }
 *   | { is: "without", name: string, why: string }
 *   | { is: "begin", name: string, size: number | null, etag: string | null }
 *   | { is: "chunk", name: string, end: number, sha256: string }
 *   | { is: "back", name: string, end: number }
 *   | { is: "done", name: string, sha256: string, at?: number }
 *   | { is: "absent", name: string }
 *   | { is: "whole" }} Fact
 */

/**
 * What a worker writes in place with.
 * @typedef {object} Handle
 * @property {(into: Uint8Array, options: { at: number }) => number} read
 * @property {(bytes: Uint8Array, options: { at: number }) => number} write
 * @property {(size: number) => void} truncate
 * @property {() => number} getSize
 * @property {() => void} flush
 * @property {() => void} close
 */

/** The number is the version of what follows here, not of the program. */
const ROOT = "nomoat-models-1";
/** A licence that is larger is none. */
export const LICENCE_BYTES = 1 << 20;
const JOURNAL = "journal";
/** Holds nothing of worth: the time it was written is when the model was used. */
const USED = "used";

/** Where all models are; rejects where there is no such storage. @returns {Promise<FileSystemDirectoryHandle>} */
export async function root() {
  const top = await navigator.storage.getDirectory();
  return top.getDirectoryHandle(ROOT, { create: true });
}

/** @param {BufferSource} bytes @returns {Promise<string>} */
export async function digest(bytes) {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * The name under which a model is stored: by its contents where they are known, else by its addresses.
 * @param {string | RemoteFile[]} source @returns {Promise<string>}
 */
export async function keyOf(source) {
  const what = typeof source === "string" ? source : source.map(({ name, url, sha256 }) => `${name} ${sha256 ?? url}`).sort();
  return (await digest(new TextEncoder().encode(JSON.stringify(what)))).slice(0, 32);
}

/** FNV-1a: it finds what was cut off or never reached the disk. @param {string} text */
function checksum(text) {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}

/** @param {number} number @param {Fact} fact */
function line(number, fact) {
  const text = `${number} ${JSON.stringify(fact)}`;
  return `${checksum(text)} ${text}\n`;
}

/** @returns {State} */
const nothing = () => ({ source: null, files: new Map(), whole: false, listed: null, lines: 0 });

/** @param {State} state @param {Fact} fact */
function apply(state, fact) {
  if (fact.is === "model") state.source = fact.source;
  else if (fact.is === "whole") state.whole = true;
  else if (fact.is === "listed") state.listed = fact.at;
  else if (fact.is === "file") {
    const { name, url, size = null, sha256 = null, licence = false } = fact;
    const slot = String(state.files.size);
    state.files.set(name, { name, url, slot, size, etag: null, sha256, chunks: [], done: false, proved: false, absent: false, licence, at: null, why: null });
  } else {
    const file = state.files.get(fact.name);
    if (!file) return;
    if (fact.is === "begin") Object.assign(file, { size: fact.size, etag: fact.etag, chunks: [], done: false, absent: false, why: null });
    if (fact.is === "chunk") file.chunks.push({ end: fact.end, sha256: fact.sha256 });
    if (fact.is === "absent") file.absent = true;
    if (fact.is === "without") file.why = fact.why;
    if (fact.is === "done") Object.assign(file, { done: true, proved: true, sha256: fact.sha256, size: length(file), at: fact.at ?? null, why: null });
    if (fact.is === "back") {
      file.chunks = file.chunks.filter(({ end }) => end <= fact.end);
      file.done = false;
    }
    if (!file.licence && (fact.is === "back" || fact.is === "begin")) state.whole = false;
  }
}

/** The files of a model; of one that is whole not those that were optional and could not be had. @param {State} state */
export const present = ({ files, whole }) => [...files.values()].filter(({ done, absent, licence }) => !licence && (whole ? done : !absent));

/** The texts of its terms. @param {State} state */
export const licences = ({ files }) => [...files.values()].filter(({ licence }) => licence);

/** Bytes that are there for sure. @param {Kept} file */
export const length = (file) => file.chunks.at(-1)?.end ?? 0;

/**
 * What a journal tells, up to the first line that is not whole.
 * @param {Uint8Array<ArrayBuffer>} bytes @returns {{ state: State, bytes: number }} And how many bytes that is.
 */
export function replay(bytes) {
  const state = nothing();
  const decoder = new TextDecoder();
  let start = 0;
  for (;;) {
    const end = bytes.indexOf(10, start);
    if (end < 0) break;
    const [, sum, text, number, json] = /^(\w{8}) ((\d+) (.*))$/.exec(decoder.decode(bytes.subarray(start, end))) ?? [];
    if (!text || checksum(text) !== sum || Number(number) !== state.lines) break;
    const fact = /** @type {Fact} */ (JSON.parse(json));
    if (fact.is === "model" && fact.v !== 1) break;
    apply(state, fact);
    state.lines += 1;
    start = end + 1;
  }
  return { state, bytes: start };
}

/** What the journal of `folder` tells; read without holding anyone up. @param {FileSystemDirectoryHandle} folder */
export async function read(folder) {
  for (let tries = 0; ; tries++) {
    try {
      const file = await (await folder.getFileHandle(JOURNAL)).getFile();
      return replay(new Uint8Array(await file.arrayBuffer())).state;
    } catch (error) {
      const { name } = /** @type {DOMException} */ (error);
      if (name === "NotFoundError") return nothing();
      // it was written to while it was read
      if (tries === 20) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

/**
 * The only handle of a file; that of a worker that has just ended may still be closing.
 * @param {FileSystemDirectoryHandle} folder @param {string} name @returns {Promise<Handle>}
 */
export async function exclusive(folder, name) {
  const file = /** @type {any} */ (await folder.getFileHandle(name, { create: true }));
  for (let tries = 0; ; tries++) {
    try {
      return await file.createSyncAccessHandle();
    } catch (error) {
      if (/** @type {DOMException} */ (error).name !== "NoModificationAllowedError" || tries === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** @typedef {Awaited<ReturnType<typeof open>>} Journal */

/** The journal of `folder` for writing; only in a worker, by one at a time. @param {FileSystemDirectoryHandle} folder */
export async function open(folder) {
  const handle = await exclusive(folder, JOURNAL);
  const before = new Uint8Array(handle.getSize());
  try {
    full(handle.read(before, { at: 0 }), before.length);
  } catch (error) {
    handle.close();
    throw error;
  }
  const told = replay(before);
  let at = told.bytes;
  handle.truncate(at);
  return {
    state: told.state,
    /** Once it returns, it is so. @param {Fact} fact */
    write(fact) {
      const bytes = new TextEncoder().encode(line(told.state.lines, fact));
      whole(handle.write(bytes, { at }), bytes.length);
      handle.flush();
      at += bytes.length;
      apply(told.state, fact);
      told.state.lines += 1;
    },
    close: () => handle.close(),
  };
}

/** @param {number} written @param {number} wanted */
export function whole(written, wanted) {
  if (written !== wanted) throw new DOMException(`${written} of ${wanted} bytes were written`, "QuotaExceededError");
}

/** @param {number} read @param {number} wanted */
export function full(read, wanted) {
  if (read !== wanted) throw new DOMException(`${read} of ${wanted} bytes could be read`, "NotReadableError");
}

/** Notes that the model was used now. @param {FileSystemDirectoryHandle} folder */
export async function touch(folder) {
  const file = /** @type {any} */ (await folder.getFileHandle(USED, { create: true }));
  const handle = await file.createSyncAccessHandle();
  handle.write(new Uint8Array(1), { at: 0 });
  handle.close();
}

/** When the model was used, in milliseconds since 1970. @param {FileSystemDirectoryHandle} folder */
export async function used(folder) {
  for (const name of [USED, JOURNAL]) {
    const file = await folder.getFileHandle(name).catch(() => null);
    if (file) return (await file.getFile()).lastModified;
  }
  return 0;
}

/**
 * The bytes of a stored file, if they are those that came: each chunk against its hash.
 * @param {FileSystemDirectoryHandle} folder @param {Kept} kept
 * @param {(bytes: number) => void} seen @param {AbortSignal} [signal]
 * @returns {Promise<{ file: File | null, good: number }>} No file: `good` bytes are sound, the next are not.
 */
export async function check(folder, kept, seen, signal) {
  let start = 0;
  try {
    const file = await (await folder.getFileHandle(kept.slot)).getFile();
    const read = (/** @type {number} */ from, /** @type {Chunk | undefined} */ chunk) => {
      const bytes = chunk && file.slice(from, chunk.end).arrayBuffer();
      bytes?.catch(() => {}); // heard when it is its turn
      return bytes;
    };
    let next = read(0, kept.chunks[0]);
    for (const [i, { end, sha256 }] of kept.chunks.entries()) {
      if (signal?.aborted) throw new NomoatError("aborted", "stopped by the caller", signal.reason);
      const bytes = /** @type {ArrayBuffer} */ (await next);
      next = read(end, kept.chunks[i + 1]);
      if (bytes.byteLength !== end - start || (await digest(bytes)) !== sha256) break;
      seen(end - start);
      start = end;
    }
    return { file: kept.done && start === file.size ? file : null, good: start };
  } catch (error) {
    // the browser has lost it, or cannot read it any more
    if (error instanceof DOMException) return { file: null, good: start };
    throw error;
  }
}

/**
 * Holds the lock of a model; resolves to what gives it back, or to `null` if others have it and it shall not wait.
 * @param {string} key @param {"shared" | "exclusive"} mode @param {{ signal?: AbortSignal, ifAvailable?: boolean }} how
 * @returns {Promise<(() => void) | null>}
 */
export function lock(key, mode, how) {
  return new Promise((resolve, reject) => {
    const held = (/** @type {Lock | null} */ granted) =>
      granted ? new Promise((/** @type {(value: void) => void} */ release) => resolve(() => release())) : resolve(null);
    navigator.locks.request(`nomoat:model:${key}`, { mode, ...how }, held).catch(reject);
  });
}
