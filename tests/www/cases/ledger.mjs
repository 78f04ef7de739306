// The openness ledger in the page: strip, conflicts, the question before a download, two models side by side, and how it looks.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { calls } from "../../../build/ledger.mjs";
import { serveHub } from "../hub.mjs";
import { accessible, agree, open, quiet, READY } from "../steps.mjs";

/** @typedef {import("../case.mjs").Case} Case @typedef {import("../case.mjs").Bench} Bench */

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const SHEET = "nomoat-consent dialog[open]";
const KNOWN = `${SHEET} nomoat-openness`;
/** What a derived model's page on a hub may say. */
const TUNED = { cardData: { license: "apache-2.0", base_model: "facebook/MobileLLM-R1-950M" } };

/** A tiny model that states nothing of itself, or what is given. @param {Bench} bench @param {Record<string, string | number>} [stated] */
function gguf({ shared }, stated = {}) {
  const bytes = readFileSync(path.join(shared, "zoo/llama3/model-bf16.gguf"));
  const count = Object.keys(stated).length;
  if (!count) return bytes;
  const u32 = (/** @type {number} */ value) => Buffer.from(Uint32Array.of(value).buffer);
  const u64 = (/** @type {number | bigint} */ value) => Buffer.from(BigUint64Array.of(BigInt(value)).buffer);
  const string = (/** @type {string} */ text) => Buffer.concat([u64(Buffer.byteLength(text)), Buffer.from(text)]);
  const pairs = Object.entries(stated).flatMap(([key, value]) => [string(key), ...(typeof value === "string" ? [u32(8), string(value)] : [u32(4), u32(value)])]);
  const more = Buffer.concat(pairs);
  // what fills keeps the alignment of what follows
  const filling = Buffer.concat([string("general.filling"), u32(8), u64(0)]);
  const spare = (32 - ((more.length + filling.length) % 32)) % 32;
  const filled = Buffer.concat([string("general.filling"), u32(8), string("a".repeat(spare))]);
  return Buffer.concat([bytes.subarray(0, 16), u64(bytes.readBigUInt64LE(16) + BigInt(count + 1)), more, filled, bytes.subarray(24)]);
}

/** A hub with that model under names that the ledger knows, or does not. @param {Bench} bench @param {Record<string, any>} repos */
async function withHub(bench, repos) {
  const file = { bytes: gguf(bench) };
  const hub = await serveHub(Object.fromEntries(Object.entries(repos).map(([name, info]) => [name, { files: { "Tiny-BF16.gguf": file }, info }])));
  return { hub, query: `?device=gpu&hub=${encodeURIComponent(hub.url)}` };
}

/** Looks a reference up, until the page says what the ledger knows. @param {any} raw @param {string} reference */
async function find(raw, reference) {
  await raw.fill("[name=address]", reference);
  await raw.click("nomoat-source form button");
  await raw.waitForSelector(`${KNOWN} .terms-badge`);
}

/** Opens a file of the user's own. @param {any} raw @param {Buffer} buffer */
async function file(raw, buffer) {
  await raw.setInputFiles("nomoat-source input[type=file]:not([webkitdirectory])", [{ name: "own.gguf", mimeType: "application/octet-stream", buffer }]);
  await raw.waitForSelector(READY, { timeout: 60_000 });
}

/** Opens a panel at the side. @param {any} raw @param {string} name */
async function panel(raw, name) {
  if (!(await raw.isVisible(".side"))) await raw.click("nomoat-header button");
  await raw.click(`#tab-${name}`);
  await raw.waitForSelector(`#panel-${name}:not([hidden]) nomoat-openness > *`);
}

/** The names of the cells inside. @param {any} raw @param {string} where @returns {Promise<string[]>} */
const cells = (raw, where) => raw.locator(`${where} button.cell`).evaluateAll((/** @type {Element[]} */ all) => all.map((each) => each.getAttribute("aria-label")));

/** No text that is seen calls anything what only an outside validation may. @param {any} raw @param {string} where */
async function modest(raw, where) {
  const seen = await raw.evaluate(() => [document.body.innerText, ...[...document.querySelectorAll("[aria-label]")].map((each) => each.getAttribute("aria-label"))].join("\n"));
  assert.ok(seen.length > 200);
  assert.ok(!calls(seen), `${where}: ${/.{0,30}(open.source|开源).{0,30}/i.exec(seen.replaceAll("Open Source AI", ""))?.[0]}`);
}

