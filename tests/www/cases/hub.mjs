// References to a model hub, and what is foretold of a model before it is downloaded.

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import path from "node:path";
import { parse } from "../../../www/hub.js";
import { header } from "../big.mjs";
import { commitOf, hashOf, hollow, onDisk, serveHub, serveWhole } from "../hub.mjs";

/** @typedef {import("../case.mjs").Case} Case @typedef {import("../case.mjs").Bench} Bench */

const PROMPT = [28, 292, 85];
const MB = 1e6;

/** A repository with variants of many kinds, of which only sizes matter. */
const MANY = {
  "README.md": hollow(900),
  "config.json": { bytes: Buffer.from("{}"), small: true },
  "deep/Model-7B-BF16-00002-of-00002.gguf": hollow(90 * MB),
  "deep/Model-7B-BF16-00001-of-00002.gguf": hollow(100 * MB),
  "Model-7B-Q8_0.gguf": hollow(95 * MB),
  "Model-7B-Q4_K_M.gguf": hollow(60 * MB),
  "Model-7B-Q4_0.gguf": hollow(50 * MB),
  "Model-7B-Q4_0_8_8.gguf": hollow(30 * MB),
  "Model-7B-F16-00001-of-00003.gguf": hollow(10 * MB),
  "mmproj-Model-F16.gguf": hollow(5 * MB),
  "model.safetensors": hollow(180 * MB),
  "tokenizer.json": hollow(2 * MB),
  "pytorch_model.bin": hollow(180 * MB),
  "../outside.gguf": hollow(1),
};

/** A repository with the published form alone. */
const PUBLISHED = { "config.json": MANY["config.json"], "model.safetensors": hollow(9 * MB) };

/** @param {Bench} bench @param {(hub: Awaited<ReturnType<typeof serveHub>>) => Promise<string | void>} run */
async function withHub({ shared }, run) {
  const folder = (/** @type {string} */ name) =>
    Object.fromEntries(
      readdirSync(path.join(shared, name), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ parentPath, name: file }) => path.join(parentPath, file))
        .map((file) => [path.relative(path.join(shared, name), file), onDisk(file)]),
    );
  const { bytes, size } = header();
  const foreign = header(30, "NVFP4");
  const any = { files: { "model-Q8_0.gguf": hollow(1) } };
  const hub = await serveHub({
    "some/many": { files: MANY, info: { cardData: { license: "apache-2.0", base_model: ["some/base"] }, safetensors: { parameters: { BF16: 9 } } } },
    "some/unread": { files: { "Model-Q4_0_4_4.gguf": hollow(60 * MB), "Model-Q4_0_8_8.gguf": hollow(80 * MB) } },
    "some/mixed": { files: { "Model-IQ2_M.gguf": hollow(60 * MB), "Model-IQ3_XS.gguf": hollow(80 * MB) } },
    "some/blocks": { files: PUBLISHED, info: { tags: ["mxfp4"], safetensors: { parameters: { BF16: 9, U8: 9 } } } },
    "some/packed": { files: PUBLISHED, info: { tags: ["4-bit"], safetensors: { parameters: { BF16: 9, U8: 9 } } } },
    "some/masks": { files: PUBLISHED, info: { safetensors: { parameters: { F32: 9, BOOL: 9, I64: 9, U8: 9 } } } },
    "some/counts": { files: PUBLISHED, info: { config: { quantization_config: { bits: 4 } }, safetensors: { parameters: { F16: 9, I32: 9 } } } },
    "some/encoder": { files: folder("zoo/bert_minilm") },
    "some/nothing": { files: { "README.md": hollow(9) }, info: { tags: ["license:mit"] } },
    "some/gguf": { files: { "Tiny-BF16.gguf": onDisk(path.join(shared, "zoo/llama3/model-bf16.gguf")) }, info: { tags: ["license:llama3"] } },
    "some/stories": { files: folder("models/TinyStories-656K") },
    "some/shards": { files: folder("zoo/llama") },
    "some/foreign": { files: { "foreign-Q4_0.gguf": { bytes: foreign.bytes, size: foreign.size } } },
    "some/big": { files: { "big-f16.gguf": { bytes, size } } },
    "gated/model": any,
    "busy/model": any,
    "mute/model": any,
    "reset/model": any,
    "deaf/model": any,
    "page/model": any,
  });
  try {
    return await run(hub);
  } finally {
    await hub.close();
  }
}

