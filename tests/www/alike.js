// Models beside each other, in the page.

import { load } from "./lab.js";

/** A module that is valid where relaxed SIMD is known. */
const RELAXED = [0, 97, 115, 109, 1, 0, 0, 0, 1, 6, 1, 96, 1, 123, 1, 123, 3, 2, 1, 0, 10, 13, 1, 11, 0, 32, 0, 32, 0, 32, 0, 253, 133, 2, 11];

/** Whether models say the same of ids, how far the others are off the first (normalised, squared), and what they take. @param {{ models: { source: string, options: any }[], ids: number[] }} what */
export async function alike({ models, ids }) {
  const [rows, infos] = [/** @type {Float32Array[]} */ ([]), /** @type {any[]} */ ([])];
  for (const { source, options } of models) {
    const made = await load(source, options);
    rows.push((await made.logits(Uint32Array.from(ids)))[0]);
    infos.push(made.info);
    await made.unload();
  }
  const norm = rows[0].reduce((sum, value) => sum + value ** 2, 0);
  const off = rows.map((row) => row.reduce((sum, value, i) => sum + (value - rows[0][i]) ** 2, 0) / norm);
  return { same: rows.every((row) => row.length === rows[0].length && row.every((value, i) => value === rows[0][i])), off: Math.max(...off), infos, relaxed: WebAssembly.validate(Uint8Array.from(RELAXED)) };
}
