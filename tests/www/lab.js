// What runs inside the page for the tests: models kept open by address and options, goldens compared, streams watched.

import { fit, load as stored, resolve, store } from "/nomoat.js";
import { forget, warmed } from "./adapter.js";
import { breakScopes } from "./broken.js";
import { chosen } from "./folder.js";

export { tuned } from "./adapter.js";
export { alike } from "./alike.js";
export { crew } from "./crew.js";

/** @typedef {import("../../www/engine.js").Model} Model */

/** Loads, and keeps nothing. @type {typeof stored} */
export const load = (source, options) => stored(source, { store: "never", ...options });

/** @type {Map<string, Promise<Model>>} */
const open = new Map();

/** @param {string} source @param {any} [options] @returns {Promise<Model>} A model, loaded once. */
export function model(source, options = {}) {
  const key = JSON.stringify([source, options]);
  let found = open.get(key);
  if (!found) open.set(key, (found = load(source, options)));
  return found;
}

/** Gives all models back. */
export async function leave() {
  for (const [key, promise] of open) {
    open.delete(key);
    await (await promise.catch(() => null))?.unload();
  }
}

/** @param {string} url @returns {Promise<any>} */
export const json = async (url) => (await fetch(url)).json();

/** @param {ArrayLike<number>} a @param {ArrayLike<number>} b */
const same = (a, b) => a.length === b.length && Array.from(a).every((value, i) => value === b[i]);

/** What an error is made of. @param {() => Promise<any>} act */
export async function thrown(act) {
  try {
    return { value: await act(), code: null };
  } catch (error) {
    const { name, code, message } = /** @type {any} */ (error);
    return { name, code, message: String(message) };
  }
}

/** @param {{ source: any, options?: any }} what */
export const loadError = ({ source, options }) =>
  thrown(async () => {
    const made = await load(source, options);
    await made.unload();
    return "loaded";
  });

/** A load and a look ahead whose options are misspelt. @param {string} source */
export const misspelt = async (source) => [
  await thrown(() => load(source, /** @type {any} */ ({ onprogress() {} }))),
  await thrown(() => fit(source, /** @type {any} */ ({ onProgress() {} }))),
  await thrown(() => load(source, /** @type {any} */ ({ template: new Proxy({}, {}) }))),
];

/** The ids of a known greedy text. @param {{ source: string, expected: string, options: any }} what */
export async function story({ source, expected, options }) {
  const made = await model(source, options);
  const golden = await json(expected);
  const want = golden.ids.slice(golden.prompt_ids.length);
  const ids = await made.generateTokens(golden.prompt_ids, { temperature: 0, maxTokens: want.length + 20 });
  return { same: same(ids, want), made: ids.length, want: want.length, info: made.info, stats: made.stats() };
}

