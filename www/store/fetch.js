// One file from the network, through every fault that passes: goes on at the byte where an answer broke off, begins again
// where the file became another, gives up with the reason in words.

import { NomoatError } from "../protocol.js";

/** @typedef {import("../protocol.js").RemoteFile} RemoteFile */

/**
 * @typedef {object} Sink Where the bytes go.
 * @property {number} at Bytes it has.
 * @property {number | null} size Of the version that it has bytes of.
 * @property {string | null} etag Of that version, or when it was last modified.
 * @property {(version: { size: number | null, etag: string | null }) => Promise<void>} begin Forgets what it has: other bytes come.
 * @property {(piece: Uint8Array<ArrayBuffer>) => Promise<void>} push
 * @property {() => Promise<void>} settle Keeps what came so far.
 *
 * @typedef {object} How
 * @property {AbortSignal} signal
 * @property {number} patience Milliseconds without a byte after which a request is sent again.
 * @property {(code: string, message: string) => void} warn
 * @property {(what: string, more: unknown) => void} trace
 * @property {number} [most] Requests, instead of so many as usual.
 */

/** Requests that bring next to nothing, one after another, before it gives up. */
const TRIES = 5;
/** Before an answer that pages may not read is taken for the host's last word: its faults come without permissions too. */
const UNREADABLE = 3;
/** Below this, a request brought next to nothing. */
const WORTH = 1 << 16;
/** The first wait, in parts of the patience; it doubles. */
const WAIT = 1 / 50;
/** The longest that a host may ask for. */
const LONGEST_MS = 30_000;

/** Something that went wrong and may go right if it is tried again. */
class Passing extends NomoatError {
  after = 0;
}

/** @param {number} bytes */
export const megabytes = (bytes) => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;

/**
 * Brings what `sink` still lacks of `file`.
 * @param {RemoteFile} file @param {Sink} sink @param {How} how
 */
export async function bring(file, sink, how) {
  let tries = 0;
  // the furthest ever, or a file that begins again and again would seem to advance
  let best = sink.at;
  const path = { direct: true };
  while (!sink.at || sink.at !== sink.size) {
    try {
      await request(file, sink, how, path);
      return;
    } catch (error) {
      await sink.settle();
      if (how.signal.aborted) throw new NomoatError("aborted", "stopped by the caller", how.signal.reason);
      if (!(error instanceof Passing)) throw error;
      how.trace("passing", { file: file.name, at: sink.at, tries, code: error.code, message: error.message });
      tries = sink.at - best >= WORTH ? 1 : tries + 1;
      best = Math.max(best, sink.at);
      const most = how.most ?? (error.code === "cors" && !sink.at ? UNREADABLE : TRIES);
      if (tries >= most) throw new NomoatError(error.code, `${error.message}${remains(sink)}`, error.cause);
      // at odds with each other, so that many pages do not come back at once
      await pause(Math.max(error.after, how.patience * WAIT * 2 ** (tries - 1) * (0.5 + Math.random() / 2)), how.signal);
    }
  }
}

/** @param {Sink} sink */
function remains({ at, size }) {
  return at ? `; ${megabytes(at)}${size ? ` of ${megabytes(size)}` : ""} are kept: load it again to go on` : "";
}

/** Waits, or until the device is online again. @param {number} ms @param {AbortSignal} signal */
function pause(ms, signal) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      removeEventListener("online", done);
      resolve(undefined);
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
    addEventListener("online", done);
  });
}

/**
 * @param {RemoteFile} file @param {Sink} sink @param {How} how
 * @param {{ direct: boolean }} path Whether the address answers itself, as far as is known.
 */
