// Seedling, the model that comes with the page: there without a question, in the page, the widget and the single file.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { SEEDLING } from "../../../www/seedling.js";
import { accessible, FIND, quiet } from "../steps.mjs";
import { inPage, SLOW } from "./offline.mjs";

/** @typedef {import("../case.mjs").Case} Case */

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const FILE = path.join(ROOT, "seedling/seedling.gguf");

/** What the user sees of it: takes the first prompt, sends it, and waits for the story. Runs in the page. */
const STORY = `async () => {
  const find = ${FIND};
  await find('nomoat-page[status="ready"]');
  const ready = performance.now();
  if (document.querySelector("dialog[open]")) throw new Error("it asks: " + document.body.innerText);
  const prompt = await find("nomoat-start .prompts button");
  prompt.click();
  const input = await find("[name=message]");
  if (input.value !== prompt.textContent) throw new Error("the prompt is not where it can be changed");
  input.form.requestSubmit();
  const body = await find("li.assistant .body");
  for (let tries = 0; !body.textContent; tries++) {
    if (tries > 20000) throw new Error("no word came: " + document.body.innerText);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const first = performance.now();
  await find('nomoat-page[status="ready"]');
  return { ready, first, text: body.textContent, all: document.querySelector("main").innerText };
}`;

/** @type {Case[]} */
export const cases = [
  {
    name: "Seedling: its size and hash are those of the file in the repository",
    on: ["chromium"],
    async run() {
      const bytes = readFileSync(FILE);
      assert.equal(bytes.length, SEEDLING.size);
      assert.equal(createHash("sha256").update(bytes).digest("hex"), SEEDLING.sha256);
      assert.ok(bytes.length <= 6e6, `${bytes.length} bytes`);
    },
  },
  {
    name: "Seedling: the page opens, and writes a story without having asked for anything; again without its host",
    each: "device",
    async run({ browser, server, devices, device, name }) {
      const how = device === "gpu" ? "gpu" : "auto";
      const page = await browser.open(`${server.url}?model=embedded&device=${how}`);
      const got = await page.run(STORY);
      assert.match(got.all, device === "gpu" ? /on the GPU/ : /on the CPU/);
      assert.match(got.all, /Made by|made by/);
      assert.ok(got.text.length > 10, got.text);
      if (name === "chromium") assert.ok(got.first < SLOW * 2000, `first word after ${got.first.toFixed(0)} ms`);
      if (devices.includes("gpu")) quiet(page.messages);
      let again = "";
      if (name === "chromium") {
        // the page's own files come from the server once more, the model does not
        const before = server.requests.filter((line) => line.includes(SEEDLING.file)).length;
        // another tab: this one would open its conversation again
        const tab = await page.raw.context().newPage();
        await tab.goto(`${server.url}?model=embedded&device=${how}`);
        const second = await tab.evaluate(inPage(STORY));
        assert.equal(server.requests.filter((line) => line.includes(SEEDLING.file)).length, before, "the model was fetched again");
        again = `, again ${second.first.toFixed(0)} ms`;
      }
      await page.close();
      return `ready after ${got.ready.toFixed(0)} ms, first word after ${got.first.toFixed(0)} ms${again}`;
    },
  },
  {
    name: "Seedling: the first screen tells what it is, offers prompts and a real assistant, and gives way to another model",
    on: ["chromium"],
    async run({ browser, server, shots }) {
      for (const [width, height, dark, locale] of /** @type {[number, number, boolean, string][]} */ ([
        [1280, 800, false, "en"],
        [390, 844, true, "en"],
        [390, 844, false, "zh-CN"],
      ])) {
        const { raw, messages, close } = await browser.open(`${server.url}?model=embedded&device=cpu`, { width, height, dark, locale });
        await raw.waitForSelector('nomoat-page[embedded][status="ready"]', { timeout: 60_000 });
        await accessible(raw, `first screen at ${width}`);
        const text = await raw.innerText("main");
        assert.match(text, locale === "en" ? /came with this page; it tells stories/ : /会讲故事/);
        assert.match(text, locale === "en" ? /A real assistant for this device/ : /适合本设备的助手/);
        assert.equal(await raw.locator("nomoat-start .prompts button").count(), 3);
        await raw.screenshot({ path: path.join(shots, `seedling-${width}-${dark ? "dark" : "light"}${locale === "en" ? "" : "-zh"}.png`) });
        await raw.click("nomoat-start .prompts button");
        await raw.keyboard.press("Enter");
        await raw.waitForSelector("li.assistant .note .made", { timeout: 60_000 });
        assert.ok(await raw.isHidden("nomoat-source"));
        await accessible(raw, `story at ${width}`);
        await raw.screenshot({ path: path.join(shots, `story-${width}-${dark ? "dark" : "light"}${locale === "en" ? "" : "-zh"}.png`) });
        quiet(messages);
        await close();
      }
      // another model while this one is still on its way
      const { raw, close } = await browser.open("about:blank");
      await raw.goto(`${server.url}?model=embedded&device=cpu`);
      await raw.waitForSelector("nomoat-source button");
      const bytes = readFileSync(path.join(ROOT, "tests/data/zoo/llama3/model-bf16.gguf"));
      await raw.setInputFiles("nomoat-source input[type=file]:not([webkitdirectory])", [{ name: "other.gguf", mimeType: "application/octet-stream", buffer: bytes }]);
      await raw.waitForSelector('nomoat-page[status="ready"]:not([embedded])', { timeout: 60_000 });
      assert.equal(await raw.locator("nomoat-source [data-own]").count(), SEEDLING.passes ? 1 : 0);
      await close();
    },
  },
  {
    name: "Seedling: a page that cannot have it says so, and goes on without",
    on: ["chromium"],
    async run({ browser, server }) {
      const { raw, close } = await browser.open("about:blank");
      await raw.route(`**/${SEEDLING.file}*`, (/** @type {any} */ route) => route.fulfill({ status: 404, body: "" }));
      await raw.goto(`${server.url}?model=embedded&device=cpu`);
      await raw.waitForSelector("text=could not be loaded (not-found)", { timeout: 60_000 });
      assert.ok(await raw.isVisible("nomoat-source"));
      assert.ok(await raw.isHidden("nomoat-problem"));
      await close();
    },
  },
  {
    name: "Seedling: the single file has it inside, and writes with the network cut",
    each: "device",
    async run({ browser, made, name, devices, device }) {
      const out = path.join(made, "nomoat-seedling.html");
      if (!existsSync(out)) execFileSync("node", ["build/single.mjs", "--model", FILE, "--out", out], { cwd: ROOT });
      const url = `${pathToFileURL(out).href}?model=embedded&device=${device === "gpu" && devices.includes("gpu") ? "gpu" : "auto"}`;
      const page = await browser.open(name === "webkit" ? url : "about:blank");
      if (name === "chromium") await page.raw.context().setOffline(true);
      if (name !== "webkit") await page.raw.goto(url);
      const got = await page.run(STORY);
      assert.match(got.all, device === "gpu" ? /on the GPU/ : /on the CPU/);
      assert.ok(got.text.length > 10, got.text);
      await page.close();
      return `first word after ${got.first.toFixed(0)} ms`;
    },
  },
  {
    name: "Seedling: a widget that names it asks for it, with its size, and writes",
    on: ["chromium"],
    async run({ browser, server, other }) {
      const { raw, close } = await browser.open(`${other.url}lab/blank.html`);
      await raw.evaluate(async (/** @type {string} */ script) => {
        await import(script);
        document.body.append(Object.assign(document.createElement("nomoat-chat"), { model: "embedded" }));
      }, `${other.url}pkg/embed.js`);
      const before = other.requests.filter((line) => line.includes(SEEDLING.file)).length;
      const consent = raw.locator("nomoat-chat [part~=consent]");
      await consent.waitFor();
      assert.match(await consent.innerText(), /Seedling/);
      assert.equal(other.requests.filter((line) => line.includes(SEEDLING.file)).length, before, "it came before it was asked for");
      await raw.locator("nomoat-chat textarea").fill("Tell me a story about a fox and a lantern");
      await raw.locator("nomoat-chat textarea").press("Enter");
      await raw.locator("nomoat-chat button.main:visible").first().click();
      await raw.waitForFunction(() => (/** @type {any} */ (document.querySelector("nomoat-chat")).value ?? "").length > 20, undefined, { timeout: 120_000 });
      await close();
      void server;
    },
  },
];