/** Goldens of a zoo model: worst errors beyond nothing, and which greedy texts agree. @param {{ source: string, golden: string, options: any }} what */
export async function golden({ source, golden, options }) {
  const made = await load(source, options);
  const { short, long } = await json(golden);
  let [worst, off] = [0, 0];
  /** @param {ArrayLike<number>} row @param {number[]} want */
  const compare = (row, want) => {
    if (row.length !== want.length) worst = Infinity;
    want.forEach((value, i) => {
      off = Math.max(off, Math.abs(row[i] - value));
      const error = Math.abs(row[i] - value) / (1 + Math.abs(value));
      worst = error > worst || Number.isNaN(error) ? error : worst;
    });
  };
  if (short.sentence_embedding) {
    for (const { ids, sentence_embedding: wanted } of [short, long]) {
      const { data } = await made.embeddings.create({ input: [ids] });
      compare(data[0].embedding, wanted);
    }
    await made.unload();
    return { worst, off, wrong: [], greedy: "embedding" };
  }
  for (const { ids, encoder_ids, decoder_ids: decoderTokens, logits, last_logits: last, mid_logits: mid } of [short, long]) {
    const all = await made.logits(ids ?? encoder_ids, { all: true, decoderTokens });
    if (logits && all.length !== logits.length) worst = Infinity;
    logits?.forEach((/** @type {number[]} */ row, /** @type {number} */ i) => compare(all[i], row));
    if (last) compare((await made.logits(ids))[0], last);
    if (mid) compare(all[mid.position], mid.logits);
  }
  /** @type {string[]} */
  const wrong = [];
  let [alike, count] = [0, 0];
  for (const [name, part] of Object.entries({ short, long })) {
    const greedy = part.greedy ?? part.greedy_from_decoder_start;
    const how = { temperature: 0, maxTokens: greedy.length, ignoreEos: true };
    const ids = await made.generateTokens(part.ids ?? part.encoder_ids, how);
    const first = greedy.findIndex((/** @type {number} */ id, /** @type {number} */ i) => id !== ids[i]);
    alike += first < 0 ? greedy.length : first;
    count += greedy.length;
    // where the margin is within the error, either way is right
    if (!same(ids, greedy) && part.greedy_min_margin > 2 * worst) wrong.push(`${name}: ${ids} not ${greedy}`);
  }
  await made.unload();
  return { worst, off, wrong, greedy: `${alike}/${count}` };
}

/** What a model goes on with, or makes of the ids where it embeds. @param {{ source: string, options: any, prompt: number[], count?: number }} what */
export async function went({ source, options, prompt, count }) {
  const made = await load(source, count ? { ...options, contextLength: prompt.length + count } : options);
  try {
    if (!count) return Array.from((await made.embeddings.create({ input: [prompt] })).data[0].embedding);
    return Array.from(await made.generateTokens(prompt, { temperature: 0, maxTokens: count, ignoreEos: true }));
  } finally {
    await made.unload();
  }
}

/** Sampled ids, twice with one seed and once with another. @param {{ source: string, options: any, prompt: number[] }} what */
export async function sampled({ source, options, prompt }) {
  const made = await model(source, options);
  const draw = async (/** @type {number} */ seed) => {
    const ids = await made.generateTokens(prompt, { temperature: 1, topK: 0, topP: 1, minP: 0, seed, maxTokens: 24, ignoreEos: true });
    return [...ids];
  };
  return { one: await draw(7), again: await draw(7), other: await draw(8), stats: made.stats() };
}

/** A conversation in one piece and in a stream. @param {{ source: string, options: any }} what */
export async function chat({ source, options }) {
  const made = await model(source, options);
  const messages = [{ role: "user", content: "Hello there" }];
  const whole = await made.chat.completions.create({ messages, max_tokens: 20, temperature: 0 });
  const chunks = [];
  const body = { messages, max_tokens: 20, temperature: 0, stream: true, stream_options: { include_usage: true } };
  for await (const chunk of await made.chat.completions.create(body)) chunks.push(chunk);
  const parts = [{ role: "user", content: [{ type: "text", text: "Hello " }, { type: "text", text: "there" }] }];
  const inParts = await made.chat.completions.create({ messages: parts, max_completion_tokens: 20, temperature: 0 });
  return { whole, chunks, inParts, prompt: await made.template(messages) };
}

/** Tokens of a prompt, without and with the token that begins a text. @param {{ source: string, options: any, bos: string }} what */
export async function begun({ source, options, bos }) {
  const made = await model(source, options);
  const count = async (/** @type {string} */ prompt) => (await made.completions.create({ prompt, max_tokens: 1 })).usage.prompt_tokens;
  return { plain: (await made.tokenize("Hello")).length, without: await count("Hello"), written: await count(`${bos}Hello`) };
}

/** What a template makes of the date, and the date. @param {{ files: string[], template: string, options: any }} what */
export async function dated({ files, template, options }) {
  const made = await load([...(await Promise.all(files.map(fileOf))), new File([template], "chat_template.jinja")], options);
  const prompt = await made.template([{ role: "user", content: "Hello" }]).finally(made.unload);
  const now = new Date();
  const two = (/** @type {number} */ part) => String(part).padStart(2, "0");
  return { prompt, today: `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}` };
}

