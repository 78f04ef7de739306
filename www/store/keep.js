// Brings a model from the network into the browser's storage, or opens it from there: one tab brings it, the others follow.
// Where there is no storage, into the browser's memory. Only in a worker: nothing else may write in place.

import { NomoatError } from "../protocol.js";
import { nameOf } from "../store.js";
import { bring, megabytes } from "./fetch.js";
import { check, keyOf, length, LICENCE_BYTES, lock, open, present, read, root, touch } from "./journal.js";
import { plan } from "./plan.js";
import { inMemory, meterOf, onDisk, room } from "./shelf.js";

/** @typedef {import("../protocol.js").RemoteFile} RemoteFile @typedef {import("../protocol.js").NamedBlob} NamedBlob */
/** @typedef {import("./journal.js").Kept} Kept @typedef {import("./shelf.js").Hasher} Hasher */

/**
 * @typedef {object} Host
 * @property {AbortSignal} signal
 * @property {(phase: string, done: number, total: number) => void} progress
 * @property {(code: string, message: string) => void} warn
 * @property {(what: string, more?: unknown) => void} trace
 *
 * @typedef {object} Asked
 * @property {string | RemoteFile[]} source An address, or all files of a model.
 * @property {string} [label] What the user called it, if that is something else.
 * @property {string} [key] Of the stored model that it is known to be.
 * @property {number} [patience]
 * @property {"auto" | "never"} [store]
 * @property {RemoteFile[]} [licences] What its repository lists of them, to be kept beside it.
 * @property {boolean} [beside] They alone are wanted: the model is stored.
 *
 * @typedef {object} Opened
 * @property {NamedBlob[]} files
 * @property {() => void} release Call it when the files have been read.
 */

const PATIENCE_MS = 20_000;
/** Requests for a licence that bring next to nothing, before the model; after it there is one more. */
const LICENCE_TRIES = 2;
/** Milliseconds that all of them may take together: before the model, those that did not come after it, and where they alone are wanted. */
const [BEFORE_MS, AFTER_MS, ALONE_MS] = [20_000, 5_000, 120_000];
/** Says to the other tabs how far a download is. */
const CHANNEL = "nomoat:store";
/** Between two reports. */
const TELL_MS = 100;

/**
 * The files of a model, each byte checked. `null`: nothing can be stored here, and the address may be read directly.
 * @param {Asked} asked @param {() => Hasher} hasher @param {Host} host @returns {Promise<Opened | null>}
 */
export async function keep(asked, hasher, host) {
  try {
    return await opened(asked, hasher, host);
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    const words = `the storage of this browser failed, or was cleared meanwhile (${error.name}: ${error.message})`;
    throw new NomoatError("storage-unavailable", `${nameOf(asked.source)}: ${words}: load it again`, error);
  }
}

/** @param {Asked} asked @param {() => Hasher} hasher @param {Host} host @returns {Promise<Opened | null>} */
async function opened({ source, label, key: known, patience = PATIENCE_MS, store, licences, beside }, hasher, host) {
  const top = store === "never" ? null : await place(host);
  const how = { patience, hasher, host };
  // they alone: the model is not to come again for them
  if (beside && !top) throw new NomoatError("storage-unavailable", `${nameOf(source)}: nothing can be kept beside it here`);
  if (!top) return typeof source === "string" ? null : { files: await withoutStore(source, how), release() {} };
  const key = known ?? (await keyOf(source));
  if (beside) {
    await archived(top, key, licences ?? [], how);
    return null;
  }
  for (let round = 0; round < 4; round++) {
    const release = await turn(key, "shared", host);
    let found;
    try {
      const folder = await top.getDirectoryHandle(key, { create: true });
      found = await stored(folder, round > 0, host);
      if (Array.isArray(found)) {
        touch(folder).catch(() => {}); // another tab does it at this moment
        return { files: found, release };
      }
    } catch (error) {
      release();
      throw error;
    }
    release();
    if (found === "damaged") host.trace("damaged", { key });
    const done = await turn(key, "exclusive", host);
    try {
      const folder = await top.getDirectoryHandle(key, { create: true });
      await download(folder, { key, source, label: label ?? source, damaged: found === "damaged", licences }, how).catch(async (error) => {
        // what has brought nothing shall leave nothing, but a file that was whole once is held to its hash
        const state = await read(folder).catch(() => null);
        const worthless = state && ![...state.files.values()].some((kept) => !kept.licence && (length(kept) || kept.proved));
        if (worthless) await top.removeEntry(key, { recursive: true }).catch(() => {});
        throw error;
      });
    } finally {
      done();
    }
  }
  throw new NomoatError("storage-unavailable", `${nameOf(source)}: what was written to the disk reads back wrong`);
}

