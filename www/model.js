// A loaded model: the surface of the contract over orders to its worker.

import { chatDress, chatRequest, completionDress, completionRequest, embeddingsRequest, ids, tokensRequest, usageOf } from "./openai.js";
import { NomoatError } from "./protocol.js";

/** @typedef {import("./engine.js").Engine} Engine */
/** @typedef {import("./protocol.js").Info} Info @typedef {import("./protocol.js").Stats} Stats */
/** @typedef {import("./protocol.js").Finish} Finish @typedef {import("./openai.js").Asked} Asked */

/** @param {string} name @param {unknown} [detail] */
export function mark(name, detail) {
  performance.mark(`nomoat:${name}`, { detail });
}

/** @typedef {ReturnType<typeof modelOf>} Model */

/**
 * @param {Engine} engine @param {Info} info @param {NomoatError[]} warnings
 * @param {(reply: any) => void} hear What is told of a load, which a lost GPU makes anew.
 */
export function modelOf(engine, info, warnings, hear) {
  /** @type {Stats | undefined} */
  let stats;

  /** @param {any} reply */
  function heard(reply) {
    if (reply.type === "moved") {
      const { device, deviceReason, adapter, selfTest, gpuBytes, cpuBytes } = /** @type {Info} */ (reply.info);
      Object.assign(info, { device, deviceReason, adapter, selfTest, gpuBytes, cpuBytes });
    } else hear(reply);
  }
  engine.onTuned = ({ selfTest }) => Object.assign(info, { selfTest });

  /**
   * @param {Asked} asked @param {(text: string, token: number | null) => void} [part]
   * @returns {Promise<{ reason: Finish, text: string, stats: Stats }>}
   */
  async function generate({ prompt, request, signal }, part) {
    mark("request");
    let count = 0;
    const end = await engine.send({ type: "generate", prompt, request }, signal, (reply) => {
      if (reply.type !== "token") return heard(reply);
      if (!count++) mark("first-token");
      part?.(reply.text, reply.token);
    });
    if (end.text) part?.(end.text, null);
    // what came after a stop was given to nobody
    if (end.reason === "abort") end.stats.generatedTokens = count;
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
      /** @param {Record<string, any>} body */
      async create(body) {
        if (!info.embeds) {
          throw new NomoatError("unsupported-architecture", `${info.name} (${info.family}) writes text; it makes no embeddings`);
        }
        const { input, signal } = embeddingsRequest(body);
        const { rows, tokens } = (await engine.send({ type: "embed", input }, signal, heard)).value;
        return {
          object: "list",
          data: rows.map((/** @type {Float32Array} */ row, /** @type {number} */ index) => ({ object: "embedding", index, embedding: Array.from(row) })),
          model: info.name,
          usage: { prompt_tokens: tokens, total_tokens: tokens },
        };
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
     * Logits after `prompt`: one row, or with `all` a row for each id; of the decoder's ids where an encoder reads the prompt.
     * @param {ArrayLike<number>} prompt @param {{ all?: boolean, decoderTokens?: ArrayLike<number>, signal?: AbortSignal }} [options]
     * @returns {Promise<Float32Array[]>}
     */
    async logits(prompt, { all = false, decoderTokens = [], signal, ...rest } = {}) {
      for (const name in rest) throw new NomoatError("unsupported-field", `the field ${name} is not supported`);
      return (await engine.send({ type: "logits", ids: ids(prompt, "ids"), decoder: ids(decoderTokens, "decoderTokens"), all }, signal, heard)).value;
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
