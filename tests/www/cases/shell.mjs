// The surroundings of the conversation: first screen, consent, panels, errors, links, small devices, and how it all looks.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { OFFLINE } from "../../../www/ui/words/offline.js";
import { PROBLEM } from "../../../www/ui/words/problem.js";
import { SHELL } from "../../../www/ui/words/shell.js";
import { onDisk, serveHub } from "../hub.mjs";
import { accessible, agree, ask, CHAT, load, open, quiet, READY, STORY } from "../steps.mjs";

/** Asked for by the browser for itself, and told to no page. */
const BY_BROWSER = /^\/(icons\/|icon\.svg|manifest\.webmanifest)/;

/** @typedef {import("../case.mjs").Case} Case @typedef {import("../case.mjs").Bench} Bench */

/** What is said of errors, by whoever says it. */
const SAID = { ...PROBLEM, ...OFFLINE };
const MENU = "nomoat-header button";
const ASKED = "nomoat-consent dialog[open]";

/** Opens a panel at the side. @param {any} raw @param {string} name */
async function panel(raw, name) {
  if (!(await raw.isVisible(".side"))) await raw.click(MENU);
  await raw.click(`#tab-${name}`);
  await raw.waitForSelector(`#panel-${name}:not([hidden])`);
}

/** The codes that the contract promises. */
async function promised() {
  const contract = await readFile(new URL("../../../CONTRACT.md", import.meta.url), "utf8");
  const [, list] = /Codes: ([^]*?)New ones may/.exec(contract) ?? [];
  return [...(list ?? "").matchAll(/`([a-z-]+)`/g)].map(([, code]) => code);
}

/** Shows the error of a code, as if the engine had thrown it. @param {any} raw @param {string} code */
async function shown(raw, code) {
  await raw.evaluate((/** @type {string} */ code) => {
    const problem = /** @type {HTMLElement} */ (document.querySelector("nomoat-problem"));
    problem.setAttribute("code", code);
    problem.setAttribute("message", `${code}: what the engine says`);
    problem.hidden = false;
  }, code);
}

/**
 * What goes wrong on the way to a model, and what the page says and offers then.
 * @type {[string, (bench: Bench) => string, string, RegExp, string?][]} Claim, address, code, button, query.
 */
const FAULTS = [
  ["a host that forbids pages to read", ({ other }) => `${other.url}${STORY}model.safetensors?fault=no-cors`, "cors", /Choose the downloaded file/],
  ["an address with nothing there", ({ server }) => `${server.url}nowhere/model.gguf`, "not-found", /Correct the address/],
  ["a start page instead of a model", ({ server }) => `${server.url}nowhere/model.gguf?fault=page`, "not-found", /Correct the address/],
  ["a host that wants to know who asks", ({ server }) => `${server.url}${STORY}model.safetensors?fault=401`, "gated", /Open its page/],
  ["a host that is not there", () => "http://127.0.0.1:9/model.gguf", "network", /Try again/],
  ["a file that is no model", ({ server }) => `${server.url}style.css?x=.gguf`, "unsupported-format", /Choose another model/],
  ["a reference that makes no sense", () => "http://[", "unsupported-field", /Correct the address/],
];

