// Which files make the model at an address: the names that crate/format asks for, in its order (CONTRACT.md, 4).

import { NomoatError } from "../protocol.js";

/** @typedef {import("../protocol.js").RemoteFile} RemoteFile */

/**
 * @callback Take Brings a file, and gives it; `null` if it is optional and there is none.
 * @param {RemoteFile} file @param {{ optional?: boolean, weights?: boolean }} [how] @returns {Promise<Blob | null>}
 */

const INDEX = ".safetensors.index.json";
const TOKENIZERS = [["tokenizer.json"], ["tokenizer.model"], ["spiece.model"], ["vocab.json", "merges.txt"], ["vocab.txt"]];
const BESIDE = ["config.json", "tokenizer_config.json", "generation_config.json", "chat_template.jinja", "special_tokens_map.json", "README.md"];
/** What an encoder's rows become. */
const POOLING = ["modules.json", "1_Pooling/config.json"];
const MOST_FILES = 4096;

/**
 * Takes all files of a model. `expect`: their bytes in all, as soon as they are known.
 * @param {string | RemoteFile[]} source @param {Take} take @param {(bytes: number) => Promise<void>} expect
 */
export async function plan(source, take, expect) {
  if (typeof source !== "string") {
    if (source.every(({ size }) => size !== undefined)) await expect(source.reduce((sum, { size = 0 }) => sum + size, 0));
    for (const file of source) await take(file, { weights: /\.(gguf|safetensors)$/i.test(file.name) });
    return;
  }
  const url = new URL(source);
  url.hash = "";
  const address = url.href;
  url.search = "";
  const base = new URL(".", url).href;
  const entry = plainly(url.href.slice(base.length));
  const at = (/** @type {string} */ name) => ({ name, url: name === entry ? address : base + name.split("/").map(encodeURIComponent).join("/") });
  const need = (/** @type {string} */ name) => take(at(name), { weights: name.endsWith(".safetensors") });
  const maybe = (/** @type {string} */ name) => take(at(name), { optional: true });

  const index = async (/** @type {string} */ name) => shards(name, /** @type {Blob} */ (await need(name)));
  const shards = async (/** @type {string} */ name, /** @type {Blob} */ file) => {
    const { weight_map: map, metadata } = await json(name, file);
    const names = [...new Set(Object.values(map ?? {}))].sort();
    const plain = (/** @type {unknown} */ part) => typeof part === "string" && part.endsWith(".safetensors") && !/[/\\:?#%\0]/.test(part);
    if (!names.length || names.length > MOST_FILES || !names.every(plain)) {
      throw new NomoatError("bad-file", `${name}: weight_map: expected names of .safetensors files in the same folder`);
    }
    const total = Number(metadata?.total_size);
    if (Number.isSafeInteger(total) && total > 0) await expect(total);
    for (const part of names) await need(part);
  };

  const [, stem, number, of, ending] = /^(.*)-(\d{5})-of-(\d{5})(\.gguf|\.safetensors)$/i.exec(entry) ?? [];
  if (!entry || entry === "config.json") {
    await need("config.json");
    const list = await maybe(`model${INDEX}`);
    if (list) await shards(`model${INDEX}`, list);
    else await need("model.safetensors");
  } else if (entry.endsWith(INDEX)) {
    await index(entry);
  } else if (stem && ending === ".safetensors" && Number(of) > 1) {
    await index(`${stem}${INDEX}`);
  } else {
    const first = /** @type {Blob} */ (await take(at(entry), { weights: true }));
    if (stem && number === "00001") {
      const parts = Math.min(Number(of), MOST_FILES);
      // their sizes differ little
      if (parts > 1) await expect(first.size * parts);
      for (let part = 2; part <= parts; part++) {
        await take(at(`${stem}-${String(part).padStart(5, "0")}-of-${of}${ending}`), { weights: true });
      }
    }
    if ((await first.slice(0, 4).text()) === "GGUF") return;
  }
  for (const name of BESIDE) {
    const file = await maybe(name);
    const encodes = file && name === "config.json" && /"Bert/.test(await file.text());
    for (const more of encodes ? POOLING : []) await maybe(more);
  }
  let vocabulary = "";
  for (const group of TOKENIZERS) {
    for (const name of group) if (await maybe(name)) vocabulary ||= name;
    if (vocabulary) break;
  }
  if (vocabulary !== "tokenizer.json") await maybe("added_tokens.json");
}

/** @param {string} part Of an address. */
function plainly(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // a percent sign that is one
  }
}

/** @param {string} name @param {Blob} file @returns {Promise<any>} */
async function json(name, file) {
  try {
    return Object(JSON.parse(await file.text()));
  } catch (cause) {
    throw new NomoatError("bad-file", `${name}: expected JSON`, cause);
  }
}