/** Which prompt format files get whose name is `named`, what it writes, and what is told. @param {{ files: string[], named: string, options: any }} what */
export async function formatted({ files, named, options }) {
  const config = { ...(await json(/** @type {string} */ (files.find((url) => url.endsWith("/config.json"))))), _name_or_path: named };
  const kept = await Promise.all(files.filter((url) => !url.endsWith("/config.json")).map(fileOf));
  const made = await load([...kept, new File([JSON.stringify(config)], "config.json")], options);
  const messages = [{ role: "user", content: "Hello" }];
  const base = !made.info.chat;
  const prompt = base ? null : await made.template(messages);
  if (!base) await made.chat.completions.create({ messages, max_tokens: 1 });
  const tokens = made.stats()?.promptTokens;
  await made.unload();
  return { prompt, tokens, template: made.info.template, told: made.warnings.filter(({ code }) => code === "template-chosen").map(({ message }) => message) };
}

/** Loads files with one put in by hand, and writes a chat. @param {{ files: string[], name: string, text: string, options: any }} what */
export async function poisoned({ files, name, text, options }) {
  const kept = files.filter((url) => !url.endsWith(`/${name}`));
  return thrown(async () => {
    const made = await load([...(await Promise.all(kept.map(fileOf))), new File([text], name)], options);
    return made.chat.completions.create({ messages: [{ role: "user", content: "Hello" }], max_tokens: 1 }).finally(made.unload);
  });
}

/** Continues a text. @param {{ source: string, options: any, body: any }} what */
export async function complete({ source, options, body }) {
  const made = await model(source, options);
  return thrown(() => made.completions.create(body));
}

/** Stops a stream after some chunks, then asks again. @param {{ source: string, options: any, prompt: string, after: number }} what */
export async function stopped({ source, options, prompt, after }) {
  const made = await model(source, options);
  const stop = new AbortController();
  let before = 0;
  let later = 0;
  let reason = null;
  let text = "";
  let slept = 0;
  const body = { prompt, temperature: 0, stream: true, max_tokens: 400, signal: stop.signal };
  for await (const chunk of await made.completions.create(body)) {
    const [{ text: part, finish_reason: finish }] = chunk.choices;
    reason = finish ?? reason;
    text += part;
    if (!part) continue;
    if (stop.signal.aborted) later += 1;
    else before += 1;
    if (before === after && !stop.signal.aborted) {
      slept = performance.now();
      stop.abort();
    }
  }
  const ms = performance.now() - slept;
  const count = made.stats()?.generatedTokens ?? 0;
  const full = await made.completions.create({ prompt, temperature: 0, max_tokens: 60 });
  return { before, later, ms, reason, count, continues: full.choices[0].text.startsWith(text), text };
}

/** Leaves a stream in its middle, and asks two things at once. @param {{ source: string, options: any, prompt: string }} what */
export async function queued({ source, options, prompt }) {
  const made = await model(source, options);
  for await (const _ of await made.completions.create({ prompt, temperature: 0, stream: true, max_tokens: 400 })) break;
  /** @type {number[]} */
  const order = [];
  const ask = (/** @type {number} */ n) =>
    made.completions.create({ prompt, temperature: 0, max_tokens: 8 }).then((/** @type {any} */ answer) => {
      order.push(n);
      return answer.choices[0].text;
    });
  const stop = new AbortController();
  const [first, second, third] = [ask(1), ask(2), thrown(() => made.completions.create({ prompt, max_tokens: 300, signal: stop.signal }))];
  stop.abort();
  const texts = [await first, await second];
  return { order, same: texts[0] === texts[1], text: texts[0], third: await third };
}

