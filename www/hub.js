// References to a model hub: read, looked up, pinned to a commit, and the variant chosen that suits engine and budget.

import { READABLE } from "./pkg/formats.js";
import { NomoatError } from "./protocol.js";

/** @typedef {import("./protocol.js").RemoteFile} RemoteFile */

/**
 * @typedef {{ repo: string, label?: string, file?: string, revision?: string }} Reference
 *
 * @typedef {object} Variant One way in which a repository has its model.
 * @property {string} label `Q8_0`, `BF16` …, as the files are called; `safetensors` for the published form.
 * @property {number} bytes
 * @property {boolean} readable Whether the engine reads its block formats, as far as the label tells.
 * @property {RemoteFile[]} files
 *
 * @typedef {object} Found
 * @property {string} id `owner/name`.
 * @property {string} address The repository's page.
 * @property {string} revision The commit that the files are pinned to.
 * @property {string | null} licence As the repository states it.
 * @property {string | null} licenceName
 * @property {string | null} licenceLink
 * @property {string[] | null} baseModels
 * @property {boolean} gated Whether its owner wants terms to be agreed to before anybody gets the files.
 * @property {string} variant Label of the chosen one.
 * @property {Variant[]} variants
 * @property {RemoteFile[]} files Of the chosen one.
 * @property {RemoteFile[]} licences The texts of licences and use policies that the repository has; none where it has none.
 *
 * @typedef {object} LookUp
 * @property {string} [hub] Address of a hub with this layout; tests have their own.
 * @property {number} [budget] Bytes that there is room for.
 * @property {AbortSignal} [signal]
 * @property {(found: Found) => void} [onFound]
 */

const HUB = "https://huggingface.co";

/** Beside the weights of a published model. */
const BESIDE =
  /^(config|generation_config|tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab|modules)\.json$|^1_Pooling\/config\.json$|^(tokenizer|spiece)\.model$|^(merges|vocab)\.txt$|^chat_template\.jinja$|^README\.md$/;
/** What repositories call the texts of their terms, at the top. */
const LICENCE = /^((un)?licen[cs]e|copying|notice|terms([-_ ]?of[-_ ]?use)?|(acceptable[-_ ]?|prohibited[-_ ]?)?use[-_ ]?policy)([-_. ][\w. -]*)?$/i;
const NO_TEXT = /\.(json|ya?ml|py|gguf|safetensors|bin|pt)$/i;
const MOST_LICENCES = 16;
/** The journal names a file in each fact of it. */
const LONGEST_NAME = 255;
const WEIGHTS = /^model(-\d{5}-of-(\d{5}))?\.safetensors$/;
const SHARD = /-(\d{5})-of-(\d{5})$/;
const LABEL = /(?:^|[-._])(I?Q\d(?:_[A-Z0-9]+)*|TQ\d_\d|[BF]?[FP]16|[FP]P?32|MXFP4)(?=[-._]|$)/gi;
/** Tags of repositories whose weights are packed in a way of their own. */
const PACKED = /^(\d-bit|gptq|awq|bitsandbytes|compressed-tensors)$/;
const COMMIT = /^[0-9a-f]{40}$/;
const TRIES = 4;
const PAGES = 50;
const PATIENCE_MS = 30_000;

/**
 * Reads `owner/name`, `owner/name:Q4_K_M`, `owner/name:file@revision` or an address of the hub's pages; `null` for
 * anything else.
 * @param {string} text @param {string} [hub] @returns {Reference | null}
 */
export function parse(text, hub = HUB) {
  const page = text.startsWith(`${base(hub)}/`) ? pageOf(text.slice(base(hub).length + 1)) : null;
  if (page) return page;
  const parts = /^([\w-][\w.-]*\/[\w-][\w.-]*)(?::([^@]+))?(?:@([\w./-]+))?$/.exec(text);
  if (!parts) return null;
  const [, repo, what, revision] = parts;
  // two names and a file's ending are a path
  if (/\.(gguf|safetensors|json)$/i.test(repo)) return null;
  const file = what && /[/]|\.(gguf|safetensors)$/i.test(what);
  return { repo, revision, ...(file ? { file: what } : { label: what }) };
}

