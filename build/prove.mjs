// Tries published checkpoints against another engine: the ids of one text and 64 greedy tokens after it, natively and in Chromium,
// beside those of transformers; for encoders the cosine of embeddings. Writes what came out, dated, into the README's table.
//
//   node build/prove.mjs [--only NAME,NAME] [--hub URL] [--into README.md] [--kept FOLDER] [--nomoat PROGRAM] [--reference "COMMAND …"]
//
// Downloads are kept (target/prove) and resumed. NOMOAT_HARDWARE=1 lets Chromium use the machine's GPU instead of SwiftShader.

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import * as chromium from "../tests/www/chromium.mjs";
import { serve } from "../tests/www/server.mjs";
import { locate } from "../www/hub.js";
import { CHECKPOINTS } from "./checkpoints.js";

/**
 * @typedef {object} Reference What another engine says.
 * @property {string} version Which one it is.
 * @property {string} text
 * @property {number[]} encoded The text's ids.
 * @property {number[]} prompt The ids that were gone on from.
 * @property {number[] | null} [start] What the decoder begins with, where an encoder reads the prompt.
 * @property {number[]} [ids]
 * @property {number[]} [margins] How far each id was ahead of the next best.
 * @property {number[]} [embedding]
 *
 * @typedef {{ text: string, good: boolean }} Cell
 */

const TEXT = "The quick brown fox jumps over the lazy dog, and then";
const COUNT = 64;
/** What the default mode may be off by, at two logits. */
const TIE = 2 * 2e-2;
const ALIKE = 0.9999;
const TRIES = 5;
const [BEGIN, END] = ["<!-- proven: ./build.sh prove writes this table -->", "<!-- /proven -->"];
const COLUMNS = ["text", "CPU", "GPU", "Chromium, CPU", "Chromium, GPU"];
const NOT_YET = "not yet run";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const { values: asked } = parseArgs({
  options: {
    only: { type: "string" },
    hub: { type: "string" },
    into: { type: "string", default: path.join(root, "README.md") },
    kept: { type: "string", default: path.join(root, "target/prove") },
    nomoat: { type: "string", default: path.join(root, "target/release/nomoat") },
    reference: { type: "string", default: `${path.join(root, "target/prove/venv/bin/python")} ${path.join(root, "build/reference.py")}` },
  },
});

/** Runs a program; what it printed. @param {string[]} command @param {string} [input] @returns {Promise<string>} */
async function printed([program, ...rest], input = "") {
  const child = spawn(program, rest, { stdio: ["pipe", "pipe", "pipe"] });
  child.stdin.on("error", () => {}).end(input);
  let [out, err] = ["", ""];
  child.stdout.on("data", (data) => (out += data));
  child.stderr.on("data", (data) => (err += data));
  const code = await new Promise((done, fail) => child.on("error", fail).on("close", done));
  if (code !== 0) throw new Error(err.trim().split("\n").at(-1) || `${program} ended with ${code}`);
  return out;
}

/** @param {string} file */
async function hashed(file) {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}

/** Downloads a file unless it is there, going on where an earlier try ended. @param {import("../www/protocol.js").RemoteFile} file @param {string} folder */
async function fetched({ name, url, size, sha256 }, folder) {
  const [whole, part] = [path.join(folder, name), path.join(folder, `${name}.part`)];
  if (existsSync(whole)) return;
  mkdirSync(path.dirname(whole), { recursive: true });
  for (let attempt = 1; ; attempt++) {
    if (existsSync(part) && size !== undefined && statSync(part).size > size) rmSync(part);
    const have = existsSync(part) ? statSync(part).size : 0;
    try {
      if (have !== size || !size) {
        const response = await fetch(url, { headers: have ? { Range: `bytes=${have}-` } : {} });
        // there is no more, and nobody said how much there is
        if (response.status === 416) rmSync(part);
        if (!response.ok || !response.body) throw new Error(`${url}: ${response.status}`);
        // whoever answers with the whole file is taken at his word
        await pipeline(Readable.fromWeb(/** @type {any} */ (response.body)), createWriteStream(part, { flags: response.status === 206 ? "a" : "w" }));
      }
      const found = statSync(part).size;
      if (size !== undefined && found !== size) throw new Error(`${url}: expected ${size} bytes, found ${found}`);
      break;
    } catch (error) {
      if (attempt === TRIES) throw error;
      await new Promise((done) => setTimeout(done, attempt * 1000));
    }
  }
  if (sha256 && (await hashed(part)) !== sha256) {
    rmSync(part);
    throw new Error(`${url}: not the bytes that the hub lists`);
  }
  renameSync(part, whole);
}

/** How far two ways of going on agree, and whether they do: where two ids are as good, either may come. @param {ArrayLike<number>} ids @param {Reference} reference @returns {Cell} */
function agreement(ids, { ids: want = [], margins = [] }) {
  if (!want.length) return { text: "nothing to compare", good: false };
  const first = want.findIndex((id, i) => ids[i] !== id);
  if (first < 0) return { text: `${want.length} of ${want.length}`, good: true };
  if (ids.length <= first) return { text: `${first} of ${want.length}, and then no more`, good: false };
  return { text: `${first} of ${want.length}, where the next best is ${margins[first]?.toFixed(4)} behind`, good: margins[first] <= TIE };
}

/** @param {number[]} a @param {number[]} b */
const dot = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0);
/** @param {number[]} found @param {number[]} want @returns {Cell} */
function cosine(found, want) {
  const cosine = dot(found, want) / Math.sqrt(dot(found, found) * dot(want, want));
  return { text: `cosine ${cosine.toFixed(6)}`, good: cosine >= ALIKE };
}