/** @param {string} locale @param {number} width @param {boolean} dark @returns {Case} */
function looks(locale, width, dark) {
  const look = `${width}-${dark ? "dark" : "light"}${locale.startsWith("zh") ? "-zh" : ""}`;
  return {
    name: `ledger: card, sheet and compare view are accessible at ${look}`,
    shared: "zoo/llama3",
    on: ["chromium"],
    async run(bench) {
      const { hub, query } = await withHub(bench, { "meta-llama/Llama-3.2-1B-Tiny": { tags: ["license:llama3.2"] } });
      try {
        const { raw, messages, close } = await open(bench, { width, height: width > 600 ? 800 : 844, dark, locale, still: true }, query);
        /** @param {string} name */
        const view = async (name) => {
          await accessible(raw, `${name} ${look}`);
          await modest(raw, `${name} ${look}`);
          await raw.screenshot({ path: path.join(bench.shots, `openness-${name}-${look}.png`) });
        };
        await find(raw, "meta-llama/Llama-3.2-1B-Tiny");
        await view("sheet");
        await raw.check("[name=terms]");
        await raw.click(`${SHEET} nomoat-openness > details > summary`);
        await raw.locator(`${SHEET} .strip button`).nth(3).click();
        await raw.locator(`${SHEET} .strip`).first().scrollIntoViewIfNeeded();
        await view("sheet-open");
        await agree(raw);
        await raw.waitForSelector(READY, { timeout: 60_000 });
        await panel(raw, "card");
        await raw.locator("nomoat-card .terms-badge").evaluate((/** @type {Element} */ each) => each.scrollIntoView());
        await view("card");
        await raw.locator("nomoat-card .strip").first().evaluate((/** @type {Element} */ each) => each.scrollIntoView());
        await view("card-strip");
        await panel(raw, "openness");
        await raw.waitForSelector("#panel-openness .criteria");
        await view("compare");
        // what is in the top layer has a picture of its own
        const grey = (/** @type {string} */ filter) =>
          raw.evaluate((/** @type {string} */ filter) => {
            for (const each of [document.documentElement, ...document.querySelectorAll("dialog")]) each.style.filter = filter;
          }, filter);
        await grey("grayscale(1)");
        await raw.screenshot({ path: path.join(bench.shots, `openness-grey-${look}.png`) });
        await grey("");
        await raw.locator("#panel-openness .criteria button").first().click();
        await raw.locator("#panel-openness .said").evaluate((/** @type {Element} */ each) => each.scrollIntoView());
        await view("compare-words");
        quiet(messages);
        await close();
      } finally {
        await hub.close();
      }
    },
  };
}