/** Where models are stored, if a worker may write in place there. @param {Host} host */
async function place(host) {
  let why = "this browser has no such storage";
  try {
    const inPlace = "createSyncAccessHandle" in (globalThis.FileSystemFileHandle?.prototype ?? {});
    if (inPlace && navigator.locks && globalThis.crypto.subtle) return await root();
  } catch (error) {
    why = /** @type {Error} */ (error).message;
  }
  host.warn("storage-unavailable", `models cannot be stored here, so this one is downloaded each time (${why})`);
  return null;
}

/** Waits for the lock, and tells how far the tab is that has it. @param {string} key @param {"shared" | "exclusive"} mode @param {Host} host */
async function turn(key, mode, { signal, progress }) {
  const channel = new BroadcastChannel(CHANNEL);
  channel.onmessage = ({ data }) => {
    if (data.key === key) progress("download", data.done, data.total);
  };
  try {
    return /** @type {() => void} */ (await lock(key, mode, { signal }));
  } catch (error) {
    if (signal.aborted) throw new NomoatError("aborted", "stopped by the caller", signal.reason);
    throw error;
  } finally {
    channel.close();
  }
}

/**
 * @param {FileSystemDirectoryHandle} folder @param {boolean} asked Whether the host was asked just now for all that it has.
 * @param {Host} host @returns {Promise<NamedBlob[] | "part" | "damaged">}
 */
async function stored(folder, asked, { signal, progress }) {
  const state = await read(folder);
  if (!state.whole || (!asked && navigator.onLine && lacking(state).length)) return "part";
  const all = present(state);
  const total = all.reduce((sum, file) => sum + length(file), 0);
  let done = 0;
  const files = [];
  for (const kept of all) {
    const { file } = await check(folder, kept, (bytes) => progress("verify", (done += bytes), total), signal);
    if (!file) return "damaged";
    files.push({ name: base(kept.name), blob: file });
  }
  return files;
}

/** What could not be had, and nobody knows if there is any. @param {import("./journal.js").State} state */
const lacking = ({ files }) => [...files.values()].filter(({ done, absent, licence }) => !done && !absent && !licence);

/** A name without its folders, but for that of a part that has a configuration of its own. @param {string} name */
const base = (name) => /(?:\b1_Pooling\/)?[^/]*$/.exec(name)?.[0] ?? name;

/**
 * Brings what is not there yet.
 * @typedef {{ patience: number, hasher: () => Hasher, host: Host }} How
 * @param {FileSystemDirectoryHandle} folder
 * @param {{ key: string, source: string | RemoteFile[], label: string | RemoteFile[], damaged: boolean, licences?: RemoteFile[] }} what
 * @param {How} how
 */
async function download(folder, { key, source, label, damaged, licences }, how) {
  const { patience, hasher, host } = how;
  const journal = await open(folder);
  const channel = new BroadcastChannel(CHANNEL);
  const meter = meterOf(
    seldom((done, total) => {
      host.progress("download", done, total);
      channel.postMessage({ key, done, total });
    }),
  );
  try {
    const { state } = journal;
    const { whole } = state;
    const again = whole && !damaged ? lacking(state) : null;
    if (again && !again.length) return; // another tab was faster
    if (state.source === null) journal.write({ is: "model", v: 1, source: label });
    // before the weights: a licence that is taken away during hours of download is here then
    if (licences && !again) await archive(folder, journal, licences, how, LICENCE_TRIES, BEFORE_MS);
    for (const kept of state.files.values()) if (!kept.absent && !kept.licence) meter.set(kept.name, length(kept), kept.size, true);
    // at once, or what is there would seem to have come just now
    meter.tell();
    let known = false;
    let heard = true;
    /** @type {import("./plan.js").Take} */
    const take = async (file, { optional = false, weights = false } = {}) => {
      if (!state.files.has(file.name)) journal.write({ is: "file", ...file });
      const kept = /** @type {Kept} */ (state.files.get(file.name));
      // it opens without what could not be had before: once more, but no longer than the host answers
      const spare = whole && optional && !kept.done;
      if (optional && (kept.absent || (spare && !heard))) return null;
      if (!kept.done || damaged) {
        const shelf = await onDisk(folder, journal, kept, { hasher, meter, weights }, host.signal);
        try {
          await bring(file, shelf, { ...host, patience, ...(spare && { most: 1 }) });
          await shelf.finish(file.sha256 ?? kept.sha256, file.size);
        } catch (error) {
          const code = error instanceof NomoatError ? error.code : "";
          const gone = code === "not-found";
          // once a file of the host was read, one that it refuses may be one that is not there: some hosts say so of what is
          // missing, and some leave the permission to read out of such answers, but also out of those that say "later"
          const refused = (known || spare) && (code === "gated" || code === "cors");
          heard &&= gone || refused;
          if (spare ? host.signal.aborted || !code : !optional || !(gone || refused) || shelf.at) throw error;
          if (shelf.at) await shelf.begin({ size: null, etag: null });
          if (gone) journal.write({ is: "absent", name: file.name });
          return null;
        } finally {
          shelf.close();
        }
      }
      known = true;
      return (await folder.getFileHandle(kept.slot)).getFile();
    };
    for (const { name, url } of again ?? []) await take({ name, url }, { optional: true });
    if (!again) {
      await plan(source, take, async (bytes) => {
        meter.expect(bytes);
        await room(nameOf(source), Math.max(0, bytes - meter.done()));
      });
    }
    if (!state.whole) journal.write({ is: "whole" });
    const missed = licences?.filter(({ name }) => ["network", "offline"].includes(state.files.get(name)?.why ?? ""));
    if (missed?.length) {
      await archive(folder, journal, missed, how, 1, AFTER_MS).catch((error) => {
        // the model is whole: what is wrong with the disk now does not take it away
        if (host.signal.aborted) throw error;
        host.trace("licences", String(error));
      });
    }
  } catch (error) {
    if (/** @type {Error} */ (error).name !== "QuotaExceededError") throw error;
    const words = `the browser stores no more than ${megabytes(meter.done())} of it, which are kept`;
    throw new NomoatError("quota", `${nameOf(source)}: ${words}: remove a stored model, or free some space on this device`, error);
  } finally {
    journal.close();
    channel.close();
  }
}