/** Asks for logits: stopped before, and while they are made; then again. @param {{ source: string, options: any }} what */
export async function stoppedLogits({ source, options }) {
  const made = await model(source, options);
  const ids = new Uint32Array(200).fill(5);
  const busy = made.generateTokens([1], { maxTokens: 20, ignoreEos: true });
  const before = await thrown(() => made.logits(ids, { signal: AbortSignal.abort() }));
  const early = await Promise.race([busy.then(() => false), Promise.resolve(true)]);
  await busy;
  const stop = new AbortController();
  const asked = thrown(() => made.logits(ids, { all: true, signal: stop.signal }));
  await new Promise((resolve) => setTimeout(resolve));
  stop.abort();
  const during = await asked;
  const again = await made.logits([1]);
  return { before, early, during, again: again.length };
}

/**
 * Aborts a load under way; `told`: that it was really given up, which is heard only where no worker is ended.
 * @param {{ source: string, options: any, after: number, hear?: boolean }} what
 */
export async function abortedLoad({ source, options, after, hear = false }) {
  let told = false;
  const log = (/** @type {string} */ line) => (told ||= /failed .*"order":"load"/.test(line));
  const stop = new AbortController();
  let at = 0;
  setTimeout(() => {
    at = performance.now();
    stop.abort();
  }, after);
  const error = await thrown(() => load(source, { ...options, log, signal: stop.signal }));
  const ms = performance.now() - at;
  for (let tries = 0; hear && !told && tries < 100; tries++) await new Promise((resolve) => setTimeout(resolve, 20));
  return { code: error.code, ms, told };
}

/** Loads and says what was reported on the way. @param {{ source: any, options: any, files?: string[], prompt: number[] }} what */
export async function watched({ source, options, files, prompt }) {
  /** @type {string[]} */
  const phases = [];
  /** @type {string[]} */
  const lines = [];
  /** @type {[number, number]} */
  let last = [0, 0];
  performance.clearMarks();
  const from = files ? await Promise.all(files.map(fileOf)) : source;
  const started = performance.now();
  const made = await load(from.length === 1 && files ? from[0] : from, {
    ...options,
    log: (line) => lines.push(line),
    onProgress({ phase, done, total }) {
      if (phases.at(-1) !== phase) phases.push(phase);
      if (phase === "weights") last = [done, total];
    },
  });
  const ms = performance.now() - started;
  const ids = [...(await made.generateTokens(prompt, { temperature: 0, maxTokens: 12 }))];
  const marks = performance.getEntriesByType("mark").map((mark) => mark.name);
  const result = { ids, phases, last, ms, info: made.info, warnings: made.warnings.map(({ code }) => code), lines, marks, stats: made.stats() };
  await made.unload();
  const after = await thrown(() => made.generateTokens(prompt, { maxTokens: 1 }));
  return { ...result, after: after.code };
}

/** A file as a user would choose it. @param {string} url */
async function fileOf(url) {
  const blob = await (await fetch(url)).blob();
  return new File([blob], decodeURIComponent(url.split("/").at(-1) ?? ""));
}

