// The shapes of OpenAI's API: fields of a request checked and translated, answers dressed. A field that is not
// understood is an error, never ignored.

import { NomoatError } from "./protocol.js";

/** @typedef {import("./protocol.js").Request} Request @typedef {import("./protocol.js").Prompt} Prompt */
/** @typedef {import("./protocol.js").Finish} Finish @typedef {import("./protocol.js").Stats} Stats */

/**
 * @typedef {object} Asked A request as the worker takes it, and how the caller wants the answer.
 * @property {Prompt} prompt
 * @property {Request} request
 * @property {boolean} stream
 * @property {boolean} usage Whether a stream ends in a chunk with the usage.
 * @property {AbortSignal} [signal]
 */

/** @param {string} field @param {string} [why] */
function unsupported(field, why) {
  return new NomoatError("unsupported-field", `the field ${field} is not supported${why ? `: ${why}` : ""}`);
}

/** @param {string} field @param {string} expected @param {unknown} found */
function wrong(field, expected, found) {
  const shown = typeof found === "object" ? JSON.stringify(found) : String(found);
  return new NomoatError("unsupported-field", `${field}: expected ${expected}, found ${shown?.slice(0, 80)}`);
}

/** @typedef {(value: any, field: string) => any} Check */

/** @type {Check} */
const number = (value, field) => {
  if (typeof value !== "number" || !Number.isFinite(value)) throw wrong(field, "a number", value);
  return value;
};
/** @param {number} least @returns {Check} */
const integer = (least) => (value, field) => {
  if (!Number.isSafeInteger(value) || value < least) throw wrong(field, `a whole number from ${least}`, value);
  return value;
};
/** @type {Check} */
const flag = (value, field) => {
  if (typeof value !== "boolean") throw wrong(field, "true or false", value);
  return value;
};
/** @type {Check} */
const stops = (value, field) => {
  const all = Array.isArray(value) ? value : [value];
  for (const text of all) if (typeof text !== "string" || !text) throw wrong(field, "a text or several", value);
  return all;
};
/** @type {Check} */
const bias = (value, field) => {
  if (typeof value !== "object") throw wrong(field, "an object of numbers by token id", value);
  return Object.entries(value).map(([id, add]) => [
    integer(0)(Number(id), `${field} (token id)`),
    number(add, `${field}[${id}]`),
  ]);
};

/** Names of the contract's fields, in both spellings, and what they must be. @type {[string, keyof Request, Check][]} */
const SAMPLING = [
  ["temperature", "temperature", number],
  ["top_k", "topK", integer(0)],
  ["top_p", "topP", number],
  ["min_p", "minP", number],
  ["repetition_penalty", "repetitionPenalty", number],
  ["presence_penalty", "presencePenalty", number],
  ["frequency_penalty", "frequencyPenalty", number],
  ["logit_bias", "logitBias", bias],
  ["seed", "seed", integer(0)],
  ["stop", "stop", stops],
];

/** A seed for requests that name none. */
const chance = () => crypto.getRandomValues(new Uint32Array(1))[0];

/**
 * Takes fields out of `given`, by `names`; what stays is unknown.
 * @param {Record<string, any>} given @param {[string, keyof Request, Check][]} names @returns {Request}
 */
function take(given, names) {
  /** @type {Request} */
  const request = { seed: chance() };
  for (const [name, key, check] of names) {
    const value = given[name];
    delete given[name];
    if (value !== undefined && value !== null) /** @type {any} */ (request)[key] = check(value, name);
  }
  return request;
}

/**
 * @param {Record<string, any>} given What is left of a request once its own fields are out of it.
 * @param {Prompt} prompt @returns {Asked}
 */
function asked(given, prompt) {
  const { signal, stream, stream_options: options, model, n, max_tokens: most, ...rest } = given;
  const request = take(rest, SAMPLING);
  if (most !== undefined && most !== null) request.maxTokens = integer(0)(most, "max_tokens");
  if (model !== undefined && typeof model !== "string") throw wrong("model", "a name", model);
  if (n !== undefined && n !== null && n !== 1) throw unsupported("n", "one answer at a time");
  const { include_usage: usage, ...others } = options ?? {};
  none(others, "stream_options.");
  none(rest);
  return {
    prompt,
    request,
    signal: signal ?? undefined,
    stream: stream == null ? false : flag(stream, "stream"),
    usage: usage == null ? false : flag(usage, "stream_options.include_usage"),
  };
}

/** @param {Record<string, any>} rest @param {string} [before] */
function none(rest, before = "") {
  for (const [name, value] of Object.entries(rest)) if (value !== undefined) throw unsupported(before + name);
}

/** @param {Record<string, any>} body @returns {Asked} */
export function chatRequest(body) {
  const { messages, max_completion_tokens: most, response_format: format, ...rest } = { ...body };
  if (most !== undefined && most !== null) rest.max_tokens = most;
  if (format != null && format.type !== "text") throw unsupported("response_format", "only text for now");
  if (!Array.isArray(messages) || !messages.length) throw wrong("messages", "a list of messages", messages);
  return asked(rest, { messages: messages.map(message) });
}

