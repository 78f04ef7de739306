// Hostile files, as the native tests write them: each gives one clear error in the page too, the same as natively, and
// nothing is allocated beyond the file's size.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";

/** The unit in which a WebAssembly memory grows. */
const PAGE = 65536;

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
        const options = { device: devices[0] };
        // the module as it is when there is no file at all
        const base = (await lab("hostile", { source: "/nowhere/model.gguf", options })).heap;
        assert.ok(base > PAGE, `a heap of ${base} bytes`);
        let most = 0;
        for (const { folder: name, entry, code, says, bytes } of cases) {
          const source = `/made/hostile/${encodeURIComponent(name)}/${encodeURIComponent(entry)}`;
          const got = await lab("hostile", { source, options });
          // a size beyond 2^32 is too big for a browser before it is too big for the file
          const right = got.code === code || (got.code === "too-big" && code === "bad-file");
          const silent = got.code === code && !says.every((/** @type {string} */ word) => got.message.includes(word));
          if (!right || silent) wrong.push(`${name}: ${got.code}: ${got.message}, not ${code}: ${says}`);
          const more = got.heap - base;
          most = Math.max(most, more);
          // the bytes as they come, as they are parsed, and as an error quotes them
          if (more > Math.ceil((4 * bytes) / PAGE) * PAGE) wrong.push(`${name}: ${more} bytes of heap for ${bytes}`);
        }
        assert.deepEqual(wrong, []);
        return `${cases.length} files, the heap grew by ${most / PAGE} pages at most`;
      },
    },
  ];
}
