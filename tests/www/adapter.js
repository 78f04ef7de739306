// What runs inside the page for what is kept of a GPU, and for what is compiled there.

import { load } from "./lab.js";

/** Forgets what was found of the GPU. */
export const forget = async () => (await navigator.storage.getDirectory()).removeEntry("nomoat-adapters.jsonl").catch(() => {});

/**
 * Writes, rests until kernels are measured, writes again and, in the midst of measuring, a third time; then all of it anew.
 * @param {{ source: string, device: "gpu" }} what
 */
export async function tuned({ source, device }) {
  await forget();
  const told = [];
  for (const tune of [true, undefined]) {
    /** @type {string[]} */
    const lines = [];
    const model = await load(source, { device, tune, log: (line) => lines.push(line) });
    const write = async () => [...(await model.generateTokens([1, 2, 3], { maxTokens: 8, temperature: 0 }))];
    const [before, found] = [await write(), model.info.selfTest];
    if (tune) {
      // as the page does after each answer
      await model.tokenize("a");
      // the first forms are being measured by now
      await new Promise((go) => setTimeout(go, 2000));
      told.push(await write());
      await model.tokenize("a");
      const until = performance.now() + 60_000;
      while (!model.info.selfTest.includes("times the usual") && performance.now() < until) await new Promise((go) => setTimeout(go, 100));
    }
    told.push(before, await write());
    told.push(found, model.info.selfTest, lines.filter((line) => line.includes("failed")).join("\n"));
    model.unload();
  }
  return told;
}

/**
 * Loads what was tried on this GPU before, waits until the kernels of a first prompt are there, and writes: pipelines that were made
 * between, and since; and how many of all were not compiled beside other work.
 * @param {{ source: string, device: "gpu" }} what
 */
export async function warmed({ source, device }) {
  const gpu = /** @type {any} */ (globalThis.GPUDevice.prototype);
  const { createComputePipeline, createComputePipelineAsync } = gpu;
  const before = { createComputePipeline, createComputePipelineAsync };
  let [made, here] = [0, 0];
  for (const [name, make] of Object.entries(before)) {
    gpu[name] = function (/** @type {any} */ descriptor) {
      made += 1;
      here += Number(name === "createComputePipeline");
      return make.call(this, descriptor);
    };
  }
  try {
    await (await load(source, { device })).unload();
    /** @type {(value?: void) => void} */
    let go = () => {};
    const warm = new Promise((/** @type {(value: void) => void} */ resolve) => (go = resolve));
    const model = await load(source, { device, log: (line) => / (warm|failed .*)$/.test(line) && go() });
    const loaded = made;
    await warm;
    const ahead = made - loaded;
    const ids = await model.generateTokens(Array.from({ length: 20 }, (_, i) => i + 1), { maxTokens: 4, temperature: 0 });
    await model.unload();
    return { ahead, later: made - loaded - ahead, here, ids: [...ids] };
  } finally {
    Object.assign(gpu, before);
  }
}
