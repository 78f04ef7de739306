// Hostile files, as the native tests write them: each gives one clear error in the page too, and nothing is allocated
// beyond the file's size.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import path from "node:path";

/** Files of one hostile model: a file, or a folder of them. @param {string} at @returns {string[]} */
function files(at) {
  return statSync(at).isDirectory() ? readdirSync(at).map((name) => path.join(at, name)) : [at];
}

/**
 * The cases, if the native tests can write the files: set NOMOAT_HOSTILE to a folder that has them, else cargo makes them.
 * @param {{ root: string, made: string }} where @returns {Promise<import("../case.mjs").Case[]>}
 */
export async function hostileCases({ root, made }) {
  return [
    {
      name: "every hostile file is one clear error",
      made: "hostile",
      on: ["chromium"],
      async run({ lab, devices }) {
        const folder = process.env.NOMOAT_HOSTILE ?? path.join(made, "hostile");
        if (!existsSync(folder)) {
          const env = { ...process.env, NOMOAT_WRITE_HOSTILE: folder };
          spawnSync("cargo", ["test", "--quiet", "--locked", "--test", "it", "hostile"], { cwd: root, env, stdio: "ignore" });
        }
        if (!existsSync(folder)) return "skipped: the native tests wrote none";
        const all = readdirSync(folder);
        /** @type {string[]} */
        const wrong = [];
        for (const name of all) {
          const at = files(path.join(folder, name));
          const urls = at.map((file) => `/made/hostile/${path.relative(folder, file).split(path.sep).map(encodeURIComponent).join("/")}`);
          const { code, message, heap } = await lab("hostile", { files: urls, options: { device: devices[0] } });
          if (!code || code === "internal") wrong.push(`${name}: ${code}: ${message}`);
          const size = at.reduce((sum, file) => sum + statSync(file).size, 0);
          if (heap > 32e6 + 4 * size) wrong.push(`${name}: ${heap} bytes of heap`);
        }
        assert.deepEqual(wrong, []);
        return `${all.length} files`;
      },
    },
  ];
}
