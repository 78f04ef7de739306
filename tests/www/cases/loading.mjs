// How models are brought in: addresses with and without ranges, files, and everything that goes wrong on the way.

import assert from "node:assert/strict";

const STORY = "/shared/models/TinyStories-656K/";
const PROMPT = [1, 147, 201, 282, 215];
const BEGIN = [286, 598, 1662, 356, 499, 826, 1363, 1145, 1652, 615, 242, 1482];
const PARTS = ["config.json", "model.safetensors", "tokenizer.json", "generation_config.json"].map((name) => STORY + name);

/** @typedef {import("../case.mjs").Case} Case */

/** @type {Case[]} */
export const cases = [
  {
    name: "a folder by address: phases, marks, trace, progress",
    shared: true,
    async run({ lab, devices }) {
      const got = await lab("watched", { source: STORY, options: { device: devices[0] }, prompt: PROMPT });
      assert.deepEqual(got.ids, BEGIN);
      for (const phase of ["module", "open", "device", "weights", "compile", "ready"]) {
        assert.ok(got.phases.includes(phase), `no phase ${phase} in ${got.phases}`);
        assert.ok(got.marks.includes(`nomoat:${phase}`), `no mark ${phase} in ${got.marks}`);
      }
      assert.ok(got.marks.includes("nomoat:first-token") && got.marks.includes("nomoat:end"));
      assert.equal(got.last[0], got.last[1]);
      assert.ok(got.lines.some((/** @type {string} */ line) => line.includes("loaded")));
      assert.deepEqual(got.warnings, devices[0] === "gpu" ? ["software-gpu"] : []);
      assert.equal(got.after, "aborted");
    },
  },
  {
    name: "a GGUF by address",
    shared: "zoo/llama3",
    async run({ lab, devices }) {
      const got = await lab("watched", { source: "/shared/zoo/llama3/model-bf16.gguf", options: { device: devices[0] }, prompt: [28, 292, 85] });
      assert.equal(got.ids.length, 12);
      assert.equal(got.info.family, "llama");
    },
  },
  {
    name: "files of a folder, and one file",
    shared: true,
    async run({ lab, devices }) {
      const options = { device: devices[0] };
      const folder = await lab("watched", { files: PARTS, options, prompt: PROMPT });
      assert.deepEqual(folder.ids, BEGIN);
      const one = await lab("watched", { files: ["/shared/zoo/llama3/model-bf16.gguf"], options, prompt: [28, 292, 85] });
      assert.equal(one.ids.length, 12);
    },
  },
  {
    name: "a host without ranges, answers cut short, and a host that is now and then unwell",
    shared: "zoo/llama3",
    async run({ lab, devices, server }) {
      for (const fault of ["no-range", "truncate", "flaky"]) {
        const source = `/shared/zoo/llama3/model-bf16.gguf?fault=${fault}`;
        const got = await lab("watched", { source, options: { device: devices[0] }, prompt: [28, 292, 85] });
        assert.equal(got.ids.length, 12, fault);
      }
      assert.ok(server.requests.some((line) => line.includes("fault=truncate")));
    },
  },
  {
    name: "a big file from a host without ranges is kept by the browser, with a warning",
    made: "big",
    full: true,
    async run({ lab, devices }) {
      const got = await lab("big", { source: "/made/big.gguf?fault=no-range", options: { device: devices[0] }, tokens: 2 });
      assert.ok(got.warnings.includes("no-range"), got.warnings.join());
    },
  },
  {
    name: "another origin: allowed with CORS, and told apart from a network failure",
    shared: "zoo/llama3",
    async run({ lab, devices, other }) {
      const options = { device: devices[0] };
      const file = `${other.url}shared/zoo/llama3/model-bf16.gguf`;
      const fine = await lab("watched", { source: file, options, prompt: [28, 292, 85] });
      assert.equal(fine.ids.length, 12);
      const cors = await lab("loadError", { source: `${file}?fault=no-cors`, options });
      assert.equal(cors.code, "cors", cors.message);
      assert.match(cors.message, /model-bf16\.gguf/);
      const down = await lab("loadError", { source: "http://127.0.0.1:9/model.gguf", options });
      assert.equal(down.code, "network", down.message);
    },
  },
  {
    name: "errors of a host have their codes",
    shared: "zoo/llama3",
    async run({ lab, devices }) {
      const file = "/shared/zoo/llama3/model-bf16.gguf";
      for (const [source, code] of [
        [`${file}?fault=404`, "not-found"],
        ["/nowhere/model.gguf", "not-found"],
        ["/nowhere/", "not-found"],
        [`${file}?fault=403`, "gated"],
        [`${file}?fault=401`, "gated"],
        [`${file}?fault=500`, "network"],
        [`${file}?fault=page`, "not-found"],
        [`${file}?fault=wrong-length`, "network|bad-file"],
        ["/shared/zoo/llama3/tokenizer.json", "bad-file|unsupported-format"],
        [7, "unsupported-field"],
      ]) {
        const { code: got, message, name } = await lab("loadError", { source, options: { device: devices[0] } });
        assert.ok(String(code).split("|").includes(got), `${source}: ${got}, not ${code}: ${message}`);
        assert.equal(name, "NomoatError");
      }
    },
  },
  {
    name: "options that make no sense are refused",
    async run({ lab, server }) {
      for (const options of [{ device: "toaster" }, { precision: "f64" }, { kv: "q1" }, { contextLength: 0 }, { frobnicate: 1 }]) {
        const { code, message } = await lab("loadError", { source: "/nowhere/model.gguf", options });
        assert.equal(code, "unsupported-field", `${JSON.stringify(options)}: ${message}`);
      }
      // what is misspelt is known before anything is asked for, and by what
      const errors = await lab("misspelt", "/nowhere/misspelt.gguf");
      for (const [i, words] of [/onprogress/, /onProgress/, /cannot go to the worker/].entries()) {
        assert.equal(errors[i].code, "unsupported-field", errors[i].message);
        assert.match(errors[i].message, words);
      }
      assert.ok(!server.requests.some((line) => line.includes("misspelt.gguf")), "it was asked for");
    },
  },
  {
    name: "a load that is aborted ends at once",
    shared: true,
    async run({ lab, devices }) {
      for (const after of [1, 60, 400]) {
        const what = { source: `${STORY}model.safetensors?fault=slow`, options: { device: devices[0] }, after };
        const { code, ms } = await lab("abortedLoad", what);
        assert.equal(code, "aborted");
        assert.ok(ms < 250, `${ms} ms`);
      }
    },
  },
  {
    name: "without a hardware GPU the CPU is taken, with the reason; asking for a GPU that is not there is an error",
    shared: true,
    async run({ lab, devices }) {
      const got = await lab("watched", { source: STORY, options: {}, prompt: PROMPT });
      assert.deepEqual(got.ids, BEGIN);
      assert.equal(got.info.device, "cpu");
      const gpu = devices.includes("gpu");
      assert.match(got.info.deviceReason, gpu ? /emulated in software/ : /no WebGPU/);
      if (gpu) return;
      const { code, message } = await lab("loadError", { source: STORY, options: { device: "gpu" } });
      assert.equal(code, "no-webgpu", message);
    },
  },
  {
    name: "where workers have no WebGPU the model runs on the page, and stops and unloads there",
    shared: true,
    each: "gpu",
    async run({ lab }) {
      const options = { device: "gpu", contextLength: 400 };
      const got = await lab("onPage", { then: "watched", argument: { source: STORY, options, prompt: PROMPT } });
      assert.deepEqual(got.ids, BEGIN);
      assert.equal(got.info.device, "gpu");
      assert.ok(got.warnings.includes("no-gpu-in-worker"), got.warnings.join());
      assert.equal(got.after, "aborted");
      const argument = { source: STORY, options, prompt: "Once upon", after: 6 };
      const { reason, continues, later } = await lab("onPage", { then: "stopped", argument });
      assert.equal(reason, "abort");
      assert.ok(continues && later <= 2);
      const { code, ms, told } = await lab("onPage", {
        then: "abortedLoad",
        argument: { source: `${STORY}model.safetensors?fault=slow`, options, after: 400, hear: true },
      });
      assert.equal(code, "aborted");
      assert.ok(ms < 250, `${ms} ms`);
      assert.ok(told, "it went on to load");
    },
  },
  {
    name: "a panic is an error with its words, and so is a trap, in the worker and on the page; the next load is fresh",
    shared: true,
    each: "gpu",
    async run({ lab, device }) {
      for (const [where, how, on] of [
        ["worker", "nonsense", device],
        ["worker", "trap", "cpu"],
        ["worker", "trap at once", "cpu"],
        ["page", "trap", device],
        ["page", "nonsense", device],
      ]) {
        const { first, again } = await lab("broken", { where, how, source: STORY, options: { device: on } });
        const what = `${where}, ${how}: ${JSON.stringify(first)}`;
        assert.equal(first.code, "internal", what);
        const words = how === "nonsense" ? /panicked at .*Unexpected error/s : /^internal error: the module ran out of memory or of stack \(unreachable\)/;
        assert.match(first.message, words, what);
        assert.equal(again.value?.ids.length, 8, `${what}, then ${again.message}`);
      }
    },
  },
  {
    name: "the self-test gives up kernels that are wrong, and a GPU with none that is right",
    shared: true,
    each: "gpu",
    async run({ lab, device, name }) {
      const ask = (/** @type {string} */ how) => lab("broken", { where: "worker", how, source: STORY, options: { device } });
      const { first, again } = await ask("subgroups");
      assert.match(again.value.selfTest, /^right with(out)? subgroups \(BF16\); more than a few tokens at once not asked yet$/);
      assert.match(first.value.selfTest, name === "chromium" ? /^right without subgroups .*; not used with subgroups: BF16 with 1 tokens is off/ : /^right without subgroups/);
      assert.deepEqual(first.value.ids, again.value.ids);
      // a kernel that does not compile is no better than a wrong one
      const unknown = (await ask("unknown")).first;
      assert.match(unknown.value.selfTest, name === "chromium" ? /^right without subgroups .*; not used with subgroups: .*subgroupNone/s : /^right without subgroups/);
      assert.deepEqual(unknown.value.ids, again.value.ids);
      const refused = (await ask("all")).first;
      assert.equal(refused.code, "self-test-failed", refused.message);
      assert.match(refused.message, /not used without subgroups/);
    },
  },
  {
    name: "which kernels are the fastest is measured when nobody waits, and kept for the next load",
    shared: true,
    each: "gpu",
    async run({ lab, device }) {
      const [between, before, after, found, measured, failed, ...again] = await lab("tuned", { source: STORY, device });
      assert.equal(failed, "");
      assert.deepEqual([between, after], [before, before]);
      assert.match(found, /^right with(out)? subgroups \(BF16\); more than a few tokens at once not asked yet$/);
      assert.ok(measured.startsWith(`${found.split(";")[0]}; BF16: `), measured);
      assert.match(measured, /: [48] rows a (subgroup|workgroup|lane), (4|8|16|32|64|128|256) invocations, \d+\.\d\d times the usual$/);
      assert.deepEqual(again, [before, before, measured, measured, ""]);
    },
  },
  {
    name: "the kernels of a first prompt are there before it is",
    shared: true,
    each: "gpu",
    async run({ lab, device }) {
      const { ahead, later, here, ids } = await lab("onPage", { then: "warmed", argument: { source: STORY, device } });
      assert.ok(ahead > 0, `${ahead} compiled ahead`);
      assert.equal(later, 0);
      assert.equal(here, 0);
      assert.equal(ids.length, 4);
    },
  },
  {
    name: "an internal error of the browser's GPU is an error, not a panic",
    shared: true,
    each: "gpu",
    async run({ lab, device }) {
      for (const how of ["internal", "uncaptured", "refused"]) {
        const { first } = await lab("broken", { where: "worker", how, source: STORY, options: { device } });
        // each kind of kernels is refused, so no kind is left
        assert.equal(first.code, "self-test-failed", first.message);
        assert.match(first.message, /the compiler is tired/, how);
        assert.doesNotMatch(first.message, /panicked/, how);
      }
    },
  },
];