/** @param {(host: Awaited<ReturnType<typeof serveWhole>>) => Promise<void>} run */
async function withWhole(run) {
  const host = await serveWhole(header());
  try {
    await run(host);
  } finally {
    await host.close();
  }
}

/** @type {Case[]} */
export const cases = [
  {
    name: "references are told from paths and addresses",
    on: ["chromium"],
    async run() {
      const hub = "https://hub.example";
      for (const [text, expected] of /** @type {[string, any][]} */ ([
        ["owner/name", { repo: "owner/name" }],
        ["owner/name-1.1B:Q4_K_M", { repo: "owner/name-1.1B", label: "Q4_K_M" }],
        ["owner/name:q8_0@v1", { repo: "owner/name", label: "q8_0", revision: "v1" }],
        ["owner/name@abc", { repo: "owner/name", revision: "abc" }],
        ["owner/name:model.gguf@main", { repo: "owner/name", file: "model.gguf", revision: "main" }],
        ["owner/name:deep/model.gguf", { repo: "owner/name", file: "deep/model.gguf" }],
        [`${hub}/owner/name`, { repo: "owner/name" }],
        [`${hub}/owner/name/tree/v1`, { repo: "owner/name", revision: "v1" }],
        [`${hub}/owner/name/blob/main/a%20b.gguf`, { repo: "owner/name", file: "a b.gguf", revision: "main" }],
        [`${hub}/owner/name/resolve/main/m.gguf?download=true`, { repo: "owner/name", file: "m.gguf", revision: "main" }],
        [`${hub}/datasets/owner/name`, null],
        [`${hub}/owner`, null],
        ["https://other.example/owner/name", null],
        ["models/tiny.gguf", null],
        ["models/model.safetensors.index.json", null],
        ["models/config.json", null],
        ["./owner/name", null],
        ["../owner", null],
        ["folder/", null],
        ["a/b/c", null],
        ["name", null],
        ["owner/name:", null],
        ["embedded", null],
      ])) {
        const found = parse(text, hub);
        assert.deepEqual(found && JSON.parse(JSON.stringify(found)), expected, text);
      }
    },
  },
  {
    name: "masks and counters in published weights are no reason to refuse them; bytes are read where they are blocks of MXFP4, and packed ones are not",
    shared: true,
    on: ["chromium"],
    run: (bench) =>
      withHub(bench, async ({ url: hub }) => {
        for (const reference of ["some/blocks", "some/masks"]) {
          const { value: found, message } = await bench.lab("listed", { reference, how: { hub } });
          assert.deepEqual(found?.variants.map((/** @type {any} */ v) => [v.label, v.readable]), [["safetensors", true]], `${reference}: ${message}`);
        }
        for (const reference of ["some/packed", "some/counts"]) {
          const packed = await bench.lab("listed", { reference, how: { hub } });
          assert.equal(packed.code, "unsupported-format", `${reference}: ${packed.message}`);
        }
      }),
  },
  {
    name: "a repository is listed over pages, pinned to its commit, and its variants grouped with their hashes",
    shared: true,
    on: ["chromium"],
    run: (bench) =>
      withHub(bench, async ({ url: hub, requests }) => {
        const { value: found, message } = await bench.lab("listed", { reference: "some/many@main", how: { hub } });
        assert.ok(found, message);
        const commit = commitOf("some/many");
        assert.equal(found.revision, commit);
        assert.equal(found.id, "some/many");
        assert.equal(found.licence, "apache-2.0");
        assert.deepEqual(found.baseModels, ["some/base"]);
        assert.equal(found.gated, false);
        assert.deepEqual(
          found.variants.map((/** @type {any} */ v) => [v.label, Math.round(v.bytes / MB), v.readable, v.files.length]),
          [
            ["Q4_0_8_8", 30, false, 1],
            ["Q4_0", 50, true, 1],
            ["Q4_K_M", 60, true, 1],
            ["Q8_0", 95, true, 1],
            ["safetensors", 182, true, 4],
            ["BF16", 190, true, 2],
          ],
        );
        const [first, second] = found.variants[5].files;
        const name = "deep/Model-7B-BF16-00001-of-00002.gguf";
        assert.deepEqual(first, { name: "Model-7B-BF16-00001-of-00002.gguf", url: `${hub}/some/many/resolve/${commit}/${name}`, size: 100 * MB, sha256: hashOf(MANY[name]) });
        assert.match(second.name, /00002-of-00002/);
        const { sha256, size } = found.variants[4].files.find((/** @type {any} */ f) => f.name === "config.json");
        assert.deepEqual([sha256, size], [undefined, 2]);
        assert.ok(!requests.some((line) => line.includes("/resolve/")), "a file was asked for");
      }),
  },
  {
    name: "without a name the best variant that is read and fits is chosen; with one, that one",
    shared: true,
    on: ["chromium"],
    run: (bench) =>
      withHub(bench, async ({ url: hub }) => {
        for (const [reference, budget, expected] of /** @type {[string, number | undefined, string][]} */ ([
          ["some/many", undefined, "Q8_0"],
          ["some/many", 100 * MB, "Q8_0"],
          ["some/many", 94 * MB, "Q4_K_M"],
          ["some/many", 59 * MB, "Q4_0"],
          ["some/many", 49 * MB, "too-big"],
          ["some/many:bf16", 1, "BF16"],
          ["some/many:Q4_K_M", undefined, "Q4_K_M"],
          ["some/many:safetensors", undefined, "safetensors"],
          ["some/many:deep/Model-7B-BF16-00001-of-00002.gguf", undefined, "BF16"],
          ["some/many:Model-7B-Q8_0.gguf@v1", undefined, "Q8_0"],
          ["some/many:Model-7B-F16-00001-of-00003.gguf", undefined, "bad-file"],
          ["some/many:none.gguf", undefined, "not-found"],
          ["some/many:Q2_K", undefined, "not-found"],
          ["some/many@v9", undefined, "not-found"],
          ["some/unread", undefined, "unsupported-format"],
          ["some/unread:Q4_0_8_8", undefined, "Q4_0_8_8"],
          ["some/mixed", 79 * MB, "IQ2_M"],
          ["some/mixed", undefined, "IQ3_XS"],
          ["some/nothing", undefined, "not-found"],
          ["some/stories", undefined, "safetensors"],
        ])) {
          const { value, code, message } = await bench.lab("listed", { reference, how: { hub, ...(budget ? { budget } : {}) } });
          assert.equal(value?.variant ?? code, expected, `${reference} within ${budget}: ${message}`);
        }
      }),
  },
  {
    name: "a model loads by its name, over signed addresses that expire after each request",
    shared: true,
    run: (bench) =>
      withHub(bench, async ({ url: hub, requests }) => {
        const options = { device: bench.devices[0], hub };
        const direct = await bench.lab("watched", { source: "/shared/zoo/llama3/model-bf16.gguf", options: { device: bench.devices[0] }, prompt: PROMPT });
        for (const source of ["some/gguf", "some/gguf:BF16@v1", `${hub}/some/gguf/blob/main/Tiny-BF16.gguf`]) {
          const got = await bench.lab("watched", { source, options, prompt: PROMPT });
          assert.deepEqual(got.ids, direct.ids, source);
        }
        const folder = await bench.lab("watched", { source: "some/stories", options, prompt: [1, 147, 201, 282, 215] });
        assert.deepEqual(folder.ids.slice(0, 4), [286, 598, 1662, 356]);
        assert.equal(folder.info.name, "stories");
        const shards = await bench.lab("watched", { source: "some/shards:safetensors", options, prompt: PROMPT });
        assert.equal(shards.info.card.formats[0], "F16");
        const commits = requests.filter((line) => line.includes("/resolve/")).map((line) => /resolve\/([^/]+)/.exec(line)?.[1]);
        assert.ok(commits.length && commits.every((commit) => /^[0-9a-f]{40}$/.test(commit ?? "")), "a file of a branch was asked for");
      }),
  },
  {
    name: "a model of a hub is kept with the hashes that were listed, and loads again when the hub is gone",
    shared: true,
    on: ["chromium"],
    run: (bench) =>
      withHub(bench, async (hub) => {
        const what = { source: "some/gguf", options: { device: "cpu", hub: hub.url, store: "auto" }, prompt: PROMPT };
        const first = await bench.lab("watched", what);
        await hub.close();
        const again = await bench.lab("watched", what);
        assert.deepEqual(again.ids, first.ids);
        const [kept, ...rest] = await bench.lab("kept", "some/gguf");
        assert.equal(rest.length, 0);
        assert.equal(kept.files[0].sha256, hashOf(onDisk(path.join(bench.shared, "zoo/llama3/model-bf16.gguf"))));
        assert.match(kept.files[0].url, /\/resolve\/[0-9a-f]{40}\/Tiny-BF16\.gguf$/);
      }),
  },
  {
    name: "an encoder has what its rows become from a hub, from the store, and in a folder that was chosen",
    shared: true,
    on: ["chromium"],
    run: (bench) =>
      withHub(bench, async ({ url: hub }) => {
        const folder = "/shared/zoo/bert_minilm/";
        const names = ["config.json", "model.safetensors", "modules.json", "tokenizer.json", "1_Pooling/config.json"];
        for (const [source, more] of /** @type {[string, any][]} */ ([
          ["some/encoder:safetensors", { options: { store: "auto" } }],
          ["some/encoder:safetensors", { options: { store: "never" } }],
          [folder, { options: { store: "auto" } }],
          [folder, { names }],
        ])) {
          const what = { source, ...more, options: { device: "cpu", hub, ...more.options }, golden: `${folder}golden.json`, text: "the end" };
          const { off } = await bench.lab("embedded", what);
          assert.ok(off < 1e-4, `${source} ${JSON.stringify(more)}: ${off}`);
        }
        assert.equal((await bench.lab("kept", "some/encoder:safetensors")).length, 1);
        assert.equal((await bench.lab("kept", `${bench.server.url}${folder.slice(1)}`)).length, 1);
      }),
  },
  {
    name: "errors of a hub have their codes and say what to do",
    shared: true,
    run: (bench) =>
      withHub(bench, async ({ url: hub, requests }) => {
        for (const [source, at, code, words] of /** @type {[string, string, string, RegExp][]} */ ([
          ["gated/model", hub, "gated", /agree at http.*\/gated\/model, download the file there and drop it here/],
          ["private/model", hub, "gated", /permission/],
          ["unknown/model", hub, "not-found", /no such model/],
          ["some/other", hub, "not-found", /no such model/],
          ["deaf/model", hub, "cors", /does not let pages read from it; download the file and drop it here/],
          ["page/model", hub, "network", /cannot be understood/],
          ["html/model", hub, "network", /cannot be understood/],
          ["down/model", hub, "network", /HTTP 503/],
          ["torn/model", hub, "network", /cannot be reached/],
          ["some/model", "http://127.0.0.1:9", "network", /cannot be reached/],
        ])) {
          const found = await bench.lab("loadError", { source, options: { device: "cpu", hub: at } });
          assert.equal(found.code, code, `${source}: ${found.message}`);
          assert.match(found.message, words, source);
          assert.equal(found.name, "NomoatError");
        }
        assert.equal(requests.filter((line) => line.includes("torn/model")).length, 4, "an answer that broke off is asked for again");
        for (const [act, what] of [
          ["loadError", { source: "some/gguf", options: { device: "cpu", hub, budget: 1e5 } }],
          ["foretold", { source: "some/gguf", settings: { device: "cpu", hub, budget: 1e5 } }],
        ]) {
          const { code, message } = await bench.lab(/** @type {string} */ (act), what);
          assert.equal(code, "too-big", message);
          assert.match(message, /the smallest that can be read is BF16, 0.2 MB; there is room for 0.1 MB/);
        }
        // busy; busy without a word for other origins; a connection that breaks
        for (const reference of ["busy/model", "mute/model", "reset/model"]) {
          const busy = await bench.lab("listed", { reference, how: { hub } });
          assert.equal(busy.value?.variant, "Q8_0", `${reference}: ${busy.message}`);
        }
      }),
  },
  {
    name: "what is foretold of real loads is what they take",
    shared: true,
    each: "device",
    run: (bench) =>
      withHub(bench, async ({ url: hub }) => {
        const notes = [];
        for (const [what, more] of /** @type {[any, any][]} */ ([
          [{ source: "/shared/models/TinyStories-656K/" }, {}],
          [{ source: "/shared/zoo/llama3/model-bf16.gguf" }, { contextLength: 700 }],
          [{ source: "/shared/zoo/quants/llama/llama-Q8_0.gguf" }, { kv: "f32" }],
          [{ files: ["/shared/zoo/quants/llama/llama-Q4_0.gguf"] }, { maxBinding: 4096 }],
          [{ source: "some/stories", hub }, { contextLength: 64 }],
          [{ source: "/shared/zoo/quants/llama/" }, { quantize: "q4_k" }],
        ])) {
          const options = { device: bench.device, ...more };
          const { told, info } = await bench.lab("foretoldAndTaken", { ...what, options });
          assert.ok(told.fits, JSON.stringify(told.reasons));
          assert.equal(told.device, info.device);
          assert.equal(told.contextLength, info.contextLength);
          assert.deepEqual(told.card.formats, info.card.formats);
          const [foretold, taken] = bench.device === "gpu" ? [told.needs.total, info.gpuBytes] : [told.needs.weights, info.cpuBytes];
          assert.ok(Math.abs(foretold - taken) <= 0.05 * taken, `${JSON.stringify(what)}: ${foretold} foretold, ${taken} taken`);
          notes.push(`${foretold}/${taken}`);
        }
        return notes.join(", ");
      }),
  },
  {
    name: "of a big file only the header is read, in one request, and the answer has numbers, codes and words",
    shared: true,
    // WebKitGTK drops the range where a host sends on to another address, and stops a body late
    on: ["chromium", "firefox"],
    run: (bench) =>
      withHub(bench, async ({ url: hub, requests, sent }) => {
        const adapter = { limits: { maxStorageBufferBindingSize: 2 ** 27, maxBufferSize: 2 ** 28 } };
        const settings = { hub, adapter, memory: 2 ** 31, disk: 2e8, device: "gpu" };
        const before = sent();
        const { value: told, message } = await bench.lab("foretold", { source: "some/big", settings });
        assert.ok(told, message);
        assert.ok(sent() - before < 4.2e6, `${sent() - before} bytes`);
        assert.equal(requests.filter((line) => line.includes("/resolve/")).length, 1);
        assert.equal(told.fits, true);
        assert.equal(told.contextLength, 2048);
        assert.equal(told.needs.disk, told.disk);
        assert.equal(told.needs.weights + told.needs.kv + told.needs.scratch, told.needs.total);
        assert.ok(Math.abs(told.needs.weights - told.disk) < 3e6, `${told.needs.weights} of ${told.disk}`);
        assert.deepEqual(told.reasons.map((/** @type {any} */ r) => r.code), ["fits", "quota"]);
        assert.match(told.reasons[0].message, /^fits with a context of 2048 tokens: \d+\.\d MB$/);
        assert.equal(told.hub.revision, commitOf("some/big"));
        assert.equal(told.card.name, "Random weights in the shape of SmolLM2-135M");
        assert.equal(told.card.licence, "cc0-1.0");
        assert.equal(told.card.author, null);
        assert.equal(told.card.files[0].sha256, told.hub.variants[0].files[0].sha256);

        const ask = async (/** @type {any} */ more) => (await bench.lab("foretold", { source: "some/big", settings: { ...settings, disk: null, ...more } })).value;
        const codes = (/** @type {any} */ { fits, reasons }) => [fits, ...reasons.map((/** @type {any} */ r) => r.code)];
        assert.deepEqual(codes(await ask({ memory: 3e8 })), [false, "memory", "format"]);
        assert.deepEqual(codes(await ask({ memory: 6e8 })), [true, "fits", "tight"]);
        assert.deepEqual(codes(await ask({ maxBinding: 512 })), [false, "tensor-too-big"]);
        assert.deepEqual(codes(await ask({ contextLength: 9000 })), [true, "fits", "long-context"]);
        assert.deepEqual(codes(await ask({ adapter: null })), [false, "fits", "no-webgpu"]);
        assert.deepEqual(codes(await ask({ adapter: null, device: "auto" })), [true, "fits", "no-webgpu"]);
        assert.deepEqual(codes(await ask({ adapter: null, device: "cpu" })), [true, "fits"]);
        const licensed = await bench.lab("foretold", { source: "some/gguf", settings });
        assert.equal(licensed.value.card.licence, "llama3", "the hub's word where the file has none");
      }),
  },
  {
    name: "a host that sends only whole files is read no further than the header, or says that it cannot be",
    shared: true,
    // how far a host sends ahead of what is read is the browser's affair: here it is known
    on: ["chromium"],
    run: (bench) =>
      withWhole(async ({ url, sent, counted }) => {
        for (const [way, most] of /** @type {[string, number][]} */ ([
          ["whole", 32e6],
          ["blind", 48e6],
          ["long", 96e6],
        ])) {
          const before = sent();
          const { value: told, message } = await bench.lab("foretold", { source: `${url}/${way}/model.gguf`, settings: { device: "cpu" } });
          assert.ok(told, `${way}: ${message}`);
          assert.ok(told.disk > 3e8 && (way === "long" || told.fits), `${way}: ${JSON.stringify(told.reasons)}`);
          await counted();
          assert.ok(sent() - before < most, `${way}: ${sent() - before} bytes of ${told.disk} were sent`);
        }
        const before = sent();
        const { code, message } = await bench.lab("foretold", { source: `${url}/endless/model.gguf`, settings: { device: "cpu" } });
        assert.equal(code, "no-range", message);
        assert.match(message, /does not send parts of a file/);
        await counted();
        assert.ok(sent() - before < 32e6, `${sent() - before} bytes were sent`);
      }),
  },
  {
    name: "what cannot run is told by its code, and asking can be stopped",
    shared: true,
    run: (bench) =>
      withHub(bench, async ({ url: hub }) => {
        for (const [source, code] of [
          ["some/foreign", "unsupported-format"],
          ["/shared/zoo/whisper/", "unsupported-architecture"],
        ]) {
          const { value, message } = await bench.lab("foretold", { source, settings: { hub, device: "cpu" } });
          assert.ok(value, message);
          assert.equal(value.fits, false);
          assert.equal(value.needs, null);
          assert.equal(value.reasons[0].code, code);
          assert.ok(value.disk > 0 && value.card.formats.length);
        }
        for (const [source, settings, code] of /** @type {[any, any, string][]} */ ([
          ["/nowhere/model.gguf", {}, "not-found"],
          ["/shared/zoo/llama3/tokenizer.json", {}, "unsupported-format"],
          ["/shared/zoo/llama3/model-bf16.gguf", { device: "toaster" }, "unsupported-field"],
          ["/shared/zoo/llama3/model-bf16.gguf", { kv: "q1" }, "unsupported-field"],
          ["/shared/zoo/llama3/model-bf16.gguf", { frobnicate: 1 }, "unsupported-field"],
        ])) {
          const found = await bench.lab("foretold", { source, settings: { device: "cpu", ...settings } });
          assert.equal(found.code, code, `${source} ${JSON.stringify(settings)}: ${found.message}`);
        }
        const stopped = await bench.lab("foretold", { source: "/shared/models/TinyStories-656K/model.safetensors?fault=slow", settings: {}, patience: 150 });
        assert.equal(stopped.code, "aborted", stopped.message);
      }),
  },
];
