// The installed app: in a Chromium with a profile of its own, since a private one installs nothing, and a home of its own, since
// installing writes into the user's menus.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { BINARY } from "../chromium.mjs";
import { CHAT, deployed, inPage, KEPT, PAINTED, SLOW } from "./offline.mjs";

/** @typedef {import("../case.mjs").Case} Case */

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const MODEL = path.join(ROOT, "tests/data/zoo/llama3/model-bf16.gguf");

/** @type {Case[]} */
export const cases = [
  {
    name: "offline: installed as an app it opens a .gguf from the system, and with the host gone opens and writes",
    on: ["chromium"],
    // now and then the window that a file opens loses its first message: not understood yet
    full: true,
    async run(bench) {
      const { chromium } = await import("playwright-core");
      const { server, url } = await deployed(bench);
      const home = mkdtempSync(path.join(bench.made, "home-"));
      const context = await chromium.launchPersistentContext(path.join(home, "profile"), {
        executablePath: BINARY,
        chromiumSandbox: false,
        args: ["--headless=new", "--no-sandbox", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
        env: { ...process.env, HOME: home, XDG_DATA_HOME: home, XDG_CONFIG_HOME: home },
      });
      try {
        const [page] = context.pages();
        await page.goto(url);
        const cdp = await context.newCDPSession(page);
        /** CDP has more words than its types here. @type {(method: string, parameters?: object) => Promise<any>} */
        const send = (method, parameters) => cdp.send(/** @type {any} */ (method), parameters);
        const { errors, data } = await send("Page.getAppManifest");
        assert.deepEqual(errors, []);
        assert.deepEqual((await send("Page.getInstallabilityErrors")).installabilityErrors, []);
        for (const { src, sizes } of JSON.parse(data).icons) {
          if (!src.endsWith(".png")) continue;
          const png = readFileSync(path.join(ROOT, "www", src));
          assert.equal(`${png.readUInt32BE(16)}x${png.readUInt32BE(20)}`, sizes, src);
        }

        const app = { manifestId: url };
        assert.equal((await send("Page.getAppId")).appId, url);
        await send("PWA.install", { ...app, installUrlOrBundleUrl: url });
        const { fileHandlers } = await send("PWA.getOsAppState", app);
        assert.deepEqual(fileHandlers[0].accepts[0].fileExtensions.toSorted(), [".gguf", ".safetensors"]);

        // what a double click on the file does
        let opened = context.waitForEvent("page");
        await send("PWA.launchFilesInApp", { ...app, files: [MODEL] });
        const window = await opened;
        assert.match(await window.evaluate(inPage(CHAT), {}), /tokens\/s/);
        await window.evaluate(inPage(KEPT));
        await window.close();

        await server.close();
        opened = context.waitForEvent("page");
        await send("PWA.launch", { ...app, url });
        const again = await opened;
        /** @type {string[]} */
        const asked = [];
        again.on("requestfailed", (request) => asked.push(request.url()));
        const shown = await again.evaluate(inPage(PAINTED));
        assert.ok(shown < SLOW * 1000, `${shown} ms`);
        await again.close();
        opened = context.waitForEvent("page");
        await send("PWA.launchFilesInApp", { ...app, files: [MODEL] });
        assert.match(await (await opened).evaluate(inPage(CHAT), {}), /tokens\/s/);
        assert.deepEqual(asked, []);
        return `shown after ${shown.toFixed(0)} ms`;
      } finally {
        await context.close();
        await server.close();
      }
    },
  },
];
