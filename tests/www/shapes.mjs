// Models of the sizes that are published, with random weights and without a tokenizer: `make(name, folder)` writes one.

import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { bytesOf, fill, gguf } from "./big.mjs";

/** @typedef {import("./big.mjs").Tensor} Tensor */

/** A layer's tensors, for all layers. @param {number} count @param {(layer: number) => Tensor[]} layer */
const layers = (count, layer) => Array.from({ length: count }, (_, n) => layer(n)).flat();

/** @param {Tensor["type"]} type */
const of = (type) => (/** @type {string} */ name, /** @type {number[]} */ ...shape) => ({ name, shape, type });

/** A gain or matrix with its bias, which is as long as the matrix has rows; or columns, where it is `[in, out]`. @param {Tensor["type"]} type @param {boolean} [turned] */
const biased =
  (type, turned = false) =>
  (/** @type {string} */ name, /** @type {number[]} */ ...shape) => [of(type)(`${name}.weight`, ...shape), of(type)(`${name}.bias`, turned ? shape[shape.length - 1] : shape[0])];

/** `config.json` and a safetensors file. @param {string} folder @param {object} config @param {Tensor[]} list */
function published(folder, config, list) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, "config.json"), JSON.stringify(config));
  let at = 0;
  const entries = list.map((tensor) => {
    const offsets = [at, (at += bytesOf(tensor))];
    return [tensor.name, { dtype: tensor.type, shape: tensor.shape, data_offsets: offsets }];
  });
  const text = JSON.stringify(Object.fromEntries(entries));
  const padded = text + " ".repeat((8 - (text.length % 8)) % 8);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  const bytes = Buffer.concat([length, Buffer.from(padded)]);
  return fill(path.join(folder, "model.safetensors"), { bytes, size: bytes.length + at, list });
}

