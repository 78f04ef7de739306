// Names the modules that the page starts with in the head of index.html, in the folder given, so that a browser fetches them at
// once instead of one import after the other.
import { buildSync } from "esbuild";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

const ENTRY = "ui/page.js";
const SCRIPT = `<script type="module" src="${ENTRY}"></script>`;

/** What the entry imports before it runs, from the folder. @param {string} folder @returns {string[]} */
function modules(folder) {
  const { metafile } = buildSync({ entryPoints: [ENTRY], absWorkingDir: path.resolve(folder), bundle: true, write: false, metafile: true, format: "esm", logLevel: "error" });
  const found = new Set([ENTRY]);
  for (const file of found) {
    for (const { path: target, kind } of metafile.inputs[file].imports) if (kind === "import-statement") found.add(target);
  }
  found.delete(ENTRY);
  return [...found].sort();
}

/** @param {string} folder */
export function preload(folder) {
  const page = path.join(folder, "index.html");
  const html = readFileSync(page, "utf8");
  if (!html.includes(SCRIPT)) throw new Error(`${page} has no ${SCRIPT}`);
  const links = modules(folder).map((name) => `<link rel="modulepreload" href="${name}" />`);
  writeFileSync(page, html.replace(SCRIPT, [...links, SCRIPT].join("\n    ")));
}
