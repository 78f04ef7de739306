// nomoat beside wllama and Transformers.js in one Chromium: the same random weights, runs in turn, medians of pairs.
//
//   node build/peers.mjs [--only "WORD WORD …"] [--quick] [--pairs 3] [--seconds 45] [--patience 60] [--json FILE]
//
// `--only` takes the cells whose names have all the words; `--quick` sees whether each of S15 runs. No pair begins after
// `--seconds` of a length, none is tried that would take a peer longer than `--patience`. www/pkg has to be built;
// NOMOAT_PYTHON names a python that has the packages, NOMOAT_HARDWARE=1 lets Chromium use the machine's GPU.

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import * as chromium from "../tests/www/chromium.mjs";
import { serve } from "../tests/www/server.mjs";
import { models, packages, versionsOf } from "./peers/install.mjs";
import { bestTable, bests, figure, first, heading, line, median, named } from "./peers/table.mjs";

/** @typedef {import("./peers/table.mjs").Measured} Measured @typedef {import("./peers/runtimes.js").Wanted} Wanted @typedef {import("./peers/page.js").Pair} Pair */

const VERSIONS = {
  npm: { "@wllama/wllama": "3.13.0", "@huggingface/transformers": "4.3.2" },
  python: {
    gguf: "0.19.0",
    numpy: "2.4.6",
    onnx: "1.23.2",
    "onnx-ir": "1.1.0",
    onnxruntime: "1.32.0",
    "onnxruntime-genai": "0.18.0",
    safetensors: "0.8.0",
    torch: "2.15.0",
    transformers: "5.24.0",
  },
};

/** What is measured of a shape: the device, nomoat's file, the peer, its weights and its threads. @type {[Wanted["device"], string, Wanted["peer"], string, number][]} */
const CELLS = [
  ["cpu", "Q8_0", "wllama", "Q8_0", 1],
  ["cpu", "Q8_0", "wllama", "Q8_0", 2],
  ["cpu", "Q8_0", "Transformers.js", "q8", 1],
  ["cpu", "Q4_0", "wllama", "Q4_0", 1],
  ["cpu", "Q4_0", "wllama", "Q4_0", 2],
  ["gpu", "F32", "Transformers.js", "fp32", 1],
  ["gpu", "Q4_0", "Transformers.js", "q4", 1],
];
const CONTEXT = 1024;
/** Tokens that are written, by shape and device; a peer on an emulated GPU takes seconds for one. @type {Record<string, Record<Wanted["device"], { nomoat: number, peer: number }>>} */
const TOKENS = {
  S15: { cpu: { nomoat: 64, peer: 64 }, gpu: { nomoat: 32, peer: 8 } },
  S135: { cpu: { nomoat: 32, peer: 32 }, gpu: { nomoat: 32, peer: 4 } },
};
/** Longer than any step should take. */
const LONGEST_S = 300;

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const target = path.join(root, "target/peers");
const { values: asked } = parseArgs({
  options: {
    only: { type: "string" },
    quick: { type: "boolean", default: false },
    pairs: { type: "string" },
    seconds: { type: "string", default: "45" },
    patience: { type: "string", default: "60" },
    json: { type: "string" },
  },
});
const lengths = asked.quick ? [16, 64] : [128, 512];
const most = Number(asked.pairs ?? (asked.quick ? 1 : 3));

/** @returns {Measured[]} */
function chosen() {
  const all = Object.keys(TOKENS).flatMap((shape) =>
    CELLS.map(([device, format, peer, dtype, threads]) => {
      const cell = { shape, device, format, peer, dtype, threads, context: CONTEXT };
      return { ...cell, name: `${shape} ${device} ${format} ${named(cell)}`, pairs: {}, why: {} };
    }),
  );
  const words = (asked.only ?? (asked.quick ? "S15" : "")).split(" ").filter(Boolean);
  return all.filter(({ name }) => words.every((word) => name.split(" ").includes(word)));
}

/** What it becomes, or a failure if that takes too long. @template T @param {Promise<T>} promise @param {string} what @returns {Promise<T>} */
function within(promise, what) {
  /** @type {NodeJS.Timeout} */
  let late;
  const tooLong = new Promise((_, fail) => (late = setTimeout(() => fail(new Error(`${what} took more than ${LONGEST_S} s`)), LONGEST_S * 1000)));
  return Promise.race([promise, /** @type {Promise<never>} */ (tooLong)]).finally(() => clearTimeout(late));
}

/** @param {unknown} error */
const reason = (error) => String(/** @type {Error} */ (error).message ?? error).replace(/^page\.evaluate: /, "").split("\n")[0].replaceAll("|", "/").slice(0, 200);