/** Requests that must be refused, by name. @param {{ source: string, options: any }} what */
export async function refused({ source, options }) {
  const made = await model(source, options);
  const base = { prompt: "Once", max_tokens: 4 };
  /** @type {Record<string, () => Promise<any>>} */
  const acts = {
    unknown: () => made.completions.create({ ...base, frobnicate: 1 }),
    tools: () => made.completions.create({ ...base, tools: [] }),
    n: () => made.completions.create({ ...base, n: 2 }),
    temperature: () => made.completions.create({ ...base, temperature: -1 }),
    "temperature text": () => made.completions.create({ ...base, temperature: "hot" }),
    top_p: () => made.completions.create({ ...base, top_p: 1.5 }),
    seed: () => made.completions.create({ ...base, seed: 1.5 }),
    bias: () => made.completions.create({ ...base, logit_bias: { x: 1 } }),
    decoderTokens: () => made.generateTokens([1], { decoderTokens: [0] }),
    "chat of a base model": () => made.chat.completions.create({ messages: [{ role: "user", content: "x" }] }),
    "no messages": () => made.chat.completions.create({ messages: [] }),
    "what no worker can be given": () => made.chat.completions.create({ messages: [{ role: "assistant", content: "x", tool_calls: new Proxy([], {}) }] }),
    image: () => made.chat.completions.create({ messages: [{ role: "user", content: [{ type: "image_url" }] }] }),
    "no ids": () => made.generateTokens([], { maxTokens: 1 }),
    "id outside": () => made.generateTokens([1 << 20], { maxTokens: 1 }),
    embeddings: () => made.embeddings.create({ input: "x" }),
    "too long": () => made.generateTokens(new Uint32Array(100000).fill(1), { maxTokens: 1 }),
  };
  /** @type {Record<string, string | null>} */
  const codes = {};
  for (const [name, act] of Object.entries(acts)) codes[name] = (await thrown(act)).code;
  // and it still works
  codes.after = (await thrown(() => made.completions.create({ ...base, n: 1, model: "any", logprobs: undefined }))).code;
  return codes;
}

/**
 * The largest difference of an embedding from its golden, and what else there is to an answer.
 * @param {{ source: string, options: any, golden: string, text: string, names?: string[] }} what `names`: these files of the source, as a folder.
 */
export async function embedded({ source, options, golden, text, names }) {
  const made = await load(names ? await chosen(source, names) : source, options);
  const { ids, sentence_embedding: wanted } = (await json(golden)).short;
  const { data, usage } = await made.embeddings.create({ input: [ids, text] });
  const off = Math.max(...wanted.map((/** @type {number} */ value, /** @type {number} */ i) => Math.abs(value - data[0].embedding[i])));
  const alone = await made.embeddings.create({ input: text });
  const { code } = await thrown(() => made.generateTokens(ids, { maxTokens: 1 }));
  await made.unload();
  return { off, count: data.length, same: same(alone.data[0].embedding, data[1].embedding), tokens: usage.total_tokens, known: ids.length, code };
}

/** Embeddings of texts. @param {{ source: string, options: any, texts: string[] }} what @returns {Promise<number[][]>} */
export async function meanings({ source, options, texts }) {
  const made = await load(source, options);
  const { data } = await made.embeddings.create({ input: texts });
  await made.unload();
  return data.map((/** @type {{ embedding: number[] }} */ { embedding }) => Array.from(embedding));
}

/** The tokenizer's goldens. @param {{ source: string, options: any, golden: string }} what */
export async function tokens({ source, options, golden }) {
  const made = await model(source, options);
  const { cases, chat } = await json(golden);
  /** @type {string[]} */
  const wrong = [];
  for (const { text, ids, ids_no_special: plain, decoded } of cases) {
    if (!same(await made.tokenize(text, { special: true }), ids)) wrong.push(`special ${text}`);
    if (!same(await made.tokenize(text), plain)) wrong.push(`plain ${text}`);
    if ((await made.detokenize(plain)) !== decoded) wrong.push(`decoded ${text}`);
  }
  if (chat && (await made.template(chat.messages)) !== chat.rendered) wrong.push("chat");
  return { wrong, count: cases.length };
}

/** Ends: length, stop strings, context. @param {{ source: string, options: any, prompt: string }} what */
export async function ends({ source, options, prompt }) {
  const made = await model(source, options);
  const ask = async (/** @type {object} */ more) => {
    const { choices, usage } = await made.completions.create({ prompt, temperature: 0, ...more });
    return { text: choices[0].text, reason: choices[0].finish_reason, usage };
  };
  const length = await ask({ max_tokens: 16 });
  const word = length.text.trim().split(/\s+/)[3];
  const stop = await ask({ max_tokens: 16, stop: word });
  const none = await ask({ max_tokens: 0 });
  const noIds = await made.generateTokens([1], { maxTokens: 0 });
  const short = await load(source, { ...options, contextLength: 24 });
  const answer = await short.completions.create({ prompt, temperature: 0 });
  const context = { reason: answer.choices[0].finish_reason, usage: answer.usage };
  await short.unload();
  const start = await made.tokenize(prompt, { special: true });
  const greedy = { temperature: 0, maxTokens: 1 };
  const [first] = await made.generateTokens(start, greedy);
  const [second] = await made.generateTokens(start, { ...greedy, logitBias: { [first]: -100 } });
  const banned = first !== second;
  return { length, stop, word, none, noIds: noIds.length, context, banned };
}