/** @param {string} locale @param {number} width @param {boolean} dark @returns {Case} */
function looks(locale, width, dark) {
  const zh = locale.startsWith("zh");
  const look = `${width}-${dark ? "dark" : "light"}${zh ? "-zh" : ""}`;
  return {
    name: `every view is accessible at ${look}`,
    shared: true,
    on: ["chromium"],
    async run(bench) {
      const { raw, messages, close } = await open(bench, { width, height: width > 600 ? 800 : 844, dark, locale, still: true });
      /** @param {string} name */
      const view = async (name) => {
        await accessible(raw, `${name} ${look}`);
        await raw.screenshot({ path: path.join(bench.shots, `${name}-${look}.png`) });
      };
      await view("first");
      await ask(raw, bench.server.url + CHAT);
      await raw.waitForFunction(() => /·|MB/.test(document.querySelector("nomoat-consent .main:not([hidden])")?.textContent ?? ""));
      await view("consent");
      await agree(raw);
      await raw.waitForSelector(READY, { timeout: 60_000 });
      await view("ready");
      for (const name of ["library", "card", "privacy", "diagnosis"]) {
        await panel(raw, name);
        await raw.waitForFunction((/** @type {string} */ name) => document.querySelector(`#panel-${name}`)?.textContent, name);
        if (name === "diagnosis") await raw.waitForFunction(() => document.querySelector("nomoat-diagnosis pre")?.textContent?.includes("adapter"));
        if (name === "library") await raw.waitForSelector("nomoat-library li");
        await view(name);
      }
      if (width < 600) await raw.keyboard.press("Escape");
      else await raw.click(".side .top > button");
      await shown(raw, "cors");
      await view("problem");
      await raw.click("nomoat-problem .row .row button:last-child");
      await raw.click("nomoat-facts button");
      await raw.waitForSelector("nomoat-source .here li:not([data-own]) button");
      await view("returning");
      quiet(messages);
      await close();
    },
  };
}