/**
 * Brings the licences that a repository lists, beside the model and never in its way: what keeps one from coming is recorded.
 * @param {FileSystemDirectoryHandle} folder @param {import("./journal.js").Journal} journal @param {RemoteFile[]} licences
 * @param {How} how @param {number} most Requests for one. @param {number} ms For all.
 */
async function archive(folder, journal, licences, { patience, hasher, host }, most, ms) {
  const { state } = journal;
  const late = AbortSignal.timeout(ms);
  const signal = AbortSignal.any([host.signal, late]);
  if (state.listed === null) journal.write({ is: "listed", at: Date.now() });
  for (const { name, url, sha256 } of licences) {
    if (!state.files.has(name)) journal.write({ is: "file", name, url, sha256, licence: true });
    // one that is here stays as it came, and one that was under way is gone on with from where it came
    const kept = /** @type {Kept} */ (state.files.get(name));
    if (kept.done || !kept.licence) continue;
    if (late.aborted) {
      journal.write({ is: "without", name, why: "network" });
      continue;
    }
    const fitting = { hasher, meter: meterOf(() => {}), weights: false, most: LICENCE_BYTES };
    const shelf = await onDisk(folder, journal, kept, fitting, host.signal);
    try {
      // that it begins again if it breaks off is nothing to warn of
      await bring({ name, url: kept.url }, shelf, { ...host, signal, warn() {}, patience, most });
      await shelf.finish(kept.sha256);
    } catch (error) {
      if (host.signal.aborted || !(error instanceof NomoatError)) throw error;
      host.trace("licence", { name, code: error.code, message: error.message });
      if (shelf.at) await shelf.begin({ size: null, etag: null });
      journal.write({ is: "without", name, why: late.aborted && error.code === "aborted" ? "network" : error.code });
    } finally {
      shelf.close();
    }
  }
}

/** Brings licences of a model that is stored. @param {FileSystemDirectoryHandle} top @param {string} key @param {RemoteFile[]} licences @param {How} how */
async function archived(top, key, licences, how) {
  const done = await turn(key, "exclusive", how.host);
  try {
    const folder = await top.getDirectoryHandle(key);
    const journal = await open(folder);
    try {
      await archive(folder, journal, licences, how, LICENCE_TRIES, ALONE_MS);
    } finally {
      journal.close();
    }
  } finally {
    done();
  }
}

/** Where nothing can be stored: all files of a list, in the browser's memory. @param {RemoteFile[]} source @param {How} how */
async function withoutStore(source, { patience, hasher, host }) {
  const meter = meterOf(seldom((done, total) => host.progress("download", done, total)));
  /** @type {NamedBlob[]} */
  const files = [];
  await plan(
    source,
    async (file, { weights = false } = {}) => {
      const sink = inMemory(file, { hasher, meter, weights });
      try {
        await bring(file, sink, { ...host, patience });
        const blob = sink.finish(file.sha256, file.size);
        files.push({ name: base(file.name), blob });
        return blob;
      } finally {
        sink.close();
      }
    },
    async (bytes) => meter.expect(bytes),
  );
  return files;
}

/** Passes on what is new: now and then, each fiftieth part, and always what is whole. @param {(done: number, total: number) => void} tell */
function seldom(tell) {
  let [last, said] = [-Infinity, 0];
  return (/** @type {number} */ done, /** @type {number} */ total) => {
    const now = performance.now();
    if (done < total && now - last < TELL_MS && Math.abs(done - said) < total / 50) return;
    [last, said] = [now, done];
    tell(done, total);
  };
}