/** `owner/name/blob/main/file.gguf`, as people copy it. @param {string} path @returns {Reference | null} */
function pageOf(path) {
  const [owner, name, kind, revision, ...rest] = path.split(/[?#]/)[0].split("/").filter(Boolean).map(decoded);
  if (!name || ["api", "datasets", "spaces", "docs", "models"].includes(owner)) return null;
  const file = rest.join("/");
  if (kind && !["tree", "blob", "resolve"].includes(kind)) return null;
  return { repo: `${owner}/${name}`, revision, ...(/\.(gguf|safetensors)$/i.test(file) ? { file } : {}) };
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** @param {string} hub */
const base = (hub) => new URL(hub, globalThis.location?.href).href.replace(/\/+$/, "");

/**
 * Looks a reference up: two small requests, no byte of a model.
 * @param {string} reference @param {LookUp} [how] @returns {Promise<Found>}
 */
export async function resolve(reference, { signal, hub = HUB, budget = Infinity } = {}) {
  const wanted = parse(reference, hub);
  if (!wanted) throw new NomoatError("unsupported-field", `${reference}: expected owner/name, owner/name:Q8_0 or owner/name:file@revision`);
  const { repo } = wanted;
  const { info, revision, files, at } = await look(wanted, hub, signal);
  // masks and counters are no weights; of what is quantised, bytes are read where they are blocks of MXFP4
  const tags = list(info.tags);
  const packed = info.config?.quantization_config || tags.some((tag) => PACKED.test(tag));
  const beside = tags.includes("mxfp4") ? ["U8"] : packed ? [] : ["U8", "I32"];
  const readable = Object.keys(info.safetensors?.parameters ?? {}).every((dtype) => [...READABLE, "BOOL", "I64", ...beside].includes(dtype));
  const variants = grouped(files, at, readable);
  const chosen = choose(wanted, variants, files, budget);
  const card = info.cardData ?? {};
  const tag = tags.find((name) => name.startsWith("license:"));
  return {
    id: repo,
    address: `${base(hub)}/${repo}`,
    revision,
    licence: list(card.license)[0] ?? tag?.slice("license:".length) ?? null,
    licenceName: list(card.license_name)[0] ?? null,
    licenceLink: list(card.license_link)[0] ?? null,
    baseModels: list(card.base_model).length ? list(card.base_model) : null,
    gated: Boolean(info.gated),
    variant: chosen.label,
    variants,
    files: chosen.files,
    licences: texts(files, at),
  };
}

/** @param {Reference} wanted @param {string} hub @param {AbortSignal} [signal] */
async function look({ repo, revision: asked }, hub, signal) {
  const api = `${base(hub)}/api/models/${repo}`;
  const { body: info } = await ask(asked ? `${api}/revision/${encodeURIComponent(asked)}` : api, repo, signal);
  const revision = String(info.sha ?? "");
  if (!COMMIT.test(revision)) throw strange(repo);
  const files = await listed(`${api}/tree/${revision}?recursive=true`, repo, signal);
  const at = (/** @type {string} */ path) => `${base(hub)}/${repo}/resolve/${revision}/${path.split("/").map(encodeURIComponent).join("/")}`;
  return { info, revision, files, at };
}

/** The licence texts among files. @param {Listed[]} files @param {(path: string) => string} at @returns {RemoteFile[]} */
const texts = (files, at) =>
  files.filter(({ path }) => path.length <= LONGEST_NAME && LICENCE.test(path) && !NO_TEXT.test(path)).slice(0, MOST_LICENCES).map(({ path, ...rest }) => ({ name: path, url: at(path), ...rest }));

/** The licence texts that a repository has now: two small requests. @param {string} repo @param {LookUp} [how] */
export async function licences(repo, { signal, hub = HUB } = {}) {
  const { revision, files, at } = await look({ repo }, hub, signal);
  return { revision, licences: texts(files, at) };
}

/** As {@link resolve}, where the files are wanted. @param {string} reference @param {LookUp} [how] */
export async function locate(reference, how) {
  const found = await resolve(reference, how);
  if (!found.gated) return found;
  throw new NomoatError(
    "gated",
    `${found.id}: its owner gives it only to those who agree to terms: agree at ${found.address}, download the file there and drop it here`,
  );
}

/** Where a model lies, for one who reads it there: its first file, or the folder. @param {RemoteFile[]} files */
export function addressOf(files) {
  const config = files.find(({ name }) => name === "config.json");
  return config ? new URL(".", config.url).href : files[0].url;
}

/** Texts of a field that may hold one, several or none. @param {any} field @returns {string[]} */
const list = (field) => [field].flat().filter((text) => typeof text === "string" && text);

/** @typedef {{ path: string, size: number, sha256?: string }} Listed */

/** @param {string} url @param {string} repo @param {AbortSignal} [signal] @returns {Promise<Listed[]>} */
async function listed(url, repo, signal) {
  /** @type {Listed[]} */
  const files = [];
  for (let page = 0, next = url; next && page < PAGES; page++) {
    const { body, headers } = await ask(next, repo, signal);
    if (!Array.isArray(body)) throw strange(repo);
    for (const { type, path, size, lfs } of body) {
      // names become addresses: nothing that leads elsewhere
      if (type !== "file" || typeof path !== "string" || /(^|\/)\.\.?(\/|$)|^\/|[\\\0]/.test(path)) continue;
      const hash = lfs?.oid ?? lfs?.sha256;
      files.push({ path, size: Number(lfs?.size ?? size) || 0, ...(/^[0-9a-f]{64}$/.test(hash) ? { sha256: hash } : {}) });
    }
    const more = /<([^>]+)>;\s*rel="next"/.exec(headers.get("Link") ?? "");
    next = more ? new URL(more[1], url).href : "";
    if (next && new URL(next).origin !== new URL(url).origin) throw strange(repo);
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/**
 * @param {Listed[]} files @param {(path: string) => string} at @param {boolean} published Whether the published weights can be read.
 * @returns {Variant[]}
 */
function grouped(files, at, published) {
  /** @type {(file: Listed) => RemoteFile} */
  const remote = ({ path, ...rest }) => ({ name: path.endsWith("/config.json") ? path : (path.split("/").at(-1) ?? path), url: at(path), ...rest });
  /** @type {Map<string, Listed[]>} */
  const models = new Map();
  for (const file of files) {
    const [, stem] = /^(.+)\.gguf$/i.exec(file.path) ?? [];
    // projectors of images are no models
    if (!stem || /(^|\/)mmproj/i.test(stem)) continue;
    const whole = stem.replace(SHARD, "");
    models.set(whole, [...(models.get(whole) ?? []), file]);
  }
  /** @type {Variant[]} */
  const variants = [];
  const add = (/** @type {string} */ label, /** @type {boolean} */ readable, /** @type {Listed[]} */ parts) =>
    variants.push({ label, readable, bytes: parts.reduce((sum, { size }) => sum + size, 0), files: parts.map(remote) });
  for (const [stem, parts] of models) {
    const label = labelOf(stem);
    const count = Number(SHARD.exec(parts[0].path.replace(/\.gguf$/i, ""))?.[2] ?? 1);
    if (parts.length === count) add(label, madeOf(label).every((format) => READABLE.includes(format)), parts);
  }
  const weights = files.filter(({ path }) => WEIGHTS.test(path));
  const shards = weights.filter(({ path }) => path !== "model.safetensors");
  const whole = shards.length ? shards.length === Number(WEIGHTS.exec(shards[0].path)?.[2]) : weights.length === 1;
  if (whole && files.some(({ path }) => path === "config.json")) {
    const beside = files.filter(({ path }) => BESIDE.test(path) || (shards.length && path === "model.safetensors.index.json"));
    const kept = shards.length ? shards : weights;
    add("safetensors", published, [...beside, ...kept]);
  }
  return variants.sort((a, b) => a.bytes - b.bytes);
}

/** @param {string} stem */
function labelOf(stem) {
  const name = stem.split("/").at(-1) ?? stem;
  const last = [...name.matchAll(LABEL)].at(-1)?.[1].toUpperCase();
  return last?.replace(/^FP/, "F") ?? name;
}

/**
 * The formats that files of this label are commonly made of: the mixtures keep some tensors in better ones.
 * @param {string} label
 */
function madeOf(label) {
  const k = /^Q([2-6])_K/.exec(label);
  if (k) return ["Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K"].slice(Number(k[1]) - 2);
  const mixed = /** @type {Record<string, string>} */ ({ IQ2_M: "IQ2_S", IQ3_XS: "IQ3_S", IQ3_M: "IQ3_S" })[label];
  return mixed ? [mixed, "Q6_K"] : /^(Q[45]_[01]|I?Q|TQ)/.test(label) && label !== "Q8_0" ? [label, "Q6_K"] : [label];
}

/** @param {string} label Bits of a value, nearly. */
const bits = (label) => Number(/\d+/.exec(label === "safetensors" ? "16" : label)?.[0] ?? 16);

/**
 * The variant that was named; else, of those that can be read and fit, the best that is not larger than it need be.
 * @param {Reference} wanted @param {Variant[]} variants @param {Listed[]} files @param {number} budget @returns {Variant}
 */
function choose({ repo, label, file }, variants, files, budget) {
  const fail = (/** @type {string} */ code, /** @type {string} */ why) => new NomoatError(code, `${repo}: ${why}`);
  const labels = [...new Set(variants.map((variant) => variant.label))].join(", ");
  if (file) {
    const name = file.split("/").at(-1) ?? file;
    const one = variants.find(({ files }) => files.some(({ name: other, url }) => other === name && decoded(url).endsWith(`/${file}`)));
    if (one) return one;
    if (files.some(({ path }) => path === file)) throw fail("bad-file", `${file} is a part of a model whose other parts are not there`);
    throw fail("not-found", `there is no file ${file}${labels ? `; there are: ${labels}` : ""}`);
  }
  if (!variants.length) throw fail("not-found", "there is no model in it that can be read: no GGUF and no safetensors with its config.json");
  if (label) {
    const named = variants.filter((variant) => variant.label.toLowerCase() === label.toLowerCase());
    if (named.length) return named[0];
    throw fail("not-found", `there is no variant ${label}; there are: ${labels}`);
  }
  const readable = variants.filter((variant) => variant.readable);
  if (!readable.length) {
    // a file of this name may be of one format throughout: its header tells
    const perhaps = variants.find((variant) => READABLE.includes(variant.label) && variant.bytes <= budget);
    if (perhaps) return perhaps;
    throw fail("unsupported-format", `it has ${labels}; what can be read is ${READABLE.join(", ")}`);
  }
  const fitting = readable.filter(({ bytes }) => bytes <= budget);
  const quantised = fitting.filter((variant) => bits(variant.label) <= 8);
  const chosen = quantised.at(-1) ?? fitting[0];
  if (chosen) return chosen;
  const [least] = readable;
  throw fail("too-big", `the smallest that can be read is ${least.label}, ${size(least.bytes)}; there is room for ${size(budget)}`);
}

/** @param {number} bytes */
const size = (bytes) => (bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`);

/** @param {string} repo */
const strange = (repo) => new NomoatError("network", `${repo}: the hub's answer cannot be understood`);

/**
 * @param {string} url @param {string} repo @param {AbortSignal} [signal]
 * @returns {Promise<{ body: any, headers: Headers }>}
 */
async function ask(url, repo, signal) {
  for (let tried = 1; ; tried++) {
    const timeout = AbortSignal.timeout(PATIENCE_MS);
    let answer;
    try {
      answer = await fetch(url, { signal: signal ? AbortSignal.any([signal, timeout]) : timeout, credentials: "omit" });
      if (answer.ok) return { body: await answer.json(), headers: answer.headers };
    } catch (cause) {
      if (signal?.aborted) throw new NomoatError("aborted", "stopped by the caller", signal.reason);
      // WebKit's is a DOMException of that name
      if (/** @type {Error} */ (cause).name === "SyntaxError") throw strange(repo);
      // a host whose errors say nothing of other origins, or a connection that broke, may be well at the next try
      if (tried < TRIES && !timeout.aborted && navigator.onLine) {
        await pause(250 * 2 ** tried, signal);
        continue;
      }
      if (!answer && !timeout.aborted && navigator.onLine && (await there(url))) throw cors(repo, cause);
      throw unreachable(repo, cause);
    }
    const { status, headers } = answer;
    const code = headers.get("X-Error-Code");
    const said = `(HTTP ${status})`;
    if (status === 404 || status === 410 || code === "RepoNotFound") throw new NomoatError("not-found", `${repo}: there is no such model or revision ${said}`);
    if (status === 401 || status === 403) throw new NomoatError("gated", `${repo}: the hub shows it to nobody without permission, or there is no model of that name ${said}`);
    if (tried === TRIES || (status < 500 && ![408, 425, 429].includes(status))) throw new NomoatError("network", `${repo}: the hub answered HTTP ${status}: try again later`);
    const asked = 1000 * Number(headers.get("Retry-After"));
    await pause(asked > 0 ? Math.min(asked, PATIENCE_MS) : 250 * 2 ** tried, signal);
  }
}

/** Whether a host is there that merely forbids to be read. @param {string} url */
const there = (url) =>
  fetch(url, { method: "HEAD", mode: "no-cors", credentials: "omit" }).then(
    () => true,
    () => false,
  );

/** @param {string} repo @param {unknown} cause */
const cors = (repo, cause) =>
  new NomoatError("cors", `${repo}: that site does not let pages read from it; download the file and drop it here`, cause);

/** @param {string} repo @param {unknown} cause */
const unreachable = (repo, cause) =>
  navigator.onLine
    ? new NomoatError("network", `${repo}: the hub cannot be reached: look at the connection and try again`, cause)
    : new NomoatError("offline", `${repo}: there is no network: connect, or open a file that is here already`, cause);

/** @param {number} ms @param {AbortSignal} [signal] */
const pause = (ms, signal) =>
  new Promise((/** @type {(value: void) => void} */ resolve) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
