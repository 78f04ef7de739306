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
const [TYPE_F32, TYPE_F16] = [0, 1];
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
export function header(layers = 30) {
  const head = new Bytes();
  const { tokens, merges } = vocabulary();
  /** @type {[string, number, number | string][]} */
  const scalars = [
    ["general.architecture", STRING, "llama"],
    ["general.name", STRING, "Random weights in the shape of SmolLM2-135M"],
    ["general.license", STRING, "cc0-1.0"],
    ["llama.block_count", U32, layers],
    ["llama.context_length", U32, 2048],
    ["llama.embedding_length", U32, WIDTH],
    ["llama.feed_forward_length", U32, FEED],
    ["llama.attention.head_count", U32, HEADS],
    ["llama.attention.head_count_kv", U32, KV_HEADS],
    ["llama.attention.layer_norm_rms_epsilon", F32, 1e-5],
    ["llama.rope.freq_base", F32, 10000],
    ["llama.vocab_size", U32, VOCABULARY],
    ["general.file_type", U32, 1],
    ["tokenizer.ggml.model", STRING, "gpt2"],
    ["tokenizer.ggml.pre", STRING, "gpt-2"],
    ["tokenizer.ggml.bos_token_id", U32, VOCABULARY - 1],
    ["tokenizer.ggml.eos_token_id", U32, VOCABULARY - 1],
  ];
  const list = tensors(layers);
  head.add(Buffer.from("GGUF"));
  head.u32(3);
  head.u64(list.length);
  head.u64(scalars.length + 3);
  for (const [key, type, value] of scalars) {
    head.string(key);
    head.u32(type);
    if (type === STRING) head.string(String(value));
    else if (type === F32) head.f32(Number(value));
    else head.u32(Number(value));
  }
  for (const [key, texts] of Object.entries({ tokens, merges })) {
    head.string(`tokenizer.ggml.${key}`);
    head.u32(ARRAY);
    head.u32(STRING);
    head.u64(texts.length);
    texts.forEach((text) => head.string(text));
  }
  head.string("tokenizer.ggml.token_type");
  head.u32(ARRAY);
  head.u32(I32);
  head.u64(tokens.length);
  tokens.forEach((_, i) => head.u32(i === tokens.length - 1 ? 3 : 1));

  let offset = 0;
  const sizes = list.map(([, shape]) => shape.reduce((a, b) => a * b) * (shape.length === 1 ? 4 : 2));
  list.forEach(([name, shape], i) => {
    head.string(name);
    head.u32(shape.length);
    [...shape].reverse().forEach((size) => head.u64(size));
    head.u32(shape.length === 1 ? TYPE_F32 : TYPE_F16);
    head.u64(offset);
    offset += Math.ceil(sizes[i] / ALIGN) * ALIGN;
  });
  head.add(Buffer.alloc((ALIGN - (head.length % ALIGN)) % ALIGN));

  return { bytes: Buffer.concat(head.parts), size: head.length + offset, list, sizes };
}

/** @param {string} file @param {number} [layers] @returns {number} Bytes written. */
export function write(file, layers) {
  const { bytes: head, size, list, sizes } = header(layers);
  const out = openSync(file, "w");
  writeSync(out, head);
  // xorshift: the same file every time
  let random = 0x9e3779b9;
  list.forEach(([, shape], i) => {
    const bytes = Buffer.alloc(Math.ceil(sizes[i] / ALIGN) * ALIGN);
    if (shape.length === 1) {
      new Float32Array(bytes.buffer, bytes.byteOffset, sizes[i] / 4).fill(1);
    } else {
      const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, sizes[i] / 2);
      for (let n = 0; n < halves.length; n++) {
        random ^= random << 13;
        random ^= random >>> 17;
        random ^= random << 5;
        // either sign, of size 1/128 to 1/32
        halves[n] = (random & 0x87ff) | 0x2000;
      }
    }
    writeSync(out, bytes);
  });
  closeSync(out);
  return size;
}

if (process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const { values, positionals } = parseArgs({ options: { layers: { type: "string", default: "30" } }, allowPositionals: true });
  if (positionals.length !== 1) {
    console.error("usage: node tests/www/big.mjs FILE [--layers 30]");
    process.exit(2);
  }
  console.log(write(positionals[0], Number(values.layers)));
}
