// The benchmark's page: measures, draws, gives its result, and compares with another.

import assert from "node:assert/strict";
import path from "node:path";
import { accessible, quiet } from "../steps.mjs";

/** @typedef {import("../case.mjs").Case} Case */

/** @type {Case[]} */
export const cases = [
  {
    name: "the benchmark measures a size of model beside the GPU's best",
    on: ["chromium"],
    async run({ browser, server, shots }) {
      const page = await browser.open(`${server.url}bench.html`, { width: 1280 });
      const raw = /** @type {import("playwright-core").Page} */ (page.raw);
      await raw.getByLabel("Prompts, in tokens").fill("16 40");
      await raw.getByRole("button", { name: "Run" }).click();
      await raw.getByText("Done.").waitFor({ timeout: 240_000 });
      await raw.setViewportSize({ width: 1280, height: 1000 });
      await raw.screenshot({ path: path.join(shots, "bench-1280.png") });
      /** @type {string} */
      const json = await page.run(`async () => document.querySelector("nomoat-bench").json`);
      const [agent, best, ...rows] = json.split("\n").map((line) => JSON.parse(line));
      assert.match(agent.agent, /Chrome/);
      for (const name of ["readGBps", "fmaGflops", "readBackMs"]) assert.ok(best[name] > 0, json);
      assert.deepEqual(rows.map((row) => [row.model, row.format, row.device, row.context]), [["S15", "Q8_0", "gpu", 16], ["S15", "Q8_0", "gpu", 40]]);
      for (const row of rows) {
        assert.equal(row.dispatchesPerToken, 5 * 6 + 4);
        assert.match(row.selfTest, /^right with/);
        // 6 layers and the head, 34 bytes for 32 weights
        assert.equal(row.weightBytesPerToken, ((6 * (4 * 288 * 288 + 3 * 288 * 768) + 32_000 * 288) * 34) / 32);
        // what is above its roofline was measured wrong
        assert.ok(row.decodeTps > 0 && row.roofline > 0 && row.roofline < 1.5 && row.prefillRoofline > 0 && row.prefillRoofline < 1.5, json);
      }
      assert.equal(await raw.locator("nomoat-bench circle").count(), 4);
      // twice as fast as another result
      const other = JSON.stringify({ ...rows[1], prefillTps: rows[1].prefillTps / 2, decodeTps: rows[1].decodeTps / 2 });
      await raw.getByLabel(/^Compare with another/).fill(other);
      assert.match((await raw.locator("tbody tr").nth(1).textContent()) ?? "", /\(×2\).*\(×2\)/);
      assert.doesNotMatch((await raw.locator("tbody tr").nth(0).textContent()) ?? "", /×/);
      await accessible(raw, "1280");
      await raw.setViewportSize({ width: 390, height: 800 });
      await raw.getByRole("button", { name: "中文" }).click();
      await raw.screenshot({ path: path.join(shots, "bench-390-zh.png") });
      await accessible(raw, "390");
      assert.match(await raw.title(), /测量/);
      quiet(page.messages);
      await page.close();
      return `${rows[1].decodeTps.toFixed(1)} tokens/s, ${(100 * rows[1].roofline).toFixed(0)} % of the roofline`;
    },
  },
];
