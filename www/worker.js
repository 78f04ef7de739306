// Owns the WebAssembly module: takes orders at a port, answers there. In a module worker, or on the page itself where
// the browser has WebGPU but not in workers.

import { breathe } from "./breathe.js";
import { crews, dismiss, help, helps } from "./crew.js";
import { devices, gone, identify, withoutGpu, wrapRequestDevice } from "./gpu.js";
import { borrow } from "./lend.js";
import * as glue from "./pkg/nomoat.js";
import { watch } from "./requests.js";
import { keep } from "./store/keep.js";
import { tuning } from "./tuning.js";
import { forget, recall } from "./verdicts.js";

/** @typedef {import("./protocol.js").Order} Order @typedef {import("./protocol.js").Reply} Reply */
/** @typedef {import("./protocol.js").Port} Port @typedef {import("./pkg/nomoat.js").Model} Model */

/**
 * One instance of the module. Once it has panicked it must not be called again.
 * @typedef {typeof glue & { panic: string, panicked: Promise<never>, trapped: (trap: Error) => void }} Instance
 */

/** Times that a lost GPU is followed by another one, for one order. */
const TRIES = 3;
/** What the browser may take to have its GPU back, and between two looks at it. */
const GONE_MS = 5000;
const LOOK_MS = 250;
/** How long nobody asked anything before kernels are compiled ahead. */
const AHEAD_MS = 1000;

const workers = /** @type {any} */ (globalThis).DedicatedWorkerGlobalScope;
/** Whether this thread is a worker, and not the page's. */
const alone = Boolean(workers && globalThis instanceof workers);

/** What new models are made in. @type {Promise<Instance> | undefined} */
let newest;
let panics = 0;

/** @param {import("./protocol.js").Wasm} [wasm] @returns {Promise<Instance>} */
async function instantiate(wasm) {
  // the glue makes one instance and no other, so after a panic a fresh copy of it is taken
  const module = panics ? await import(new URL(`./pkg/nomoat.js?${panics}`, import.meta.url).href) : glue;
  await module.default(wasm && { module_or_path: await fetched(wasm) }).catch((/** @type {Error} */ error) => {
    if (/content security policy|CSP/i.test(error.message)) {
      throw coded("csp", "this site's content security policy forbids WebAssembly: its script-src must have 'wasm-unsafe-eval'");
    }
    // what came and cannot be run, and what there is no memory for
    if ([WebAssembly.CompileError, WebAssembly.LinkError, WebAssembly.RuntimeError, RangeError].some((kind) => error instanceof kind)) throw error;
    throw coded(navigator.onLine ? "network" : "offline", `the engine's WebAssembly did not come (${error.message}): check the connection and try again`, error);
  });
  const { promise, reject } = withReject();
  /** @type {Instance} */
  const instance = {
    ...module,
    panic: "",
    panicked: promise,
    // a module whose memory or stack is used up ends without a panic
    trapped: ({ message }) => void (instance.panic || ended(`the module ran out of memory or of stack (${message})`)),
  };
  const ended = (/** @type {string} */ words) => {
    instance.panic = words;
    panics += 1;
    newest = undefined;
    // nothing else would give their memory back
    for (const device of devices) device.destroy();
    dismiss();
    reject(new Error(words));
  };
  instance.onPanic(ended);
  globalThis.addEventListener("error", (event) => {
    const { name, stack } = Object(event.error);
    const trap = event.error instanceof WebAssembly.RuntimeError;
    // on a page it may be another module's, or come from what is left of one that ended
    const own = (trap || /^(Range|Internal)Error$/.test(name)) && (alone || (!panics && /nomoat_bg/.test(stack)));
    if (own) instance.trapped(event.error);
    // what the trap says after the panic must not overtake its words
    if (instance.panic && (own || trap)) event.preventDefault();
  });
  return instance;
}

