// What runs inside the page for the test of threads on the CPU: a model that is large enough to be shared, in memory.

import { made } from "/shapes.js";
import { load } from "/nomoat.js";

/** What a model writes with so many threads each, and how many it had. @param {{ threads: (number | undefined)[], tokens: number }} what */
export async function crew({ threads, tokens }) {
  const { file } = made("S135", "Q4_0", 256);
  const ids = Array.from({ length: 90 }, (_, i) => 300 + ((i * 7919) % 40_000));
  const runs = [];
  for (const wanted of threads) {
    const model = await load(file, { device: "cpu", contextLength: 256, threads: wanted ?? undefined });
    const text = [...(await model.generateTokens(ids, { maxTokens: tokens, temperature: 9, topK: 50, seed: 7 }))].join(" ");
    runs.push({ text, threads: model.info.threads });
    await model.unload();
  }
  return { runs, cores: navigator.hardwareConcurrency };
}
