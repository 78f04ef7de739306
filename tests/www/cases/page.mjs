// The page itself: by keyboard, by file and by drop, wide and narrow, light and dark, in both languages.

import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { CSP } from "../server.mjs";
import { accessible, agree, ask, FIND, load, open, quiet, READY, STORY } from "../steps.mjs";

/** @typedef {import("../case.mjs").Case} Case */

/** Loads by address, with the keyboard alone. @param {any} raw @param {string} address */
async function loadByKeyboard(raw, address) {
  await raw.keyboard.press("Tab");
  for (let presses = 0; presses < 20 && (await raw.evaluate(() => /** @type {any} */ (document.activeElement).name)) !== "address"; presses++) {
    await raw.keyboard.press("Tab");
  }
  await raw.keyboard.type(address);
  await raw.keyboard.press("Enter");
  // the answer that agrees has the focus
  await raw.waitForSelector("nomoat-consent button.main:focus");
  await raw.keyboard.press("Enter");
  await raw.waitForSelector(READY, { timeout: 60_000 });
}

/** @param {number} width @param {boolean} dark @returns {Case} */
function story(width, dark) {
  const look = `${width} px, ${dark ? "dark" : "light"}`;
  return {
    name: `the page at ${look}: loads by keyboard, writes, stops, writes again`,
    shared: true,
    on: ["chromium"],
    async run(bench) {
      const { raw, messages, close } = await open(bench, { width, height: width > 600 ? 800 : 844, dark });
      const shot = (/** @type {string} */ name) =>
        raw.screenshot({ path: path.join(bench.shots, `${name}-${width}-${dark ? "dark" : "light"}.png`), fullPage: true });
      await accessible(raw, "empty");
      await shot("empty");
      await loadByKeyboard(raw, bench.server.url + STORY);
      await accessible(raw, "ready");
      const facts = await raw.textContent("nomoat-facts");
      assert.match(facts, /Licence: apache-2.0/);
      assert.match(facts, /on the GPU/);
      // loading ends in the text, ready to be written in
      assert.equal(await raw.evaluate(() => /** @type {any} */ (document.activeElement).name), "text");
      await shot("ready");
      await raw.keyboard.type("Once upon a time, ");
      await raw.keyboard.press("Control+Enter");
      await raw.waitForFunction(() => /** @type {any} */ (document.querySelector("[name=text]")).value.length > 60);
      await shot("writing");
      await raw.keyboard.press("Escape");
      await raw.waitForSelector(READY);
      const value = () => raw.inputValue("[name=text]");
      const stopped = await value();
      await raw.waitForTimeout(150);
      assert.equal(await value(), stopped, "it wrote on after Stop");
      assert.match(await raw.textContent("nomoat-write .note"), /tokens\/s.*Stopped/s);
      await raw.keyboard.press("Control+Enter");
      await raw.waitForSelector(READY, { timeout: 60_000 });
      assert.ok((await value()).startsWith(stopped) && (await value()).length > stopped.length, "it did not go on");
      await accessible(raw, "written");
      await shot("written");
      quiet(messages);
      await close();
    },
  };
}

/** @param {"gpu" | "cpu"} device @returns {Case} */
function writes(device) {
  return {
    name: `the page writes in this browser on the ${device.toUpperCase()}, and says so`,
    shared: true,
    each: device === "gpu" ? "gpu" : undefined,
    async run({ browser, server, devices }) {
      // that a GPU is missing, or emulated in software, the page finds out by itself
      const page = await browser.open(`${server.url}?device=${device === "gpu" ? "gpu" : "auto"}&model=`);
      const got = await page.run(
        `async (address) => {
          const find = ${FIND};
          const input = await find("[name=address]");
          input.value = address;
          input.form.requestSubmit();
          (await find("nomoat-consent dialog[open] button.main:not([hidden]):not(:disabled)")).click();
          await find('nomoat-page[status="ready"]');
          const text = await find("[name=text]");
          text.value = "Once upon a time, ";
          document.querySelector("[name=max_tokens]").value = 12;
          document.querySelector("[name=temperature]").value = 0;
          document.querySelector("nomoat-write button.main").click();
          await find('nomoat-page[status="busy"]');
          await find('nomoat-page[status="ready"]');
          return { text: text.value, facts: document.querySelector("nomoat-facts").innerText, gpu: document.querySelector("nomoat-source [role=status]").textContent };
        }`,
        server.url + STORY,
      );
      assert.ok(got.text.length > 40, got.text);
      assert.match(got.facts, device === "gpu" ? /on the GPU/ : /on the CPU/);
      if (!devices.includes("gpu")) assert.match(got.gpu, /no WebGPU/);
      await page.close();
      return got.facts.split("\n").find((/** @type {string} */ line) => line.startsWith("on the"));
    },
  };
}

