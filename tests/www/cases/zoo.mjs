// Tiny models of each family against their goldens, on each device: a few in each run, all of them in a full one. Each gives a row
// of the table that `./build.sh families` prints.

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";

/** @typedef {import("../case.mjs").Case} Case */

/** What a run tries that is not full. */
const FEW = ["llama/", "llama3/", "llama3/model-bf16.gguf", "codellama/", "mistral_v3/", "gemma3/", "gpt_neox/", "bloom/", "gpt_oss_mxfp4/", "lfm2/", "qwen3_5_text/", "granitemoehybrid/", "deepseek_v3/", "rwkv4/", "flan_t5/", "bert_minilm/"];

const MODES = [
  { mode: "conformance", options: { precision: "f32", kv: "f32" }, tolerance: 1e-3 },
  { mode: "default", options: {}, tolerance: 2e-2 },
];

/** A list of the native tests, which say what is not yet there and which files lack a key. @param {string} source @param {string} name @returns {string[]} */
function listed(source, name) {
  const [, body] = new RegExp(`const ${name}: [^=]*= &\\[([^;]*)\\];`).exec(source) ?? [];
  if (body === undefined) throw new Error(`there is no list ${name} in tests/it/goldens.rs`);
  return [...body.matchAll(/(?:^|\()\s*"(\w+)"|"(\w+)",?\s*(?=[",\]]|$)/g)].map(([, first, alone]) => first ?? alone);
}

/** @param {{ root: string, models: string }} where @returns {Case[]} */
export function zooCases({ root, models }) {
  const zoo = path.join(models, "zoo");
  const source = readFileSync(path.join(root, "tests/it/goldens.rs"), "utf8");
  const notYet = listed(source, "NOT_YET");
  const byOther = listed(source, "BY_LLAMA_CPP");
  const [, rounded, far] = /ROUNDED: [^=]*= &\[\("([^"]+)", ([\d.]+)\)\];/.exec(source) ?? [];
  const names = readdirSync(zoo).filter((name) => existsSync(path.join(zoo, name, "golden.json")) && !existsSync(path.join(zoo, name, "model_index.json")) && !notYet.includes(name));
  return names.flatMap((name) => {
    const files = readdirSync(path.join(zoo, name));
    const entries = [...(files.includes("config.json") ? [""] : []), ...files.filter((file) => file.endsWith(".gguf"))];
    return entries.flatMap((entry) => {
      const ours = existsSync(path.join(root, `tests/data/golden/${name}.json`));
      const golden = ours ? `/data/golden/${name}.json` : `/shared/zoo/${name}/${entry && byOther.includes(name) ? "golden_gguf.json" : "golden.json"}`;
      return MODES.map((mode) => holds(name, entry, golden, rounded === `${name}/${entry}` ? { ...mode, tolerance: Number(far) } : mode));
    });
  });
}

/** @param {string} name @param {string} entry @param {string} golden @param {typeof MODES[number]} how @returns {Case} */
function holds(name, entry, golden, { mode, options, tolerance }) {
  const few = FEW.includes(`${name}/${entry}`);
  return {
    name: `zoo/${name}/${entry || "(folder)"} holds its goldens in ${mode} mode`,
    shared: `zoo/${name}`,
    on: ["chromium", "firefox", ...(few ? ["webkit"] : [])],
    each: "device",
    full: (browser) => !few || (browser === "firefox" && mode !== "conformance"),
    async run({ lab, device, name: browser }) {
      const { worst, off, wrong, greedy } = await lab("golden", { source: `/shared/zoo/${name}/${entry}`, golden, options: { device, ...options } });
      assert.ok(worst <= tolerance, `error ${worst}`);
      assert.deepEqual(wrong, []);
      console.log(`| zoo | ${[name, entry ? "GGUF" : "safetensors", mode, `${browser} ${device}`, off.toExponential(1), greedy].join(" | ")} |`);
      return `error ${worst.toExponential(1)}`;
    },
  };
}
