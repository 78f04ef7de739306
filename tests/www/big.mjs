// Writes a GGUF of the shape of SmolLM2-135M with random f16 weights and a made-up byte-pair vocabulary. Its head is not tied
// to the embedding, which makes it 326 MB.
//
//   node tests/www/big.mjs FILE [--layers 30]

import { closeSync, openSync, writeSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const [WIDTH, HEADS, KV_HEADS, FEED, VOCABULARY] = [576, 9, 3, 1536, 49152];
const [U32, F32, STRING, ARRAY, I32] = [4, 6, 8, 9, 5];
const ALIGN = 32;

/** Grows as it is written to. */
class Bytes {
  /** @type {Buffer[]} */
  parts = [];
  length = 0;

  /** @param {Buffer} part */
  add(part) {
    this.parts.push(part);
    this.length += part.length;
  }
  /** @param {number} value */
  u32(value) {
    const part = Buffer.alloc(4);
    part.writeUInt32LE(value);
    this.add(part);
  }
  /** @param {number} value */
  u64(value) {
    const part = Buffer.alloc(8);
    part.writeBigUInt64LE(BigInt(value));
    this.add(part);
  }
  /** @param {number} value */
  f32(value) {
    const part = Buffer.alloc(4);
    part.writeFloatLE(value);
    this.add(part);
  }
  /** @param {string} text */
  string(text) {
    const part = Buffer.from(text);
    this.u64(part.length);
    this.add(part);
  }
}

/** The 256 characters by which byte-level vocabularies write bytes. */
function byteCharacters() {
  const printable = [[33, 126], [161, 172], [174, 255]];
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const shown = printable.some(([from, to]) => byte >= from && byte <= to);
    return String.fromCodePoint(shown ? byte : next++);
  });
}

/** All bytes, then as many pairs of bytes as there is room for, each with its merge; one special token at the end. */
function vocabulary() {
  const bytes = byteCharacters();
  const pairs = Array.from({ length: VOCABULARY - 257 }, (_, i) => [bytes[i >> 8], bytes[i & 255]]);
  return {
    tokens: [...bytes, ...pairs.map(([a, b]) => a + b), "<|endoftext|>"],
    merges: pairs.map(([a, b]) => `${a} ${b}`),
  };
}

/** @param {number} layers @returns {[string, number[]][]} Names and shapes, outermost first. */
function tensors(layers) {
  const kv = (WIDTH / HEADS) * KV_HEADS;
  /** @type {[string, number[]][]} */
  const all = [["token_embd.weight", [VOCABULARY, WIDTH]]];
  for (let layer = 0; layer < layers; layer++) {
    /** @type {[string, number[]][]} */
    const block = [
      ["attn_norm", [WIDTH]],
      ["attn_q", [WIDTH, WIDTH]],
      ["attn_k", [kv, WIDTH]],
      ["attn_v", [kv, WIDTH]],
      ["attn_output", [WIDTH, WIDTH]],
      ["ffn_norm", [WIDTH]],
      ["ffn_gate", [FEED, WIDTH]],
      ["ffn_up", [FEED, WIDTH]],
      ["ffn_down", [WIDTH, FEED]],
    ];
    for (const [name, shape] of block) all.push([`blk.${layer}.${name}.weight`, shape]);
  }
  return [...all, ["output_norm.weight", [WIDTH]], ["output.weight", [VOCABULARY, WIDTH]]];
}

/** The beginning of the file, and its size. @param {number} [layers] */
export function header(layers = 30, matrices = /** @type {Tensor["type"]} */ ("F16")) {
  const { tokens, merges } = vocabulary();
  return gguf(
    [
      ["general.architecture", "llama"],
      ["general.name", "Random weights in the shape of SmolLM2-135M"],
      ["general.license", "cc0-1.0"],
      ["llama.block_count", layers],
      ["llama.context_length", 2048],
      ["llama.embedding_length", WIDTH],
      ["llama.feed_forward_length", FEED],
      ["llama.attention.head_count", HEADS],
      ["llama.attention.head_count_kv", KV_HEADS],
      ["llama.attention.layer_norm_rms_epsilon", 1e-5],
      ["llama.rope.freq_base", [10000]],
      ["llama.vocab_size", VOCABULARY],
      ["general.file_type", 1],
      ["tokenizer.ggml.model", "gpt2"],
      ["tokenizer.ggml.pre", "gpt-2"],
      ["tokenizer.ggml.bos_token_id", VOCABULARY - 1],
      ["tokenizer.ggml.eos_token_id", VOCABULARY - 1],
      ["tokenizer.ggml.tokens", tokens],
      ["tokenizer.ggml.merges", merges],
      ["tokenizer.ggml.token_type", Int32Array.from(tokens, (_, i) => (i === tokens.length - 1 ? 3 : 1))],
    ],
    tensors(layers).map(([name, shape]) => ({ name, shape, type: shape.length === 1 ? "F32" : matrices })),
  );
}

