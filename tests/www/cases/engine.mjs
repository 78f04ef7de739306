// What a loaded model does: known texts, goldens, sampling, streams, stops, the shapes of OpenAI's API.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

const STORY = "/shared/models/TinyStories-656K/";
const ONCE = "<|start_story|>Once upon a time, ";
const F32 = { precision: "f32", kv: "f32" };

/** @typedef {import("../case.mjs").Case} Case */

/** @type {Case[]} */
const story = [
  {
    name: "TinyStories writes its expected ids",
    shared: true,
    each: "device",
    async run({ lab, device }) {
      const { same, made, want, info, stats } = await lab("story", { source: STORY, expected: `${STORY}expected_greedy.json`, options: { device } });
      assert.ok(same, `${made} ids, ${want} expected`);
      assert.equal(info.device, device);
      assert.equal(info.licence, "apache-2.0");
      assert.deepEqual(info.card.datasets, ["raincandy-u/TinyStoriesV2_SpecialTokens"]);
      assert.equal(info.card.quantisedBy, null);
      assert.match(info.sha256, /^[0-9a-f]{64}$/);
      return `${stats.decodeTps.toFixed(0)} tokens/s`;
    },
  },
  {
    name: "weights cut into shards give the same ids",
    shared: true,
    each: "gpu",
    async run({ lab, device }) {
      const options = { device, maxBinding: 1 << 17, contextLength: 256 };
      const { same } = await lab("story", { source: STORY, expected: `${STORY}expected_greedy.json`, options });
      assert.ok(same);
    },
  },
  {
    name: "threads on the CPU share a model, and write the same",
    async run({ lab }) {
      // long enough for both ways to be timed and one to be chosen
      const { runs, cores } = await lab("crew", { threads: [1, 2, 3, undefined], tokens: 24 });
      const [alone, ...shared] = runs;
      assert.equal(new Set(alone.text.split(" ")).size > 3, true, alone.text);
      for (const { text } of shared) assert.equal(text, alone.text);
      const many = Math.max(Math.min(cores, 2), Math.min(cores >> 1, 8));
      assert.deepEqual(runs.map((/** @type {any} */ run) => run.threads), [1, 2, 3, many]);
    },
  },
  {
    name: "greedy decoding creates, binds and writes nothing",
    shared: true,
    each: "gpu",
    async run({ lab, device }) {
      const { stats } = await lab("story", { source: STORY, expected: `${STORY}expected_greedy.json`, options: { device } });
      assert.deepEqual(stats.created, { pipelines: 0, bindGroups: 0, buffers: 0, writes: 0 });
      assert.ok(stats.submissionsPerToken <= 1, `${stats.submissionsPerToken} submissions a token`);
      return `${stats.dispatchesPerToken} dispatches, ${stats.submissionsPerToken} submissions a token`;
    },
  },
  {
    name: "floats quantised while loading are those of a quantised file",
    shared: true,
    each: "device",
    async run({ lab, device }) {
      const options = { device, ...F32 };
      const models = [
        { source: "/shared/zoo/quants/llama/llama-Q8_0.gguf", options },
        { source: "/shared/zoo/quants/llama/", options: { ...options, quantize: "q8_0" } },
      ];
      const { same, infos } = await lab("alike", { models, ids: Array.from({ length: 40 }, (_, i) => i + 3) });
      assert.ok(same);
      assert.equal(infos[0].gpuBytes, infos[1].gpuBytes);
      const { code, message } = await lab("loadError", { source: models[1].source, options: { device, quantize: "iq4_nl" } });
      assert.equal(code, "unsupported-field");
      assert.match(message, /quantize: expected F32, F16, Q4_0, .*, found iq4_nl/);
    },
  },
  {
    name: "products on the CPU are those of the GPU",
    shared: true,
    each: "gpu",
    async run({ lab, device }) {
      const told = [];
      for (const format of ["Q8_0", "Q4_0", "Q4_K", "Q5_K", "Q6_K"]) {
        const source = `/shared/zoo/quants/llama/llama-${format}.gguf`;
        const models = [device, "cpu"].map((device) => ({ source, options: { device, kv: "f32" } }));
        // a few and many take different loops
        for (const count of [3, 40]) {
          const { off, infos, relaxed } = await lab("alike", { models, ids: Array.from({ length: count }, (_, i) => i + 3) });
          assert.ok(off < 1e-7, `${format} with ${count} tokens is off by ${off}`);
          told.push(off);
          assert.equal(infos[1].products, relaxed ? "relaxed simd" : "simd128");
        }
      }
      return `off by ${Math.max(...told).toExponential(1)}`;
    },
  },
  {
    name: "a cache of codes is read on the GPU as on the CPU, and is smaller",
    shared: true,
    each: "gpu",
    async run({ lab, device }) {
      const source = "/shared/zoo/quants/llama/llama-Q8_0.gguf";
      const ids = Array.from({ length: 40 }, (_, i) => i + 3);
      const of = (/** @type {any} */ options) => ({ source, options: { precision: "f32", ...options } });
      const { off, infos } = await lab("alike", { models: [of({ device, kv: "q8" }), of({ device: "cpu", kv: "q8" })], ids });
      assert.ok(off < 1e-7, `off by ${off}`);
      const rounded = await lab("alike", { models: [of({ device, kv: "q8" }), of({ device, kv: "f32" })], ids });
      assert.ok(rounded.off > off, `${rounded.off} is no more than ${off}`);
      const halves = await lab("alike", { models: [of({ device, kv: "f16" }), of({ device, kv: "f16" })], ids });
      assert.ok(infos[0].gpuBytes < halves.infos[0].gpuBytes);
      return `off by ${off.toExponential(1)}, of f32 by ${rounded.off.toExponential(1)}`;
    },
  },
  {
    name: "a seed gives its ids again",
    shared: true,
    each: "device",
    async run({ lab, device }) {
      const { one, again, other, stats } = await lab("sampled", { source: STORY, options: { device }, prompt: [1, 147, 201] });
      assert.deepEqual(one, again);
      assert.notDeepEqual(one, other);
      assert.equal(one.length, 24);
      assert.ok(stats.created.writes <= 24, `${stats.created.writes} writes`);
    },
  },
  {
    name: "Stop takes effect within a token, and the next answer is whole",
    shared: true,
    each: "device",
    async run({ lab, device }) {
      const { later, reason, continues, ms, count, before } = await lab("stopped", { source: STORY, options: { device }, prompt: ONCE, after: 6 });
      assert.equal(reason, "abort");
      assert.ok(later <= 2, `${later} chunks after the stop`);
      // each token of this text is a chunk
      assert.equal(count, before + later, "tokens are counted that were not given");
      assert.ok(continues, "the answer after a stop is another one");
      return `${later} later, ${ms.toFixed(0)} ms`;
    },
  },
  {
    name: "logits that are stopped are an error at once, and the next are right",
    shared: true,
    each: "device",
    async run({ lab, device }) {
      const { before, early, during, again } = await lab("stoppedLogits", { source: STORY, options: { device } });
      assert.equal(before.code, "aborted");
      assert.ok(early, "it waited for its turn");
      assert.equal(during.code, "aborted");
      assert.equal(again, 1);
    },
  },
  {
    name: "requests wait for each other, a stream that is left makes room",
    shared: true,
    each: "device",
    async run({ lab, device }) {
      const { order, same, third } = await lab("queued", { source: STORY, options: { device }, prompt: ONCE });
      assert.deepEqual(order, [1, 2]);
      assert.ok(same);
      assert.equal(third.code, "aborted");
    },
  },
  {
    name: "answers end by length, stop string and context, each with its reason",
    shared: true,
    each: "device",
    async run({ lab, device }) {
      const { length, stop, word, none, noIds, context, banned } = await lab("ends", { source: STORY, options: { device }, prompt: ONCE });
      assert.equal(length.reason, "length");
      assert.equal(length.usage.completion_tokens, 16);
      assert.equal(length.usage.total_tokens, length.usage.prompt_tokens + 16);
      assert.equal(stop.reason, "stop");
      assert.ok(!stop.text.includes(word) && length.text.startsWith(stop.text), JSON.stringify([word, stop.text]));
      assert.equal(none.reason, "length");
      assert.equal(none.text, "");
      assert.equal(none.usage.completion_tokens, 0);
      assert.equal(noIds, 0);
      assert.equal(context.reason, "context");
      assert.ok(context.usage.total_tokens <= 25, JSON.stringify(context.usage));
      assert.ok(banned, "a bias of -100 changes nothing");
    },
  },
  {
    name: "an encoder gives embeddings, and no text",
    shared: "zoo/bert_minilm",
    each: "device",
    async run({ lab, device }) {
      const folder = "/shared/zoo/bert_minilm";
      const what = { source: `${folder}/model-f32.gguf`, options: { device }, golden: `${folder}/golden.json`, text: "the end" };
      const { off, count, same, tokens, known, code } = await lab("embedded", what);
      assert.ok(off < 1e-4, String(off));
      assert.deepEqual([count, same, code], [2, true, "unsupported-architecture"]);
      assert.ok(tokens > known);
    },
  },
  {
    name: "all-MiniLM-L6-v2 gives the embeddings of 50 sentences that were computed elsewhere",
    on: ["chromium"],
    each: "device",
    async run({ lab, device }) {
      if (!process.env.NOMOAT_MINILM) return "skipped: NOMOAT_MINILM names no folder with all-MiniLM-L6-v2";
      /** @type {{ text: string, embedding: number[] }[]} */
      const golden = JSON.parse(readFileSync(new URL("../../data/minilm/golden.json", import.meta.url), "utf8"));
      const found = await lab("meanings", { source: "/minilm/", options: { device }, texts: golden.map(({ text }) => text) });
      const dot = (/** @type {number[]} */ a, /** @type {number[]} */ b) => a.reduce((sum, x, i) => sum + x * b[i], 0);
      const alike = golden.map(({ embedding: want }, i) => dot(found[i], want) / Math.sqrt(dot(want, want) * dot(found[i], found[i])));
      const least = Math.min(...alike);
      assert.ok(golden.length === 50 && least > 0.9999, String(least));
      return `least cosine ${least.toFixed(8)}`;
    },
  },
  {
    name: "what is not understood is refused by name",
    shared: true,
    async run({ lab, devices }) {
      const codes = await lab("refused", { source: STORY, options: { device: devices[0] } });
      const { embeddings, "too long": long, after, ...rest } = codes;
      assert.deepEqual(new Set(Object.values(rest)), new Set(["unsupported-field"]), JSON.stringify(rest));
      assert.equal(embeddings, "unsupported-architecture");
      assert.equal(long, "context-full");
      assert.equal(after, null);
    },
  },
  {
    name: "a conversation has the shape of OpenAI's, in one piece and in a stream",
    shared: true,
    each: "device",
    async run({ lab, device }) {
      const { whole, chunks, inParts, prompt } = await lab("chat", { source: "/shared/zoo/codellama/", options: { device } });
      assert.equal(whole.object, "chat.completion");
      assert.equal(whole.choices[0].message.role, "assistant");
      assert.match(prompt, /\[INST\] Hello there \[\/INST\]/);
      const text = chunks.flatMap((/** @type {any} */ c) => c.choices).map((/** @type {any} */ c) => c.delta.content ?? "").join("");
      assert.ok(text);
      assert.equal(text, whole.choices[0].message.content);
      assert.equal(inParts.choices[0].message.content, text);
      assert.equal(chunks[0].choices[0].delta.role, "assistant");
      assert.ok(chunks.every((/** @type {any} */ c) => c.object === "chat.completion.chunk" && c.id === chunks[0].id));
      assert.deepEqual(chunks.at(-1).choices, []);
      assert.equal(chunks.at(-1).usage.completion_tokens, whole.usage.completion_tokens);
      assert.equal(chunks.at(-2).choices[0].finish_reason, whole.choices[0].finish_reason);
    },
  },
  {
    name: "a text to go on from gets one BOS, whether it brings it or not",
    shared: "zoo/llama3",
    async run({ lab, devices }) {
      const what = { source: "/shared/zoo/llama3/", options: { device: devices.at(-1) }, bos: "<|begin_of_text|>" };
      const { plain, without, written } = await lab("begun", what);
      assert.equal(without, plain + 1);
      assert.equal(written, plain + 1);
    },
  },
  {
    name: "a template that writes the date writes the user's",
    shared: "zoo/llama3",
    async run({ lab, devices }) {
      const files = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"].map((name) => `/shared/zoo/llama3/${name}`);
      const { prompt, today } = await lab("dated", { files, template: "{{ strftime_now('%Y-%m-%d') }}", options: { device: devices.at(-1) } });
      assert.equal(prompt, today);
    },
  },
  {
    name: "a prompt format is chosen aloud, and by name",
    shared: "models/TinyStories-656K",
    on: ["chromium"],
    async run({ lab, devices }) {
      const files = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"].map((name) => `/shared/models/TinyStories-656K/${name}`);
      const device = devices.at(-1);
      const chosen = await lab("formatted", { files, named: "somebody/zephyr-656k", options: { device } });
      assert.equal(chosen.prompt, "<|user|>\nHello<|end_story|>\n<|assistant|>\n");
      assert.ok(chosen.tokens > 3);
      assert.deepEqual({ ...chosen.template, reason: "" }, { name: "zephyr", reason: "", chosen: true });
      assert.match(chosen.told.join("|"), /^the files carry no chat template: .* zephyr .*zephyr-656k/);
      const asked = await lab("formatted", { files, named: "somebody/zephyr-656k", options: { device, template: "phi-2" } });
      assert.deepEqual([asked.prompt, asked.told], ["Instruct: Hello\nOutput:", []]);
      const base = await lab("formatted", { files, named: "somebody/base", options: { device } });
      assert.deepEqual([base.prompt, base.template, base.told], [null, null, []]);
    },
  },
  {
    name: "a broken tokenizer and an endless template are one clear error",
    shared: "zoo/llama3",
    on: ["chromium"],
    async run({ lab, devices }) {
      const files = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"].map((name) => `/shared/zoo/llama3/${name}`);
      const options = { device: devices.at(-1) };
      const poisons = [
        ["tokenizer.json", "{", "bad-file"],
        ["tokenizer.json", '{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": ["a b"]}}', "bad-file"],
        ["tokenizer.json", '{"model": {"type": "Oracle"}}', "unsupported-tokenizer"],
        ["chat_template.jinja", "{% for a in range(99999) %}{% for b in range(99999) %}{{ a }}{% endfor %}{% endfor %}", "bad-file"],
        ["chat_template.jinja", "{% for", "bad-file"],
        ["config.json", '{"architectures": ["WhisperForConditionalGeneration"]}', "unsupported-architecture"],
      ];
      for (const [name, text, code] of poisons) {
        const got = await lab("poisoned", { files, name, text, options });
        assert.equal(got.code, code, `${name} ${text}: ${got.message}`);
        assert.match(got.message, new RegExp(name === "chat_template.jinja" ? "template" : name === "config.json" ? "Whisper" : "tokenizer"));
      }
      return `${poisons.length} files`;
    },
  },
  {
    name: "tokenizer and template give their goldens",
    shared: true,
    async run({ lab, devices }) {
      let count = 0;
      for (const zoo of ["llama", "llama3"]) {
        const golden = `/shared/zoo/${zoo}/golden_tokenizer.json`;
        const { wrong, count: n } = await lab("tokens", { source: `/shared/zoo/${zoo}/`, golden, options: { device: devices.at(-1) } });
        assert.deepEqual(wrong, []);
        count += n;
      }
      return `${count} texts`;
    },
  },
];

/** @type {Case[]} */
export const cases = story;
