// The client: starts the worker that owns a model, brings the files that it reads, and loads it.

import { parse } from "./hub.js";
import { lend } from "./lend.js";
import { mark, modelOf } from "./model.js";
import { NomoatError } from "./protocol.js";
import * as room from "./room.js";
import { readable, resolved, spelt } from "./source.js";
import { find, nameOf, supersede } from "./store.js";
import { here, thread, wasm } from "./thread.js";

/** @typedef {import("./protocol.js").Order} Order @typedef {import("./protocol.js").Reply} Reply */
/** @typedef {import("./model.js").Model} Model */

/**
 * @typedef {object} LoadProgress
 * @property {string} phase `module`, `download`, `verify`, `open`, `device`, `weights`, `compile`, `ready`.
 * @property {number} done Bytes of this phase; 0 of 0 where bytes are not the measure.
 * @property {number} total
 * @property {number} bytesPerSecond Over the last seconds.
 *
 * @typedef {object} LoadSettings
 * @property {"auto" | "gpu" | "cpu"} [device]
 * @property {"auto" | "f32"} [precision]
 * @property {"f32" | "f16" | "q8"} [kv]
 * @property {number} [contextLength]
 * @property {string} [quantize] The block format that weights get which the files hold as floats: `q8_0`, `q4_k` …
 * @property {number} [maxBinding]
 * @property {string} [template] The prompt format to use: its name, `none`, or a chat template in Jinja.
 * @property {boolean} [tune] Whether it is measured, when nobody has asked anything for a while, which kernels are the fastest on this GPU; as a matter of course on real ones.
 * @property {number} [threads] Threads that multiply on the CPU, where weights are large enough: by default half of the processors, 8 at most.
 * @property {string} [hub] Address of another model hub than the usual one.
 * @property {number} [budget] Bytes of weights to choose a hub's variant by, where none is named; give `fit` the same.
 * @property {"auto" | "never"} [store] Whether what comes from the network is kept in the browser's storage, as far as there is one.
 * @property {number} [patience] Milliseconds without a byte after which a request is sent again; waits between requests follow it.
 * @property {(progress: LoadProgress) => void} [onProgress]
 * @property {(warning: NomoatError) => void} [onWarning]
 * @property {AbortSignal} [signal]
 * @property {(line: string) => void} [log] Gets the trace, a line at a time.
 * @property {(sent: import("./protocol.js").Sent) => void} [onRequest] Hears of every request that the worker makes.
 */

const STARTING_MS = 30_000;
const LEAVING_MS = 1000;
const MOST_THREADS = 8;

/** The orders for which the module is made. */
const FIRST = ["load", "fetch", "fit"];

/** Why a model runs on the page itself. */
const ON_PAGE = {
  "no-gpu-in-worker": "this browser has WebGPU, but not in workers: the model runs on the page itself",
  "no-worker": "this site's rules allow no worker here: the model runs on the page itself, which may stutter",
};

/** @param {unknown} [cause] */
function aborted(cause) {
  return new NomoatError("aborted", "stopped by the caller", cause);
}

/** A worker with one model, or the same code on this page; orders go in one at a time. */
export class Engine {
  /** @type {Map<number, (reply: any) => void>} */
  #listeners = new Map();
  /** @type {Worker | undefined} */
  #worker;
  /** @type {import("./protocol.js").Port | undefined} */
  #port;
  /** @type {NomoatError | undefined} */
  #gone;
  /** @type {Promise<unknown>} */
  #turn = Promise.resolve();
  #id = 0;
  #log;

  /** Whether the model runs on the page itself. */
  inPage = false;
  /** Where there is no worker: until the model's memory is given back. @type {Promise<unknown> | undefined} */
  #freed;

  /** @type {((sent: import("./protocol.js").Sent) => void) | undefined} */
  onRequest;
  /** Hears that more was found of the GPU. @type {((reply: { selfTest: string }) => void) | undefined} */
  onTuned;

  /** Bytes of WebAssembly memory, as of the last answer. */
  heapBytes = 0;
  /** Whether the worker cannot read files itself. */
  #lends = false;

  /** @param {(line: string) => void} [log] */
  constructor(log) {
    this.#log = log;
  }

