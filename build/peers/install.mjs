// What the comparison needs beside nomoat, in target/peers: packages of npm and PyPI in pinned versions, and models.

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { SHAPES } from "../../www/shapes.js";

/** @typedef {{ npm: Record<string, string>, python: Record<string, string> }} Versions */

/** Runs a program, its output with the errors; fails where it does. @param {string} program @param {string[]} rest */
async function ran(program, rest) {
  const child = spawn(program, rest, { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const from of [child.stdout, child.stderr]) from.on("data", (data) => (said += data));
  const code = await new Promise((done, fail) => child.on("error", fail).on("close", done));
  if (code !== 0) throw new Error(`${program} ${rest[0]} ended with ${code}: ${said.trim().split("\n").slice(-12).join("\n")}`);
  return said;
}

/** @param {string} text */
const say = (text) => console.error(text);

/** The version of a package that is there; empty if none is. @param {string} folder @param {string} name */
function installed(folder, name) {
  const file = path.join(folder, "node_modules", name, "package.json");
  return existsSync(file) ? String(JSON.parse(readFileSync(file, "utf8")).version) : "";
}

/** The packages of npm; where they lie. @param {string} target @param {Versions} versions */
export async function packages(target, { npm }) {
  const folder = path.join(target, "npm");
  mkdirSync(folder, { recursive: true });
  const wanted = Object.entries(npm);
  if (!wanted.every(([name, version]) => installed(folder, name) === version)) {
    say(`installing ${wanted.map((each) => each.join(" ")).join(", ")}`);
    // what they run after an installation is for node, not for a browser
    const flags = ["--prefix", folder, "--no-audit", "--no-fund", "--no-save", "--ignore-scripts", "--loglevel=error"];
    await ran("npm", ["install", ...flags, ...wanted.map((each) => each.join("@"))]);
  }
  return path.join(folder, "node_modules");
}

/** @param {string} modules @param {string[]} names */
export const versionsOf = (modules, names) => Object.fromEntries(names.map((name) => [name, installed(path.dirname(modules), name)]));

/** A python with the packages; the caller's own, named by NOMOAT_PYTHON, is taken as it is. @param {string} target @param {Versions} versions */
async function python(target, { python: wanted }) {
  if (process.env.NOMOAT_PYTHON) return process.env.NOMOAT_PYTHON;
  const [folder, names] = [path.join(target, "venv"), Object.entries(wanted).map((each) => each.join("=="))];
  const [program, stamp] = [path.join(folder, "bin/python"), path.join(folder, "installed")];
  if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== names.join("\n")) {
    say("installing python packages, once");
    await ran("python3", ["-m", "venv", folder]);
    await ran(program, ["-m", "pip", "install", "--quiet", ...names]);
    writeFileSync(stamp, names.join("\n"));
  }
  return program;
}

/** The models of a shape, made again when what makes them has changed; where all of them lie. @param {string} target @param {string[]} shapes @param {Versions} versions @param {number} context */
export async function models(target, shapes, versions, context) {
  const all = path.join(target, "models");
  const script = fileURLToPath(new URL("models.py", import.meta.url));
  for (const name of shapes) {
    const folder = path.join(all, name);
    const shape = JSON.stringify({ name, ...SHAPES[name], context });
    const stamp = path.join(folder, "made");
    const by = createHash("sha256").update(readFileSync(script)).update(shape).digest("hex");
    if (existsSync(stamp) && readFileSync(stamp, "utf8") === by) continue;
    say(`making models of the shape ${name}, once`);
    rmSync(folder, { recursive: true, force: true });
    await ran(await python(target, versions), [script, shape, folder]);
    writeFileSync(stamp, by);
  }
  return all;
}