/** What there is to make, by the name of what is published: bytes of the file. @type {Record<string, (folder: string) => number>} */
const SHAPES = {
  "GPT-2 124M": (folder) => {
    const part = biased("F32", true);
    const config = { architectures: ["GPT2LMHeadModel"], model_type: "gpt2", activation_function: "gelu_new", n_ctx: 1024, n_embd: 768, n_head: 12, n_layer: 12, n_positions: 1024, layer_norm_epsilon: 1e-5, vocab_size: 50257, bos_token_id: 50256, eos_token_id: 50256 };
    return published(folder, config, [
      of("F32")("wte.weight", 50257, 768),
      of("F32")("wpe.weight", 1024, 768),
      ...layers(12, (n) => [
        ...part(`h.${n}.ln_1`, 768),
        ...part(`h.${n}.attn.c_attn`, 768, 2304),
        ...part(`h.${n}.attn.c_proj`, 768, 768),
        ...part(`h.${n}.ln_2`, 768),
        ...part(`h.${n}.mlp.c_fc`, 768, 3072),
        ...part(`h.${n}.mlp.c_proj`, 3072, 768),
      ]),
      ...part("ln_f", 768),
    ]);
  },
  "Pythia-160M": (folder) => {
    const part = biased("F16");
    const config = { architectures: ["GPTNeoXForCausalLM"], model_type: "gpt_neox", hidden_act: "gelu", hidden_size: 768, intermediate_size: 3072, num_attention_heads: 12, num_hidden_layers: 12, max_position_embeddings: 2048, layer_norm_eps: 1e-5, rotary_pct: 0.25, rotary_emb_base: 10000, use_parallel_residual: true, tie_word_embeddings: false, vocab_size: 50304, bos_token_id: 0, eos_token_id: 0 };
    return published(folder, config, [
      of("F16")("gpt_neox.embed_in.weight", 50304, 768),
      ...layers(12, (n) => {
        const at = `gpt_neox.layers.${n}`;
        return [
          ...part(`${at}.input_layernorm`, 768),
          ...part(`${at}.post_attention_layernorm`, 768),
          ...part(`${at}.attention.query_key_value`, 2304, 768),
          ...part(`${at}.attention.dense`, 768, 768),
          ...part(`${at}.mlp.dense_h_to_4h`, 3072, 768),
          ...part(`${at}.mlp.dense_4h_to_h`, 768, 3072),
        ];
      }),
      ...part("gpt_neox.final_layer_norm", 768),
      of("F16")("embed_out.weight", 50304, 768),
    ]);
  },
  "BLOOMZ-560m": (folder) => {
    const part = biased("F16");
    const config = { architectures: ["BloomForCausalLM"], model_type: "bloom", hidden_size: 1024, n_head: 16, n_layer: 24, layer_norm_epsilon: 1e-5, apply_residual_connection_post_layernorm: false, seq_length: 2048, vocab_size: 250880, bos_token_id: 1, eos_token_id: 2 };
    return published(folder, config, [
      of("F16")("word_embeddings.weight", 250880, 1024),
      ...part("word_embeddings_layernorm", 1024),
      ...layers(24, (n) => [
        ...part(`h.${n}.input_layernorm`, 1024),
        ...part(`h.${n}.self_attention.query_key_value`, 3072, 1024),
        ...part(`h.${n}.self_attention.dense`, 1024, 1024),
        ...part(`h.${n}.post_attention_layernorm`, 1024),
        ...part(`h.${n}.mlp.dense_h_to_4h`, 4096, 1024),
        ...part(`h.${n}.mlp.dense_4h_to_h`, 1024, 4096),
      ]),
      ...part("ln_f", 1024),
    ]);
  },
  "Qwen3-0.6B Q4_K": (folder) => {
    mkdirSync(folder, { recursive: true });
    const [k4, f32] = [of("Q4_K"), of("F32")];
    const list = [
      k4("token_embd.weight", 151936, 1024),
      ...layers(28, (n) => [
        f32(`blk.${n}.attn_norm.weight`, 1024),
        k4(`blk.${n}.attn_q.weight`, 2048, 1024),
        k4(`blk.${n}.attn_k.weight`, 1024, 1024),
        k4(`blk.${n}.attn_v.weight`, 1024, 1024),
        f32(`blk.${n}.attn_q_norm.weight`, 128),
        f32(`blk.${n}.attn_k_norm.weight`, 128),
        k4(`blk.${n}.attn_output.weight`, 1024, 2048),
        f32(`blk.${n}.ffn_norm.weight`, 1024),
        k4(`blk.${n}.ffn_gate.weight`, 3072, 1024),
        k4(`blk.${n}.ffn_up.weight`, 3072, 1024),
        k4(`blk.${n}.ffn_down.weight`, 1024, 3072),
      ]),
      f32("output_norm.weight", 1024),
    ];
    /** @type {[string, import("./big.mjs").Value][]} */
    const metadata = [
      ["general.architecture", "qwen3"],
      ["qwen3.block_count", 28],
      ["qwen3.context_length", 40960],
      ["qwen3.embedding_length", 1024],
      ["qwen3.feed_forward_length", 3072],
      ["qwen3.attention.head_count", 16],
      ["qwen3.attention.head_count_kv", 8],
      ["qwen3.attention.key_length", 128],
      ["qwen3.attention.value_length", 128],
      ["qwen3.attention.layer_norm_rms_epsilon", 1e-6],
      ["qwen3.rope.freq_base", [1e6]],
      ["qwen3.vocab_size", 151936],
    ];
    return fill(path.join(folder, "model.gguf"), gguf(metadata, list));
  },
  // of the 16 layers of OLMoE-1B-7B as many as this holds
  "OLMoE, 8 layers, Q4_K": (folder) => {
    mkdirSync(folder, { recursive: true });
    const [k4, f32] = [of("Q4_K"), of("F32")];
    const list = [
      k4("token_embd.weight", 50304, 2048),
      ...layers(8, (n) => [
        f32(`blk.${n}.attn_norm.weight`, 2048),
        ...["attn_q", "attn_k", "attn_v", "attn_output"].map((name) => k4(`blk.${n}.${name}.weight`, 2048, 2048)),
        f32(`blk.${n}.attn_q_norm.weight`, 2048),
        f32(`blk.${n}.attn_k_norm.weight`, 2048),
        f32(`blk.${n}.ffn_norm.weight`, 2048),
        f32(`blk.${n}.ffn_gate_inp.weight`, 64, 2048),
        k4(`blk.${n}.ffn_gate_exps.weight`, 64, 1024, 2048),
        k4(`blk.${n}.ffn_up_exps.weight`, 64, 1024, 2048),
        k4(`blk.${n}.ffn_down_exps.weight`, 64, 2048, 1024),
      ]),
      f32("output_norm.weight", 2048),
      k4("output.weight", 50304, 2048),
    ];
    /** @type {[string, import("./big.mjs").Value][]} */
    const metadata = [
      ["general.architecture", "olmoe"],
      ["olmoe.block_count", 8],
      ["olmoe.context_length", 4096],
      ["olmoe.embedding_length", 2048],
      ["olmoe.feed_forward_length", 1024],
      ["olmoe.attention.head_count", 16],
      ["olmoe.attention.head_count_kv", 16],
      ["olmoe.attention.layer_norm_rms_epsilon", 1e-5],
      ["olmoe.rope.freq_base", [10000]],
      ["olmoe.expert_count", 64],
      ["olmoe.expert_used_count", 8],
      ["olmoe.vocab_size", 50304],
    ];
    return fill(path.join(folder, "model.gguf"), gguf(metadata, list));
  },
};

export const NAMES = Object.keys(SHAPES);

/** Writes a model into a folder of its own; its address there, and bytes of weights. @param {string} name @param {string} made @returns {{ place: string, bytes: number }} */
export function make(name, made) {
  const folder = name.replaceAll(/\W+/g, "-");
  const bytes = SHAPES[name](path.join(made, folder));
  return { place: name.includes("Q4_K") ? `${folder}/model.gguf` : `${folder}/`, bytes };
}
