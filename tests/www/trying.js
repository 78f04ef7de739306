// What runs inside the page for the table of block formats: kernels tried in a module that is quick to build.

import { READABLE } from "/pkg/formats.js";

/** The module on this page, with its GPU, once a model is loaded there. @param {string} source @returns {Promise<any>} */
async function begun(source) {
  const { serve } = await import("/worker.js");
  const { port1, port2 } = new MessageChannel();
  serve(port2);
  port2.start();
  const loaded = new Promise((resolve, reject) => {
    port1.addEventListener("message", ({ data }) => {
      if (data.type === "result") resolve(data);
      if (data.type === "error") reject(new Error(data.message));
    });
  });
  port1.start();
  port1.postMessage({ type: "load", id: 1, source: new URL(source, location.href).href, options: { device: "gpu" } });
  await loaded;
  return import("/pkg/nomoat.js");
}

/** Tensors of a safetensors file, as bytes. @param {string} url @returns {Promise<(name: string) => Uint8Array>} */
async function tensors(url) {
  const bytes = await (await fetch(url)).arrayBuffer();
  const start = 8 + Number(new DataView(bytes).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.slice(8, start)));
  return (name) => {
    const [from, to] = header[name].data_offsets;
    return new Uint8Array(bytes.slice(start + from, start + to));
  };
}

/**
 * Errors of all operators' cases, with subgroups and without, as far as there are any; and how many values of blocks are wrong.
 * @param {{ source: string, vectors: string }} what `vectors`: the folder with blocks of each format and their values.
 */
export async function kernels({ source, vectors }) {
  const module = await begun(source);
  const subgroups = Boolean((await navigator.gpu.requestAdapter())?.features.has("subgroups"));
  /** @type {[string, number | null][]} */
  const cases = [];
  for (const on of subgroups ? [false, true] : [false]) cases.push(...JSON.parse(await module.tryKernels(on)));
  /** @type {Record<string, number>} */
  const wrong = {};
  const { types } = await (await fetch(`${vectors}index.json`)).json();
  for (const name of READABLE.filter((format) => format in types)) {
    const { block_size: block, bytes_per_block: bytes, file } = types[name];
    const tensor = await tensors(vectors + file);
    const [raw, width] = [tensor("raw"), 3 * Math.max(block, 4)];
    const values = Math.floor(((raw.length / bytes) * block) / width) * width;
    const found = await module.decodeBlocks(name, width, raw.subarray(0, (values / block) * bytes));
    const bits = new Uint32Array(found.buffer, found.byteOffset, found.length);
    const expected = new Uint32Array(tensor("f32").buffer);
    wrong[name] = bits.length === values ? bits.filter((value, i) => value !== expected[i]).length : values;
  }
  return { cases, wrong, subgroups, formats: READABLE };
}
