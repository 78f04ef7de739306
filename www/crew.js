// Workers beside the one that runs a model on the CPU, which multiply rows of its weights: their beginning, and what they do.
// They share no memory, so any page may have them.

/** @typedef {import("./pkg/nomoat.js").Part} Part */

/** What waits for an answer. @typedef {{ done: (values: Float32Array) => void, fail: (error: Error) => void }} Waiting */

/** Terms of a product that takes about twice as long as two messages and waking the other side: 150 µs here. */
const WORTH = 4_000_000;
/** Values of a model that is worth having others: of fewer a token takes two milliseconds. */
const LEAST = 32_000_000;
/** What a worker may take to begin; a model does without one that does not. */
const STARTING_MS = 5000;
/** What such a worker is called; it runs the same code. */
const NAME = "nomoat part";

/** Whether this thread is called so. */
export const helps = /** @type {any} */ (globalThis).name === NAME;

/** All there are. @type {Set<Worker>} */
const all = new Set();

/** Ends them, when nobody can ask them any more. */
export const dismiss = () => ended([...all]);

/**
 * What a load is told of them.
 * @param {boolean} able Whether this thread may have workers at all. @param {number} [threads] As many, this one included.
 */
export function crews(able, threads = 1) {
  return {
    worth: WORTH,
    least: LEAST,
    /** @param {WebAssembly.Module} module @param {boolean} exact @param {string} products */
    async crew(module, exact, products) {
      if (!able || threads < 2 || typeof Worker === "undefined") return;
      /** @type {Worker[]} */
      const workers = [];
      try {
        while (workers.length < threads - 1) workers.push(start());
        await Promise.all(workers.map((worker) => ready(worker, { module, exact, products })));
        return crew(workers);
      } catch {
        // the model runs without
        ended(workers);
      }
    },
  };
}

/** The one address that a part is started from: this worker's own. @type {any} */
let address;

function start() {
  const { href, protocol } = globalThis.location;
  // where a page trusts no addresses, a worker of a blob does not either
  const { trustedTypes } = /** @type {any} */ (globalThis);
  const createScriptURL = (/** @type {string} */ asked) => {
    if (asked !== href) throw new TypeError("nomoat starts its own worker only");
    return asked;
  };
  address ??= trustedTypes?.createPolicy("nomoat", { createScriptURL }).createScriptURL(href) ?? href;
  const worker = new Worker(address, { type: protocol === "blob:" ? "classic" : "module", name: NAME });
  all.add(worker);
  return worker;
}

/** @param {Worker} worker @param {object} what @returns {Promise<void>} */
function ready(worker, what) {
  return new Promise((done, fail) => {
    setTimeout(fail, STARTING_MS);
    worker.onmessage = ({ data }) => (data.failed === undefined ? done() : fail());
    worker.onerror = (event) => {
      event.preventDefault();
      fail();
    };
    worker.postMessage(what);
  });
}

/** @param {Worker[]} workers */
function ended(workers) {
  for (const worker of workers) {
    worker.terminate();
    all.delete(worker);
  }
}

/** @param {Worker[]} workers */
function crew(workers) {
  /** @type {Waiting[][]} */
  const waiting = workers.map(() => []);
  /** Of each, what it ended of. @type {Error[]} */
  const over = [];
  for (const [n, worker] of workers.entries()) {
    worker.onmessage = ({ data }) => {
      const next = waiting[n].shift();
      if (data.failed === undefined) next?.done(data);
      else next?.fail(new Error(data.failed));
    };
    /** @param {any} event */
    const broke = (event) => {
      event.preventDefault();
      over[n] = new Error(event.message);
      ended([worker]);
      for (const { fail } of waiting[n].splice(0)) fail(over[n]);
    };
    worker.onerror = broke;
    worker.onmessageerror = broke;
  }
  /** Calls something of a part with copies. @param {number} n @param {"reserve" | "fill" | "multiply"} verb @param {any[]} given */
  const tell = (n, verb, ...given) => {
    const copies = given.map((each) => (ArrayBuffer.isView(each) ? /** @type {Uint8Array} */ (each).slice() : each));
    workers[n].postMessage({ verb, given: copies }, copies.filter((each) => ArrayBuffer.isView(each)).map(({ buffer }) => buffer));
  };
  return {
    count: workers.length,
    /** @param {number} n @param {any[]} given */
    reserve: (n, ...given) => tell(n, "reserve", ...given),
    /** @param {number} n @param {any[]} given */
    fill: (n, ...given) => tell(n, "fill", ...given),
    /** @param {number} n @param {any[]} given @returns {Promise<Float32Array>} */
    multiply: (n, ...given) =>
      new Promise((done, fail) => {
        if (over[n]) return fail(over[n]);
        waiting[n].push({ done, fail });
        tell(n, "multiply", ...given);
      }),
    end: () => ended(workers),
  };
}

/** Does what it is told, as one of them. @param {typeof import("./pkg/nomoat.js")} glue */
export function help(glue) {
  const port = /** @type {any} */ (globalThis);
  /** What went wrong since the last answer. @type {string | undefined} */
  let failed;
  let trapped = false;
  port.onmessage = async (/** @type {MessageEvent} */ { data: { module, exact, products } }) => {
    try {
      await glue.default({ module_or_path: module });
      const part = /** @type {any} */ (new glue.Part(exact, products));
      port.onmessage = (/** @type {MessageEvent} */ { data: { verb, given } }) => {
        let made;
        try {
          // after a trap the module must not be called
          if (!trapped) made = part[verb](...given);
        } catch (error) {
          const { message, constructor } = /** @type {Error} */ (error);
          failed ??= message;
          trapped = constructor !== Error;
        }
        if (verb !== "multiply") return;
        if (failed === undefined) port.postMessage(made, [made.buffer]);
        else port.postMessage({ failed });
        if (!trapped) failed = undefined;
      };
      port.postMessage({});
    } catch (error) {
      port.postMessage({ failed: String(error) });
    }
  };
}