/** A big file: how it loads and how much memory it takes. @param {{ source: any, options: any, files?: string[], tokens: number }} what */
export async function big({ source, options, files, tokens }) {
  const from = files ? await fileOf(files[0]) : source;
  let peak = 0;
  const started = performance.now();
  const made = await load(from, { ...options, onProgress: ({ bytesPerSecond }) => (peak = Math.max(peak, bytesPerSecond)) });
  const seconds = (performance.now() - started) / 1000;
  const ids = await made.generateTokens([1, 2, 3], { temperature: 0, maxTokens: tokens, ignoreEos: true });
  const result = { seconds, made: ids.length, info: made.info, stats: made.stats(), warnings: made.warnings.map(({ code }) => code) };
  await made.unload();
  return result;
}

/** Loads a file that must not load, or not answer. @param {{ source: string, options: any }} what */
export async function hostile({ source, options }) {
  let heap = 0;
  const log = (/** @type {string} */ line) => {
    const bytes = /"heapBytes":(\d+)/.exec(line);
    if (bytes) heap = Number(bytes[1]);
  };
  const { code, message } = await thrown(async () => {
    const made = await load(source, { ...options, log });
    await made.unload();
  });
  return { code, message, heap };
}

/** A worker of a browser that has WebGPU, but not in workers. */
class Blind extends EventTarget {
  constructor() {
    super();
    queueMicrotask(() => this.dispatchEvent(new MessageEvent("message", { data: { type: "hello", webgpu: false } })));
  }
  postMessage() {}
  terminate() {}
}

/** @param {any} worker @param {() => Promise<any>} act */
async function withWorker(worker, act) {
  const Real = globalThis.Worker;
  globalThis.Worker = worker;
  try {
    return await act();
  } finally {
    globalThis.Worker = Real;
  }
}

/** Does `then` as a browser that has WebGPU, but not in workers. @param {{ then: "watched" | "stopped" | "abortedLoad" | "warmed", argument: any }} what */
export async function onPage({ then, argument }) {
  try {
    return await withWorker(Blind, () => ({ watched, stopped, abortedLoad, warmed })[then](argument));
  } finally {
    if (then === "stopped") await leave();
  }
}

/**
 * Loads and writes on a GPU with odd error scopes or wrong kernels, then on a sound one.
 * @param {{ where: "worker" | "page", how: any, source: string, options: any }} what
 */
export async function broken({ where, how, source, options }) {
  const ask = () =>
    thrown(async () => {
      await forget();
      const made = await load(source, options);
      const ids = await made.generateTokens([1, 2, 3], { maxTokens: 8, temperature: 0 }).finally(made.unload);
      return { ids: [...ids], device: made.info.device, selfTest: made.info.selfTest };
    });
  if (where === "page") {
    return withWorker(Blind, async () => {
      const mend = breakScopes(how);
      const first = await ask().finally(mend);
      return { first, again: await ask() };
    });
  }
  const Real = globalThis.Worker;
  const odd = class {
    /** @param {URL} _ @param {WorkerOptions} settings */
    constructor(_, settings) {
      return new Real(`/lab/broken.js?how=${how}`, settings);
    }
  };
  return { first: await withWorker(odd, ask), again: await ask() };
}

/**
 * What comes of a model on a GPU that has no memory for buffer number 0, 1, … in steps, until one is never asked for.
 * @param {{ source: string, options: any, step: number }} what
 */
