// The client: starts the worker that owns a model, and gives the model the surface of the contract.

import { lend } from "./lend.js";
import { chatDress, chatRequest, completionDress, completionRequest, ids, tokensRequest, usageOf } from "./openai.js";
import { addressOf, locate, parse } from "./hub.js";
import { NomoatError } from "./protocol.js";
import { budget } from "./room.js";
import { find, nameOf } from "./store.js";
import { connects, embedded, here, thread, wasm } from "./thread.js";

/** @typedef {import("./protocol.js").Order} Order @typedef {import("./protocol.js").Reply} Reply */
/** @typedef {import("./protocol.js").Info} Info @typedef {import("./protocol.js").Stats} Stats */
/** @typedef {import("./protocol.js").Finish} Finish @typedef {import("./openai.js").Asked} Asked */

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
 * @property {"f32" | "f16"} [kv]
 * @property {number} [contextLength]
 * @property {number} [maxBinding]
 * @property {string} [hub] Address of another model hub than the usual one.
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

/** The orders for which the module is made. */
const FIRST = ["load", "fetch", "fit"];

/** Why a model runs on the page itself. */
const ON_PAGE = {
  "no-gpu-in-worker": "this browser has WebGPU, but not in workers: the model runs on the page itself",
  "no-worker": "this site's rules allow no worker here: the model runs on the page itself, which may stutter",
};

/** @param {string} name @param {unknown} [detail] */
function mark(name, detail) {
  performance.mark(`nomoat:${name}`, { detail });
}

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
          const error = new NomoatError(reply.code, reply.message, signal?.aborted ? signal.reason : undefined);
          if (reply.fatal) this.end(error);
          reject(error);
        } else {
          hear?.(reply);
        }
      });
      signal?.addEventListener("abort", stop, { once: true });
      const { transfer = [], ...message } = {
        ...order,
        ...(FIRST.includes(order.type) && { wasm }),
        ...(this.#lends && order.source && lend(order.source)),
      };
      this.#port?.postMessage({ ...message, id }, { transfer });
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
      hear({ type: "error", code: error.code, message: error.message, fatal: false });
    }
  }
}

/**
 * Loads a model.
 * @param {string | URL | File | Blob | Iterable<File> | FileSystemHandle | import("./protocol.js").RemoteFile[]} source
 * @param {LoadSettings} [settings]
 */
