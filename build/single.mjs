// Writes the page as one file that opens from a disk: styles, scripts, the worker, the WebAssembly module and the notices are
// inside, and its content security policy names the hashes of its own script and style and allows no connection.
//
//   node build/single.mjs [--out dist/nomoat.html] [--notices FILE] [--model FILE.gguf]
//
// The model inside, which load("embedded") reads, is the one that --model names, else Seedling once it passes its own evaluation. It is
// base64 in <script id="nomoat-model" data-name="FILE.gguf">.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { SEEDLING } from "../www/seedling.js";

const { values } = parseArgs({
  options: { out: { type: "string", default: "dist/nomoat.html" }, notices: { type: "string" }, model: { type: "string", default: SEEDLING.passes ? "seedling/seedling.gguf" : "" } },
});

/** @param {import("esbuild").BuildOptions} options */
async function bundled(options) {
  const how = { bundle: true, write: false, minify: true, format: "iife", target: "es2022", legalComments: "none" };
  const { outputFiles } = await build({ .../** @type {import("esbuild").BuildOptions} */ (how), ...options });
  return /** @type {import("esbuild").OutputFile[]} */ (outputFiles)[0].text.trim();
}

/** A script between tags must not hold what looks like them; these are in texts and patterns only. @param {string} script */
const inline = (script) => script.replaceAll(/<(?=!--|script|\/script)/gi, "\\x3c");

/** @param {string} text */
const hash = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** @param {string} id @param {Buffer} bytes @param {string} [more] */
const data = (id, bytes, more = "") => `<script type="application/octet-stream" id="${id}"${more}>${bytes.toString("base64")}</script>`;

/** @type {import("esbuild").Plugin} */
const alone = {
  name: "everything is inside",
  setup({ onResolve }) {
    onResolve({ filter: /\/thread\.js$/ }, () => ({ path: path.resolve("build/alone.js") }));
  },
};

// as a function that gives what the module exports; its text must stand on its own
const worker = await bundled({ entryPoints: ["www/worker.js"], globalName: "exported", define: { "import.meta.url": '""' } });
const script = inline(
  await bundled({
    entryPoints: ["www/ui/page.js"],
    plugins: [alone],
    define: { "import.meta.url": "location.href", "globalThis.nomoatWorker": "nomoatWorker", "globalThis.nomoatIntegrity": '""' },
    banner: { js: `function nomoatWorker(){${worker};return exported}` },
  }),
);

const page = readFileSync("www/index.html", "utf8");
const sheets = [...page.matchAll(/<link rel="stylesheet" href="([^"]+)"/g)].map(([, href]) => path.join("www", href));
const style = await bundled({
  stdin: { contents: sheets.map((sheet) => `@import "./${sheet}";`).join("\n"), loader: "css", resolveDir: "." },
  format: undefined,
  // what a sheet refers to comes in with it
  loader: { ".svg": "dataurl", ".png": "dataurl", ".woff2": "dataurl" },
});

const policy = [
  "default-src 'none'",
  "connect-src 'none'",
  `script-src ${hash(script)} 'wasm-unsafe-eval'`,
  "worker-src blob:",
  `style-src ${hash(style)}`,
  "img-src data: blob:",
  "base-uri 'none'",
  "form-action 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types nomoat",
].join("; ");

const icon = `data:image/svg+xml;base64,${readFileSync("www/icon.svg").toString("base64")}`;
const blocks = [
  data("nomoat-wasm", gzipSync(readFileSync("www/pkg/nomoat_bg.wasm"), { level: 9 })),
  ...(values.notices ? [data("nomoat-notices", gzipSync(readFileSync(values.notices), { level: 9 }))] : []),
  ...(values.model ? [data("nomoat-model", readFileSync(values.model), ` data-name="${path.basename(values.model).replaceAll(/[^\w.-]/g, "_")}"`)] : []),
];

/** @type {[RegExp, string][]} */
const changes = [
  [/<!--[^]*?-->/, "<!-- The page as one file: no part of it is elsewhere, and its policy lets it connect to nothing. -->"],
  [/<html /, "<html data-single "],
  [/(?<=http-equiv="Content-Security-Policy"\s+content=")[^"]*/, policy],
  [/<link rel="icon"[^>]*>/, `<link rel="icon" href="${icon}" />`],
  [/<link rel="stylesheet"[^>]*>/, `<style>${style}</style>`],
  [/<script type="module" [^>]*><\/script>\s*/, ""],
  // what else it refers to is not here
  [/\s*<link rel="(stylesheet|manifest|apple-touch-icon|modulepreload|preload)"[^>]*>/g, ""],
  [/\s*<\/body>/, `\n    ${[...blocks, `<script>${script}</script>`].join("\n    ")}\n  </body>`],
];
let whole = page;
for (const [what, by] of changes) {
  if (!what.test(whole)) throw new Error(`www/index.html has no ${what}`);
  // as a function, since scripts have dollars of their own
  whole = whole.replace(what, () => by);
}
if (/\b(src|href)="(?!data:)/.test(whole.replaceAll(/<(script|style)\b[^]*?<\/\1>/g, ""))) throw new Error("something of the page is not in the single file");

mkdirSync(path.dirname(values.out), { recursive: true });
writeFileSync(values.out, whole);