  /** @param {string} what @param {unknown} [more] @param {number} [ms] */
  trace(what, more, ms = performance.now()) {
    this.#log?.(`${ms.toFixed(1).padStart(10)}  ${what}${more === undefined ? "" : ` ${JSON.stringify(more)}`}`);
  }

  /**
   * Starts the worker; where there can be none, or it has no WebGPU and the page has, its code runs on the page instead.
   * @param {boolean} gpu Whether a GPU is wanted at all. @param {boolean} software Whether one in software will do.
   * @returns {Promise<keyof typeof ON_PAGE | undefined>} Why it runs on the page, if it does.
   */
  async start(gpu, software) {
    try {
      this.#worker = thread();
      const hello = await this.#listen(this.#worker);
      this.trace("worker", { webgpu: hello.webgpu });
      this.#lends = !hello.blobs;
      if (hello.webgpu || !gpu) return;
    } catch (error) {
      this.trace("no worker", String(error));
      await this.#here().catch(() => {
        throw error;
      });
      return "no-worker";
    }
    const adapter = /** @type {any} */ (await globalThis.navigator.gpu?.requestAdapter().catch(() => null));
    // a GPU in software is slower than the CPU, which a worker can use without holding the page up
    if (!adapter || (!software && (adapter.info ?? adapter).isFallbackAdapter)) return;
    await this.#here();
    return "no-gpu-in-worker";
  }

  /** Runs the worker's code on this thread. */
  async #here() {
    this.#lends = false;
    this.#worker?.terminate();
    this.#worker = undefined;
    const { serve } = await here();
    const { port1, port2 } = new MessageChannel();
    const greeting = this.#listen(port1);
    port1.start();
    serve(port2);
    port2.start();
    await greeting;
    this.inPage = true;
  }

  /** @param {Worker | MessagePort} port @returns {Promise<import("./protocol.js").Hello>} */
  #listen(port) {
    this.#port = port;
    let greeted = false;
    return new Promise((resolve, reject) => {
      const late = setTimeout(
        () => reject(new NomoatError("internal", "the worker did not start within 30 seconds: reload the page")),
        STARTING_MS,
      );
      port.addEventListener("message", (/** @type {any} */ { data }) => {
        const reply = /** @type {Reply} */ (data);
        if (reply.type === "hello") {
          clearTimeout(late);
          greeted = true;
          resolve(reply);
        } else if (reply.type === "request") {
          this.onRequest?.(reply.sent);
        } else if (reply.type === "trace") {
          this.trace(reply.what, reply.more, reply.ms);
        } else if (reply.type === "tuned") {
          this.onTuned?.(reply);
        } else {
          this.#listeners.get(reply.id)?.(reply);
        }
      });
      port.addEventListener("error", (/** @type {any} */ event) => {
        clearTimeout(late);
        const error = new NomoatError("internal", `the worker failed: ${event.message || "it could not be loaded"}`, event);
        if (greeted) this.end(error);
        reject(error);
      });
    });
  }

  /**
   * Sends an order after those before it, and gives the replies to `hear` until the last.
   * @param {any} order An order without its id. @param {AbortSignal} [signal] @param {(reply: any) => void} [hear]
   * @returns {Promise<any>} The `result` or `end`.
   */
  send(order, signal, hear) {
    if (signal?.aborted) return Promise.reject(aborted(signal.reason));
    return new Promise((resolve, reject) => {
      // one that is aborted before its turn comes does not wait for it
      const abort = () => reject(aborted(signal?.reason));
      signal?.addEventListener("abort", abort, { once: true });
      this.#turn = this.#turn.then(() => {
        signal?.removeEventListener("abort", abort);
        const sent = this.#send(order, signal, hear);
        sent.then(resolve, reject);
        return sent.catch(() => {});
      });
    });
  }

  /** @param {any} order @param {AbortSignal} [signal] @param {(reply: any) => void} [hear] @returns {Promise<any>} */
  #send(order, signal, hear) {
    if (this.#gone) return Promise.reject(this.#gone);
    if (signal?.aborted) return Promise.reject(aborted(signal.reason));
    const id = ++this.#id;
    return new Promise((resolve, reject) => {
      const stop = () => {
        this.#port?.postMessage({ type: "stop", id });
        // a generation ends with what it has; of the rest there is no half to wait for
        if (order.type === "generate") return;
        settle();
        reject(aborted(signal?.reason));
      };
      const settle = () => {
        this.#listeners.delete(id);
        signal?.removeEventListener("abort", stop);
      };
      this.#listeners.set(id, (reply) => {
        if (reply.type === "result" || reply.type === "end") {
          settle();
          this.heapBytes = reply.heapBytes ?? this.heapBytes;
          resolve(reply);
        } else if (reply.type === "error") {
          settle();
          const error = new NomoatError(reply.code, reply.message, signal?.aborted ? signal.reason : reply.cause);
          if (reply.fatal) this.end(error);
          reject(error);
        } else if (!signal?.aborted || reply.type === "moved") {
          // what was under way when the stop was said is not wanted
          hear?.(reply);
        }
      });
      signal?.addEventListener("abort", stop, { once: true });
      const { transfer = [], ...message } = {
        ...order,
        ...(FIRST.includes(order.type) && { wasm }),
        ...(this.#lends && order.source && lend(order.source)),
      };
      try {
        this.#port?.postMessage({ ...message, id }, { transfer });
      } catch (cause) {
        settle();
        reject(new NomoatError("unsupported-field", `what was given cannot go to the worker (${/** @type {Error} */ (cause).message})`, cause));
      }
    });
  }

  /** Holds what is generated until it may go on. @param {boolean} on */
  pause(on) {
    this.#port?.postMessage({ type: "pause", on });
  }

  /** Stops what is under way and gives the memory back. */
  async close() {
    this.end(new NomoatError("aborted", "the model was unloaded"));
    await this.#freed;
  }

  /** Ends the worker or its work; what is under way and what comes later fails with `error`. @param {NomoatError} error */
  end(error) {
    if (this.#gone) return;
    const under = [...this.#listeners];
    if (this.inPage) {
      // there is no worker to end, so its orders are stopped and its model is freed
      for (const [id] of under) this.#port?.postMessage({ type: "stop", id });
      this.#freed = this.#send({ type: "unload" }).catch(() => {});
    }
    this.#gone = error;
    this.#worker?.terminate();
    this.#worker = undefined;
    for (const [, hear] of under) {
      hear({ type: "error", code: error.code, message: error.message, cause: error.cause, fatal: false });
    }
  }
}

/** Half of the processors, since two of them often are one core; two of two. Not every browser's workers know how many there are. */
function half() {
  const there = navigator.hardwareConcurrency || 1;
  return Math.max(Math.min(there, 2), Math.min(there >> 1, MOST_THREADS));
}

/**
 * Loads a model.
 * @param {string | URL | File | Blob | Iterable<File> | FileSystemHandle | import("./protocol.js").RemoteFile[]} source
 * @param {LoadSettings} [settings]
 */
export async function load(source, settings = {}) {
  const { onProgress, onWarning, onRequest, signal, log, hub, budget = room.budget(), store = "auto", patience, threads = half(), ...options } = settings;
  if (signal?.aborted) throw aborted(signal.reason);
  spelt(options);
  const engine = new Engine(log);
  engine.onRequest = onRequest;
  /** @type {NomoatError[]} */
  const warnings = [];
  /** @param {string} code @param {string} message */
  const warn = (code, message) => {
    const warning = new NomoatError(code, message);
    warnings.push(warning);
    engine.trace(`warning ${code}`, message);
    onWarning?.(warning);
  };
  const rate = speedometer();
  let phase = "";
  /** @param {any} reply */
  const hear = (reply) => {
    if (reply.type === "warning") warn(reply.code, reply.message);
    if (reply.type !== "progress") return;
    if (reply.phase !== phase) {
      phase = reply.phase;
      mark(phase);
      engine.trace(`phase ${phase}`, reply.total ? { bytes: reply.total } : undefined);
    }
    onProgress?.({ phase, done: reply.done, total: reply.total, bytesPerSecond: rate(phase, reply.done) });
  };
  // a worker that is busy compiling hears no message: an abort does not wait for it
  const abort = () => engine.end(aborted(signal?.reason));
  /** Brings the files, and holds them while they are read. @type {Engine | undefined} */
  let keeper;
  /** @type {import("./protocol.js").NamedBlob[] | null | undefined} */
  let files;
  /** What its repository lists of licences. @type {import("./protocol.js").RemoteFile[] | undefined} */
  let licences;
  try {
    engine.trace("nomoat", { agent: navigator.userAgent, options });
    if (!["auto", "never"].includes(store)) throw new NomoatError("unsupported-field", `store: expected auto or never, found ${store}`);
    if (!Number.isInteger(threads) || threads < 1 || threads > 64) throw new NomoatError("unsupported-field", `threads: expected a whole number from 1 to 64, found ${threads}`);
    const known = store === "auto" && typeof source === "string" && source !== "embedded" ? await find(source).catch(() => undefined) : undefined;
    const from = known?.files ?? (await resolved(source, { hub, signal, budget, onFound: (found) => (licences = found.licences) }));
    const onPage = await engine.start(options.device !== "cpu", options.device === "gpu");
    if (onPage) warn(onPage, ON_PAGE[onPage]);
    if (signal?.aborted) throw aborted(signal.reason);
    if (remote(from) && (store === "auto" || typeof from !== "string")) {
      const label = typeof source === "string" && typeof from !== "string" ? source : undefined;
      keeper = await keeping(engine, log, onPage);
      const asked = { source: from, label, key: known?.key, patience, store, licences };
      files = (await keeper.send({ type: "fetch", asked }, signal, hear)).value;
    }
    signal?.addEventListener("abort", abort, { once: true });
    if (signal?.aborted) throw aborted(signal.reason);
    const { value } = await engine.send({ type: "load", source: files ?? readable(from), options: { ...options, threads }, patience }, signal, hear);
    // a folder has no name of its own, and stored files have lost theirs
    if (!value.card.name && (files || typeof source === "string") && !(source === "embedded" && !remote(from))) {
      const repository = typeof source === "string" ? parse(source, hub)?.repo.split("/")[1] : undefined;
      value.name = repository ?? nameOf(known?.source ?? (typeof from === "string" ? from : /** @type {any} */ (typeof source === "string" && source !== "embedded" ? source : from)));
    }
    engine.trace("loaded", value);
    if (source === "embedded" && files) void supersede(/** @type {import("./protocol.js").RemoteFile[]} */ (from)).catch(() => {});
    return modelOf(engine, value, warnings, hear);
  } catch (thrown) {
    const error =
      thrown instanceof NomoatError
        ? thrown
        : new NomoatError("internal", thrown instanceof Error ? thrown.message : String(thrown), thrown);
    engine.trace(`error ${error.code}`, error.message);
    // a download that is stopped has a moment to keep what came last
    if (keeper && !files) setTimeout(() => engine.end(error), LEAVING_MS);
    else engine.end(error);
    throw error;
  } finally {
    signal?.removeEventListener("abort", abort);
    const other = keeper === engine ? undefined : keeper;
    setTimeout(() => other?.end(aborted()), files ? 0 : LEAVING_MS);
  }
}

/** @param {any} from Whether it is on the network. @returns {from is string | import("./protocol.js").RemoteFile[]} */
const remote = (from) => (typeof from === "string" ? /^https?:/.test(from) : "url" in Object(from[0]));

/**
 * The engine that fetches: only a worker may write in place.
 * @param {Engine} engine @param {((line: string) => void) | undefined} log
 * @param {keyof typeof ON_PAGE | undefined} onPage
 */
async function keeping(engine, log, onPage) {
  // where there is no worker, there is none for this either
  if (onPage !== "no-gpu-in-worker") return engine;
  const keeper = new Engine(log);
  keeper.onRequest = engine.onRequest;
  return keeper.start(false, false).then(
    () => keeper,
    () => engine,
  );
}

/** @returns {(phase: string, done: number) => number} Bytes a second, over about the last five seconds of a phase. */
function speedometer() {
  let of = "";
  /** @type {[number, number][]} */
  let seen = [];
  return (phase, done) => {
    const now = performance.now();
    if (phase !== of) [of, seen] = [phase, []];
    seen.push([now, done]);
    while (seen.length > 2 && now - seen[0][0] > 5000) seen.shift();
    const [then, before] = seen[0];
    return now > then ? ((done - before) * 1000) / (now - then) : 0;
  };
}
