// What the tests of the page do again and again, as a user does it.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";

export const STORY = "shared/models/TinyStories-656K/";
export const CHAT = "shared/zoo/codellama/";
export const READY = 'nomoat-page[status="ready"]';

/** Waits for a node, as long as a busy machine may take. Runs in the page. */
export const FIND = `async (selector) => {
  for (let tries = 0; tries < 1200; tries++) {
    const node = document.querySelector(selector);
    if (node) return node;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(selector + " did not come: " + document.body.innerText);
}`;

/** Opens the page, without the model that comes with it. @param {import("./case.mjs").Bench} bench @param {import("./browser.mjs").View} [view] @param {string} [query] */
export async function open({ browser, server }, view = {}, query = "?device=gpu") {
  const page = await browser.open(`${server.url}${query}&model=`, view);
  // a busy machine is no failure
  page.raw.setDefaultTimeout(120_000);
  await page.raw.waitForSelector("nomoat-source button");
  return page;
}

/** Names an address, and agrees to the download. @param {any} raw @param {string} address */
export async function load(raw, address) {
  await ask(raw, address);
  await agree(raw);
  await raw.waitForSelector(READY, { timeout: 60_000 });
}

/** Names an address, and waits until the page asks. @param {any} raw @param {string} address */
export async function ask(raw, address) {
  await raw.fill("[name=address]", address);
  await raw.click("nomoat-source form button");
  await raw.waitForSelector("nomoat-consent dialog[open] .acts button.main:not([hidden]):not(:disabled)");
}

/** @param {any} raw */
export async function agree(raw) {
  await raw.click("nomoat-consent .acts button.main:not([hidden])");
}

/** What is wrong for people who do not see or point. @param {any} raw @param {string} where */
export async function accessible(raw, where) {
  const axe = await readFile(new URL("../../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
  await raw.evaluate(axe);
  // what moves in is looked at when it is there
  await raw.evaluate(() => Promise.all(document.getAnimations().map((each) => each.effect?.getTiming().iterations === Infinity || each.finished)));
  const found = await raw.evaluate(async () => {
    const { violations } = await /** @type {any} */ (globalThis).axe.run();
    return violations.map((/** @type {any} */ v) => `${v.id}: ${v.nodes.map((/** @type {any} */ n) => n.html).join(" ")}`);
  });
  assert.deepEqual(found, [], where);
  const wide = await raw.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(wide <= 0, `${where}: ${wide} px too wide`);
}

/** Console messages other than 404s of optional files. @param {string[]} messages */
export function quiet(messages) {
  assert.deepEqual(
    messages.filter((line) => !/status of 404/.test(line)),
    [],
  );
}
