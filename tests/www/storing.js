// What runs inside the page for the tests of the store: loads that are kept, looked at, stopped, damaged and removed.

import { load, store } from "/nomoat.js";

const PROMPT = [28, 292, 85];

/** What is under way, for those that look at it meanwhile. */
const now = { phase: "", done: 0, total: 0 };
/** @type {AbortController | undefined} */
let stop;
/** @type {Promise<any> | undefined} */
let under;

/** @typedef {{ source: any, options?: any, odd?: string }} What `odd`: see odd.js. */

const Real = globalThis.Worker;

/** Loads and writes; an error is an answer. @param {What} what */
export async function bring({ source, options = {}, odd }) {
  // a worker in a browser that is odd
  globalThis.Worker = class extends Real {
    /** @param {string | URL} url @param {WorkerOptions} [settings] */
    constructor(url, settings) {
      super(odd ? `/lab/odd.js?${odd}` : url, settings);
    }
  };
  /** @type {string[]} */
  const phases = [];
  /** @type {string[]} */
  const lines = [];
  stop = new AbortController();
  const started = performance.now();
  const made = { phases, lines, code: null, message: "", first: /** @type {number[] | null} */ (null), last: [0, 0], warnings: /** @type {string[]} */ ([]) };
  try {
    const model = await load(source, {
      device: "cpu",
      patience: 5000,
      ...options,
      signal: stop.signal,
      log: (line) => lines.push(line),
      onWarning: ({ code }) => made.warnings.push(code),
      onProgress({ phase, done, total }) {
        Object.assign(now, { phase, done, total });
        /** @type {any} */ (globalThis).told?.(phase === "download" ? done : 0);
        if (phases.at(-1) !== phase) phases.push(phase);
        if (phase !== "download") return;
        made.first ??= [done, total];
        made.last = [done, total];
      },
    });
    const ids = [...(await model.generateTokens(PROMPT, { temperature: 0, maxTokens: 12, ignoreEos: true }))];
    await model.unload();
    return { ...made, ids, ms: performance.now() - started };
  } catch (error) {
    const { code, message, cause } = /** @type {any} */ (error);
    return { ...made, code, message: String(message), cause: cause && String(cause), ms: performance.now() - started };
  }
}

/** Like `bring`, but it does not wait. @param {What} what */
export function begin(what) {
  under = bring(what);
}

/** How far it is. */
export const at = () => ({ ...now });

/** Waits until so many bytes have come. @param {number} bytes */
export async function reached(bytes) {
  while (now.phase !== "download" || now.done < bytes) await new Promise((resolve) => setTimeout(resolve, 1));
  return now.done;
}

/** What became of it. */
export const end = () => under;

/** Stops it. */
export async function halt() {
  stop?.abort();
  const { done } = now;
  return { done, ...(await under) };
}

export const list = () => store.list();
export const estimate = () => store.estimate();

/** @param {string} key */
export const verify = (key) => attempt(() => store.verify(key));
/** @param {string} key */
export const remove = (key) => attempt(() => store.remove(key));

/** @param {() => Promise<any>} act */
async function attempt(act) {
  try {
    return (await act()) ?? null;
  } catch (error) {
    const { code, message } = /** @type {any} */ (error);
    return { code, message };
  }
}

/** Removes everything. */
export async function clear() {
  for (const { key } of await store.list()) await store.remove(key);
}

/** @param {string} key */
async function folderOf(key) {
  const top = await (await navigator.storage.getDirectory()).getDirectoryHandle("nomoat-models-1");
  return top.getDirectoryHandle(key);
}

/** Turns a bit of a stored file. @param {{ key: string, at: number }} what */
export async function damage({ key, at }) {
  const handle = await (await folderOf(key)).getFileHandle("0");
  const byte = new Uint8Array(await (await handle.getFile()).slice(at, at + 1).arrayBuffer());
  byte[0] ^= 1;
  const out = await handle.createWritable({ keepExistingData: true });
  await out.write({ type: "write", position: at, data: byte });
  await out.close();
}

/** The journal as it lies there. @param {string} key */
export async function journal(key) {
  return (await (await (await folderOf(key)).getFileHandle("journal")).getFile()).text();
}

/** Cuts the journal. @param {{ key: string, length: number }} what */
export async function cut({ key, length }) {
  const out = await (await (await folderOf(key)).getFileHandle("journal")).createWritable({ keepExistingData: true });
  await out.truncate(length);
  await out.close();
}

/** @type {any} */
let grip;

/** Keeps the browser from opening the journal in place. @param {string} key */
export async function seize(key) {
  grip = await (await (await folderOf(key)).getFileHandle("journal")).createWritable({ keepExistingData: true });
}

/** And lets it again. */
export const loose = () => grip.abort();

/** Whether the device is online, for those loads that are `wired`. @param {boolean} online */
export function network(online) {
  const channel = new BroadcastChannel("lab:network");
  channel.postMessage(online);
  channel.close();
}