/** Runs a cell's pairs in a page of its own; what cannot be run says why. @param {Measured} cell @param {import("../tests/www/browser.mjs").Browser} browser @param {string} url */
async function measure(cell, browser, url) {
  const isolated = cell.threads > 1;
  const page = await browser.open(`${url}peers/page.html${isolated ? "?isolated" : ""}`);
  /** @param {string} verb @param {any} [what] */
  const call = (verb, what) => within(page.run(`async (what) => (await import("/peers/page.js")).${verb}(what)`, what), verb);
  const { pairs: _, why: __, about: ___, ...wanted } = cell;
  try {
    cell.about = await call("open", { ...wanted, isolated });
    for (const length of lengths) {
      try {
        cell.pairs[length] = await pairsOf(cell, length, call);
      } catch (error) {
        // the rest would fail alike
        if (length === lengths[0]) throw error;
        cell.why[length] = reason(error);
      }
    }
    await call("close");
  } catch (error) {
    cell.why.all = reason(error);
  } finally {
    await page.close();
  }
}

/** @param {Measured} cell @param {number} length @param {(verb: string, what?: any) => Promise<any>} call @returns {Promise<Pair[]>} */
async function pairsOf(cell, length, call) {
  const decodes = length === lengths[0];
  const known = cell.pairs[lengths[0]];
  if (known) {
    const seconds = (median(known.map(({ peer }) => peer.firstMs)) * length) / lengths[0] / 1000;
    if (seconds > Number(asked.patience)) throw new Error(`not tried: the peer would take about ${seconds.toFixed(0)} s`);
  }
  const few = asked.quick ? { nomoat: 4, peer: 4 } : TOKENS[cell.shape][cell.device];
  const tokens = decodes ? few : { nomoat: 1, peer: 1 };
  await call("warm", { ours: true, length, tokens: tokens.nomoat });
  // a length is new to kernels of a GPU only
  if (decodes || cell.device === "gpu") await call("warm", { ours: false, length, tokens: Math.min(tokens.peer, cell.device === "gpu" ? 2 : 16) });
  const begun = performance.now();
  /** @type {Pair[]} */
  const pairs = [];
  while (!pairs.length || (pairs.length < most && performance.now() - begun < Number(asked.seconds) * 1000)) {
    pairs.push(await call("pair", { length, tokens, peerFirst: pairs.length % 2 === 1 }));
  }
  return pairs;
}

/** A cell in the JSON. @param {Measured} cell */
function told(cell) {
  const { pairs, ...rest } = cell;
  return {
    ...rest,
    decode: figure(cell, "decode", lengths[0]),
    prefill: Object.fromEntries(lengths.map((length) => [length, figure(cell, "prefill", length)])),
    firstTokenMs: Object.fromEntries(lengths.map((length) => [length, first(cell, length)])),
    runs: pairs,
  };
}

/** The commit; empty where there is none. */
function commit() {
  try {
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], { cwd: root, encoding: "utf8" }).trim();
  } catch {
    return "";
  }
}

const cells = chosen();
if (!cells.length) {
  console.error(`there is no such cell: ${asked.only}`);
  process.exit(1);
}
const modules = await packages(target, VERSIONS);
const made = await models(target, [...new Set(cells.map(({ shape }) => shape))], VERSIONS, CONTEXT);
/** Threads share memory in isolated pages only; their workers have to say that they may be used there. */
const isolation = {
  /** @param {import("node:http").IncomingMessage} request @param {import("node:http").ServerResponse} response */
  answer({ url }, response) {
    response.setHeader("Cross-Origin-Embedder-Policy", "require-corp");
    if (url?.endsWith("?isolated")) response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
    return false;
  },
};
const server = await serve({
  root: path.join(root, "www"),
  mounts: { "/peers": path.join(root, "build/peers"), "/npm": modules, "/models": made },
  policy: "",
  depot: /** @type {any} */ (isolation),
});
const browser = await chromium.start();
try {
  const blank = await browser.open(`${server.url}peers/page.html`);
  const versions = {
    nomoat: [JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")).version, commit()].join(" ").trim(),
    ...versionsOf(modules, [...Object.keys(VERSIONS.npm), "onnxruntime-web"]),
    Chromium: blank.raw.context().browser().version(),
  };
  await blank.close();
  console.log(`${Object.entries(versions).map((each) => each.join(" ")).join(", ")}; nomoat with one thread; nomoat / peer\n`);
  console.log(heading(lengths));
  for (const cell of cells) {
    await measure(cell, browser, server.url);
    console.log(line(cell, lengths));
  }
  console.log(`\n${bestTable(cells, lengths)}`);
  if (asked.json) {
    const report = { date: new Date().toISOString(), versions, flags: chromium.FLAGS, lengths, cells: cells.map(told), best: bests(cells, lengths) };
    writeFileSync(asked.json, `${JSON.stringify(report, null, 1)}\n`);
  }
} finally {
  await browser.close();
  await server.close();
}
