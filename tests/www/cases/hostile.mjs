// Hostile files, as the native tests write them: each gives one clear error in the page too, the same as natively, and
// nothing is allocated beyond the file's size.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";

/** The module as it starts, and what one request may bring. */
const HEAP = 24e6;

/**
 * @param {{ root: string, made: string }} where `NOMOAT_HOSTILE` is a folder with the files; else cargo writes them.
 * @returns {Promise<import("../case.mjs").Case[]>}
 */
export async function hostileCases({ root, made }) {
  return [
    {
      name: "every hostile file is one clear error",
      made: "hostile",
      on: ["chromium"],
      async run({ lab, devices }) {
        const folder = path.join(made, "hostile");
        const test = ["test", "--quiet", "--locked", "--test", "it", "the_cases_are_written_where_asked"];
        spawnSync("cargo", test, { cwd: root, env: { ...process.env, NOMOAT_WRITE_HOSTILE: folder }, stdio: "ignore" });
        const list = path.join(folder, "cases.json");
        if (!existsSync(list)) return "skipped: cargo did not write the files";
        const cases = JSON.parse(await readFile(list, "utf8"));
        /** @type {string[]} */
        const wrong = [];
        for (const { folder: name, entry, code, says } of cases) {
          const source = `/made/hostile/${encodeURIComponent(name)}/${encodeURIComponent(entry)}`;
          const got = await lab("hostile", { source, options: { device: devices[0] } });
          // a size beyond 2^32 is too big for a browser before it is too big for the file
          const right = got.code === code || (got.code === "too-big" && code === "bad-file");
          const silent = got.code === code && !says.every((/** @type {string} */ word) => got.message.includes(word));
          if (!right || silent) wrong.push(`${name}: ${got.code}: ${got.message}, not ${code}: ${says}`);
          if (got.heap > HEAP) wrong.push(`${name}: a heap of ${got.heap} bytes`);
        }
        assert.deepEqual(wrong, []);
        return `${cases.length} files`;
      },
    },
  ];
}