/** @param {string} folder @param {Reference} reference @param {string} device */
async function natively(folder, reference, device) {
  const tokens = ["--tokens", reference.prompt.join(","), "--device", device];
  if (reference.embedding) {
    const { embeddings } = JSON.parse(await printed([asked.nomoat, "embed", folder, ...tokens]));
    return cosine(embeddings[0], reference.embedding);
  }
  const start = reference.start ? ["--decoder-tokens", reference.start.join(",")] : [];
  const { ids } = JSON.parse(await printed([asked.nomoat, "greedy", folder, ...tokens, ...start, "-n", String(reference.ids?.length), "--ignore-eos"]));
  return agreement(ids, reference);
}

/** @param {import("../tests/www/browser.mjs").Page} page @param {string} source @param {Reference} reference @param {string} device */
async function inPage(page, source, reference, device) {
  const made = await page.run(`async (what) => (await import("/lab/lab.js")).went(what)`, {
    source,
    options: { device },
    prompt: reference.prompt,
    count: reference.ids?.length,
  });
  return reference.embedding ? cosine(made, reference.embedding) : agreement(made, reference);
}

/** What a try says, or why there is none. @param {() => Promise<Cell>} run @returns {Promise<Cell>} */
const tried = (run) => run().catch((error) => ({ text: String(error.message).split("\n")[0].replaceAll("|", "/").slice(0, 160), good: false }));

/** A row of the table. @param {import("./checkpoints.js").Checkpoint} checkpoint @param {import("../tests/www/browser.mjs").Page} page */
async function prove({ repo }, page) {
  const found = await locate(`${repo}:safetensors`, { hub: asked.hub });
  const name = `${repo.replace("/", "--")}@${found.revision.slice(0, 12)}`;
  const folder = path.join(asked.kept, name);
  mkdirSync(folder, { recursive: true });
  for (const file of found.files) await fetched(file, folder);
  /** @type {Reference} */
  const reference = JSON.parse(await printed([...asked.reference.split(" "), folder, String(COUNT)], TEXT));
  const ids = JSON.parse(await printed([asked.nomoat, "tokenize", folder, "--special"], reference.text));
  const alike = ids.join() === reference.encoded.join();
  const cells = [{ text: alike ? "alike" : `other ids: ${ids} not ${reference.encoded}`, good: alike }];
  for (const device of ["cpu", "gpu"]) cells.push(await tried(() => natively(folder, reference, device)));
  for (const device of ["cpu", "gpu"]) cells.push(await tried(() => inPage(page, `/prove/${encodeURIComponent(name)}/`, reference, device)));
  return { revision: found.revision.slice(0, 7), against: reference.version, cells };
}

/** The rows that a file's table has, by the checkpoint's name. @param {string} text @returns {Map<string, string>} */
function rows(text) {
  const from = text.indexOf(BEGIN);
  const to = text.indexOf(END);
  if (from < 0 || to < from) throw new Error(`${asked.into} has no place for the table: ${BEGIN} … ${END}`);
  const lines = text.slice(from, to).split("\n").filter((line) => line.startsWith("| ["));
  return new Map(lines.map((line) => [/^\| \[([^\]]+)\]/.exec(line)?.[1] ?? "", line]));
}

/** @param {Map<string, string>} known */
function write(known) {
  const head = ["checkpoint", "commit", ...COLUMNS, "against", "on"];
  const lines = CHECKPOINTS.map(
    ({ name, repo }) => known.get(name) ?? `| [${name}](https://huggingface.co/${repo}) | ${head.slice(1).map((_, i) => (i === head.length - 2 ? NOT_YET : "")).join(" | ")} |`,
  );
  const table = [BEGIN, "", `| ${head.join(" | ")} |`, `|${head.map(() => "---").join("|")}|`, ...lines, "", END].join("\n");
  const text = readFileSync(asked.into, "utf8");
  const made = text.slice(0, text.indexOf(BEGIN)) + table + text.slice(text.indexOf(END) + END.length);
  writeFileSync(`${asked.into}.part`, made);
  renameSync(`${asked.into}.part`, asked.into);
}

const known = rows(readFileSync(asked.into, "utf8"));
const chosen = CHECKPOINTS.filter(({ name }) => !asked.only || asked.only.split(",").includes(name));
const server = await serve({ root: path.join(root, "www"), mounts: { "/lab": path.join(root, "tests/www"), "/prove": asked.kept } });
const browser = await chromium.start();
let failed = 0;
try {
  const page = await browser.open(`${server.url}?model=`);
  for (const checkpoint of chosen) {
    const { name, repo } = checkpoint;
    try {
      const { revision, against, cells } = await prove(checkpoint, page);
      const today = new Date().toISOString().slice(0, 10);
      const row = `| [${name}](https://huggingface.co/${repo}) | ${[revision, ...cells.map(({ text }) => text), against, today].join(" | ")} |`;
      console.log(row);
      known.set(name, row);
      write(known);
      if (!cells.every(({ good }) => good)) failed++;
    } catch (error) {
      console.log(`${name}: ${/** @type {Error} */ (error).message}`);
      failed++;
    }
  }
} finally {
  await browser.close();
  await server.close();
}
if (!chosen.length) console.log(`there is none of these: ${asked.only}`);
write(known);
console.log(`${chosen.length - failed} of ${chosen.length} agree`);
process.exit(failed || !chosen.length ? 1 : 0);
