// Chromium from the distribution, headless, with WebGPU on SwiftShader (subgroups of 4, no f16).

import { existsSync } from "node:fs";

export const name = "chromium";
export const gpu = true;

export const BINARY = process.env.NOMOAT_CHROMIUM ?? "/usr/bin/chromium";

/** The GPU that the machine has is wanted by none of the tests. */
const hardware = process.env.NOMOAT_HARDWARE === "1";

export const FLAGS = [
  "--headless=new",
  "--no-sandbox",
  "--enable-unsafe-webgpu",
  ...(hardware ? [] : ["--use-webgpu-adapter=swiftshader"]),
  "--enable-features=Vulkan",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Why it cannot run here; empty if it can. */
export function missing() {
  return existsSync(BINARY) ? "" : `${BINARY} is not there: apt-get install chromium`;
}

/** @param {string[]} [flags] More of them. @returns {Promise<import("./browser.mjs").Browser>} */
export async function start(flags = []) {
  const { chromium } = await import("playwright-core");
  const browser = await chromium.launch({ executablePath: BINARY, args: [...FLAGS, ...flags], chromiumSandbox: false });
  return {
    async open(url, settings = {}) {
      const context = await browser.newContext({
        viewport: { width: settings.width ?? 1280, height: settings.height ?? 800 },
        colorScheme: settings.dark ? "dark" : "light",
        locale: settings.locale ?? "en-GB",
        reducedMotion: settings.still ? "reduce" : "no-preference",
      });
      const page = await context.newPage();
      /** @type {string[]} */
      const messages = [];
      page.on("console", (message) => messages.push(`${message.type()}: ${message.text()} (${message.location().url})`));
      page.on("pageerror", (error) => messages.push(`uncaught: ${error.message}`));
      await page.goto(url);
      return {
        raw: page,
        messages,
        run: (script, argument) => page.evaluate(asFunction(script), argument),
        close: () => context.close(),
      };
    },
    close: () => browser.close(),
  };
}

/** @param {string} script @returns {(argument: any) => any} The page evaluates it; nothing of it runs here. */
function asFunction(script) {
  // an expression as text would be sent without its argument
  return /** @type {any} */ (new Function("argument", `return (${script})(argument)`));
}
