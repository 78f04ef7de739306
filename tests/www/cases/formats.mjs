// The table of block formats in a browser: each decoded, multiplied (for few tokens and for many) and looked up. Only a module
// that is quick to build can try its kernels: ./build.sh formats.

import assert from "node:assert/strict";

/** As tests/it/ops.rs has it: both sides compute in f32, the twin sums in f64. */
const TOLERANCE = 1e-9;

/** What a case is of: `matmul Q4_K t5/8 n130 k512` or `embed Q4_K small`. @param {string} name */
function form(name) {
  const [op, format, tokens] = name.split(" ");
  if (op === "embed") return `${format} embed`;
  return op === "matmul" ? `${format} ${Number(tokens.split("/")[1]) > 8 ? "tiled" : "vec"}` : "";
}

/** @type {import("../case.mjs").Case[]} */
export const cases = [
  {
    name: "block formats and all kernels are right in every form",
    shared: true,
    each: "gpu",
    // all cases of all operators, in a module that is quick to build
    limit: 1_800_000,
    async run({ browser, server, name }) {
      const page = await browser.open(`${server.url}?model=`);
      const what = { source: "/shared/models/TinyStories-656K/", vectors: "/shared/zoo/quants/vectors/" };
      const told = await page.run(`async (argument) => (await import("/lab/trying.js")).kernels(argument)`, what).finally(() => page.close());
      /** @type {Record<string, number>} */
      const worst = {};
      for (const [of, error] of told.cases) worst[form(of)] = Math.max(worst[form(of)] ?? 0, error ?? Infinity);
      const shown = (/** @type {number | undefined} */ error) => (error === undefined ? "not tried" : error === 0 ? "exact" : error.toExponential(0));
      console.log(`| ${name}${told.subgroups ? ", with subgroups and without" : ""} | dequantise | vec | tiled | embed |`);
      for (const format of told.formats) {
        const forms = [told.wrong[format], ...["vec", "tiled", "embed"].map((kind) => worst[`${format} ${kind}`])];
        console.log(`| ${format} | ${forms.map(shown).join(" | ")} |`);
      }
      const bad = told.cases.filter((/** @type {[string, number | null]} */ [, error]) => !(error !== null && error <= TOLERANCE));
      assert.deepEqual(bad, []);
      assert.ok(Object.values(told.wrong).every((count) => count === 0), JSON.stringify(told.wrong));
      return `${told.cases.length} cases`;
    },
  },
];