/** @type {Case[]} */
export const cases = [
  story(1280, false),
  story(1280, true),
  story(390, false),
  story(390, true),
  {
    name: "a model that is left while it writes leaves nothing behind, and another can be taken",
    shared: true,
    on: ["chromium"],
    async run(bench) {
      const { raw, messages, close } = await open(bench, { width: 1280, height: 800 });
      for (const round of ["left", "kept"]) {
        await load(raw, bench.server.url + STORY);
        await raw.fill("[name=text]", "Once upon a time, ");
        await raw.focus("[name=text]");
        await raw.keyboard.press("Control+Enter");
        await raw.waitForFunction(() => /** @type {any} */ (document.querySelector("[name=text]")).value.length > 40);
        if (round === "kept") break;
        await raw.click("nomoat-facts button");
        await raw.waitForSelector('nomoat-page[status="empty"]');
        await raw.waitForTimeout(400);
        assert.equal(await raw.getAttribute("nomoat-page", "status"), "empty");
        assert.equal(await raw.isVisible("nomoat-source"), true);
      }
      await raw.keyboard.press("Escape");
      await raw.waitForSelector(READY);
      quiet(messages);
      await close();
    },
  },
  {
    name: "a conversation: Enter sends but not while an input method is open, the answer is read aloud in sentences",
    shared: true,
    on: ["chromium"],
    async run(bench) {
      const { raw, messages, close } = await open(bench, { width: 390, height: 844 });
      await load(raw, `${bench.server.url}shared/zoo/codellama/`);
      await raw.click("nomoat-settings summary");
      await raw.fill("[name=max_tokens]", "40");
      await raw.fill("[name=seed]", "3");
      await raw.focus("[name=message]");
      await raw.keyboard.type("Hello");
      await raw.evaluate(() => {
        const input = /** @type {HTMLElement} */ (document.querySelector("[name=message]"));
        input.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", isComposing: true, bubbles: true, cancelable: true }));
        const aloud = /** @type {Node} */ (document.querySelector("nomoat-talk [aria-live]"));
        /** @type {any} */ (globalThis).spoken = 0;
        new MutationObserver(() => /** @type {any} */ (globalThis).spoken++).observe(aloud, { childList: true, characterData: true });
      });
      assert.equal(await raw.locator("nomoat-talk li[data-turn]").count(), 0, "sent while composing");
      await raw.keyboard.press("Enter");
      await raw.waitForSelector("li.assistant .body:not([aria-busy]) + .note .made", { timeout: 60_000 });
      assert.equal(await raw.inputValue("[name=message]"), "");
      assert.ok((await raw.textContent("li.assistant .body")).length > 0);
      assert.ok((await raw.evaluate(() => /** @type {any} */ (globalThis).spoken)) <= 4, "read aloud token by token");
      await accessible(raw, "conversation");
      await raw.screenshot({ path: path.join(bench.shots, "conversation-390.png"), fullPage: true });
      await raw.keyboard.type("And again");
      await raw.keyboard.press("Enter");
      await raw.waitForSelector("li[data-turn]:nth-child(4) .body:not([aria-busy]) + .note .made", { timeout: 60_000 });
      assert.equal(await raw.locator("nomoat-talk li[data-turn]").count(), 4);
      quiet(messages);
      await close();
    },
  },
  {
    name: "the released site, in a folder of its host, loads and writes, and opens without it",
    shared: "zoo/llama3",
    on: ["chromium"],
    async run(bench) {
      if (!existsSync(new URL("../../../dist/site/index.html", import.meta.url))) return "skipped: ./build.sh release was not run";
      const raw = (await bench.browser.open(`${bench.server.url}released/?device=cpu&model=`)).raw;
      await raw.waitForSelector("nomoat-source button");
      await load(raw, `${bench.server.url}shared/zoo/llama3/`);
      await raw.fill("[name=message]", "Hello");
      await raw.keyboard.press("Enter");
      await raw.waitForSelector("li.assistant .note .made", { timeout: 60_000 });
      const asked = bench.server.requests.filter((line) => line.includes("/released/"));
      assert.ok(asked.some((line) => line.includes("/released/pkg/nomoat_bg.wasm")), asked.join("\n"));
      // its parts have names of their own: all of them have to be kept
      await raw.waitForSelector("nomoat-offline [data-key=offlineKept]");
      await raw.context().setOffline(true);
      await raw.reload();
      await raw.waitForSelector("nomoat-source button");
      const lazy = readdirSync(new URL("../../../dist/site", import.meta.url), { recursive: true }).filter((name) => /^(part-|ui.).*\.js$/.test(String(name)));
      assert.ok(lazy.length > 3);
      for (const name of lazy) assert.equal(await raw.evaluate(async (/** @type {string} */ name) => (await fetch(name)).status, String(name)), 200);
      await raw.close();
    },
  },
  {
    name: "files: chosen, dropped, and a wrong one explained",
    shared: "zoo/llama3",
    on: ["chromium"],
    async run(bench) {
      const { raw, messages, close } = await open(bench, {});
      const gguf = await readFile(path.join(bench.shared, "zoo/llama3/model-bf16.gguf"));
      const [file] = [{ name: "model-bf16.gguf", mimeType: "application/octet-stream", buffer: gguf }];
      await raw.setInputFiles("nomoat-source input[type=file]:not([webkitdirectory])", [file]);
      await raw.waitForSelector(READY, { timeout: 60_000 });
      await raw.click("nomoat-facts button");
      await raw.waitForSelector('nomoat-page[status="empty"]');
      // dropped while the page asks about another model, it is the answer
      await ask(raw, `${bench.server.url}shared/zoo/llama3/model-bf16.gguf`);
      const bytes = gguf.toString("base64");
      await raw.evaluate((/** @type {string} */ bytes) => {
        const data = new DataTransfer();
        data.items.add(new File([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], "dropped.gguf"));
        document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
      }, bytes);
      await raw.waitForSelector(READY, { timeout: 60_000 });
      assert.ok(await raw.isHidden("nomoat-consent dialog"), "it still asks");
      await raw.click("nomoat-facts button");
      await raw.setInputFiles("nomoat-source input[type=file]:not([webkitdirectory])", [{ ...file, buffer: gguf.subarray(0, 5000) }]);
      await raw.waitForSelector("nomoat-problem:not([hidden])");
      assert.match(await raw.textContent("nomoat-problem"), /Code: bad-file/);
      await accessible(raw, "problem");
      await raw.screenshot({ path: path.join(bench.shots, "problem-1280.png"), fullPage: true });
      quiet(messages);
      await close();
    },
  },
  {
    name: "an address that is not there is explained, a load can be cancelled",
    shared: true,
    on: ["chromium"],
    async run(bench) {
      const { raw, messages, close } = await open(bench, { width: 390, height: 844 });
      await raw.fill("[name=address]", `${bench.server.url}nowhere/model.gguf`);
      await raw.click("nomoat-source form button");
      await raw.waitForSelector("nomoat-problem:not([hidden])");
      const problem = await raw.textContent("nomoat-problem");
      assert.match(problem, /Code: not-found/);
      assert.match(problem, /Check the address/);
      await ask(raw, `${bench.server.url}${STORY}model.safetensors?fault=slow`);
      await agree(raw);
      await raw.waitForSelector("nomoat-progress button");
      await raw.screenshot({ path: path.join(bench.shots, "loading-390.png"), fullPage: true });
      await accessible(raw, "loading");
      await raw.click("nomoat-progress button");
      await raw.waitForSelector('nomoat-page[status="empty"]');
      assert.ok(await raw.isHidden("nomoat-problem"));
      quiet(messages);
      await close();
    },
  },
  {
    name: "the policy allows own scripts and WebAssembly only, in the header and in the page",
    on: ["chromium"],
    async run(bench) {
      const header = (await fetch(bench.server.url)).headers.get("content-security-policy");
      assert.equal(header, CSP);
      const { raw, close } = await open(bench, {});
      const meta = await raw.getAttribute('meta[http-equiv="Content-Security-Policy"]', "content");
      assert.equal(meta, CSP);
      assert.match(CSP, /script-src 'self' 'wasm-unsafe-eval';/);
      const ran = await raw.evaluate(() => {
        const script = document.createElement("script");
        script.textContent = "globalThis.ran = true";
        document.head.append(script);
        return Boolean(/** @type {any} */ (globalThis).ran);
      });
      assert.ok(!ran, "an inline script ran");
      await close();
    },
  },
  {
    name: "the page speaks Chinese to those who do, and changes on request",
    on: ["chromium"],
    async run(bench) {
      const { raw, messages, close } = await open(bench, { locale: "zh-CN", width: 390, height: 844 });
      assert.equal(await raw.getAttribute("html", "lang"), "zh-Hans");
      assert.match(await raw.textContent("main"), /开放的语言模型/);
      await raw.screenshot({ path: path.join(bench.shots, "empty-390-zh.png"), fullPage: true });
      await raw.click("header button:has-text('English')");
      assert.equal(await raw.getAttribute("html", "lang"), "en");
      assert.match(await raw.textContent("main"), /An open language model/);
      quiet(messages);
      await close();
    },
  },
  {
    name: "?log= shows a trace with phases, device and limits",
    shared: true,
    on: ["chromium"],
    async run(bench) {
      const { raw, close } = await open(bench, {}, "?log=1&device=gpu");
      await load(raw, bench.server.url + STORY);
      const trace = await raw.textContent("nomoat-trace pre");
      for (const word of ["phase weights", "maxStorageBufferBindingSize", "loaded", "adapter"]) assert.ok(trace.includes(word), word);
      await accessible(raw, "trace");
      await close();
    },
  },
  {
    name: "what cannot be kept or copied is said, and the list follows without disturbing",
    on: ["chromium"],
    async run(bench) {
      const { raw, messages, close } = await open(bench, {});
      await raw.context().grantPermissions(["clipboard-read", "clipboard-write"]);
      const turns = [
        { id: "q", parent: null, role: "user", content: "why?", at: 1 },
        { id: "a", parent: "q", role: "assistant", content: "**because**", at: 2 },
      ];
      const talk = { id: "one", kind: "chat", title: "", created: 1, updated: 2, system: "", leaf: "a", turns, dropped: [], text: "", made: null };
      const names = () => raw.locator(".history .open").allTextContents();
      /** @param {number} count */
      const listed = (count) => raw.waitForFunction((/** @type {number} */ count) => document.querySelectorAll(".history li").length === count, count);
      /** Says whether the disk is full. @param {boolean} full */
      const fill = (full) =>
        raw.evaluate((/** @type {boolean} */ full) => {
          const all = /** @type {any} */ (globalThis);
          all.put ??= IDBObjectStore.prototype.put;
          const none = () => {
            throw new DOMException("full", "QuotaExceededError");
          };
          IDBObjectStore.prototype.put = full ? none : all.put;
        }, full);
      const records = (/** @type {string} */ name, /** @type {any} */ argument) =>
        raw.evaluate(async (/** @type {[string, any]} */ [name, argument]) => (await import(/** @type {any} */ ("/ui/records.js")))[name](argument), [name, argument]);
      const note = (/** @type {"visible" | "hidden"} */ state) => raw.waitForSelector("nomoat-talk > .warning", { state });

      await raw.click("nomoat-header button");
      await raw.waitForFunction(() => /Nothing here/.test(document.querySelector(".history [role=status]")?.textContent ?? ""));
      await raw.evaluate((/** @type {any} */ talk) => document.querySelector("nomoat-history")?.dispatchEvent(new CustomEvent("nomoat-open", { detail: { talk }, bubbles: true })), talk);
      await raw.click(".system summary");
      await fill(true);
      await raw.fill("[name=system]", "first");
      await note("visible");
      await accessible(raw, "not kept");
      // once there is room, what is read is what was saved
      await fill(false);
      await raw.fill("[name=system]", "second");
      await note("hidden");
      assert.equal((await records("get", "one")).system, "second");
      // it is listed by itself
      await listed(1);

      // what is typed into the list outlasts what another tab saves
      await raw.click('.history li >> text="Rename"');
      await raw.fill("[name=name]", "a na");
      await records("put", { ...talk, id: "two", updated: 1 });
      await raw.evaluate(() => new BroadcastChannel("nomoat-history").postMessage({ changed: "two" }));
      await raw.waitForTimeout(900); // the time in which the list follows
      await raw.keyboard.type("me");
      await raw.keyboard.press("Enter");
      await listed(2);
      assert.deepEqual(await names(), ["a name", "why?"]);
      // and the name what the open conversation saves
      assert.equal(await raw.textContent("nomoat-talk h2"), "a name");
      await raw.fill("[name=system]", "third");
      await raw.waitForFunction(async () => (await (await import(/** @type {any} */ ("/ui/records.js"))).get("one")).system === "third");
      assert.equal((await records("get", "one")).title, "a name");

      await fill(true);
      const file = JSON.stringify({ format: "nomoat-history", version: 1, talks: [{ ...talk, id: "three" }] });
      await raw.setInputFiles("nomoat-history input[type=file]", { name: "h.json", mimeType: "application/json", buffer: Buffer.from(file) });
      await raw.waitForSelector('.history .warning:text("no more of it")');

      await raw.click(".assistant [data-act=source]");
      await raw.waitForSelector('.assistant [data-act=source][data-done="Copied."]');
      assert.equal(await raw.evaluate(() => navigator.clipboard.readText()), "**because**");
      await raw.evaluate(() => (navigator.clipboard.writeText = () => Promise.reject(new Error("not here"))));
      await raw.click(".assistant [data-act=copy]");
      await raw.waitForSelector('.assistant [data-act=copy][data-done^="This browser does not let"]');
      assert.equal(await raw.evaluate(() => String(getSelection()).trim()), "because");

      // a full context leads to a new conversation
      await raw.evaluate(() => {
        const problem = /** @type {HTMLElement} */ (document.querySelector("nomoat-problem"));
        problem.setAttribute("code", "context-full");
        problem.hidden = false;
      });
      await raw.click("nomoat-problem .main");
      assert.equal(await raw.locator(".talk li").count(), 0);
      quiet(messages);
      await close();
    },
  },
  writes("gpu"),
  writes("cpu"),
];