export async function filling({ source, options, step }) {
  const Real = globalThis.Worker;
  const ask = async (/** @type {number} */ which) => {
    const odd = class {
      /** @param {URL} _ @param {WorkerOptions} settings */
      constructor(_, settings) {
        return new Real(`/lab/broken.js?how=full${which}`, settings);
      }
    };
    let [asked, outside] = [0, ""];
    const log = (/** @type {string} */ line) => {
      asked = Number(/buffers (\d+)$/.exec(line)?.[1] ?? asked);
      outside ||= line.includes("outside of all scopes") ? line : "";
    };
    const { code, message, value } = await withWorker(odd, () =>
      thrown(async () => {
        const made = await load(source, { ...options, log });
        return await made.generateTokens([1, 2, 3], { maxTokens: 8, temperature: 0 }).finally(made.unload);
      }),
    );
    return { which, code, message, ids: value && [...value], asked, outside };
  };
  const rows = [];
  for (let which = 0; ; which += step) {
    const row = await ask(which);
    rows.push(row);
    if (row.ids && row.asked <= which) return rows;
  }
}

/**
 * Asks the same of a model whose GPU is sound, and of one whose GPU is lost after some of the tokens.
 * @param {{ source: string, options: any, prompt: number[], maxTokens: number, at: number[][] }} what
 */
export async function losing({ source, options, prompt, maxTokens, at }) {
  const ask = async () => {
    const made = await load(source, options);
    const ids = await thrown(() => made.generateTokens(prompt, { temperature: 0, maxTokens, ignoreEos: true }));
    const lost = made.warnings.filter(({ code }) => code === "device-lost").length;
    await made.unload();
    return { ids: ids.value && [...ids.value], code: ids.code, message: ids.message, lost };
  };
  const sound = await ask();
  const Real = globalThis.Worker;
  const rows = [];
  for (const moments of at) {
    const odd = class {
      /** @param {URL} _ @param {WorkerOptions} settings */
      constructor(_, settings) {
        return new Real(`/lab/losing.js?at=${moments}`, settings);
      }
    };
    rows.push({ moments, ...(await withWorker(odd, ask)) });
  }
  return { sound, rows };
}

/** Begins to write, and answers what the page asks of it later. @type {Promise<any> | undefined} */
let underWay;
/** @param {{ source: string, options: any, prompt: number[], maxTokens: number }} what */
export async function begin({ source, options, prompt, maxTokens }) {
  const made = await load(source, options);
  underWay = thrown(() => made.generateTokens(prompt, { temperature: 0, maxTokens, ignoreEos: true })).then(async (answer) => {
    const lost = made.warnings.filter(({ code }) => code === "device-lost").length;
    const { device } = made.info;
    await made.unload();
    return { ...answer, ids: answer.value && [...answer.value], value: undefined, lost, device };
  });
}

/** What became of it. */
export const ended = () => underWay;

/** What a hub lists. @param {{ reference: string, how: any }} what */
export const listed = ({ reference, how }) => thrown(() => resolve(reference, how));

/** What is foretold of a model. @param {{ source: any, settings: any, patience?: number }} what */
export const foretold = ({ source, settings, patience }) =>
  thrown(() => fit(source, patience ? { ...settings, signal: AbortSignal.timeout(patience) } : settings));

/** What was foretold and what it took. @param {{ source: any, files?: string[], options: any, hub?: string }} what */
export async function foretoldAndTaken({ source, files, options, hub }) {
  const from = files ? await Promise.all(files.map(fileOf)) : source;
  const told = await fit(from, { ...options, hub });
  const made = await load(from, { ...options, hub });
  const { info } = made;
  await made.unload();
  return { told, info };
}

/** What the store keeps of a source, which is then removed. @param {string} source */
export async function kept(source) {
  const found = (await store.list()).filter((entry) => entry.source === source);
  for (const { key } of found) await store.remove(key);
  return found;
}
