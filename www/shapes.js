// Models of the sizes that are published, with random weights and without a tokenizer, for measuring: GGUF files of one block
// repeated, in blobs that take no more memory than the block.

/**
 * @typedef {object} Shape A llama, or with `qwen` a Qwen 3.
 * @property {number} width
 * @property {number} layers
 * @property {number} heads
 * @property {number} kvHeads
 * @property {number} headDim
 * @property {number} hidden
 * @property {number} vocabulary
 * @property {boolean} [qwen]
 *
 * @typedef {{ code: number, block: number, bytes: number, scales: number[] }} Format GGUF's number; values and bytes of a block;
 * where its scales are, which are small halves.
 */

/** By the names that other benchmarks have for them. @type {Record<string, Shape>} */
export const SHAPES = {
  S15: { width: 288, layers: 6, heads: 6, kvHeads: 6, headDim: 48, hidden: 768, vocabulary: 32_000 },
  S135: { width: 576, layers: 30, heads: 9, kvHeads: 3, headDim: 64, hidden: 1536, vocabulary: 49_152 },
  "Qwen3-0.6B": { width: 1024, layers: 28, heads: 16, kvHeads: 8, headDim: 128, hidden: 3072, vocabulary: 151_936, qwen: true },
};

/** @type {Record<string, Format>} */
export const FORMATS = {
  F16: { code: 1, block: 1, bytes: 2, scales: [0] },
  Q8_0: { code: 8, block: 32, bytes: 34, scales: [0] },
  Q4_0: { code: 2, block: 32, bytes: 18, scales: [0] },
  Q4_K: { code: 12, block: 256, bytes: 144, scales: [0, 2] },
};
const F32 = { code: 0, block: 1, bytes: 4, scales: [] };

const ALIGNMENT = 32;
/** Bytes of the piece that repeats, at least. */
const PIECE = 1 << 20;
/** Halves between -0.03 and 0.03: a weight of F16, a scale of the others. */
const SMALL = 0x1fff;
const GAIN = new Uint8Array(new Float32Array([1]).buffer);

/** Whether rows of a shape can have the format. @param {string} shape @param {string} format */
export const suits = (shape, format) => [SHAPES[shape].width, SHAPES[shape].hidden].every((width) => width % FORMATS[format].block === 0);

/** @typedef {{ name: string, shape: number[], format: Format }} Tensor Its shape has the rows first. */

/** @param {Shape} shape @param {Format} format @returns {Tensor[]} */
function tensors({ width, layers, heads, kvHeads, headDim, hidden, vocabulary, qwen }, format) {
  const matrix = (/** @type {string} */ name, /** @type {number} */ rows, /** @type {number} */ columns) => ({ name, shape: [rows, columns], format });
  const gain = (/** @type {string} */ name, /** @type {number} */ length) => ({ name, shape: [length], format: F32 });
  const layer = (/** @type {number} */ n) => [
    gain(`blk.${n}.attn_norm.weight`, width),
    matrix(`blk.${n}.attn_q.weight`, heads * headDim, width),
    matrix(`blk.${n}.attn_k.weight`, kvHeads * headDim, width),
    matrix(`blk.${n}.attn_v.weight`, kvHeads * headDim, width),
    ...(qwen ? [gain(`blk.${n}.attn_q_norm.weight`, headDim), gain(`blk.${n}.attn_k_norm.weight`, headDim)] : []),
    matrix(`blk.${n}.attn_output.weight`, width, heads * headDim),
    gain(`blk.${n}.ffn_norm.weight`, width),
    matrix(`blk.${n}.ffn_gate.weight`, hidden, width),
    matrix(`blk.${n}.ffn_up.weight`, hidden, width),
    matrix(`blk.${n}.ffn_down.weight`, width, hidden),
  ];
  return [matrix("token_embd.weight", vocabulary, width), ...Array.from({ length: layers }, (_, n) => layer(n)).flat(), gain("output_norm.weight", width)];
}

/** @param {Tensor} tensor */
const bytesOf = ({ shape, format }) => (shape.reduce((all, n) => all * n, 1) / format.block) * format.bytes;

/**
 * The model as a file, with what a token reads and computes: bytes of its matrices, and two operations a weight.
 * @param {string} name @param {string} format @param {number} context
 */