/** @type {Case[]} */
export const cases = [
  {
    name: "ledger: a strip has the grades as names, shapes and colours, and says who gave one when it is pressed",
    shared: "zoo/llama3",
    on: ["chromium"],
    async run(bench) {
      const { hub, query } = await withHub(bench, { "bigscience/bloomz-tiny": { tags: ["license:bigscience-bloom-rail-1.0"] } });
      try {
        const { raw, messages, close } = await open(bench, {}, query);
        await find(raw, "bigscience/bloomz-tiny");
        await raw.click(`${KNOWN} > details > summary`);
        const [european, first] = [`${KNOWN} .graded >> nth=0`, `${KNOWN} .graded >> nth=1`];
        const names = await cells(raw, `${first} >> .strip`);
        assert.equal(names.length, 14);
        assert.equal((await cells(raw, `${european} >> .strip`)).length, 14);
        // data and training stand before all else
        assert.deepEqual(names.slice(0, 6), ["LLM data: open", "RL data: open", "Open code: open", "LLM weights: open", "RL weights: partial", "License: partial"]);
        assert.ok(names.includes("Package: closed") && (await cells(raw, `${european} >> .strip`)).includes("Package: does not apply"));
        assert.match(await raw.locator(`${first} >> .legend`).innerText(), /11 open[^]*2 partial[^]*1 closed[^]*0 not stated/);
        const drawn = await raw.locator(`${first} >> .strip .grade`).evaluateAll((/** @type {Element[]} */ all) =>
          Object.fromEntries(all.map((each) => [each.getAttribute("data-grade"), [getComputedStyle(each).background, getComputedStyle(each).borderColor]])),
        );
        assert.equal(new Set(Object.values(drawn).map(([shape]) => shape)).size, 3, JSON.stringify(drawn));
        assert.equal(new Set(Object.values(drawn).map(([, colour]) => colour)).size, 3);
        // with the keyboard alone
        const cell = raw.locator(`${first} >> .strip button`).nth(9);
        await cell.focus();
        await raw.keyboard.press("Enter");
        assert.equal(await cell.getAttribute("aria-expanded"), "true");
        const detail = raw.locator(`${first} >> .strip > div`);
        assert.match(await detail.innerText(), /Paper: open[^]*10\.18653\/v1\/2023\.acl-long\.891[^]*Rated by Liesenfeld, Lopez, Dingemanse, 2025-03-11/);
        await accessible(raw, "a grade");
        await raw.screenshot({ path: path.join(bench.shots, "openness-grade-1280.png") });
        await raw.keyboard.press("Tab");
        assert.match(await raw.evaluate(() => /** @type {any} */ (document.activeElement).href), /^https:\/\/doi\.org\/10/);
        await cell.press("Space");
        assert.equal(await detail.count(), 0);
        assert.match(await raw.locator(`${KNOWN} .terms-badge`).innerText(), /^Weights available$/);
        assert.match(await raw.locator(KNOWN).innerText(), /Our summary of \d{4}-\d\d-\d\d, not legal advice; the text decides\./);
        assert.match(await raw.locator(`${KNOWN} .hash`).innerText(), /^SHA-256 [0-9a-f]{64} Tiny-BF16\.gguf$/);
        const [saved] = await Promise.all([raw.waitForEvent("download"), raw.click(`${KNOWN} button:text("Annex XII")`)]);
        const { regulation, model, points } = JSON.parse(readFileSync(await saved.path(), "utf8"));
        assert.deepEqual([regulation, model], ["(EU) 2024/1689, Annex XII", "bloomz"]);
        assert.ok(points["1(h) licence"] && points["1(b) acceptable use"]);
        await raw.click(`${KNOWN} summary:text("Report a mistake")`);
        assert.match(await raw.locator(`${KNOWN} pre`).innerText(), /BLOOMZ \(bloomz\)[^]*You may not[^]*https:\/\/github\.com/);
        quiet(messages);
        await close();
      } finally {
        await hub.close();
      }
    },
  },
  {
    name: "ledger: a file that states nothing has fourteen times not stated, in the colour of no grade",
    shared: "zoo/llama3",
    on: ["chromium"],
    async run(bench) {
      const { raw, messages, close } = await open(bench);
      const before = bench.server.requests.length;
      await file(raw, gguf(bench));
      assert.ok(!bench.server.requests.slice(before).some((line) => line.includes("/ledger/")), "the ledger is fetched before anybody looks");
      await panel(raw, "card");
      assert.equal(await raw.locator("nomoat-card .terms-badge").innerText(), "Not stated");
      const names = await cells(raw, "nomoat-card .strip");
      assert.equal(names.length, 14);
      assert.ok(names.every((name) => name.endsWith(": not stated")), names.join());
      assert.match(await raw.locator("nomoat-card .promise").innerText(), /What you may do: not stated\.[^]*What you may not do: not stated\.[^]*Who can take it away: not stated\./);
      assert.match(await raw.locator("nomoat-card .legend").innerText(), /0 closed[^]*14 not stated/);
      // "?" looks like no closed cell
      const look = (/** @type {string} */ grade) =>
        raw.locator(`nomoat-card .legend [data-grade=${grade}]`).evaluate((/** @type {Element} */ each) => [getComputedStyle(each).borderColor, getComputedStyle(each).borderRadius, getComputedStyle(each, "::before").content]);
      const [closed, unknown] = [await look("closed"), await look("unknown")];
      closed.forEach((/** @type {string} */ value, /** @type {number} */ at) => assert.notEqual(value, unknown[at]));
      await raw.click("header button:has-text('中文')");
      await raw.waitForFunction(() => document.querySelector("nomoat-card .terms-badge")?.textContent === "未说明");
      assert.ok((await cells(raw, "nomoat-card .strip")).every((name) => /^[^a-z]+: 未说明$/.test(name.replace(/API/, ""))));
      await modest(raw, "nothing stated");
      quiet(messages);
      await close();
    },
  },
  {
    name: "ledger: what a file says and what its stated ancestor says stand side by side, as a conflict",
    shared: "zoo/llama3",
    on: ["chromium"],
    async run(bench) {
      const { hub, query } = await withHub(bench, { "some/tuned": TUNED, "other/plain": { cardData: { license: "apache-2.0" } }, "HuggingFaceTB/SmolLM2-tiny": { cardData: { license: "llama2" } } });
      try {
        const { raw, messages, close } = await open(bench, {}, query);
        await find(raw, "some/tuned");
        assert.match(await raw.locator(`${KNOWN} .caution`).innerText(), /Its page on the hub says Apache License 2\.0; its stated ancestor MobileLLM-R1 says FAIR Noncommercial/i);
        assert.equal(await raw.locator(`${KNOWN} .terms-badge`).innerText(), "Weights available");
        assert.equal(await raw.locator(`${KNOWN} [name=terms]`).count(), 1, "its ancestor is restricted");
        await raw.keyboard.press("Escape");
        await find(raw, "HuggingFaceTB/SmolLM2-tiny");
        assert.match(await raw.locator(`${KNOWN} .caution`).innerText(), /SmolLM2.* says Apache License 2\.0; its page on the hub says Llama 2 Community License/i);
        await raw.keyboard.press("Escape");
        // the same architecture without such an ancestor is no reason to warn
        await find(raw, "other/plain");
        assert.equal(await raw.locator(`${KNOWN} .caution`).count(), 0);
        assert.equal(await raw.locator(`${KNOWN} .terms-badge`).innerText(), "Open weights");
        assert.equal(await raw.locator(`${KNOWN} [name=terms]`).count(), 0);
        await modest(raw, "conflicts");
        await raw.keyboard.press("Escape");
        const base = { "general.base_model.count": 1, "general.base_model.0.name": "MobileLLM R1 950M", "general.base_model.0.organization": "Facebook", "general.base_model.0.repo_url": "https://huggingface.co/facebook/MobileLLM-R1-950M" };
        await file(raw, gguf(bench, { "general.license": "apache-2.0", ...base }));
        await panel(raw, "card");
        // what its ancestor may not be used for is said beside what its own licence lets one do
        assert.match(await raw.locator("nomoat-card").innerText(), /By the licence that this file states:[^]*also commercially[^]*its stated ancestor MobileLLM-R1: You may not use it for anything but research; use it commercially/);
        assert.match(await raw.locator("nomoat-card .caution >> nth=0").innerText(), /This file says Apache License 2\.0; its stated ancestor MobileLLM-R1 says FAIR Noncommercial/i);
        await raw.locator("nomoat-card .terms-badge").evaluate((/** @type {Element} */ each) => each.scrollIntoView());
        await raw.screenshot({ path: path.join(bench.shots, "openness-conflict-1280.png") });
        quiet(messages);
        await close();
      } finally {
        await hub.close();
      }
    },
  },
  {
    name: "ledger: restrictions are to be read before the first load, which is kept here and not asked again",
    shared: "zoo/llama3",
    on: ["chromium"],
    async run(bench) {
      const { hub, query } = await withHub(bench, { "some/llama": { tags: ["license:llama3.2"] }, "some/more": { tags: ["license:llama3.2"] }, "some/rail": { tags: ["license:gemma"] } });
      try {
        const { raw, messages, close } = await open(bench, {}, query);
        const box = `${KNOWN} [name=terms]`;
        await find(raw, "some/llama");
        assert.match(await raw.locator(KNOWN).innerText(), /700 million users a month/);
        const sent = hub.sent();
        await agree(raw);
        assert.ok(await raw.isVisible(SHEET), "it was loaded unread");
        assert.equal(await raw.evaluate(() => document.activeElement?.getAttribute("name")), "terms");
        assert.equal(hub.sent(), sent);
        await raw.check(box);
        await agree(raw);
        await raw.waitForSelector(READY, { timeout: 60_000 });
        const kept = JSON.parse(await raw.evaluate(() => localStorage.getItem("nomoat-terms")));
        const [[hash, { licence, date }]] = Object.entries(kept);
        assert.match(hash, /^[0-9a-f]{64}$/);
        assert.equal(licence, "llama3.2");
        assert.match(date, /^\d{4}-\d\d-\d\d$/);
        await raw.reload();
        await raw.waitForSelector("nomoat-source button");
        await find(raw, "some/more");
        assert.equal(await raw.locator(box).count(), 0, "it asks again");
        assert.ok((await raw.locator(KNOWN).innerText()).includes(`On ${date} you said`));
        await raw.keyboard.press("Escape");
        await find(raw, "some/rail");
        assert.equal(await raw.locator(box).count(), 1, "another licence is another question");
        quiet(messages);
        await close();
      } finally {
        await hub.close();
      }
    },
  },
  {
    name: "ledger: of a file of one's own and of a stored model the card says that nobody has read the restrictions, and holds nothing up",
    shared: "zoo/llama3",
    on: ["chromium"],
    async run(bench) {
      const { hub, query } = await withHub(bench, { "meta-llama/Llama-3.2-1B-Tiny": { tags: ["license:llama3.2"] } });
      try {
        const { raw, messages, close } = await open(bench, { width: 390, height: 844 }, query);
        const notice = "nomoat-card nomoat-openness .caution";
        await file(raw, gguf(bench, { "general.license": "llama3.2" }));
        await panel(raw, "card");
        assert.match(await raw.locator(notice).innerText(), /^Its use is restricted, and nobody has said on this device that they read how\./);
        await accessible(raw, "the notice");
        await raw.locator(notice).evaluate((/** @type {Element} */ each) => each.scrollIntoView({ block: "center" }));
        await raw.screenshot({ path: path.join(bench.shots, "openness-unread-390.png") });
        await raw.check(`${notice} [name=terms]`);
        await raw.click("#tab-openness");
        await raw.click("#tab-card");
        await raw.waitForFunction(() => /On \d{4}-\d\d-\d\d you said/.test(document.querySelector("nomoat-card")?.textContent ?? ""));
        assert.equal(await raw.locator(notice).count(), 0);
        await raw.evaluate(() => localStorage.removeItem("nomoat-terms"));
        await raw.reload();
        await raw.waitForSelector("nomoat-source button");
        await raw.keyboard.press("Escape");
        await find(raw, "meta-llama/Llama-3.2-1B-Tiny");
        await raw.check("[name=terms]");
        await agree(raw);
        await raw.waitForSelector(READY, { timeout: 60_000 });
        await raw.evaluate(() => localStorage.removeItem("nomoat-terms"));
        await raw.reload();
        await raw.click("nomoat-source .here li:not([data-own]) button.main");
        await raw.waitForSelector(READY, { timeout: 60_000 });
        await panel(raw, "card");
        await raw.waitForSelector(`${notice} [name=terms]:not(:checked)`);
        quiet(messages);
        await close();
      } finally {
        await hub.close();
      }
    },
  },
  {
    name: "ledger: Llama 2 and BLOOMZ stand side by side, and any two may",
    on: ["chromium"],
    async run(bench) {
      const { raw, messages, close } = await open(bench);
      await panel(raw, "openness");
      const rows = await raw.locator("#panel-openness .criteria >> nth=0").evaluate((/** @type {Element} */ table) =>
        [...table.querySelectorAll("tbody tr")].map((line) => [line.querySelector("th")?.textContent, ...[...line.querySelectorAll("button")].map((each) => each.getAttribute("aria-label")?.split(": ")[1])]),
      );
      assert.equal(rows.length, 14);
      assert.deepEqual(rows[2], ["Open code", "closed", "open"]);
      assert.deepEqual(rows[0], ["LLM data", "closed", "open"]);
      const said = await raw.locator("#panel-openness .said").innerText();
      for (const words of [/700 million users/, /13 ways/, /Model Openness Tool[^]*Unclassified/, /31 of 100 in 2025/, /BigScience RAIL License 1\.0/]) assert.match(said, words);
      await raw.locator("#panel-openness .criteria button").nth(4).click();
      assert.match(await raw.locator("#panel-openness .criteria .calm").innerText(), /Open code: closed[^]*facebookresearch\/llama[^]*Rated by/);
      await raw.selectOption("#panel-openness select >> nth=0", "chatgpt");
      await raw.selectOption("#panel-openness select >> nth=1", "olmo");
      await raw.waitForFunction(() => /ChatGPT[^]*OLMo/.test(document.querySelector("#panel-openness .said thead")?.textContent ?? ""));
      assert.equal(await raw.locator("#panel-openness select option").count(), 2 * JSON.parse(readFileSync(path.join(ROOT, "www/ledger/index.json"), "utf8")).length);
      const other = await raw.locator("#panel-openness .said").innerText();
      // the one row here that others have validated may be called so, with their name
      for (const words of [/Closed\s+Open source \(validated by volunteers of the Open Source Initiative\)/, /as a service only/, /Class I, Open Science Model/]) assert.match(other, words);
      assert.ok(!calls(other.replace(/Open source \(validated by [^)]+\)|opensource\.org/g, "")));
      quiet(messages);
      await close();
    },
  },
  {
    name: "ledger: the model that came with the page has its row, which leads to the comparison",
    on: ["chromium"],
    async run(bench) {
      const { raw, messages, close } = await bench.browser.open(`${bench.server.url}?model=embedded&device=cpu`, { width: 390, height: 844 });
      await raw.waitForSelector(READY, { timeout: 60_000 });
      await panel(raw, "card");
      assert.equal(await raw.locator("nomoat-card .terms-badge").innerText(), "Everything published (self-assessed)");
      assert.match(await raw.locator("nomoat-card .graded").innerText(), /who made it/);
      assert.equal(await raw.locator("nomoat-card .caution").count(), 0, "its file and its row say the same");
      await accessible(raw, "its own card");
      await raw.locator("nomoat-card .terms-badge").evaluate((/** @type {Element} */ each) => each.scrollIntoView());
      await raw.screenshot({ path: path.join(bench.shots, "openness-own-390.png") });
      await raw.click('nomoat-card button:text("Compare with another model")');
      await raw.waitForFunction(() => /Seedling[^]*BLOOMZ/.test(document.querySelector("#panel-openness:not([hidden]) .said thead")?.textContent ?? ""));
      quiet(messages);
      await close();
    },
  },
  {
    name: "ledger: the widget's badge stays readable whatever its host styles",
    on: ["chromium"],
    async run(bench) {
      const { raw, close } = await open(bench);
      const badge = (/** @type {string} */ model) =>
        raw.evaluate(async (/** @type {string} */ model) => {
          await import(/** @type {any} */ ("/ui/widget.js"));
          const sheet = new CSSStyleSheet();
          sheet.replaceSync("nomoat-chat { color: white; background: white; font-size: 1px; visibility: hidden } nomoat-chat::part(licence), nomoat-chat::part(badge) { display: none } span, .terms { display: none; color: transparent }");
          document.adoptedStyleSheets = [sheet];
          document.querySelector("nomoat-chat")?.remove();
          const widget = Object.assign(document.createElement("nomoat-chat"), { model });
          widget.setAttribute("lang", "en");
          document.body.append(widget);
          const node = /** @type {HTMLElement} */ (widget.shadowRoot?.querySelector(".terms"));
          const { visibility, fontSize, color, backgroundColor } = getComputedStyle(node);
          return { text: node.textContent, visibility, fontSize, same: color === backgroundColor, wide: node.offsetWidth };
        }, model);
      const { text, visibility, fontSize, same, wide } = await badge("HuggingFaceTB/SmolLM2-135M-Instruct");
      assert.deepEqual([text, visibility, fontSize, same], ["Open weights", "visible", "13px", false]);
      assert.ok(wide > 40);
      assert.equal((await badge("meta-llama/Llama-3.2-1B-Instruct")).text, "Weights available");
      // what the catalogue does not know is not guessed
      assert.equal((await badge("some/model")).text, "Openness: not stated");
      await close();
    },
  },
  {
    name: "ledger: where it cannot be read the page says so, and loads all the same",
    shared: "zoo/llama3",
    on: ["chromium"],
    async run(bench) {
      const { raw, close } = await open(bench);
      await raw.context().route("**/ledger/*.json", (/** @type {any} */ route) => route.abort());
      await raw.evaluate(() => navigator.serviceWorker?.getRegistrations().then((all) => Promise.all(all.map((each) => each.unregister()))));
      await file(raw, gguf(bench));
      await panel(raw, "card");
      assert.equal(await raw.locator("nomoat-card nomoat-openness").innerText(), "The openness ledger could not be read just now.");
      await close();
    },
  },
  {
    name: "ledger: the single file says that it is not inside",
    on: ["chromium"],
    async run(bench) {
      const out = path.join(bench.made, "ledger.html");
      execFileSync("node", ["build/single.mjs", "--out", out, "--model", ""], { cwd: ROOT });
      const { raw, messages, close } = await bench.browser.open(pathToFileURL(out).href);
      await panel(raw, "openness");
      assert.match(await raw.locator("#panel-openness").innerText(), /^The openness ledger is not in the single file/);
      assert.deepEqual(messages, []);
      await close();
    },
  },
  looks("en-GB", 1280, false),
  looks("zh-CN", 390, true),
  { ...looks("en-GB", 390, false), full: true },
  { ...looks("zh-CN", 1280, true), full: true },
];
