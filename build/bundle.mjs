// Writes the widget as one file, embed.js, beside the wasm in the folder given, and embed.json with its hash and the tag to
// paste. The hash of embed.js pins everything that it loads: the worker's code is inside, and so is the hash of the wasm.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants } from "node:zlib";
import { build } from "esbuild";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const WASM = "nomoat_bg.wasm";

/** @param {Buffer} bytes */
const integrity = (bytes) => `sha384-${createHash("sha384").update(bytes).digest("base64")}`;

/** @param {Buffer} bytes */
const sizes = (bytes) => ({
  bytes: bytes.length,
  brotli: brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }).length,
});

/** @param {import("esbuild").BuildOptions} options */
async function bundled(options) {
  const { outputFiles } = await build({ bundle: true, write: false, minify: true, target: "es2022", legalComments: "none", absWorkingDir: root, ...options });
  return /** @type {import("esbuild").OutputFile[]} */ (outputFiles)[0].text;
}

/** @type {import("esbuild").Plugin} */
const inside = {
  name: "the worker's code is inside",
  setup({ onResolve }) {
    onResolve({ filter: /\/thread\.js$/ }, () => ({ path: path.join(root, "build/inside.js") }));
  },
};

/** @param {string} folder Where the wasm is, and where the bundle goes. */
export async function bundle(folder) {
  const wasm = readFileSync(path.join(folder, WASM));
  // as a function that gives what the module exports; nothing after this touches its text, which must stand on its own
  const worker = await bundled({
    entryPoints: ["www/worker.js"],
    format: "iife",
    globalName: "exported",
    define: { "import.meta.url": '""' },
  });
  const { version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
  const head = `/*! nomoat ${version}, MIT OR Apache-2.0; notices of what is inside: THIRD_PARTY_NOTICES */`;
  const js = Buffer.from(
    await bundled({
      entryPoints: ["www/ui/widget.js"],
      format: "esm",
      plugins: [inside],
      define: { "globalThis.nomoatWorker": "nomoatWorker", "globalThis.nomoatIntegrity": JSON.stringify(integrity(wasm)) },
      banner: { js: `${head}\nfunction nomoatWorker(){${worker};return exported}` },
    }),
  );
  writeFileSync(path.join(folder, "embed.js"), js);
  const about = {
    version,
    script: { integrity: integrity(js), ...sizes(js) },
    wasm: { name: WASM, integrity: integrity(wasm), ...sizes(wasm) },
  };
  writeFileSync(path.join(folder, "embed.json"), `${JSON.stringify(about, null, 2)}\n`);
  return about;
}

/** Pins what the pages of a folder embed by its hash, as on any other site. @param {string} folder @param {{ script: { integrity: string } }} about */
export function pin(folder, { script }) {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith(".html")) continue;
    const file = path.join(entry.parentPath, entry.name);
    const more = `integrity="${script.integrity}" crossorigin="anonymous"`;
    writeFileSync(file, readFileSync(file, "utf8").replaceAll(/src="[./]*pkg\/embed\.js"/g, `$& ${more}`));
  }
}

if (process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const { script, wasm } = await bundle(path.resolve(process.argv[2] ?? path.join(root, "www/pkg")));
  console.error(`embed.js: ${script.brotli} bytes of brotli, with the wasm ${script.brotli + wasm.brotli}`);
}
