// Prints the raw, gzip and brotli sizes of what a page loads from a folder, and of the single file beside that folder; with
// --budget BYTES, more brotli than that fails.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const SINGLE = "../nomoat.html";
const [folder, , budget] = process.argv.slice(2);
const files = readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((e) => e.isFile())
  .map((e) => relative(folder, join(e.parentPath, e.name)))
  .sort();

/** @param {string[]} names */
function measure(names) {
  const sizes = { raw: 0, gzip: 0, brotli: 0 };
  for (const name of names) {
    const bytes = readFileSync(join(folder, name));
    sizes.raw += bytes.length;
    sizes.gzip += gzipSync(bytes, { level: 9 }).length;
    sizes.brotli += brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }).length;
  }
  return sizes;
}

const rows = {
  wasm: measure(files.filter((name) => name.endsWith(".wasm"))),
  js: measure(files.filter((name) => name.endsWith(".js"))),
  "html, css": measure(files.filter((name) => /\.(html|css)$/.test(name))),
};
const total = { raw: 0, gzip: 0, brotli: 0 };
for (const row of Object.values(rows)) {
  total.raw += row.raw;
  total.gzip += row.gzip;
  total.brotli += row.brotli;
}
const cell = (/** @type {unknown} */ value) => String(value).padStart(12);
console.log(`${folder.padEnd(12)}${cell("raw")}${cell("gzip")}${cell("brotli")}`);
for (const [name, row] of Object.entries({ ...rows, total })) {
  console.log(`${name.padEnd(12)}${cell(row.raw)}${cell(row.gzip)}${cell(row.brotli)}`);
}
if (existsSync(join(folder, SINGLE))) {
  const { raw, gzip, brotli } = measure([SINGLE]);
  console.log(`${"nomoat.html".padEnd(12)}${cell(raw)}${cell(gzip)}${cell(brotli)}`);
}
if (budget && total.brotli > Number(budget)) {
  console.error(`error: ${total.brotli} bytes of brotli are over the budget of ${budget}`);
  process.exit(1);
}
