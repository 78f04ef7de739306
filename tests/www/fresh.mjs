// A page with nothing stored, before a host with two models, and what every load of them must write.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

/** @typedef {import("./case.mjs").Bench} Bench */
/** @typedef {(name: string, argument?: any) => Promise<any>} Store */

export const ZOO = new URL("../data/zoo/llama3/", import.meta.url);
export const CHUNK = 4 << 20;
export const MANY = ["chromium", "firefox"];
/** For what is the same in every browser that stores. */
export const others = (/** @type {string} */ browser) => browser !== "chromium";

/** Pseudo-random numbers from a seed. @param {number} seed */
export function mulberry(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const small = readFileSync(new URL("model-bf16.gguf", ZOO));
export const sha256 = (/** @type {Buffer} */ bytes) => createHash("sha256").update(bytes).digest("hex");

/** A model of so many bytes: what follows its last tensor is of no meaning to it. @param {number} bytes */
function grown(bytes) {
  const random = mulberry(7);
  const more = Buffer.alloc(bytes - small.length);
  for (let i = 0; i + 4 <= more.length; i += 4) more.writeUInt32LE(Math.floor(random() * 2 ** 32), i);
  return Buffer.concat([small, more]);
}

/** Ten chunks and a half. */
export const big = grown(10.5 * CHUNK);

/** What the model writes, of which all else must be the same. @type {number[]} */
let right = [];

/**
 * Opens a page of its own, with nothing stored.
 * @param {Bench} bench @param {(store: Store, page: import("./browser.mjs").Page) => Promise<any>} act
 */
export async function fresh({ browser, server, depot, lab }, act) {
  depot.files.clear();
  depot.files.set("small.gguf", { bytes: small, etag: '"small"' });
  depot.files.set("big.gguf", { bytes: big, etag: '"big"' });
  depot.play();
  if (!right.length) right = (await lab("watched", { source: "/depot/small.gguf", options: { device: "cpu" }, prompt: [28, 292, 85] })).ids;
  depot.play();
  const page = await browser.open(`${server.url}?model=`);
  try {
    const store = on(page);
    await store("clear");
    return await act(store, page);
  } finally {
    await page.close();
  }
}

/** @param {import("./browser.mjs").Page} page @returns {Store} */
export const on = (page) => (name, argument) => page.run(`async (argument) => (await import("/lab/storing.js")).${name}(argument)`, argument);

/** @param {any} got */
export function wrote(got) {
  assert.equal(got.code, null, `${got.message}\n${got.lines.slice(-6).join("\n")}`);
  assert.deepEqual(got.ids, right);
}