async function request(file, sink, { signal, patience, warn }, path) {
  const { name, url } = file;
  const wrong = (/** @type {string} */ code, /** @type {string} */ words) => new NomoatError(code, `${name}: ${words}`);
  const passing = (/** @type {string} */ code, /** @type {string} */ words, /** @type {unknown} */ cause = undefined) =>
    new Passing(code, `${name}: ${words}`, cause);
  const another = (/** @type {number} */ bytes) =>
    wrong("hash-mismatch", `the host has another file than was listed: ${bytes} bytes, not ${file.size}`);
  const stall = new AbortController();
  let timer = setTimeout(() => stall.abort(), patience);
  const offline = (/** @type {unknown} */ cause) => passing("offline", "this device is offline", cause);
  const late = () => passing("network", `nothing came for ${Math.round(patience / 100) / 10} seconds`);
  try {
    const from = sink.at;
    /** @type {Record<string, string>} */
    const headers = { Range: `bytes=${from}-` };
    // to another origin, also one that is redirected to, this header alone would need a preflight, which many hosts refuse:
    // there the answer is compared
    const near = new URL(url).origin === globalThis.location?.origin;
    if (from && near && path.direct && sink.etag?.startsWith('"')) headers["If-Range"] = sink.etag;
    const either = AbortSignal.any([signal, stall.signal]);
    let response;
    try {
      response = await fetch(url, {
        headers,
        cache: "no-store",
        referrerPolicy: "no-referrer",
        signal: either,
      });
    } catch (cause) {
      if (signal.aborted) throw cause;
      if (headers["If-Range"]) path.direct = false;
      if (stall.signal.aborted) throw late();
      if (!navigator.onLine) throw offline(cause);
      if (!near && (await there(url, either))) {
        throw passing("cors", "that site does not let pages read from it (no CORS headers): download the file and drop it here", cause);
      }
      throw passing("network", `the host cannot be reached (${/** @type {Error} */ (cause).message})`, cause);
    }
    if (response.redirected) path.direct = false;
    const header = (/** @type {string} */ key) => response.headers.get(key);
    const drop = () => void response.body?.cancel().catch(() => {});
    const { status } = response;
    const span = spanOf(header("content-range"));
    // of another origin a host shows the second always, the first only if it says so
    const etag = header("etag") ?? header("last-modified");
    const version = header(dated(sink.etag) ? "last-modified" : "etag");
    const changed = sink.etag && version && sink.etag !== version;
    if (status === 416) {
      drop();
      const ends = (span?.total ?? sink.size) === from;
      if (ends && !from) return await sink.begin({ size: 0, etag: null });
      if (ends && !changed && (sink.size ?? from) === from) return;
      await sink.begin({ size: null, etag: null });
      throw passing("network", "the file has become shorter on the server");
    }
    if (status !== 200 && status !== 206) {
      drop();
      if (status === 401 || status === 403) {
        // an address that was good a moment ago has expired: the one it was got from gives a new one
        if (from) throw passing("gated", `the host refuses it by now (HTTP ${status}): the address has expired, or the permission`);
        throw wrong("gated", `the host asks for a permission (HTTP ${status}): the model may be gated or private`);
      }
      if (status === 404 || status === 410) throw wrong("not-found", `there is no such file (HTTP ${status})`);
      const said = `the server answered HTTP ${status}`;
      if (![408, 425, 429].includes(status) && status < 500) throw wrong("network", said);
      const again = passing("network", said);
      again.after = Math.min(Number(header("retry-after")) * 1000 || 0, LONGEST_MS);
      throw again;
    }
    if (header("content-type")?.startsWith("text/html") && !/\.html?$/.test(name)) {
      drop();
      const portal = "a web page came instead of the file, perhaps the sign-in page of a network";
      if (from) throw passing("network", portal);
      throw wrong("not-found", "a web page came instead of the file: it is not there, or a network wants you to sign in first");
    }
    const encoded = ![null, "", "identity"].includes(header("content-encoding"));
    const length = encoded ? null : Number(header("content-length") ?? NaN);
    const start = status === 200 ? 0 : (span?.start ?? from);
    let size = encoded ? null : status === 200 ? length : (span?.total ?? (length === null ? null : from + length));
    if (size !== null && !Number.isSafeInteger(size)) size = null;
    if (span && file.size !== undefined && size !== null && size !== file.size) {
      drop();
      throw another(size);
    }
    if (start !== from && start !== 0) {
      drop();
      throw passing("network", "the server sent another part of the file than was asked for");
    }
    if (from && status === 206) {
      if (changed || encoded || (sink.size !== null && size !== null && size !== sink.size)) {
        drop();
        await sink.begin({ size: null, etag: null });
        throw passing("network", "the file was changed on the server");
      }
    }
    if (start === 0) {
      if (status === 200 && !encoded && (size ?? 0) > WORTH) {
        warn("no-range", `${name}: the server does not send parts of a file, so a download that breaks off begins again`);
      }
      try {
        await sink.begin({ size, etag });
      } catch (error) {
        drop();
        throw error;
      }
    }
    const reader = /** @type {ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>} */ (response.body?.getReader());
    try {
      while (start === 0 || size === null || sink.at < size) {
        clearTimeout(timer);
        timer = setTimeout(() => stall.abort(), patience);
        const { done, value } = await reader.read().catch((cause) => {
          if (stall.signal.aborted) throw late();
          throw navigator.onLine ? passing("network", `the answer broke off (${cause.message})`, cause) : offline(cause);
        });
        clearTimeout(timer);
        if (done) break;
        await sink.push(start === 0 || size === null ? value : value.subarray(0, size - sink.at));
      }
    } finally {
      // the rest of an answer longer than it said is not wanted
      void reader.cancel().catch(() => {});
    }
    // more than was said: it was packed on the way, which other origins do not tell
    const want = (size === null || sink.at > size ? file.size : size) ?? sink.at;
    if (sink.at < want) throw passing("network", `the answer ended early: ${sink.at} of ${want} bytes came`);
    if (sink.at !== (file.size ?? want)) {
      const came = sink.at;
      await sink.begin({ size: null, etag: null });
      throw another(came);
    }
  } finally {
    clearTimeout(timer);
  }
}

/** Whether a host answers at all: what it says stays unknown. @param {string} url @param {AbortSignal} signal */
function there(url, signal) {
  return fetch(url, { method: "HEAD", mode: "no-cors", referrerPolicy: "no-referrer", signal }).then(
    () => true,
    () => false,
  );
}

/** Whether it is not an entity tag, but when a file was last modified: `Sat, 01 …`. @param {string | null} version */
const dated = (version) => /^\w{3}, /.test(version ?? "");

/** `bytes 0-99/1000`; `bytes * /1000` (without the blank) of an answer that there is no such part. @param {string | null} header */
function spanOf(header) {
  const [, start, total] = /^bytes (?:(\d+)-\d+|\*)\/(\d+)$/.exec(header?.trim() ?? "") ?? [];
  return total ? { start: start ? Number(start) : null, total: Number(total) } : null;
}
