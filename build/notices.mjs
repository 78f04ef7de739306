// Writes the notices of everything that is shipped to the file given: the crates in the wasm module (from Cargo.lock, as
// cargo resolves it for that target) and the npm packages that are no development dependencies; and whose data the ledger has.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** @typedef {{ name: string, version: string, licence: string, source: string, texts: string[] }} Piece */

const LICENCE_FILE = /^(licen[cs]e|copying|notice|copyright|unlicense)/i;

/** @param {string} folder */
function textsIn(folder) {
  const files = readdirSync(folder, { withFileTypes: true }).filter((e) => e.isFile() && LICENCE_FILE.test(e.name));
  const texts = files.map((e) => readFileSync(join(folder, e.name), "utf8").replace(/\r\n/g, "\n").trim());
  return texts.filter((text) => text.length > 0);
}

/** @returns {Piece[]} */
function crates() {
  const args = ["metadata", "--format-version", "1", "--locked", "--filter-platform", "wasm32-unknown-unknown"];
  const metadata = JSON.parse(execFileSync("cargo", args, { maxBuffer: 1 << 28, encoding: "utf8" }));
  const packages = new Map(metadata.packages.map((/** @type {any} */ p) => [p.id, p]));
  const nodes = new Map(metadata.resolve.nodes.map((/** @type {any} */ n) => [n.id, n]));
  const seen = new Set([metadata.resolve.root]);
  const isMacro = (/** @type {any} */ p) => p.targets.some((/** @type {any} */ t) => t.kind.includes("proc-macro"));
  for (const id of seen) {
    for (const dep of nodes.get(id).deps) {
      const linked = dep.dep_kinds.some((/** @type {any} */ k) => k.kind === null);
      if (linked && !isMacro(packages.get(dep.pkg))) seen.add(dep.pkg);
    }
  }
  seen.delete(metadata.resolve.root);
  return [...seen].map((id) => {
    const p = packages.get(id);
    const texts = textsIn(dirname(p.manifest_path));
    return { name: p.name, version: p.version, licence: p.license ?? "see its text", source: p.repository ?? "", texts };
  });
}

/** @returns {Piece[]} */
function npmPackages() {
  const lock = JSON.parse(readFileSync("package-lock.json", "utf8"));
  const shipped = Object.entries(lock.packages).filter(([path, p]) => path !== "" && !p.dev && existsSync(path));
  return shipped.map(([path, p]) => {
    const own = JSON.parse(readFileSync(join(path, "package.json"), "utf8"));
    const source = own.repository?.url ?? own.homepage ?? "";
    return { name: own.name, version: p.version, licence: own.license ?? "see its text", source, texts: textsIn(path) };
  });
}

/** @param {Piece} piece */
const title = ({ name, version, licence, source }) => `${name} ${version} (${licence}) ${source}`.trimEnd();

const pieces = [...crates(), ...npmPackages()].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
/** @type {Map<string, string[]>} */
const byText = new Map();
for (const piece of pieces) {
  for (const text of piece.texts) byText.set(text, [...(byText.get(text) ?? []), `${piece.name} ${piece.version}`]);
}
const line = "-".repeat(100);
const out = [
  "nomoat contains the following third-party software. Where a licence offers a choice, either may be taken.",
  "",
  ...pieces.map(title),
];
const { credits } = JSON.parse(readFileSync("www/ledger/words.json", "utf8"));
out.push("", "The openness ledger has facts and grades from:", "");
for (const { name, url, licence, cite } of credits) out.push(`${name} (${licence}) ${url}, ${cite}`);
for (const [text, names] of byText) out.push("", line, names.join(", "), line, "", text);
const path = process.argv[2];
mkdirSync(dirname(path), { recursive: true });
writeFileSync(path, `${out.join("\n")}\n`);
const bare = pieces.filter((p) => p.texts.length === 0).map((p) => p.name);
console.error(`${path}: ${pieces.length} packages, ${byText.size} licence texts`);
if (bare.length > 0) console.error(`without a licence text of their own: ${bare.join(", ")}`);
