// Measures models of published sizes in this browser, beside what its GPU can do at best.

import { load } from "./engine.js";
import { made } from "./shapes.js";

/** @typedef {import("./probe.js").Roofline} Roofline */

/**
 * @typedef {object} Row
 * @property {"model"} kind
 * @property {string} model
 * @property {string} format
 * @property {"gpu" | "cpu"} device
 * @property {string} selfTest
 * @property {number} loadMs
 * @property {number} context Tokens of the prompt that was read.
 * @property {number} prefillTps
 * @property {number} decodeTps
 * @property {number} firstTokenMs
 * @property {number} weightBytesPerToken As the file has them.
 * @property {number} flopsPerToken
 * @property {number} prefillFlopsPerToken Without the head.
 * @property {number} GBps Of weights, while decoding.
 * @property {number | null} roofline Of decoding, to what is read at the GPU's best; `null` on the CPU.
 * @property {number | null} prefillRoofline
 * @property {number} dispatchesPerToken
 * @property {number} submissionsPerToken
 */

export const CONTEXTS = [16, 512, 2048];
const TOKENS = 24;

/**
 * @param {{ shape: string, format: string, device: "gpu" | "cpu", contexts?: number[] }} what
 * @param {Roofline | null} best @param {(row: Row) => void} tell @param {AbortSignal} [signal]
 */
export async function measure({ shape, format, device, contexts = CONTEXTS }, best, tell, signal) {
  const room = Math.max(...contexts) + TOKENS + 1;
  const { file, bytes, flops, prefillFlops } = made(shape, format, room);
  const begun = performance.now();
  const model = await load(file, { device, contextLength: room, signal });
  try {
    const loadMs = performance.now() - begun;
    const { vocabulary } = model.info;
    // another beginning each time, so that nothing is read again; the first warms up
    const prompt = (/** @type {number} */ count, /** @type {number} */ first) => Uint32Array.from({ length: count }, (_, i) => (first + 37 * i) % vocabulary);
    // whoever wants logits gets the kernels for many tokens, which a short first prompt does without
    await model.logits(prompt(2, 3), { signal });
    await model.generateTokens(prompt(16, 5), { maxTokens: TOKENS, temperature: 0, ignoreEos: true, signal });
    for (const [number, context] of contexts.entries()) {
      // prepares the steps of this length
      await model.generateTokens(prompt(context, 11 + number), { maxTokens: 1, temperature: 0, ignoreEos: true, signal });
      await model.generateTokens(prompt(context, 17 + number), { maxTokens: TOKENS, temperature: 0, ignoreEos: true, signal });
      signal?.throwIfAborted();
      const { prefillTps, decodeTps, firstTokenMs, dispatchesPerToken, submissionsPerToken } = /** @type {import("./protocol.js").Stats} */ (model.stats());
      const GBps = (bytes * decodeTps) / 1e9;
      const on = device === "gpu" ? best : null;
      tell({
        kind: "model",
        model: shape,
        format,
        device,
        selfTest: model.info.selfTest,
        loadMs,
        context,
        prefillTps,
        decodeTps,
        firstTokenMs,
        weightBytesPerToken: bytes,
        flopsPerToken: flops,
        prefillFlopsPerToken: prefillFlops,
        GBps,
        roofline: on && Math.max(GBps / on.readGBps, (flops * decodeTps) / 1e9 / on.fmaGflops),
        prefillRoofline: on && (prefillFlops * prefillTps) / 1e9 / on.fmaGflops,
        dispatchesPerToken,
        submissionsPerToken,
      });
    }
  } finally {
    await model.unload();
  }
}