export async function load(source, settings = {}) {
  const { onProgress, onWarning, onRequest, signal, log, hub, store = "auto", patience, ...options } = settings;
  if (signal?.aborted) throw aborted(signal.reason);
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
  try {
    engine.trace("nomoat", { agent: navigator.userAgent, options });
    if (!["auto", "never"].includes(store)) throw new NomoatError("unsupported-field", `store: expected auto or never, found ${store}`);
    const known = store === "auto" && typeof source === "string" ? await find(source).catch(() => undefined) : undefined;
    const from = known?.files ?? (await resolved(source, { hub, signal }));
    const onPage = await engine.start(options.device !== "cpu", options.device === "gpu");
    if (onPage) warn(onPage, ON_PAGE[onPage]);
    if (signal?.aborted) throw aborted(signal.reason);
    if (remote(from) && (store === "auto" || typeof from !== "string")) {
      const label = typeof source === "string" && typeof from !== "string" ? source : undefined;
      keeper = await keeping(engine, log, onPage);
      const asked = { source: from, label, key: known?.key, patience, store };
      files = (await keeper.send({ type: "fetch", asked }, signal, hear)).value;
    }
    signal?.addEventListener("abort", abort, { once: true });
    if (signal?.aborted) throw aborted(signal.reason);
    const { value } = await engine.send({ type: "load", source: files ?? readable(from), options }, signal, hear);
    // a folder has no name of its own, and stored files have lost theirs
    if (!value.card.name && (files || typeof source === "string")) {
      const repository = typeof source === "string" ? parse(source, hub)?.repo.split("/")[1] : undefined;
      value.name = repository ?? nameOf(known?.source ?? (typeof source === "string" ? source : /** @type {any} */ (from)));
    }
    engine.trace("loaded", value);
    return modelOf(engine, value, warnings);
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

/** Files of a host as the module reads them: by their address. @param {any} from @returns {import("./protocol.js").Source} */
export const readable = (from) => (from[0]?.url ? addressOf(from) : from);

/** @param {any} source @param {import("./hub.js").LookUp} [how] @returns {Promise<import("./protocol.js").Source | import("./protocol.js").RemoteFile[]>} */
export async function resolved(source, how = {}) {
  if (!connects && source !== "embedded" && (typeof source === "string" || source instanceof URL)) {
    throw new NomoatError("sealed", `${source}: this file is not allowed to connect to anything: download the model and open it as a file`);
  }
  if (source instanceof URL) return source.href;
  if (typeof source === "string" && parse(source, how.hub)) return (await locate(source, { budget: budget(), ...how })).files;
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

/** @param {string} source @returns {import("./protocol.js").Source} */
function address(source) {
  const inside = source === "embedded" ? embedded() : undefined;
  if (inside) return inside;
  if (source === "embedded") throw new NomoatError("unsupported-field", "there is no embedded model yet: name a file");
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
  return { name, blob, depth: webkitRelativePath.split("/").length };
}

/** @param {any} handle @returns {Promise<import("./protocol.js").NamedBlob[]>} */
async function handle(handle) {
  if (handle.kind === "file") return [named(await handle.getFile())];
  const files = [];
  for await (const entry of handle.values()) if (entry.kind === "file") files.push(named(await entry.getFile()));
  return files;
}

/** @typedef {ReturnType<typeof modelOf>} Model */

/** @param {Engine} engine @param {Info} info @param {NomoatError[]} warnings */
function modelOf(engine, info, warnings) {
  /** @type {Stats | undefined} */
  let stats;

  /**
   * @param {Asked} asked @param {(text: string, token: number | null) => void} [part]
   * @returns {Promise<{ reason: Finish, text: string, stats: Stats }>}
   */
  async function generate({ prompt, request, signal }, part) {
    mark("request");
    let first = true;
    const end = await engine.send({ type: "generate", prompt, request }, signal, (reply) => {
      if (reply.type !== "token") return;
      if (first) mark("first-token");
      first = false;
      part?.(reply.text, reply.token);
    });
    if (end.text) part?.(end.text, null);
    stats = end.stats;
    mark("end", { reason: end.reason });
    engine.trace(`end ${end.reason}`, stats);
    return end;
  }

  /**
   * @param {Asked} asked @param {import("./openai.js").Dress} dress
   * @returns {Promise<any>}
   */
  async function answer(asked, dress) {
    if (asked.stream) return streamed(asked, dress);
    let text = "";
    const end = await generate(asked, (more) => (text += more));
    return dress.whole(text, end.reason, usageOf(end.stats));
  }

  /** Begins at once; leaving the loop stops it. @param {Asked} asked @param {import("./openai.js").Dress} dress */
  function streamed(asked, dress) {
    const leave = new AbortController();
    const signal = asked.signal ? AbortSignal.any([asked.signal, leave.signal]) : leave.signal;
    const { push, close, fail, chunks } = channel();
    if (dress.first) push(dress.first);
    generate({ ...asked, signal }, (text) => {
      if (text) push(dress.part(text));
    }).then((end) => {
      push(dress.last(end.reason));
      if (asked.usage) push(dress.usage(usageOf(end.stats)));
      close();
    }, fail);
    return {
      [Symbol.asyncIterator]: () => ({
        next: chunks,
        async return() {
          leave.abort();
          close();
          return { done: true, value: undefined };
        },
      }),
    };
  }

  return {
    /** What is known of the model. @type {Info} */
    get info() {
      return { ...info, heapBytes: engine.heapBytes || info.heapBytes };
    },
    /** What the user should know that was no error. */
    warnings,
    /** Figures of the last request; `undefined` before the first. */
    stats: () => stats,

    chat: {
      completions: {
        /** @param {Record<string, any>} body */
        create: async (body) => answer(chatRequest(body), chatDress(info.name)),
      },
    },
    completions: {
      /** @param {Record<string, any>} body */
      create: async (body) => answer(completionRequest(body), completionDress(info.name)),
    },
    embeddings: {
      /** @returns {Promise<never>} */
      create: async () => {
        throw new NomoatError("unsupported-architecture", `${info.name} (${info.family}) writes text; it makes no embeddings`);
      },
    },

    /**
     * Ids in, new ids out; nothing is added.
     * @param {ArrayLike<number>} prompt @param {Record<string, any>} [options]
     * @returns {Promise<Uint32Array>}
     */
    async generateTokens(prompt, options = {}) {
      /** @type {number[]} */
      const made = [];
      await generate(tokensRequest(prompt, options), (_, token) => {
        if (token !== null) made.push(token);
      });
      return Uint32Array.from(made);
    },

    /**
     * Logits after `prompt`: one row, or with `all` a row for each id.
     * @param {ArrayLike<number>} prompt @param {{ all?: boolean, signal?: AbortSignal }} [options]
     * @returns {Promise<Float32Array[]>}
     */
    async logits(prompt, { all = false, signal, ...rest } = {}) {
      for (const name in rest) throw new NomoatError("unsupported-field", `the field ${name} is not supported`);
      return (await engine.send({ type: "logits", ids: ids(prompt, "ids"), all }, signal)).value;
    },

    /** @param {string} text @param {{ special?: boolean }} [options] @returns {Promise<Uint32Array>} */
    async tokenize(text, { special = false } = {}) {
      if (typeof text !== "string") throw new NomoatError("unsupported-field", "text: expected a string");
      return (await engine.send({ type: "tokenize", text, special })).value;
    },

    /** @param {ArrayLike<number>} tokens @param {{ skipSpecial?: boolean }} [options] @returns {Promise<string>} */
    async detokenize(tokens, { skipSpecial = false } = {}) {
      return (await engine.send({ type: "detokenize", ids: ids(tokens, "ids"), skipSpecial })).value;
    },

    /** The prompt that the chat template makes. @param {object[]} messages @param {{ generationPrompt?: boolean }} [options] @returns {Promise<string>} */
    async template(messages, { generationPrompt = true } = {}) {
      if (!Array.isArray(messages)) throw new NomoatError("unsupported-field", "messages: expected an array");
      return (await engine.send({ type: "template", messages, generationPrompt })).value;
    },

    /** Holds what is being written, or lets it go on. @param {boolean} on */
    pause: (on) => engine.pause(on),

    /** Gives all memory back; requests under way end. */
    unload: () => engine.close(),
  };
}

/** A queue between one who pushes and one who waits. */
function channel() {
  /** @type {any[]} */
  const full = [];
  /** @type {{ resolve: (step: any) => void, reject: (error: unknown) => void }[]} */
  const waiting = [];
  let closed = false;
  /** @type {unknown} */
  let error;
  const drain = () => {
    while (waiting.length && (full.length || closed || error)) {
      const { resolve, reject } = /** @type {(typeof waiting)[0]} */ (waiting.shift());
      if (full.length) resolve({ done: false, value: full.shift() });
      else if (error) {
        reject(error);
        closed = true;
        error = undefined;
      } else resolve({ done: true, value: undefined });
    }
  };
  return {
    /** @param {any} value */
    push(value) {
      if (!closed) full.push(value);
      drain();
    },
    close() {
      closed = true;
      drain();
    },
    /** @param {unknown} cause */
    fail(cause) {
      if (!closed) error = cause;
      drain();
    },
    /** @returns {Promise<any>} */
    chunks: () =>
      new Promise((resolve, reject) => {
        waiting.push({ resolve, reject });
        drain();
      }),
  };
}
