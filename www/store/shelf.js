// Where the bytes of one file go as they come: chunk by chunk to the disk, each in the journal once it is there, or into the
// browser's memory. Either way nothing is whole before its hash is right.

import { NomoatError } from "../protocol.js";
import { megabytes } from "./fetch.js";
import { check, digest, exclusive, full, length, whole } from "./journal.js";

/** @typedef {import("../protocol.js").RemoteFile} RemoteFile @typedef {import("./journal.js").Kept} Kept */
/** @typedef {{ update: (piece: Uint8Array) => void, hex: () => string, free: () => void }} Hasher */
/** @typedef {ReturnType<typeof meterOf>} Meter */

/**
 * @typedef {object} Fitting
 * @property {() => Hasher} hasher
 * @property {Meter} meter
 * @property {boolean} weights Whether it must begin as a file of weights does.
 * @property {number} [most] Bytes that it may have.
 */

/** Bytes written at once; at most these are lost when the tab is killed. */
export const CHUNK = 4 << 20;
/** Bytes hashed at once, which is what the module's memory grows by. */
const BITE = 1 << 18;
/** Of free room, beyond the bytes themselves. */
const SPARE = 1.1;

/** How far all files together are. @param {(done: number, total: number) => void} tell */
export function meterOf(tell) {
  /** @type {Map<string, { done: number, size: number }>} */
  const files = new Map();
  let expected = 0;
  const sum = (/** @type {"done" | "size"} */ what) => [...files.values()].reduce((all, file) => all + file[what], 0);
  const meter = {
    done: () => sum("done"),
    /** @param {number} bytes */
    expect: (bytes) => void (expected = bytes),
    tell: () => tell(sum("done"), Math.max(expected, sum("size"))),
    /** @param {string} name @param {number} done @param {number | null} size @param {boolean} [quietly] */
    set(name, done, size, quietly) {
      files.set(name, { done, size: Math.max(done, size ?? 0) });
      if (!quietly) meter.tell();
    },
  };
  return meter;
}

/** Throws if there is no room for so many bytes more. @param {string} name @param {number} bytes */
export async function room(name, bytes) {
  const { usage = 0, quota = Infinity } = await navigator.storage.estimate();
  const free = Math.max(0, quota - usage);
  if (bytes * SPARE <= free) return;
  const words = `needs ${megabytes(bytes * SPARE)} of storage, and this site may use ${megabytes(free)} more`;
  throw new NomoatError("quota", `${name} ${words}: remove a stored model or free some space on this device`);
}

/** A hash of what comes, and whether it begins as it must. @param {RemoteFile | Kept} file @param {Fitting} fitting */
function witness({ name }, { hasher, weights }) {
  let hash = hasher();
  let seen = false;
  return {
    /** @param {Uint8Array} bytes */
    update(bytes) {
      if (weights && !seen && bytes.length > 8) looked(name, bytes);
      seen = true;
      for (let start = 0; start < bytes.length; start += BITE) hash.update(bytes.subarray(start, start + BITE));
    },
    reset() {
      hash.free();
      hash = hasher();
      seen = false;
    },
    /** @param {string | null | undefined} wanted @returns {string} */
    right(wanted) {
      const found = hash.hex();
      if (!wanted || found === wanted.toLowerCase()) return found;
      const words = `the bytes that came are not those of the file that was wanted (SHA-256 ${found}, not ${wanted})`;
      throw new NomoatError("hash-mismatch", `${name}: ${words}, so they were thrown away: load it again, or from elsewhere`);
    },
    free: () => hash.free(),
  };
}

/** What is no model is not worth its download. @param {string} name @param {Uint8Array} bytes */
function looked(name, bytes) {
  const gguf = [71, 71, 85, 70].every((byte, i) => bytes[i] === byte);
  const safetensors = bytes[8] === 123 && !bytes[5] && !bytes[6] && !bytes[7];
  if (gguf || safetensors) return;
  const start = String.fromCharCode(...bytes.subarray(0, 4)).replace(/[^ -~]/g, "?");
  throw new NomoatError("unsupported-format", `${name}: begins with "${start}": expected a GGUF or safetensors file`);
}

/**
 * The hash of what is on the disk already.
 * @param {import("./journal.js").Handle} handle @param {number} bytes @param {Uint8Array} buffer @param {Kept} kept @param {Fitting} fitting
 */