/** The module's bytes, if they are those that were built. @param {import("./protocol.js").Wasm} wasm @returns {Promise<Response>} */
async function fetched(wasm) {
  if (wasm instanceof Uint8Array) {
    const { writable, readable } = new DecompressionStream("gzip");
    const writer = writable.getWriter();
    // what goes wrong is heard at the other end
    writer.write(wasm).catch(() => {});
    writer.close().catch(() => {});
    return new Response(readable, { headers: { "Content-Type": "application/wasm" } });
  }
  const { url, integrity } = wasm;
  const take = async (/** @type {RequestInit} */ how) => {
    const response = await fetch(url, { credentials: "omit", ...how });
    if (response.ok) return response;
    throw coded("network", `the engine's WebAssembly did not come: ${url} answered ${response.status}`);
  };
  try {
    return await take({ integrity });
  } catch (error) {
    if (/** @type {any} */ (error).code) throw error;
  }
  // a wrong hash and a broken connection fail alike, so what went wrong is looked at once more
  const again = await take({ cache: "reload" }).catch((error) => {
    throw error.code ? error : coded("network", `the engine's WebAssembly did not come from ${url}: check the connection, or the site's connect-src`);
  });
  if (!globalThis.crypto.subtle) throw coded("network", `${url} could not be checked: serve this page over https`);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-384", await again.clone().arrayBuffer()));
  if (integrity === `sha384-${btoa(String.fromCharCode(...digest))}`) return again;
  throw coded("hash-mismatch", `${url} is not the file that this version was built with, so it was not run: put the original there again`);
}

/** @param {string} code @param {string} message @param {unknown} [cause] */
const coded = (code, message, cause) => Object.assign(new Error(message, { cause }), { code });

/** A promise that only ever fails, which nobody need wait for. */
function withReject() {
  /** @type {(error: Error) => void} */
  let reject = () => {};
  const promise = new Promise((/** @type {(value: never) => void} */ _, fail) => (reject = fail));
  promise.catch(() => {});
  return { promise, reject };
}

/**
 * Serves one model at `port`, one order at a time.
 * @param {Port} port
 */