/** @param {any} given @param {number} at */
function message(given, at) {
  const field = `messages[${at}]`;
  if (typeof given?.role !== "string") throw wrong(`${field}.role`, "a role", given?.role);
  const { content } = given;
  if (content == null || typeof content === "string") return { ...given, content: content ?? "" };
  if (!Array.isArray(content)) throw wrong(`${field}.content`, "a text or a list of parts", content);
  const texts = content.map((part, i) => {
    if (part?.type !== "text") throw unsupported(`${field}.content[${i}]`, `this model reads text, not ${part?.type}`);
    if (typeof part.text !== "string") throw wrong(`${field}.content[${i}].text`, "a text", part.text);
    return part.text;
  });
  return { ...given, content: texts.join("") };
}

/** @param {Record<string, any>} body @returns {Asked} */
export function completionRequest(body) {
  const { prompt, echo, best_of: best, ...rest } = { ...body };
  if (echo) throw unsupported("echo");
  if (best != null && best !== 1) throw unsupported("best_of");
  if (typeof prompt === "string") return asked(rest, { text: prompt });
  return asked(rest, { ids: ids(prompt, "prompt") });
}

/**
 * The options of `generateTokens`, in this project's own spelling.
 * @param {ArrayLike<number>} prompt @param {Record<string, any>} options @returns {Asked}
 */
export function tokensRequest(prompt, options) {
  const { signal, maxTokens, ignoreEos, decoderTokens, ...rest } = { ...options };
  const names = /** @type {typeof SAMPLING} */ (SAMPLING.map(([, key, check]) => [key, key, check]));
  const request = take(rest, names);
  if (maxTokens != null) request.maxTokens = integer(0)(maxTokens, "maxTokens");
  if (ignoreEos != null) request.ignoreEos = flag(ignoreEos, "ignoreEos");
  if (decoderTokens != null) request.decoderTokens = Array.from(ids(decoderTokens, "decoderTokens"));
  none(rest);
  return { prompt: { ids: ids(prompt, "ids") }, request, signal, stream: false, usage: false };
}

/**
 * What to embed: a text or several, or as lists of token ids.
 * @param {Record<string, any>} body @returns {{ input: (string | Uint32Array)[], signal?: AbortSignal }}
 */
export function embeddingsRequest(body) {
  const { input, model, encoding_format: format, signal, ...rest } = { ...body };
  if (format != null && format !== "float") throw unsupported("encoding_format", "only float");
  none(rest);
  const several = Array.isArray(input) && typeof input[0] !== "number";
  const all = several ? input : [input];
  if (!all.length) throw wrong("input", "a text or several", input);
  return { input: all.map((/** @type {any} */ each) => (typeof each === "string" ? each : ids(each, "input"))), signal };
}

/** @param {any} value @param {string} field @returns {Uint32Array} */
export function ids(value, field) {
  if (value instanceof Uint32Array) return value.slice();
  if (!Array.isArray(value)) throw wrong(field, "a Uint32Array or a list of token ids", value);
  for (const id of value) if (!Number.isInteger(id) || id < 0 || id > 0xffffffff) throw wrong(field, "token ids", id);
  return Uint32Array.from(value);
}

/** @param {Stats} stats */
export function usageOf({ promptTokens, generatedTokens, reusedTokens }) {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: generatedTokens,
    total_tokens: promptTokens + generatedTokens,
    prompt_tokens_details: { cached_tokens: reusedTokens },
  };
}

/**
 * How an answer is dressed: as of the chat, or as of plain completion.
 * @typedef {object} Dress
 * @property {object | null} first The chunk that a stream begins with.
 * @property {(text: string) => object} part A chunk with new text.
 * @property {(reason: Finish) => object} last The chunk with the reason of the end.
 * @property {(usage: object) => object} usage The chunk with the usage.
 * @property {(text: string, reason: Finish, usage: object) => object} whole The answer in one piece.
 */

/** @param {string} model @returns {Dress} */
export function chatDress(model) {
  const head = headOf("chatcmpl", model);
  /** @param {object} delta @param {Finish | null} reason */
  const chunk = (delta, reason) => ({
    ...head("chat.completion.chunk"),
    choices: [{ index: 0, delta, finish_reason: reason, logprobs: null }],
  });
  return {
    first: chunk({ role: "assistant", content: "" }, null),
    part: (content) => chunk({ content }, null),
    last: (reason) => chunk({}, reason),
    usage: (usage) => ({ ...head("chat.completion.chunk"), choices: [], usage }),
    whole: (content, reason, usage) => ({
      ...head("chat.completion"),
      choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: reason, logprobs: null }],
      usage,
    }),
  };
}

/** @param {string} model @returns {Dress} */
export function completionDress(model) {
  const head = headOf("cmpl", model);
  /** @param {string} text @param {Finish | null} reason */
  const chunk = (text, reason) => ({
    ...head("text_completion"),
    choices: [{ index: 0, text, finish_reason: reason, logprobs: null }],
  });
  return {
    first: null,
    part: (text) => chunk(text, null),
    last: (reason) => chunk("", reason),
    usage: (usage) => ({ ...head("text_completion"), choices: [], usage }),
    whole: (text, reason, usage) => ({ ...chunk(text, reason), usage }),
  };
}

/** @param {string} kind @param {string} model */
function headOf(kind, model) {
  const id = `${kind}-${Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, "0")).join("")}`;
  const created = Math.floor(Date.now() / 1000);
  return (/** @type {string} */ object) => ({ id, object, created, model });
}