function resumed(handle, bytes, buffer, kept, fitting) {
  const hash = witness(kept, fitting);
  try {
    for (let at = 0; at < bytes; at += CHUNK) {
      const part = buffer.subarray(0, Math.min(CHUNK, bytes - at));
      full(handle.read(part, { at }), part.length);
      hash.update(part);
    }
    handle.truncate(bytes);
    return hash;
  } catch (error) {
    hash.free();
    throw error;
  }
}

/** @param {RemoteFile | Kept} file @param {number} bytes That came. @param {number | undefined} size */
function fits({ name }, bytes, size = bytes) {
  if (bytes !== size) throw new NomoatError("hash-mismatch", `${name}: the host has another file than was listed: ${bytes} bytes, not ${size}`);
}

/**
 * A file on the disk. What the journal says of it is checked first, and only that much is gone on from.
 * @param {FileSystemDirectoryHandle} folder @param {import("./journal.js").Journal} journal @param {Kept} kept
 * @param {Fitting} fitting @param {AbortSignal} signal
 */
export async function onDisk(folder, journal, kept, fitting, signal) {
  const { name } = kept;
  const { meter, most = Infinity } = fitting;
  const bounded = (/** @type {number} */ bytes) => {
    if (bytes > most) throw new NomoatError("too-big", `${name}: more than ${megabytes(most)}`);
  };
  const { good } = await check(folder, kept, () => {}, signal);
  if (good < length(kept)) journal.write({ is: "back", name, end: good });
  const handle = await exclusive(folder, kept.slot);
  const buffer = new Uint8Array(CHUNK);
  let fill = 0;
  /** @type {ReturnType<typeof witness>} */
  let hash;
  try {
    hash = resumed(handle, good, buffer, kept, fitting);
  } catch (error) {
    handle.close();
    throw error;
  }
  const told = () => meter.set(name, length(kept) + fill, kept.size);
  told();

  async function commit() {
    if (!fill) return;
    const at = length(kept);
    const bytes = buffer.subarray(0, fill);
    const sha256 = await digest(bytes);
    whole(handle.write(bytes, { at }), fill);
    handle.flush();
    hash.update(bytes);
    journal.write({ is: "chunk", name, end: at + fill, sha256 });
    fill = 0;
  }

  return {
    get at() {
      return length(kept) + fill;
    },
    get size() {
      return kept.size;
    },
    get etag() {
      return kept.etag;
    },
    /** @param {{ size: number | null, etag: string | null }} version */
    async begin({ size, etag }) {
      bounded(size ?? 0);
      journal.write({ is: "begin", name, size, etag });
      handle.truncate(0);
      hash.reset();
      fill = 0;
      told();
      if (size) await room(name, size);
    },
    /** @param {Uint8Array} piece */
    async push(piece) {
      bounded(length(kept) + fill + piece.length);
      for (let rest = piece; rest.length; ) {
        const part = rest.subarray(0, CHUNK - fill);
        buffer.set(part, fill);
        fill += part.length;
        rest = rest.subarray(part.length);
        if (fill === CHUNK) await commit();
      }
      told();
    },
    settle: commit,
    /** @param {string | null | undefined} wanted @param {number} [size] */
    async finish(wanted, size) {
      await commit();
      try {
        fits(kept, length(kept), size);
        journal.write({ is: "done", name, sha256: hash.right(wanted), at: Date.now() });
      } catch (error) {
        journal.write({ is: "begin", name, size: null, etag: null });
        handle.truncate(0);
        throw error;
      }
      told();
    },
    close() {
      hash.free();
      handle.close();
    },
  };
}

/** A file in the browser's memory. @param {RemoteFile} file @param {Fitting} fitting */
export function inMemory(file, fitting) {
  const hash = witness(file, fitting);
  /** @type {Blob[]} */
  let parts = [];
  const told = () => fitting.meter.set(file.name, sink.at, sink.size);
  const sink = {
    at: 0,
    size: /** @type {number | null} */ (null),
    etag: /** @type {string | null} */ (null),
    /** @param {{ size: number | null, etag: string | null }} version */
    async begin(version) {
      Object.assign(sink, { at: 0, ...version });
      parts = [];
      hash.reset();
      told();
    },
    /** @param {Uint8Array<ArrayBuffer>} piece */
    async push(piece) {
      hash.update(piece);
      parts.push(new Blob([piece]));
      // a blob of blobs, so that their number stays small
      if (parts.length === 256) parts = [new Blob(parts)];
      sink.at += piece.length;
      told();
    },
    async settle() {},
    /** @param {string | null | undefined} wanted @param {number} [size] */
    finish(wanted, size) {
      fits(file, sink.at, size);
      hash.right(wanted);
      return new Blob(parts);
    },
    close: () => hash.free(),
  };
  return sink;
}
