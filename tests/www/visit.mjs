// A page of someone else's with the widget on it: the bundle as another origin serves it, the page opened, and what visitors do.

import assert from "node:assert/strict";
import { copyFileSync, mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "../../build/bundle.mjs";
import { foreign } from "./foreign.mjs";

/** @typedef {import("./case.mjs").Bench} Bench */

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
export const MODEL = "shared/zoo/llama3/model-bf16.gguf";
export const READY = 'nomoat-chat[status="ready"]';

/** @type {Awaited<ReturnType<typeof bundle>> | undefined} */
let about;

/** The bundle, made once, where the other origin serves it; and what the tag says. @param {Bench} bench */
export async function embed({ made, other }) {
  const folder = path.join(made, "widget");
  if (!about) {
    mkdirSync(folder, { recursive: true });
    copyFileSync(path.join(root, "www/pkg/nomoat_bg.wasm"), path.join(folder, "nomoat_bg.wasm"));
    about = await bundle(folder);
  }
  const cdn = other.url.slice(0, -1);
  const src = `${cdn}/made/widget/embed.js`;
  return { about, folder, cdn, src, tag: tag(src, about.script.integrity), model: `${cdn}/${MODEL}` };
}

/** @param {string} src @param {string} integrity */
export const tag = (src, integrity) => `<script type="module" src="${src}" integrity="${integrity}" crossorigin="anonymous"></script>`;

/** @param {string} head @param {string} body */
export const html = (head, body) => `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A site</title>${head}</head><body>${body}</body></html>`;

/** @param {string} model @param {string} [more] @param {string} [device] */
export const element = (model, more = "", device = "cpu") => `<nomoat-chat model="${model}" max-tokens="24" sampling-mode="most-predictable" device="${device}" ${more}></nomoat-chat>`;

/** @param {string} cdn */
export const STRICT = (cdn) =>
  `default-src 'none'; script-src ${cdn} 'wasm-unsafe-eval'; worker-src blob:; connect-src ${cdn}; trusted-types nomoat; require-trusted-types-for 'script'`;

/** What other people's page asked the script's origin for since `from`. @param {Bench} bench @param {number} from */
export const asked = ({ other }, from) => other.requests.slice(from).map((line) => line.replace(/^GET (\/made\/widget)?/, ""));

/** Asks once and gives the answer's text. @param {any} raw @param {string} question */
export async function conversation(raw, question) {
  const input = raw.locator("nomoat-chat textarea").first();
  await input.fill(question);
  await input.press("Enter");
  await raw.waitForSelector("nomoat-chat article.assistant .body:not([aria-busy])", { timeout: 60_000 });
  return raw.locator("nomoat-chat article.assistant .body").first().textContent();
}

export const SAID = 'size="234656" licence="MIT"';

/**
 * A page of someone else's with `body`, opened; and what was asked of the script's origin.
 * @param {Bench} bench @param {(made: Awaited<ReturnType<typeof embed>>) => { body: string, head?: string, csp?: string }} page
 * @param {import("./browser.mjs").View} [view]
 */
export async function visit(bench, page, view) {
  const made = await embed(bench);
  const { body, head = made.tag, csp } = page(made);
  const site = await foreign(() => ({ "/": { html: html(head, body), csp } }));
  const from = bench.other.requests.length;
  const { raw, messages, close, run } = await bench.browser.open(`${site.url}/`, view);
  return {
    ...{ raw, messages, run, site },
    asked: () => asked(bench, from),
    quiet: () => assert.deepEqual(messages.filter((line) => !/status of 404/.test(line)), []),
    async close() {
      await close();
      await site.close();
    },
  };
}

/** What is wrong for people who do not see or point. @param {any} raw @param {string} where */
export async function accessible(raw, where) {
  await raw.evaluate(await readFile(path.join(root, "node_modules/axe-core/axe.min.js"), "utf8"));
  const found = await raw.evaluate(async () => {
    // the page around it is bare on purpose
    const { violations } = await /** @type {any} */ (globalThis).axe.run("nomoat-chat");
    return violations.map((/** @type {any} */ v) => `${v.id}: ${v.nodes.map((/** @type {any} */ n) => n.html).join(" ")}`);
  });
  assert.deepEqual(found, [], where);
}

/** @param {any} raw @param {string} [which] */
export async function start(raw, which = "nomoat-chat") {
  await raw.locator(`${which} [part=consent] button`).click();
  await raw.waitForSelector(`${which}[status="ready"]`, { timeout: 60_000 });
}

/** What the first widget says of itself. @param {any} raw @param {string} name @returns {Promise<any>} */
export const property = (raw, name) => raw.evaluate((/** @type {string} */ name) => /** @type {any} */ (document.querySelector("nomoat-chat"))[name], name);
