// Prints the raw, gzip and brotli sizes of what a page loads from a folder, of what a site with the widget loads, and of the
// single file beside that folder; with --budget BYTES, more brotli than that fails, and so do scripts of either that have more
// than their share.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const SCRIPTS = 60_000; // brotli bytes of script before a model is asked for
const [folder, , budget] = process.argv.slice(2);
const files = readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((e) => e.isFile())
  .map((e) => relative(folder, join(e.parentPath, e.name)))
  .sort();

/** @param {(name: string) => boolean} mine */
function measure(mine) {
  const sizes = { raw: 0, gzip: 0, brotli: 0 };
  for (const name of files.filter(mine)) {
    const bytes = readFileSync(join(folder, name));
    sizes.raw += bytes.length;
    sizes.gzip += gzipSync(bytes, { level: 9 }).length;
    sizes.brotli += brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }).length;
  }
  return sizes;
}

/** The widget is for other sites, and the examples and the benchmark are pages of their own. @param {string} name */
const ofPage = (name) => !/^pkg.embed\.|^docs\b|^ui.widget\.js$|\bbench\.(html|css|js)$/.test(name);
const rows = {
  wasm: measure((name) => name.endsWith(".wasm")),
  js: measure((name) => name.endsWith(".js") && ofPage(name)),
  "html, css": measure((name) => /\.(html|css)$/.test(name) && ofPage(name)),
};
/** @param {ReturnType<typeof measure>[]} parts */
function sum(parts) {
  const total = { raw: 0, gzip: 0, brotli: 0 };
  for (const row of parts) {
    total.raw += row.raw;
    total.gzip += row.gzip;
    total.brotli += row.brotli;
  }
  return total;
}
const total = sum(Object.values(rows));
/** What shows the widget in the dialog that gives its tag; the page loads it when that is opened. */
const shown = measure((name) => /^ui.widget\.js$/.test(name));
const widget = measure((name) => /^pkg.embed\.js$/.test(name));
const embedded = sum([rows.wasm, widget]);
const cell = (/** @type {unknown} */ value) => String(value).padStart(12);
console.log(`${folder.padEnd(12)}${cell("raw")}${cell("gzip")}${cell("brotli")}`);
for (const [name, row] of Object.entries({ ...rows, total, "share dialog": shown, widget, "with wasm": embedded })) {
  console.log(`${name.padEnd(12)}${cell(row.raw)}${cell(row.gzip)}${cell(row.brotli)}`);
}
const single = join(folder, "../nomoat.html");
if (existsSync(single)) {
  const bytes = readFileSync(single);
  console.log(`${"nomoat.html".padEnd(12)}${cell(bytes.length)}${cell(gzipSync(bytes, { level: 9 }).length)}${cell(brotliCompressSync(bytes).length)}`);
}
/** @param {string} what @param {number} bytes @param {number} limit */
function hold(what, bytes, limit) {
  if (bytes <= limit) return;
  console.error(`error: ${what}: ${bytes} bytes of brotli are over the budget of ${limit}`);
  process.exitCode = 1;
}
if (budget) {
  hold("the page", total.brotli, Number(budget));
  hold("the widget with its wasm", embedded.brotli, Number(budget));
  hold("the widget's script", widget.brotli, SCRIPTS);
  if (widget.raw === 0) hold("the widget is not built; its script", Infinity, SCRIPTS);
}
