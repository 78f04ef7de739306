// nomoat, wllama and Transformers.js behind one set of verbs: load a model, read a prompt and write so many tokens, go.

/**
 * @typedef {object} Run
 * @property {number} promptTokens As the runtime counted them.
 * @property {number} tokens
 * @property {number} firstMs From the call to the first token.
 * @property {number} decodeMs From the first token to the last.
 * @property {number[]} [ids] What was written.
 * @property {string} [text] The same, of a runtime that tells no ids.
 *
 * @typedef {object} Runtime
 * @property {Record<string, string | number | boolean>} about What is to be known of how it runs.
 * @property {(prompt: string, tokens: number) => Promise<Run>} run Greedily, without what earlier prompts left.
 * @property {() => Promise<void>} close
 *
 * @typedef {object} Wanted
 * @property {string} shape
 * @property {"cpu" | "gpu"} device
 * @property {string} format Of the GGUF file.
 * @property {"wllama" | "Transformers.js"} peer
 * @property {string} dtype As Transformers.js calls it.
 * @property {number} threads The peer's.
 * @property {number} context
 */

const WLLAMA = "/npm/@wllama/wllama/esm";
const TRANSFORMERS = "/npm/@huggingface/transformers/dist/transformers.min.js";
/** Its default where there is WebGPU; it would come from elsewhere. */
const ONNX = "/npm/onnxruntime-web/dist/ort-wasm-simd-threaded.asyncify";

/** A letter is a token, whose id is its byte: the models' vocabulary has nothing longer. @param {string} prompt */
const idsOf = (prompt) => [...new TextEncoder().encode(prompt)];

/** @param {Blob} file @param {Wanted} wanted @returns {Promise<Runtime & { pieces: (ids: number[]) => Promise<string[]> }>} */
export async function nomoat(file, { shape, device, format, context }) {
  const { load } = await import(/** @type {any} */ ("/nomoat.js"));
  // kernels would be measured while the peer runs
  const model = await load(new File([file], `${shape}-${format}.gguf`), { device, contextLength: context, threads: 1, tune: false, budget: Infinity });
  const { adapter, selfTest } = model.info;
  return {
    about: { device: model.info.device, adapter, selfTest },
    async run(prompt, tokens) {
      const asked = await model.tokenize(prompt);
      if (asked.join() !== idsOf(prompt).join()) throw new Error(`nomoat: the prompt became ${asked.length} other ids`);
      performance.clearMarks();
      const made = await model.generateTokens(asked, { maxTokens: tokens, temperature: 0, ignoreEos: true });
      const [begun, first, end] = ["request", "first-token", "end"].map((name) => performance.getEntriesByName(`nomoat:${name}`)[0].startTime);
      const { promptTokens, reusedTokens } = model.stats();
      if (reusedTokens) throw new Error(`nomoat: ${reusedTokens} tokens were not read`);
      return { promptTokens, tokens: made.length, firstMs: first - begun, decodeMs: end - first, ids: [...made] };
    },
    pieces: (ids) => Promise.all(ids.map((id) => model.detokenize([id]))),
    close: () => model.unload(),
  };
}

/** @param {Blob} file @param {Wanted} wanted @returns {Promise<Runtime>} */
async function wllama(file, { threads, context }) {
  const { Wllama, LoggerWithoutDebug } = await import(/** @type {any} */ (`${WLLAMA}/index.js`));
  const it = new Wllama({ default: `${WLLAMA}/wasm/wllama.wasm` }, { suppressNativeLog: true, logger: LoggerWithoutDebug });
  it.setCompat(null);
  await it.loadModel([file], { n_ctx: context, n_threads: threads, n_gpu_layers: 0, n_parallel: 1 });
  if (it.getNumThreads() !== threads) throw new Error(`wllama: ${threads} threads were asked for, ${it.getNumThreads()} run`);
  return {
    about: { llama: Wllama.getLibllamaVersion(), threads: it.getNumThreads() },
    async run(prompt, tokens) {
      /** @type {number[]} */
      const at = [];
      /** @type {any} */
      let usage;
      let text = "";
      const begun = performance.now();
      await it.createCompletion({
        // it takes no ids: a list of them ends its worker
        prompt,
        max_tokens: tokens,
        temperature: 0,
        top_k: 1,
        ignore_eos: true,
        cache_prompt: false,
        stream: true,
        stream_options: { include_usage: true },
        onData(/** @type {any} */ chunk) {
          const more = chunk.choices[0]?.text;
          if (more) at.push(performance.now());
          text += more ?? "";
          usage = chunk.usage ?? usage;
        },
      });
      if (!usage) throw new Error("wllama: no count of tokens came");
      if (at.length !== usage.completion_tokens) throw new Error(`wllama: ${usage.completion_tokens} tokens in ${at.length} pieces`);
      const [first, last] = [at[0], /** @type {number} */ (at.at(-1))];
      return { promptTokens: usage.prompt_tokens, tokens: at.length, firstMs: first - begun, decodeMs: last - first, text };
    },
    close: () => it.exit(),
  };
}

/** @param {Wanted} wanted @returns {Promise<Runtime>} */
async function transformers({ shape, device, dtype, threads }) {
  const { AutoModelForCausalLM, Tensor, env } = await import(/** @type {any} */ (TRANSFORMERS));
  Object.assign(env, { allowLocalModels: true, allowRemoteModels: false, localModelPath: "/models/", useBrowserCache: false, useWasmCache: false });
  const onnx = env.backends.onnx.wasm;
  onnx.wasmPaths = { mjs: new URL(`${ONNX}.mjs`, location.href).href, wasm: new URL(`${ONNX}.wasm`, location.href).href };
  onnx.numThreads = threads;
  const model = await AutoModelForCausalLM.from_pretrained(shape, { device: device === "gpu" ? "webgpu" : "wasm", dtype });
  return {
    about: { threads: onnx.numThreads },
    async run(prompt, tokens) {
      const asked = idsOf(prompt);
      /** @type {number[]} */
      const at = [];
      const dims = [1, asked.length];
      const ids = new Tensor("int64", BigInt64Array.from(asked, BigInt), dims);
      const mask = new Tensor("int64", new BigInt64Array(asked.length).fill(1n), dims);
      const begun = performance.now();
      const all = await model.generate({
        input_ids: ids,
        attention_mask: mask,
        max_new_tokens: tokens,
        do_sample: false,
        streamer: { put: () => void at.push(performance.now()), end() {} },
      });
      // the prompt comes first
      const [, first] = at;
      const made = Array.from(all.data, Number).slice(asked.length);
      return { promptTokens: asked.length, tokens: made.length, firstMs: first - begun, decodeMs: /** @type {number} */ (at.at(-1)) - first, ids: made };
    },
    close: () => model.dispose(),
  };
}

/** @param {Blob} file @param {Wanted} wanted */
export const peerOf = (file, wanted) => (wanted.peer === "wllama" ? wllama(file, wanted) : transformers(wanted));
