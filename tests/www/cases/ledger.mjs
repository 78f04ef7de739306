// The openness ledger in the page: strip, conflicts, the question before a download, two models side by side, and how it looks.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { calls } from "../../../build/ledger.mjs";
import { onDisk, serveHub } from "../hub.mjs";
import { accessible, agree, load, open, quiet, READY } from "../steps.mjs";

/** @typedef {import("../case.mjs").Case} Case @typedef {import("../case.mjs").Bench} Bench */

const SHEET = "nomoat-consent dialog[open]";
const DOWNLOAD = `${SHEET} .acts .main:not([hidden])`;
const GREY = "html { filter: grayscale(1) }";

/** Opens a panel at the side. @param {any} raw @param {string} name */
async function panel(raw, name) {
  if (!(await raw.isVisible(".side"))) await raw.click("nomoat-header button");
  await raw.click(`#tab-${name}`);
  await raw.waitForSelector(`#panel-${name}:not([hidden]) nomoat-openness > *`);
}

/** The names of the cells of a strip. @param {any} raw @param {string} strip @returns {Promise<string[]>} */
const names = (raw, strip) => raw.locator(`${strip} button`).evaluateAll((/** @type {Element[]} */ all) => all.map((each) => each.getAttribute("aria-label")));

/** A tiny GGUF on a loopback hub, under names that the ledger knows or not. @param {Bench} bench @param {Record<string, any>} repos */
async function withHub(bench, repos) {
  const file = onDisk(path.join(bench.shared, "zoo/llama3/model-bf16.gguf"));
  const hub = await serveHub(Object.fromEntries(Object.entries(repos).map(([name, info]) => [name, { files: { "Tiny-BF16.gguf": file }, info }])));
  return { hub, query: `?device=gpu&hub=${encodeURIComponent(hub.url.replace(/\/$/, ""))}` };
}

/** Looks a reference up, until the page says what the ledger knows. @param {any} raw @param {string} reference */
async function find(raw, reference) {
  await raw.fill("[name=address]", reference);
  await raw.click("nomoat-source form button");
  await raw.waitForSelector(`${SHEET} nomoat-openness .terms-badge`);
}

/** No text that is seen calls anything what only an outside validation may. @param {any} raw @param {string} where */
async function modest(raw, where) {
  const seen = await raw.evaluate(() => [document.body.innerText, ...[...document.querySelectorAll("[aria-label]")].map((each) => each.getAttribute("aria-label"))].join("\n"));
  assert.ok(seen.length > 200);
  assert.ok(!calls(seen), `${where}: ${seen.match(/.{30}(open.source|开源).{30}/i)?.[0]}`);
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
        const grey = await raw.addStyleTag({ content: GREY }).catch(() => null);
        if (!grey) await raw.evaluate(() => (document.documentElement.style.filter = "grayscale(1)"));
        await raw.screenshot({ path: path.join(bench.shots, `openness-grey-${look}.png`) });
        await raw.evaluate(() => document.documentElement.style.removeProperty("filter"));
        await raw.locator("#panel-openness .criteria button").first().click();
        await raw.locator("#panel-openness .said").evaluate((/** @type {Element} */ each) => each.scrollIntoView());
        await view("compare-words");
        quiet(messages.filter((line) => !/Content Security Policy/.test(line)));
        await close();
      } finally {
        await hub.close();
      }
    },
  };
}

/** @type {Case[]} */
export const cases = [looks("en-GB", 1280, false), looks("zh-CN", 390, true)];
