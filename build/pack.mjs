// Fills dist/: site/ is www/ in few files, npm/ its modules as a package with types, nomoat.js the widget as one file
// beside its wasm and the model that comes with it, and integrity.json what pins it.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import { build, transformSync } from "esbuild";
import { pin } from "./bundle.mjs";
import { preload } from "./preload.mjs";
import { list } from "./shell.mjs";

const manifest = readFileSync("Cargo.toml", "utf8");
const field = (/** @type {string} */ name) => manifest.match(new RegExp(`^${name} = "(.*)"$`, "m"))?.[1] ?? "";
const texts = ["README.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE"];

rmSync("dist", { recursive: true, force: true });
mkdirSync("dist/npm", { recursive: true });
const filter = (/** @type {string} */ source) => !basename(source).startsWith(".");
const bundled = /\.d\.ts$|^www.(css|store|ui|vendor|pkg.formats\.js)\b|^www.(?!sw\.)\w+\.(js|css)$/;
cpSync("www", "dist/site", { recursive: true, filter: (source) => filter(source) && !bundled.test(source) });
// What a page names keeps its name; the modules behind it become a few shared parts, which is fewer requests and fewer bytes.
const entries = ["ui/page.js", "ui/widget.js", "nomoat.js", "worker.js"];
await build({
  absWorkingDir: resolve("www"),
  entryPoints: [...entries, "style.css", "css/*.css"],
  outdir: resolve("dist/site"),
  allowOverwrite: true,
  bundle: true,
  splitting: true,
  format: "esm",
  chunkNames: "part-[hash]", // beside worker.js, since thread.js finds it from where it is itself
  external: ["./pkg/nomoat.js", "*.svg"], // loaded afresh after a panic; it finds its wasm from where it is itself
  minify: true,
  target: "es2022",
  legalComments: "none",
  logLevel: "error",
});
// A page of its own: parts in common would cost the page what few open.
await build({
  absWorkingDir: resolve("www"),
  entryPoints: ["bench.js"],
  outdir: resolve("dist/site"),
  bundle: true,
  format: "esm",
  external: ["./pkg/nomoat.js"],
  minify: true,
  target: "es2022",
  legalComments: "none",
  logLevel: "error",
});
const sw = "dist/site/sw.js";
writeFileSync(sw, transformSync(readFileSync(sw, "utf8"), { minify: true, target: "es2022", legalComments: "none" }).code);

const about = JSON.parse(readFileSync("www/pkg/embed.json", "utf8"));
pin("dist/site/docs", about);
cpSync("www/pkg/embed.js", "dist/nomoat.js");
cpSync(`www/pkg/${about.wasm.name}`, `dist/${about.wasm.name}`);
cpSync("www/pkg/seedling.gguf", "dist/seedling.gguf");
const tag = `<script type="module" src="nomoat.js" integrity="${about.script.integrity}" crossorigin="anonymous"></script>`;
writeFileSync("dist/integrity.json", `${JSON.stringify({ ...about, tag }, null, 2)}\n`);

preload("dist/site");
list("dist/site");

// The page itself, its service worker and its style stay out of the package: a site that embeds has its own.
const pageOnly = new Set(["index.html", "bench.html", "bench.js", "measure.js", "probe.js", "shapes.js", "sw.js", "style.css", "manifest.webmanifest", "icon.svg", "icons", "docs", "css", "shell.js"]);
cpSync("www", "dist/npm", { recursive: true, filter: (source) => filter(source) && !pageOnly.has(basename(source)) });
/** What stands in the package, with links to files that it lacks as words. @param {string} text */
function packaged(text) {
  const there = (/** @type {string} */ path) => /^(https?:|#)/.test(path) || texts.includes(path) || existsSync(`dist/npm/${path}`);
  return text
    .replace(/!\[[^\]]*\]\(([^)\s]+)\)|<img [^>]*src="([^"]+)"[^>]*>/g, (all, shown, source) => (there(shown ?? source) ? all : ""))
    .replace(/\[([^\]]+)\]\(([^)\s]+)\)/g, (all, words, path) => (there(path) ? all : words));
}
for (const text of texts) {
  writeFileSync(`dist/npm/${text}`, packaged(readFileSync(text, "utf8")));
  if (text.startsWith("LICENSE")) cpSync(text, `dist/site/${text}`);
}
writeFileSync(
  "dist/npm/package.json",
  `${JSON.stringify(
    {
      name: "nomoat",
      version: field("version"),
      description: field("description"),
      license: field("license"),
      type: "module",
      main: "./nomoat.js",
      types: "./types/nomoat.d.ts",
      exports: {
        ".": { types: "./types/nomoat.d.ts", default: "./nomoat.js" },
        "./element": { types: "./types/ui/widget.d.ts", default: "./ui/widget.js" },
        "./*": "./*",
      },
      sideEffects: true,
    },
    null,
    2,
  )}\n`,
);

// The package's types are those of its entries and what they import.
const config = {
  extends: "../jsconfig.json",
  compilerOptions: { noEmit: false, declaration: true, emitDeclarationOnly: true, outDir: "../dist/npm/types", rootDir: "../www" },
  files: ["../www/nomoat.js", "../www/ui/widget.js"],
  include: [],
};
writeFileSync("target/types.json", JSON.stringify(config));
execFileSync("node_modules/.bin/tsc", ["--project", "target/types.json"], { stdio: "inherit" });
