// Large files: one of 326 MB in the shape of SmolLM2-135M, and, in a full run, models of the sizes that are published. The wasm
// heap stays small, whatever a file's size.

import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import path from "node:path";
import { make, NAMES } from "../shapes.mjs";

/** @typedef {import("../case.mjs").Case} Case */

const TOKENIZER = 40e6; // 49 thousand tokens and as many merges, as the tokenizer holds them
const WINDOWS = 64 * 1024 * 1024;
const mega = (/** @type {number} */ bytes) => `${Math.round(bytes / 1e6)} MB`;

/** @param {any} got @param {number} bytes */
function figures({ seconds, stats }, bytes) {
  return `${seconds.toFixed(1)} s, ${(bytes / 1e6 / seconds).toFixed(0)} MB/s, ${stats.decodeTps.toFixed(2)} tokens/s`;
}

/** @param {"address" | "file"} way @returns {Case} */
const one = (way) => ({
  name: `326 MB by ${way} loads and writes, with a small heap`,
  made: "big",
  on: ["chromium"],
  each: "gpu",
  full: way === "file",
  async run({ lab, device }) {
    const source = "/made/big.gguf";
    const got = await lab("big", { source, files: way === "file" ? [source] : undefined, options: { device }, tokens: 8 });
    assert.equal(got.made, 8);
    assert.ok(got.info.gpuBytes > 320e6);
    const heap = `heap ${mega(got.info.heapBytes)}`;
    assert.ok(got.info.heapBytes < TOKENIZER + WINDOWS, heap);
    return `${figures(got, 326e6)}, ${heap}`;
  },
});

/** @param {string} name @returns {Case} */
const shape = (name) => ({
  name: `${name}, whole, loads and writes`,
  on: ["chromium"],
  each: "gpu",
  full: true,
  async run({ lab, device, made }) {
    const { place, bytes } = make(name, made);
    try {
      const got = await lab("big", { source: `/made/${place}`, options: { device, contextLength: 1024 }, tokens: 16 });
      assert.equal(got.made, 16);
      const { gpuBytes, heapBytes } = got.info;
      assert.ok(heapBytes < WINDOWS, `heap ${mega(heapBytes)}`);
      return `${mega(bytes)}, ${figures(got, bytes)}, GPU ${mega(gpuBytes)}, heap ${mega(heapBytes)}`;
    } finally {
      rmSync(path.join(made, place.split("/")[0]), { recursive: true });
    }
  },
});

/** @type {Case[]} */
export const cases = [one("address"), one("file"), ...NAMES.map(shape)];
