// A file of 326 MB in the shape of SmolLM2-135M: the wasm heap stays small, whatever the file's size.

import assert from "node:assert/strict";

const TOKENIZER = 40e6; // 49 thousand tokens and as many merges, as the tokenizer holds them

/** @param {any} got @param {number} bytes */
function figures({ seconds, stats }, bytes) {
  return `${seconds.toFixed(1)} s, ${(bytes / 1e6 / seconds).toFixed(0)} MB/s, ${stats.decodeTps.toFixed(2)} tokens/s`;
}

/** @param {"address" | "file"} way @returns {import("../case.mjs").Case} */
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
    const heap = `heap ${(got.info.heapBytes / 1e6).toFixed(0)} MB`;
    assert.ok(got.info.heapBytes < TOKENIZER + 64 * 1024 * 1024, heap);
    return `${figures(got, 326e6)}, ${heap}`;
  },
});

/** @type {import("../case.mjs").Case[]} */
export const cases = [one("address"), one("file")];