/**
 * @typedef {{ name: string, shape: number[], type: "F32" | "F16" | "Q4_K" | "NVFP4" }} Tensor Outermost size first.
 * @typedef {string | number | [number] | string[] | Int32Array} Value Whole numbers are u32; one in brackets is f32, as are fractions.
 */

/** Bytes of a block, its values, and the number by which GGUF knows the type. */
const TYPES = { F32: [4, 1, 0], F16: [2, 1, 1], Q4_K: [144, 256, 12], NVFP4: [36, 64, 40] };

/** @param {Tensor} tensor */
export function bytesOf({ shape, type }) {
  const [bytes, values] = TYPES[type];
  return (shape.reduce((a, b) => a * b) / values) * bytes;
}

/** The beginning of a GGUF file, and its size. @param {[string, Value][]} metadata @param {Tensor[]} list */
export function gguf(metadata, list) {
  const head = new Bytes();
  head.add(Buffer.from("GGUF"));
  head.u32(3);
  head.u64(list.length);
  head.u64(metadata.length);
  for (const [key, value] of metadata) {
    head.string(key);
    if (typeof value === "string") {
      head.u32(STRING);
      head.string(value);
    } else if (value instanceof Int32Array) {
      head.u32(ARRAY);
      head.u32(I32);
      head.u64(value.length);
      head.add(Buffer.from(value.buffer));
    } else if (Array.isArray(value) && typeof value[0] === "string") {
      head.u32(ARRAY);
      head.u32(STRING);
      head.u64(value.length);
      value.forEach((text) => head.string(String(text)));
    } else if (Array.isArray(value) || !Number.isInteger(value)) {
      head.u32(F32);
      head.f32(Number(value));
    } else {
      head.u32(U32);
      head.u32(value);
    }
  }
  let offset = 0;
  for (const tensor of list) {
    head.string(tensor.name);
    head.u32(tensor.shape.length);
    [...tensor.shape].reverse().forEach((size) => head.u64(size));
    head.u32(TYPES[tensor.type][2]);
    head.u64(offset);
    offset += Math.ceil(bytesOf(tensor) / ALIGN) * ALIGN;
  }
  head.add(Buffer.alloc((ALIGN - (head.length % ALIGN)) % ALIGN));
  return { bytes: Buffer.concat(head.parts), size: head.length + offset, list };
}

/** A numbered stream of random words: the same every time. */
function xorshift() {
  let random = 0x9e3779b9;
  return () => {
    random ^= random << 13;
    random ^= random >>> 17;
    random ^= random << 5;
    return random;
  };
}

/** Vectors are 1 (gains) or 0 (biases); matrices are random, of either sign and of size 1/128 to 1/32. @param {Tensor} tensor @param {() => number} random */
function weights(tensor, random) {
  const bytes = Buffer.alloc(Math.ceil(bytesOf(tensor) / ALIGN) * ALIGN);
  const size = bytesOf(tensor);
  if (tensor.shape.length === 1) {
    const value = tensor.name.endsWith("bias") ? 0 : 1;
    if (tensor.type === "F32") new Float32Array(bytes.buffer, bytes.byteOffset, size / 4).fill(value);
    else new Uint16Array(bytes.buffer, bytes.byteOffset, size / 2).fill(value && 0x3c00);
  } else if (tensor.type === "Q4_K") {
    // scales of up to 63 times 2^-14, and minima of up to 63 times 2^-11: values lie round zero
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, size / 4);
    for (let n = 0; n < words.length; n++) words[n] = n % 36 ? random() : 0x10000400;
  } else if (tensor.type === "F32") {
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, size / 4);
    for (let n = 0; n < words.length; n++) words[n] = (random() & 0x80ffffff) | 0x3c000000;
  } else {
    const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, size / 2);
    for (let n = 0; n < halves.length; n++) halves[n] = (random() & 0x87ff) | 0x2000;
  }
  return bytes;
}

/** Writes a file: its head, and behind it the tensors of `list`. @param {string} file @param {{ bytes: Buffer, size: number, list: Tensor[] }} head @returns {number} Its size. */
export function fill(file, { bytes, size, list }) {
  const out = openSync(file, "w");
  writeSync(out, bytes);
  const random = xorshift();
  for (const tensor of list) writeSync(out, weights(tensor, random));
  closeSync(out);
  return size;
}

/** @param {string} file @param {number} [layers] @returns {number} Bytes written. */
export const write = (file, layers) => fill(file, header(layers));

if (process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const { values, positionals } = parseArgs({ options: { layers: { type: "string", default: "30" } }, allowPositionals: true });
  if (positionals.length !== 1) {
    console.error("usage: node tests/www/big.mjs FILE [--layers 30]");
    process.exit(2);
  }
  console.log(write(positionals[0], Number(values.layers)));
}
