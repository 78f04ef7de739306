// `./build.sh prove` against a loopback hub: small models in the hub's layout, whose answers are known.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { onDisk, serveHub } from "../hub.mjs";
import { KIN } from "../known.mjs";

/** @typedef {import("../case.mjs").Case} Case */

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, "../../..");
const program = path.join(root, process.env.CARGO_TARGET_DIR ?? "target", "debug/nomoat");

/** What can be tried of the ten, and what stands for it. */
const NAMES = ["SmolLM2-135M-Instruct", "Qwen3-0.6B", "GPT-2", "flan-t5-small", "all-MiniLM-L6-v2"];

/** @type {Case[]} */
export const cases = [
  {
    name: "published checkpoints are fetched from a hub, tried beside known answers, and the table says what came out",
    shared: true,
    on: ["chromium"],
    async run({ shared, made }) {
      assert.ok(existsSync(program), `${program} is not built: run cargo build`);
      const folder = path.join(made, "prove");
      mkdirSync(folder, { recursive: true });
      const readme = path.join(folder, "README.md");
      // the table as it is before anything was tried
      const [begin] = /<!-- proven[^>]*-->/.exec(readFileSync(path.join(root, "README.md"), "utf8")) ?? [""];
      writeFileSync(readme, `# before\n${begin}<!-- /proven -->\nafter\n`);
      const files = (/** @type {string} */ name) => {
        const all = readdirSync(path.join(shared, "zoo", name), { recursive: true }).map(String);
        const published = all.filter((file) => /\.\w+$/.test(file) && !/^golden|\.gguf$/.test(file));
        return Object.fromEntries(published.map((file) => [file, onDisk(path.join(shared, "zoo", name, file))]));
      };
      const hub = await serveHub(Object.fromEntries(Object.entries(KIN).map(([repo, name]) => [repo, { files: files(name) }])));
      const waiting = () => readFileSync(readme, "utf8").split("not yet run").length - 1;
      const run = (/** @type {string} */ only) => proved(["--hub", hub.url, "--into", readme, "--kept", path.join(folder, "kept"), "--nomoat", program, "--reference", `node ${path.join(here, "../known.mjs")} ${shared}`, "--only", only]);
      try {
        const { code, out } = await run(NAMES.join());
        assert.equal(code, 0, out);
        assert.match(out, /\n5 of 5 agree\n/);
        const text = readFileSync(readme, "utf8");
        for (const name of NAMES) assert.match(text, new RegExp(`\\| \\[${name}\\].*\\| alike \\|( (24 of 24|cosine 1.000000) \\|){4} goldens \\| \\d{4}-\\d\\d-\\d\\d \\|`));
        assert.equal(waiting(), Object.keys(KIN).length - NAMES.length);
        assert.match(text, /^# before\n[^]*\nafter\n$/);

        // weights that are not those of the answers
        const weights = path.join(folder, "kept", readdirSync(path.join(folder, "kept")).find((name) => name.startsWith("openai")) ?? "", "model.safetensors");
        const bytes = readFileSync(weights);
        for (let i = bytes.length - 4000; i < bytes.length; i += 4) bytes.writeFloatLE(0.5, i);
        writeFileSync(weights, bytes);
        const wrong = await run("GPT-2");
        assert.equal(wrong.code, 1, wrong.out);
        assert.match(readFileSync(readme, "utf8"), /\| \[GPT-2\].*\| alike \| \d+ of 24, where/);
        const { code: none, out: said } = await run("nothing");
        assert.equal(none, 1, said);
      } finally {
        await hub.close();
      }
    },
  },
];

/** @param {string[]} options @returns {Promise<{ code: number, out: string }>} */
async function proved(options) {
  const child = spawn("node", [path.join(root, "build/prove.mjs"), ...options]);
  let out = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (out += data));
  return { code: await new Promise((done) => child.on("close", done)), out };
}
