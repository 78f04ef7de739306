// Firefox from the distribution, headless, over WebDriver BiDi, with WebGPU on lavapipe (f16, no subgroups).

import { existsSync } from "node:fs";

export const name = "firefox";
export const gpu = true;

const BINARY = process.env.NOMOAT_FIREFOX ?? "/usr/bin/firefox-esr";

/** Why it cannot run here; empty if it can. */
export function missing() {
  return existsSync(BINARY) ? "" : `${BINARY} is not there: apt-get install firefox-esr`;
}

/** @returns {Promise<import("./browser.mjs").Browser>} */
export async function start() {
  const { launch } = await import("puppeteer-core");
  const browser = await launch({
    browser: "firefox",
    executablePath: BINARY,
    headless: true,
    protocolTimeout: 600_000,
    extraPrefsFirefox: {
      "dom.webgpu.enabled": true,
      "gfx.webgpu.ignore-blocklist": true,
      "dom.webgpu.workers.enabled": true,
    },
  });
  return {
    async open(url, settings = {}) {
      const page = await browser.newPage();
      /** @type {string[]} */
      const messages = [];
      page.on("console", (message) => messages.push(`${message.type()}: ${message.text()}`));
      page.on("pageerror", (error) => messages.push(`uncaught: ${error instanceof Error ? error.message : error}`));
      await page.setViewport({ width: settings.width ?? 1280, height: settings.height ?? 800 });
      await page.goto(url);
      return {
        raw: page,
        messages,
        run: (script, argument) => page.evaluate(/** @type {any} */ (new Function("argument", `return (${script})(argument)`)), argument),
        close: () => page.close(),
      };
    },
    close: () => browser.close(),
  };
}
