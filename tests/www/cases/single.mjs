// The single file: opened from a disk it writes on every device, connects to nothing, and can bring its model along.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { CHAT, model } from "./offline.mjs";

/** @typedef {import("../case.mjs").Case} Case @typedef {import("../case.mjs").Bench} Bench */

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const LLAMA = path.join(ROOT, "tests/data/zoo/llama3/model-bf16.gguf");

/** The file, built once. @param {Bench} bench @param {string} name @param {string[]} more */
function built({ made }, name, ...more) {
  const out = path.join(made, name);
  if (!existsSync(out)) execFileSync("node", ["build/single.mjs", "--out", out, ...more], { cwd: ROOT });
  return pathToFileURL(out).href;
}

/** Keeps what the policy refuses. Runs in the page. */
const LISTEN = `(() => {
  globalThis.refused = [];
  document.addEventListener("securitypolicyviolation", (event) => refused.push(event.effectiveDirective + " " + event.blockedURI));
})()`;
const REFUSED = `async () => globalThis.refused`;

/** Opens it with a listener from the start, where the driver can do that, and without a network, where it can do that.
 * @param {Bench} bench @param {string} url @param {import("../browser.mjs").View} [view] */
async function opened({ browser, name }, url, view) {
  const page = await browser.open(name === "webkit" ? url : "about:blank", view);
  /** @type {string[]} */
  const requests = [];
  if (name === "webkit") {
    await page.run(`async () => ${LISTEN}`);
    return { ...page, requests };
  }
  if (name === "chromium") {
    await page.raw.addInitScript(LISTEN);
    await page.raw.context().setOffline(true);
    page.raw.on("request", (/** @type {any} */ request) => requests.push(request.url()));
  } else {
    await page.raw.evaluateOnNewDocument(LISTEN);
  }
  await page.raw.goto(url);
  return { ...page, requests };
}

/** @type {Case[]} */
export const cases = [
  {
    name: "single file: opened from a disk it writes, its policy has nothing to report, and it says so",
    each: "device",
    async run(bench) {
      const url = built(bench, "nomoat.html", "--model", "", "--notices", "LICENSE-MIT");
      const page = await opened(bench, url);
      // that there is no WebGPU the page finds out by itself
      const device = bench.devices.includes("gpu") ? bench.device : undefined;
      const text = await page.run(CHAT, { bytes: model(), device });
      assert.match(text, bench.device === "gpu" ? /on the GPU/ : /on the CPU/);
      assert.match(text, /tokens\/s/);
      assert.match(text, /connect-src 'none'/);
      assert.match(await page.run(CHAT, { message: "And again" }), /tokens\/s/);
      assert.deepEqual(await page.run(REFUSED), []);
      assert.deepEqual(page.messages, []);
      assert.deepEqual(
        page.requests.filter((address) => address !== url && !/^(blob|data):/.test(address)),
        [],
      );
      await page.close();
      const [line] = /on the [GC]PU.*/.exec(text) ?? [];
      return line;
    },
  },
  {
    name: "single file: its policy refuses every connection, and an address is answered with what to do",
    on: ["chromium", "firefox"],
    async run(bench) {
      const page = await opened(bench, built(bench, "nomoat.html", "--model", "", "--notices", "LICENSE-MIT"));
      if (bench.name === "chromium") await page.raw.context().setOffline(false);
      const before = bench.other.requests.length;
      const tried = await page.run(
        `async (address) => {
          const tries = [
            () => fetch(address),
            () => new Promise((resolve, reject) => Object.assign(new Image(), { onload: resolve, onerror: reject, src: address })),
            () => new Promise((resolve, reject) => Object.assign(new EventSource(address), { onopen: resolve, onerror: reject })),
            () => new Promise((resolve, reject) => {
              const frame = document.createElement("iframe");
              frame.src = address;
              frame.onload = () => (frame.contentDocument === null ? reject() : resolve());
              document.addEventListener("securitypolicyviolation", reject, { once: true });
              document.body.append(frame);
            }),
          ];
          const came = [];
          for (const one of tries) came.push(await one().then(() => true, () => false));
          navigator.sendBeacon(address, "words");
          document.body.querySelector("iframe")?.remove();
          // a question to the page's own client
          document.querySelector("nomoat-page").dispatchEvent(new CustomEvent("nomoat-source", { detail: { source: address, name: "x", device: "auto" } }));
          for (let tries = 0; document.querySelector("nomoat-problem").hidden && tries < 100; tries++) await new Promise((resolve) => setTimeout(resolve, 50));
          return { came, problem: document.querySelector("nomoat-problem").innerText };
        }`,
        `${bench.other.url}data.gguf`,
      );
      assert.deepEqual(tried.came, [false, false, false, false]);
      assert.match(tried.problem, /open it here as a file/);
      assert.match(tried.problem, /Code: sealed/);
      assert.equal(bench.other.requests.length, before, "something left the file");
      const refused = await page.run(REFUSED);
      for (const directive of ["connect-src", "img-src", "frame-src"]) {
        assert.ok(refused.some((/** @type {string} */ line) => line.startsWith(directive)), `${directive}: ${refused}`);
      }
      await page.close();
    },
  },
  {
    name: "single file: a model put inside writes without a question, and the notices are readable",
    on: ["chromium"],
    async run(bench) {
      const page = await opened(bench, built(bench, "with-model.html", "--model", LLAMA, "--notices", "LICENSE-MIT"), { width: 390, height: 844 });
      const { raw } = page;
      await raw.click("nomoat-single summary");
      await raw.waitForFunction((/** @type {string} */ text) => document.querySelector("nomoat-single pre")?.textContent === text, readFileSync(path.join(ROOT, "LICENSE-MIT"), "utf8"));
      await raw.screenshot({ path: path.join(bench.shots, "single-390.png"), fullPage: true });
      // it is there without a question
      assert.match(await page.run(CHAT, {}), /tokens\/s/);
      assert.ok(await raw.isHidden("text=Use the model in this file"));
      assert.deepEqual(await page.run(REFUSED), []);
      assert.deepEqual(page.messages, []);
      await page.close();
    },
  },
];