/** @type {Case[]} */
export const cases = [
  {
    name: "every stable code has a cause, what was done, and one thing to do, in both languages",
    on: ["chromium"],
    async run() {
      const codes = await promised();
      assert.ok(codes.length >= 24, codes.join());
      for (const code of codes) {
        for (const what of ["is", "did", "do"]) {
          const { en, zh } = SAID[`${what}_${code}`] ?? {};
          assert.ok(en && zh, `${what}_${code}`);
          assert.ok(!/[a-z]{4}/.test(zh.replace(/GPU|CPU|WebGPU|SHA-256|nomoat/g, "")), `${what}_${code}: ${zh}`);
        }
      }
      for (const [key, { en, zh }] of [...Object.entries(PROBLEM), ...Object.entries(SHELL)]) {
        assert.ok(en && zh, key);
        const holes = (/** @type {string} */ text) => (text.match(/\{\w+\}/g) ?? []).sort().join();
        assert.equal(holes(en), holes(zh), key);
      }
      return `${codes.length} codes`;
    },
  },
  {
    name: "every error offers one thing to do, as a button",
    on: ["chromium"],
    async run(bench) {
      const { raw, close } = await open(bench, { width: 390, height: 844 });
      for (const code of await promised()) {
        await shown(raw, code);
        const label = await raw.textContent("nomoat-problem .main");
        assert.ok(label && !label.startsWith("act_"), `${code}: ${label}`);
        assert.equal(await raw.textContent("nomoat-problem h2"), SAID[`is_${code}`].en);
      }
      await accessible(raw, "problem");
      // a code that nobody knows is still an error in words
      await shown(raw, "frobnicated");
      assert.equal(await raw.textContent("nomoat-problem h2"), PROBLEM.is_internal.en);
      assert.match(await raw.textContent("nomoat-problem"), /Code: frobnicated/);
      await close();
    },
  },
  ...FAULTS.map(
    /** @returns {Case} */ ([what, address, code, button, query]) => ({
      name: `explained before anything is downloaded: ${what}`,
      shared: true,
      on: ["chromium"],
      async run(bench) {
        const { raw, close } = await open(bench, {}, query);
        await raw.fill("[name=address]", address(bench));
        await raw.click("nomoat-source form button");
        await raw.waitForSelector("nomoat-problem:not([hidden])", { timeout: 30_000 });
        assert.match(await raw.textContent("nomoat-problem"), new RegExp(`Code: ${code}`));
        assert.match(await raw.textContent("nomoat-problem .main"), button);
        assert.ok(await raw.isHidden(ASKED), "it asks for what cannot be had");
        await close();
      },
    }),
  ),
  {
    name: "not a byte of a model comes before it is agreed to, and nothing after it is refused",
    shared: true,
    on: ["chromium"],
    async run(bench) {
      const { raw, messages, close } = await open(bench);
      const before = bench.other.requests.length;
      const address = `${bench.other.url}${STORY}`;
      await raw.fill("[name=address]", address);
      assert.equal(bench.other.requests.length, before, "typing is no request");
      await raw.click("nomoat-source form button");
      await raw.waitForFunction(() => /Download [\d.]+ MB/.test(document.querySelector("nomoat-consent .main:not([hidden])")?.textContent ?? ""));
      const asked = bench.other.requests.slice(before);
      const whole = asked.filter((line) => /model\.safetensors/.test(line) && !/bytes=0-\d+$/.test(line));
      assert.deepEqual(whole, [], "more than the header was read");
      const sheet = await raw.textContent("nomoat-consent");
      for (const part of [/1\.3 MB|2\.6 MB/, new RegExp(new URL(address).host), /apache-2\.0/, /Yes, with a context of/, /free/, /sees your network address/]) assert.match(sheet, part);
      const after = bench.other.requests.length;
      await raw.click('nomoat-consent button:text("Cancel")');
      assert.equal(await raw.getAttribute("nomoat-page", "status"), "empty");
      assert.equal(bench.other.requests.length, after);
      // the address is where it was, to be corrected
      assert.equal(await raw.inputValue("[name=address]"), address);
      quiet(messages);
      await close();
    },
  },
  {
    name: "a reference to a hub: its variants and its licence before a byte of them; a gated one leads to its page",
    shared: true,
    on: ["chromium"],
    async run(bench) {
      const file = onDisk(path.join(bench.shared, "zoo/llama3/model-bf16.gguf"));
      const hub = await serveHub({
        "some/two": { files: { "Tiny-BF16.gguf": file, "Tiny-F16.gguf": file }, info: { tags: ["license:llama3"] } },
        "gated/model": { files: { "Tiny-BF16.gguf": file }, info: { gated: "manual" } },
      });
      try {
        const { raw, messages, close } = await open(bench, {}, `?device=gpu&hub=${encodeURIComponent(hub.url.replace(/\/$/, ""))}`);
        await ask(raw, "some/two");
        await raw.waitForFunction(() => document.querySelectorAll("[name=variant] option").length === 2);
        assert.match(await raw.textContent("nomoat-consent .terms"), /llama3/);
        await accessible(raw, "variants");
        // by keyboard: the choice stays while it is looked up, and the focus too
        const [key, other] = await raw.locator("[name=variant]").evaluate((/** @type {HTMLSelectElement} */ select) => {
          select.addEventListener("change", () => (/** @type {any} */ (globalThis).chosen = [select.value, document.activeElement === select]));
          select.focus();
          return select.selectedIndex ? ["ArrowUp", select.options[0].value] : ["ArrowDown", select.options[1].value];
        });
        await raw.keyboard.press(key);
        assert.deepEqual(await raw.evaluate(() => /** @type {any} */ (globalThis).chosen), [other, true]);
        await raw.waitForFunction((/** @type {string} */ other) => document.querySelector("nomoat-consent .terms")?.textContent?.includes(`:${other}`), other);
        await raw.waitForFunction(() => !document.querySelector("nomoat-consent [role=status]")?.textContent);
        assert.equal(await raw.evaluate(() => /** @type {any} */ (document.activeElement).name), "variant");
        assert.ok(!hub.requests.some((line) => /Tiny/.test(line) && !/bytes=0-\d+$/.test(line)), "more than headers was read");
        await raw.click('nomoat-consent button:text("Cancel")');
        await raw.fill("[name=address]", "gated/model");
        await raw.click("nomoat-source form button");
        await raw.waitForSelector("nomoat-problem:not([hidden])");
        assert.match(await raw.textContent("nomoat-problem"), /Code: gated/);
        quiet(messages);
        await close();
      } finally {
        await hub.close();
      }
    },
  },
  {
    name: "a link fills in and asks; it neither looks up, loads nor sends",
    shared: true,
    on: ["chromium"],
    async run(bench) {
      const address = `${bench.other.url}${CHAT}`;
      const before = bench.other.requests.length;
      const page = await bench.browser.open(`${bench.server.url}?device=gpu#model=${encodeURIComponent(address)}&prompt=${encodeURIComponent("Who are you?")}`);
      const { raw } = page;
      await raw.waitForSelector(`${ASKED} button.main:focus`);
      // another link meanwhile: the sheet asks about that one, and stays
      const link = (/** @type {string} */ hash) => raw.evaluate((/** @type {string} */ hash) => new Promise((resolve) => ((location.hash = hash), setTimeout(resolve, 100))), hash);
      const hash = await raw.evaluate(() => location.hash);
      for (const [to, name] of [["#model=some/other", "other"], [hash, "codellama"]]) {
        await link(to);
        assert.ok(await raw.isVisible(ASKED), "it closed the sheet of the next one");
        assert.match(await raw.textContent("nomoat-consent h2"), new RegExp(name));
      }
      assert.match(await raw.textContent("nomoat-consent"), /comes from a link/);
      assert.match(await raw.textContent(`${ASKED} button.main:not([hidden])`), /Look it up/);
      await accessible(raw, "a link");
      assert.equal(bench.other.requests.length, before, "a link alone makes requests");
      await raw.click(`${ASKED} button.main:not([hidden])`);
      await raw.waitForFunction(() => /Download/.test(document.querySelector("nomoat-consent .main:not([hidden])")?.textContent ?? ""));
      await agree(raw);
      await raw.waitForSelector(READY, { timeout: 60_000 });
      assert.equal(await raw.inputValue("[name=message]"), "Who are you?");
      assert.equal(await raw.locator(".talk li").count(), 0, "it sent by itself");
      quiet(page.messages);
      await page.close();
    },
  },
  {
    name: "the privacy panel knows every request that the servers saw, with its bytes",
    shared: true,
    on: ["chromium"],
    async run(bench) {
      const [from, far] = [bench.server.requests.length, bench.other.requests.length];
      const { raw, messages, close } = await open(bench);
      await load(raw, bench.other.url + STORY);
      await panel(raw, "privacy");
      await raw.waitForFunction(() => /the model/.test(document.querySelector("nomoat-privacy")?.textContent ?? ""));
      // until the page has kept itself, a server has seen requests that are not answered yet
      await raw.evaluate(async () => void (await navigator.serviceWorker.ready));
      const [download] = await Promise.all([raw.waitForEvent("download"), raw.click('text="Export as JSON"')]);
      const { requests } = JSON.parse(await readFile(await download.path(), "utf8"));
      const count = (/** @type {string} */ url) =>
        requests.filter((/** @type {any} */ each) => each.url.startsWith(url)).reduce((/** @type {number} */ sum, /** @type {any} */ each) => sum + each.requests, 0);
      const gone = bench.other.requests.slice(far).filter((line) => line.startsWith("GET"));
      assert.equal(count(bench.other.url), gone.length, gone.join("\n"));
      const weights = requests.find((/** @type {any} */ each) => /model\.safetensors$/.test(each.url));
      assert.ok(weights.bytes > 1e6 && weights.why === "model", JSON.stringify(weights));
      // of this site, files that a server saw and the panel does not know
      const seen = new Set(requests.map((/** @type {any} */ each) => new URL(each.url).pathname));
      const unknown = bench.server.requests.slice(from).map((line) => line.split(" ")[1].split("?")[0]).filter((file) => !seen.has(file) && file !== "/" && !BY_BROWSER.test(file));
      assert.deepEqual([...new Set(unknown)], []);
      quiet(messages);
      await close();
      return `${requests.length} addresses`;
    },
  },
  {
    name: "with the network off a loaded model writes on, and the page says that it is off",
    shared: true,
    on: ["chromium"],
    async run(bench) {
      const { raw, messages, close } = await open(bench);
      await load(raw, bench.server.url + STORY);
      await raw.context().setOffline(true);
      await raw.waitForSelector(".place[data-offline]");
      await panel(raw, "privacy");
      assert.ok(await raw.isVisible('text="The network is off right now."'));
      await raw.fill("[name=text]", "Once upon a time, ");
      await raw.focus("[name=text]");
      await raw.keyboard.press("Control+Enter");
      await raw.waitForFunction(() => /** @type {any} */ (document.querySelector("[name=text]")).value.length > 40);
      await raw.keyboard.press("Escape");
      await raw.waitForSelector(READY);
      quiet(messages);
      await close();
    },
  },
  {
    name: "what is stored opens without being asked about, is verified, and is deleted at the second press",
    shared: true,
    on: ["chromium"],
    async run(bench) {
      const { raw, messages, close } = await open(bench);
      await load(raw, bench.server.url + STORY);
      await raw.click("nomoat-facts button");
      await raw.click("nomoat-source .here li:not([data-own]) button");
      await raw.waitForSelector(READY, { timeout: 60_000 });
      assert.ok(await raw.isHidden(ASKED));
      await panel(raw, "library");
      const item = raw.locator("nomoat-library li");
      await item.waitFor();
      assert.equal(await item.count(), 1);
      assert.match(await item.textContent(), /TinyStories-656K/);
      await item.locator('text="Verify"').click();
      await item.locator("text=/every byte is as it was/").waitFor();
      // what writes gives way, and what loads
      await raw.evaluate(() => {
        const page = /** @type {Element} */ (document.querySelector("nomoat-page"));
        /** @type {(string | null)[]} */
        const went = (/** @type {any} */ (globalThis).went = []);
        new MutationObserver(() => {
          const status = page.getAttribute("status");
          if (status !== "empty" && !went.includes(status)) /** @type {HTMLElement | null} */ (status !== "ready" ? document.querySelector("nomoat-library li button") : null)?.click();
          went.push(status);
        }).observe(page, { attributeFilter: ["status"] });
      });
      await raw.fill("[name=text]", "Once upon a time, ");
      await raw.press("[name=text]", "Control+Enter");
      await raw.waitForFunction(() => /** @type {any} */ (globalThis).went.filter((/** @type {string} */ status) => status === "loading").length === 2);
      await raw.waitForSelector(READY, { timeout: 60_000 });
      await raw.click("nomoat-facts button");
      await raw.waitForSelector('nomoat-page[status="empty"]');
      await item.locator('text="Delete"').click();
      assert.equal(await item.count(), 1, "one press deleted it");
      await item.locator('text="Delete for good"').click();
      await raw.waitForFunction(() => !document.querySelector("nomoat-library li"));
      await raw.waitForFunction(() => !document.querySelector("nomoat-source .here li:not([data-own]) button"));
      quiet(messages);
      await close();
    },
  },
  {
    name: "the card says what the files say, and of the rest that it is not stated",
    shared: true,
    on: ["chromium"],
    async run(bench) {
      const { raw, close } = await open(bench);
      await load(raw, `${bench.server.url}shared/zoo/llama3/model-bf16.gguf`);
      await raw.click('nomoat-facts button:text("Card")');
      const card = await raw.textContent("nomoat-card");
      assert.match(card, /Block formats.*BF16/);
      assert.match(card, /LicenceNot stated|Licencenot stated/i);
      assert.match(card, /SHA-256[0-9a-f]{64}/);
      await close();
    },
  },
  {
    name: "the diagnosis names browser, adapter, limits, storage and the loaded model, and copies with the trace",
    shared: true,
    on: ["chromium"],
    async run(bench) {
      const { raw, close } = await open(bench);
      await raw.context().grantPermissions(["clipboard-read", "clipboard-write"]);
      await load(raw, bench.server.url + STORY);
      await panel(raw, "diagnosis");
      await raw.waitForFunction(() => document.querySelector("nomoat-diagnosis pre")?.textContent?.includes("quota"));
      await raw.click('nomoat-diagnosis button:text("Copy")');
      await raw.waitForSelector('text="Copied."');
      const text = await raw.evaluate(() => navigator.clipboard.readText());
      for (const word of ["userAgent", "maxStorageBufferBindingSize", "subgroups", "quota", "TinyStories", "phase weights"]) assert.ok(text.includes(word), word);
      await close();
    },
  },
  {
    name: "without a store the page says so before, and the model is held in memory",
    shared: true,
    on: ["chromium"],
    async run(bench) {
      const { raw, messages, close } = await open(bench);
      await raw.addInitScript(() => Object.defineProperty(StorageManager.prototype, "getDirectory", { value: undefined }));
      await raw.goto(`${bench.server.url}?device=cpu&model=`);
      await raw.waitForSelector("nomoat-source button");
      assert.ok(await raw.isVisible("text=/keeps no files for this page: a model from the network/"));
      await load(raw, bench.server.url + STORY);
      await panel(raw, "library");
      assert.match(await raw.textContent("nomoat-library"), /keeps no files/);
      quiet(messages);
      await close();
    },
  },
  {
    name: "after two ends without a good-bye it starts small, says so, and can be told otherwise",
    shared: true,
    on: ["chromium"],
    async run(bench) {
      const { raw, close } = await open(bench, {}, "?device=cpu");
      const context = raw.context();
      await raw.goto("about:blank");
      for (let times = 0; times < 2; times++) {
        const tab = await context.newPage();
        await tab.goto(`${bench.server.url}?device=cpu&model=`);
        await tab.waitForSelector("nomoat-source button");
        if (!times) await load(tab, bench.server.url + STORY);
        else await tab.click("nomoat-source .here li:not([data-own]) button");
        await tab.waitForSelector(READY);
        const crashed = new Promise((resolve) => tab.on("crash", resolve));
        const cdp = await context.newCDPSession(tab);
        void cdp.send("Page.crash").catch(() => {});
        await crashed;
        await tab.close();
      }
      await raw.goto(`${bench.server.url}?device=cpu&model=`);
      await raw.waitForSelector('text="Start as usual"');
      assert.match(await raw.textContent("nomoat-page"), /ended unexpectedly 2 times/);
      await accessible(raw, "small");
      await raw.screenshot({ path: path.join(bench.shots, "small-1280-light.png") });
      await raw.click('text="Start as usual"');
      await raw.reload();
      await raw.waitForSelector("nomoat-source button");
      assert.ok(await raw.isHidden('text="Start as usual"'));
      await close();
    },
  },
  {
    name: "a small device is offered small models, is warned of a metered network, and pauses while it is hidden",
    shared: true,
    on: ["chromium"],
    async run(bench) {
      const { raw, messages, close } = await open(bench, { width: 390, height: 844 });
      await raw.addInitScript(() => {
        Object.defineProperty(Navigator.prototype, "deviceMemory", { value: 2 });
        Object.defineProperty(Navigator.prototype, "connection", { value: { saveData: true } });
      });
      await raw.reload();
      await raw.waitForSelector("nomoat-source .offer button.main");
      const bytes = await raw.textContent(".offer button.main");
      assert.match(bytes, /\d+ MB/);
      await ask(raw, bench.server.url + STORY);
      assert.match(await raw.textContent("nomoat-consent"), /metered/);
      await accessible(raw, "metered");
      await agree(raw);
      await raw.waitForSelector(READY, { timeout: 60_000 });
      const hide = (/** @type {boolean} */ hidden) =>
        raw.evaluate((/** @type {boolean} */ hidden) => {
          Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
          document.dispatchEvent(new Event("visibilitychange"));
        }, hidden);
      const length = () => raw.evaluate(() => /** @type {any} */ (document.querySelector("[name=text]")).value.length);
      const more = async (/** @type {number} */ than) => raw.waitForFunction((/** @type {number} */ than) => /** @type {any} */ (document.querySelector("[name=text]")).value.length > than, than);
      await raw.fill("[name=text]", "Once upon a time, ");
      await raw.focus("[name=text]");
      await raw.keyboard.press("Control+Enter");
      await more(30);
      await hide(true);
      // what was under way when the page was hidden arrives; then nothing
      await raw.waitForTimeout(300);
      const paused = await length();
      await raw.waitForTimeout(500);
      assert.equal(await length(), paused, "it wrote on while hidden");
      await hide(false);
      await more(paused);
      await hide(true);
      await raw.keyboard.press("Escape");
      await raw.waitForSelector(READY);
      quiet(messages);
      await close();
    },
  },
  {
    name: "colours: as the device, light, dark, and kept",
    on: ["chromium"],
    async run(bench) {
      const { raw, close } = await open(bench, { dark: true });
      const paper = () => raw.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
      const theme = raw.locator("nomoat-header button").last();
      const dark = await paper();
      await theme.click();
      const light = await paper();
      assert.notEqual(light, dark);
      await raw.reload();
      await raw.waitForSelector("nomoat-source button");
      assert.equal(await paper(), light);
      await theme.click();
      assert.equal(await paper(), dark);
      assert.match(await theme.getAttribute("aria-label"), /dark/);
      await close();
    },
  },
  {
    name: "the panels: arrows walk the tabs, closing gives the focus back, what goes on leaves it where it is",
    on: ["chromium"],
    async run(bench) {
      const { raw, close } = await open(bench, { width: 390, height: 844, still: true });
      await raw.focus(MENU);
      await raw.keyboard.press("Enter");
      await raw.waitForSelector("[role=tab]:focus");
      const tab = () => raw.evaluate(() => document.activeElement?.id);
      const first = await tab();
      await raw.keyboard.press("ArrowLeft");
      assert.equal(await tab(), "tab-diagnosis");
      await raw.keyboard.press("ArrowRight");
      assert.equal(await tab(), first);
      await raw.keyboard.press("Escape");
      assert.ok(await raw.isHidden(".side"));
      const back = async () => assert.equal(await raw.evaluate(() => document.activeElement?.getAttribute("aria-controls")), "side");
      await back();
      // a column
      await raw.setViewportSize({ width: 1280, height: 800 });
      await panel(raw, "privacy");
      const sent = (/** @type {number} */ bytes) =>
        raw.evaluate((/** @type {any} */ sent) => /** @type {any} */ (document.querySelector("nomoat-privacy")).sent(sent), { url: "https://example.org/m.gguf", at: 1, requests: 1, bytes });
      await sent(1e6);
      await raw.locator("nomoat-privacy tr", { hasText: "example.org" }).locator("summary").focus();
      await sent(5e6);
      await raw.locator("nomoat-privacy tr", { hasText: "6.0 MB" }).waitFor();
      assert.equal(await raw.evaluate(() => document.activeElement?.localName), "summary");
      await raw.click(".side .top > button");
      await back();
      // a drawer that becomes a column is still open, and said to be
      await raw.click(MENU);
      await raw.setViewportSize({ width: 390, height: 844 });
      await raw.waitForSelector(".side", { state: "hidden" });
      await raw.click(MENU);
      await raw.setViewportSize({ width: 1280, height: 800 });
      await raw.waitForSelector(".side:not(:modal)");
      await raw.evaluate(() => new Promise((resolve) => setTimeout(resolve, 100)));
      assert.equal(await raw.getAttribute(MENU, "aria-expanded"), "true");
      await close();
    },
  },
  {
    name: "right to left, forced colours and more contrast keep every view in its frame",
    on: ["chromium"],
    async run(bench) {
      const { raw, close } = await open(bench, { width: 390, height: 844, still: true });
      await raw.evaluate(() => (document.documentElement.dir = "rtl"));
      await accessible(raw, "right to left");
      await raw.screenshot({ path: path.join(bench.shots, "first-390-rtl.png") });
      await raw.click(MENU);
      const edge = await raw.evaluate(() => document.querySelector(".side")?.getBoundingClientRect().right);
      assert.equal(edge, 390, "the drawer is at the start of the line");
      await raw.keyboard.press("Escape");
      await raw.emulateMedia({ forcedColors: "active" });
      await raw.screenshot({ path: path.join(bench.shots, "first-390-forced.png") });
      await raw.emulateMedia({ forcedColors: "none", contrast: "more" });
      await accessible(raw, "more contrast");
      await raw.screenshot({ path: path.join(bench.shots, "first-390-contrast.png") });
      await close();
    },
  },
  ...["en-GB", "zh-CN"].flatMap((locale) => [390, 1280].flatMap((width) => [false, true].map((dark) => looks(locale, width, dark)))),
];