export function made(name, format, context) {
  const shape = SHAPES[name];
  const list = tensors(shape, FORMATS[format]);
  /** @type {BlobPart[]} */
  const parts = [header(shape, context, list)];
  let at = 0;
  for (const tensor of list) {
    parts.push(...(tensor.shape.length === 1 ? [repeated(GAIN, bytesOf(tensor))] : pieces(FORMATS[format], bytesOf(tensor))));
    at += bytesOf(tensor);
    parts.push(new Uint8Array(rest(at)));
    at += rest(at);
  }
  const matrices = list.filter((tensor) => tensor.shape.length > 1);
  return {
    file: new File(parts, `${name}-${format}.gguf`),
    bytes: matrices.reduce((sum, tensor) => sum + bytesOf(tensor), 0),
    flops: operations(matrices),
    // the head reads the last token of a prompt only
    prefillFlops: operations(matrices.slice(1)),
  };
}

/** Of a product with each. @param {Tensor[]} list */
const operations = (list) => list.reduce((sum, { shape: [rows, columns] }) => sum + 2 * rows * columns, 0);

/** @param {number} at */
const rest = (at) => (ALIGNMENT - (at % ALIGNMENT)) % ALIGNMENT;

/** @param {Uint8Array} block @param {number} length */
function repeated(block, length) {
  const all = new Uint8Array(length);
  for (let i = 0; i < length; i += block.length) all.set(block.subarray(0, length - i), i);
  return all;
}

/** So many bytes of random blocks. @param {Format} format @param {number} length */
function pieces(format, length) {
  const piece = new Uint8Array(Math.ceil(PIECE / format.bytes) * format.bytes);
  let state = 7;
  const random = () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) >>> 16;
  for (let i = 0; i < piece.length; i++) piece[i] = random();
  for (let block = 0; block < piece.length; block += format.bytes) {
    for (const scale of format.scales) {
      const half = (random() & 0x8000) | (random() % SMALL);
      piece[block + scale] = half;
      piece[block + scale + 1] = half >> 8;
    }
  }
  const whole = new Blob([piece]);
  const all = Array.from({ length: Math.floor(length / piece.length) }, () => whole);
  return [...all, whole.slice(0, length % piece.length)];
}

/** @param {Shape} shape @param {number} context @param {Tensor[]} list */
function header(shape, context, list) {
  const family = shape.qwen ? "qwen3" : "llama";
  /** @type {number[]} */
  const out = [];
  const bytes = (/** @type {ArrayBuffer} */ of) => void out.push(...new Uint8Array(of));
  const u32 = (/** @type {number} */ value) => bytes(new Uint32Array([value]).buffer);
  const u64 = (/** @type {number} */ value) => bytes(new BigUint64Array([BigInt(value)]).buffer);
  const text = (/** @type {string} */ value) => {
    const coded = new TextEncoder().encode(value);
    u64(coded.length);
    out.push(...coded);
  };
  /** @type {[string, string | number | [number]][]} In brackets: a float. */
  const metadata = [
    ["general.architecture", family],
    [`${family}.block_count`, shape.layers],
    [`${family}.context_length`, context],
    [`${family}.embedding_length`, shape.width],
    [`${family}.feed_forward_length`, shape.hidden],
    [`${family}.attention.head_count`, shape.heads],
    [`${family}.attention.head_count_kv`, shape.kvHeads],
    [`${family}.attention.key_length`, shape.headDim],
    [`${family}.attention.value_length`, shape.headDim],
    [`${family}.attention.layer_norm_rms_epsilon`, [1e-5]],
    [`${family}.rope.freq_base`, [10_000]],
    [`${family}.vocab_size`, shape.vocabulary],
  ];
  u32(0x46554747);
  u32(3);
  u64(list.length);
  u64(metadata.length);
  for (const [key, value] of metadata) {
    text(key);
    if (typeof value === "string") {
      u32(8);
      text(value);
    } else if (typeof value === "number") {
      u32(4);
      u32(value);
    } else {
      u32(6);
      bytes(new Float32Array(value).buffer);
    }
  }
  let at = 0;
  for (const tensor of list) {
    text(tensor.name);
    u32(tensor.shape.length);
    for (const length of tensor.shape.toReversed()) u64(length);
    u32(tensor.format.code);
    u64(at);
    at += bytesOf(tensor);
    at += rest(at);
  }
  while (out.length % ALIGNMENT) out.push(0);
  return new Uint8Array(out);
}