export function serve(port) {
  /** @type {Instance | undefined} */
  let instance;
  /** @type {Model | undefined} */
  let model;
  /** What it was loaded with, and whether kernels are to be measured. @typedef {Pick<import("./protocol.js").Load, "source" | "options" | "patience"> & { tune: boolean }} Loaded @type {Loaded | undefined} */
  let from;
  /** What was fetched for the next load. @type {import("./store/keep.js").Opened | null} */
  let opened = null;
  /** @type {Map<number, AbortController>} */
  const stops = new Map();
  /** @type {Promise<void>} */
  let turn = Promise.resolve();
  /** What waits while generation is paused. @type {Set<() => void> | undefined} */
  let paused;
  /** Whether kernels of a first prompt may be missing. */
  let cold = false;
  /** Whether compiling them failed. */
  let lostAhead = false;
  /** Until they are compiled. @type {ReturnType<typeof setTimeout> | undefined} */
  let ahead;

  /** @param {Reply} reply @param {Transferable[]} [transfer] */
  const say = (reply, transfer) => port.postMessage(reply, { transfer: transfer ?? [] });
  /** @param {string} what @param {unknown} [more] */
  const trace = (what, more) => say({ type: "trace", ms: performance.now(), what, more });
  const { holdOff, tuneLater, knew, learned, relearned, tell, told } = tuning({
    now: () => ({ model, instance, from, busy: stops.size > 0 }),
    queue: (act) => (turn = turn.then(act)),
    say,
    trace,
  });

  port.addEventListener("message", (/** @type {MessageEvent<Order>} */ { data: order }) => {
    if (order.type === "stop" || order.type === "pause") {
      if (order.type === "stop") stops.get(order.id)?.abort();
      for (const go of paused ?? []) go();
      if (order.type === "pause") paused = order.on ? new Set() : undefined;
      return;
    }
    if ("source" in order) order.source = borrow(order.source);
    const stop = new AbortController();
    stops.set(order.id, stop);
    holdOff();
    clearTimeout(ahead);
    turn = turn.then(async () => {
      try {
        if (["load", "fetch", "fit"].includes(order.type)) instance = await start(/** @type {import("./protocol.js").Load} */ (order));
        if (!instance || instance.panic) throw absent();
        // what is under way in an instance that panics never settles
        await Promise.race([obey(order, instance, stop.signal), instance.panicked]);
        // a long prompt has the kernels for many tokens looked at
        if (model && (order.type === "generate" || order.type === "logits")) {
          await learned(model);
          tell(model);
        }
      } catch (error) {
        if (error instanceof WebAssembly.RuntimeError) instance?.trapped(error);
        trace("failed", { order: order.type, heapBytes: heap() });
        say({ type: "error", id: order.id, ...failure(error, instance?.panic) });
      } finally {
        stops.delete(order.id);
      }
      // not at once: whoever asks in the same second is not kept waiting by a kernel that takes long
      if (cold && !stops.size) ahead = setTimeout(() => (turn = turn.then(warm)), AHEAD_MS);
      tuneLater(order.type);
    });
  });
  /** @param {boolean} blobs */
  const greet = (blobs) => say({ type: "hello", webgpu: Boolean(globalThis.navigator.gpu), blobs });
  // of a page from a disk
  if (globalThis.origin === "null") new Blob(["a"]).arrayBuffer().then(() => greet(true), () => greet(false));
  else greet(true);

  /** Compiles what reading a prompt takes, a kernel at a time, until somebody asks for something. */
  async function warm() {
    try {
      for (;;) {
        await breathe();
        if (!cold || !model || !instance || instance.panic || stops.size) return;
        cold = await Promise.race([model.warm(), instance.panicked]);
        if (cold) continue;
        trace("warm");
        await relearned(model);
        tell(model);
      }
    } catch (error) {
      // a lost GPU is noticed, and replaced, at the next order; if this is what it was lost by, it is not done again
      cold = false;
      lostAhead = true;
      trace("failed", { order: "warm", message: String(error) });
    }
  }

  const heap = () => (instance && !instance.panic ? instance.heapBytes() : 0);

  /** @param {import("./protocol.js").Load} order */
  function start({ id, wasm }) {
    say({ type: "progress", id, phase: "module", done: 0, total: 0 });
    wrapRequestDevice();
    newest ??= instantiate(wasm);
    newest.catch(() => (newest = undefined));
    return newest;
  }

  /** @param {Order} order @param {Instance} instance @param {AbortSignal} signal */
  async function obey(order, instance, signal) {
    if (order.type === "fetch") return fetched(order, instance, signal);
    if (order.type === "load") return load(order, instance, signal).finally(() => opened?.release());
    if (order.type === "fit") return fitted(order, instance, signal);
    if (!model) throw absent();
    switch (order.type) {
      case "generate":
        return generate(order, model, signal);
      case "logits": {
        await breathe();
        if (signal.aborted) throw stopped();
        const [{ ids, decoder, all }, it] = [order, model];
        const rows = await lasting(order.id, signal)(() => it.logits(ids, decoder, all));
        if (signal.aborted) throw stopped();
        return result(order.id, rows, rows.map((/** @type {Float32Array} */ row) => row.buffer));
      }
      case "embed": {
        /** @type {Float32Array[]} */
        const rows = [];
        let tokens = 0;
        const [it, last] = [model, lasting(order.id, signal)];
        for (const text of order.input) {
          await breathe();
          if (signal.aborted) throw stopped();
          const given = typeof text === "string" ? it.encode(text, true) : text;
          rows.push(await last(() => it.embed(given)));
          tokens += given.length;
        }
        return result(order.id, { rows, tokens });
      }
      case "tokenize":
        return result(order.id, model.encode(order.text, order.special));
      case "detokenize":
        return result(order.id, model.decode(order.ids, order.skipSpecial));
      case "template":
        return result(order.id, model.template(JSON.stringify(order.messages), order.generationPrompt, localSeconds()));
      case "unload":
        model.free();
        model = undefined;
        from = undefined;
        return result(order.id, null);
    }
  }

  /** @param {number} id @param {unknown} value @param {Transferable[]} [transfer] */
  function result(id, value, transfer) {
    say({ type: "result", id, value, heapBytes: heap() }, transfer);
  }

  /** @param {import("./protocol.js").Fetch} order @param {Instance} instance @param {AbortSignal} signal */
  async function fetched({ id, asked }, { Hasher }, signal) {
    /** @type {import("./store/keep.js").Host} */
    const host = {
      signal,
      progress: (phase, done, total) => say({ type: "progress", id, phase, done, total }),
      warn: (code, message) => say({ type: "warning", id, code, message }),
      trace,
    };
    opened = await keep(asked, () => new Hasher(), host);
    result(id, opened?.files ?? null);
  }

  /**
   * What the GPU is now, and the options to load with there.
   * @param {import("./protocol.js").LoadOptions} options @param {Instance} instance @param {AbortSignal} signal
   */
  async function found(options, { setAdapter }, signal) {
    const { tune, threads: _, ...given } = options;
    const [adapter, before] = given.device === "cpu" ? [null] : await Promise.all([identify(), recall()]);
    const kept = knew(adapter ? before : undefined);
    trace("adapter", adapter?.trace ?? null);
    if (adapter) setAdapter(JSON.stringify(adapter.identity));
    if (signal.aborted) throw stopped();
    // what wgpu says of a missing adapter is for programmers, so it is not asked
    const why = withoutGpu(given.device, adapter?.identity);
    if (why && given.device === "gpu") {
      throw Object.assign(new Error(`${why}: use a browser that has it, or run on the CPU`), { code: "no-webgpu" });
    }
    const software = Boolean(adapter?.identity.fallback) && !why;
    // what an emulated GPU does best is of no use to anyone
    return { why, software, tune: tune ?? !software, options: JSON.stringify(why ? { ...given, device: "cpu" } : { ...given, verdicts: kept }) };
  }

  /** What is known of the model. @param {string} why Why it does not run on the GPU. @returns {import("./protocol.js").Info} */
  function known(why) {
    const info = JSON.parse(/** @type {Model} */ (model).info());
    if (why) info.deviceReason = why;
    told(info.selfTest);
    return info;
  }

  /** To whom the module reports while it loads. @param {number} id @param {AbortSignal} signal @param {number} [patience] @param {number} [threads] */
  function hostOf(id, signal, patience, threads) {
    return {
      signal,
      patience,
      ...crews(alone, threads),
      /** @param {string} phase @param {number} done @param {number} total */
      progress(phase, done, total) {
        say({ type: "progress", id, phase, done, total });
        return !signal.aborted;
      },
      /** @param {string} code @param {string} message */
      warn(code, message) {
        say({ type: "warning", id, code, message });
      },
    };
  }

  /** @param {import("./protocol.js").Load} order @param {Instance} instance @param {AbortSignal} signal */
  async function load({ id, source, options, patience }, instance, signal) {
    const { why, software, tune, options: there } = await found(options, instance, signal);
    if (software) say({ type: "warning", id, code: "software-gpu", message: "the only GPU here is emulated in software, so this is slow" });
    model = await instance.Model.load(source, there, hostOf(id, signal, patience, options.threads));
    if (signal.aborted) {
      model.free();
      model = undefined;
      throw stopped();
    }
    from = { source, options, patience, tune };
    await learned(model);
    const info = known(why);
    cold = info.device === "gpu";
    if (info.template?.chosen) {
      const message = `the files carry no chat template: the prompt format ${info.template.name} is used, because ${info.template.reason}; the option template names another`;
      say({ type: "warning", id, code: "template-chosen", message });
    }
    result(id, info);
  }

  /** @param {import("./protocol.js").FitOrder} order @param {Instance} instance @param {AbortSignal} signal */
  async function fitted({ id, source, options, patience }, { fit }, signal) {
    const host = { ...hostOf(id, signal, patience), progress: () => !signal.aborted, warn: () => {} };
    result(id, JSON.parse(await fit(source, JSON.stringify(options), host)));
  }

  /**
   * What is asked of the model in one order: when the GPU is lost meanwhile, the model is brought onto the next one, and it is
   * asked again.
   * @param {number} id @param {AbortSignal} signal @returns {<T>(ask: () => Promise<T>) => Promise<T>}
   */
  function lasting(id, signal) {
    let lost = 0;
    return async function last(ask) {
      try {
        return await ask();
      } catch (error) {
        let cause = /** @type {any} */ (error);
        for (;;) {
          // what is asked of a GPU that is lost may fail before that is known
          if (cause.code === "internal" && (await gone())) cause = coded("device-lost", cause.message);
          if (cause.code !== "device-lost" || !from || !instance) throw cause;
          if (++lost > TRIES) throw coded("device-lost", `${cause.message}: the GPU was lost ${lost} times, so it was not tried again`);
          say({ type: "warning", id, code: "device-lost", message: `the GPU was lost (${cause.message}): the model is brought onto it again, try ${lost} of ${TRIES}` });
          try {
            await revive(id, from, instance, signal);
            break;
          } catch (again) {
            const { code } = /** @type {any} */ (again);
            if (code === "no-webgpu") throw coded("device-lost", `${cause.message}: the browser does not give its GPU back: start it again, or run on the CPU`);
            cause = again;
          }
        }
        return last(ask);
      }
    };
  }

  /** @param {number} id @param {Loaded} from @param {Instance} instance @param {AbortSignal} signal */
  async function revive(id, from, instance, signal) {
    // a browser whose GPU process ended has none for a moment
    const since = performance.now();
    while (!signal.aborted && performance.now() - since < GONE_MS && !(await identify())) await new Promise((go) => setTimeout(go, LOOK_MS));
    // a GPU may be lost by its driver being replaced, which nothing tells of, so what was known of it is looked at again
    await forget();
    const { why, options } = await found(from.options, instance, signal);
    const it = /** @type {Model} */ (model);
    await it.revive(from.source, options, hostOf(id, signal, from.patience, from.options.threads));
    await relearned(it);
    const info = known(why);
    cold = info.device === "gpu" && !lostAhead;
    trace("revived", { device: info.device, adapter: info.adapter });
    say({ type: "moved", id, info });
  }

  /** @param {import("./protocol.js").Generate} order @param {Model} model @param {AbortSignal} signal */
  async function generate({ id, prompt, request }, model, signal) {
    model.begin(ids(prompt, model), JSON.stringify(request));
    const last = lasting(id, signal);
    for (;;) {
      await breathe();
      while (paused && !signal.aborted) await new Promise((/** @type {(value: void) => void} */ go) => paused?.add(go));
      if (signal.aborted) {
        model.stop();
        return end("abort", "");
      }
      /** @type {any} */
      let event;
      try {
        event = await last(() => model.next());
      } catch (error) {
        if (!signal.aborted) throw error;
        // it was stopped while it waited for another GPU
        model.stop();
        return end("abort", "");
      }
      if (event.type === "end") return end(event.reason, event.text);
      if (event.type === "prefill") say({ type: "prefill", id, done: event.done, total: event.total });
      else say({ type: "token", id, token: event.id, text: event.text });
    }

    /** @param {import("./protocol.js").Finish} reason @param {string} text */
    function end(reason, text) {
      say({ type: "end", id, reason, text, stats: JSON.parse(model.stats()), heapBytes: heap() });
    }
  }

  /** @param {import("./protocol.js").Prompt} prompt @param {Model} model @returns {Uint32Array} */
  function ids(prompt, model) {
    if ("ids" in prompt) return prompt.ids;
    if ("text" in prompt) return model.encodePrompt(prompt.text);
    return model.conversation(JSON.stringify(prompt.messages), localSeconds());
  }
}

function stopped() {
  return Object.assign(new Error("stopped by the caller"), { code: "aborted" });
}

/** Chat templates mean the user's date, not that of Greenwich. */
function localSeconds() {
  const now = new Date();
  return Math.floor(now.getTime() / 1000) - now.getTimezoneOffset() * 60;
}

function absent() {
  return Object.assign(new Error("there is no model: it failed or was unloaded"), { code: "internal" });
}

/** @param {unknown} thrown @param {string} [panic] The words of a panic, whatever was thrown after it. */
function failure(thrown, panic) {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const code = /** @type {any} */ (error).code;
  // an error may be more than a message can carry
  const cause = error.cause === undefined ? undefined : String(error.cause);
  if (typeof code === "string") return { code, message: error.message, cause, fatal: false };
  const message = `internal error: ${panic || error.message}; please report it`;
  // a wrong argument is refused before the module runs: only a trap ends it
  return { code: "internal", message, cause, fatal: Boolean(panic) || error instanceof WebAssembly.RuntimeError };
}

if (alone && helps) help(glue);
else if (alone) {
  const port = /** @type {any} */ (globalThis);
  watch((sent) => port.postMessage({ type: "request", sent }));
  serve(port);
}
