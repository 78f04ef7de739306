// The widget on other people's sites: one script tag with a hash, consent before a byte, strict policies, React, forms.

import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { bundle } from "../../../build/bundle.mjs";
import { foreign } from "../foreign.mjs";

/** @typedef {import("../case.mjs").Case} Case @typedef {import("../case.mjs").Bench} Bench */

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../..");
const MODEL = "shared/zoo/codellama/";
const READY = 'nomoat-chat[status="ready"]';

/** @type {Awaited<ReturnType<typeof bundle>> | undefined} */
let about;

/** The bundle, made once, where the other origin serves it; and what the tag says. @param {Bench} bench */
async function embed({ made, other }) {
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
const tag = (src, integrity) => `<script type="module" src="${src}" integrity="${integrity}" crossorigin="anonymous"></script>`;

/** @param {string} head @param {string} body */
const html = (head, body) => `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A site</title>${head}</head><body>${body}</body></html>`;

/** @param {string} model @param {string} [more] */
const element = (model, more = "") => `<nomoat-chat model="${model}" max-tokens="24" sampling-mode="most-predictable" device="gpu" ${more}></nomoat-chat>`;

/** @param {string} cdn */
const STRICT = (cdn) =>
  `default-src 'none'; script-src ${cdn} 'wasm-unsafe-eval'; worker-src blob:; connect-src ${cdn}; trusted-types nomoat; require-trusted-types-for 'script'`;

/** What other people's page asked the script's origin for since `from`. @param {Bench} bench @param {number} from */
const asked = ({ other }, from) => other.requests.slice(from).map((line) => line.replace(/^GET (\/made\/widget)?/, ""));

/** Asks once and gives the answer's text. @param {any} raw @param {string} question */
async function conversation(raw, question) {
  const input = raw.locator("nomoat-chat textarea").first();
  await input.fill(question);
  await input.press("Enter");
  await raw.waitForSelector("nomoat-chat article.assistant .body:not([aria-busy])", { timeout: 60_000 });
  return raw.locator("nomoat-chat article.assistant .body").first().textContent();
}

/**
 * @param {string} name @param {(made: Awaited<ReturnType<typeof embed>>, own: string, app: string) => Record<string, import("../foreign.mjs").Site>} pages
 * @param {(raw: any) => Promise<void>} [more]
 * @returns {Case}
 */
function onSite(name, pages, more) {
  return {
    name: `the widget on ${name}: one tag with its hash, no byte before consent, an answer, no report`,
    shared: true,
    on: ["chromium"],
    async run(bench) {
      const made = await embed(bench);
      const app = await reactApp(made.model);
      const site = await foreign((own) => pages(made, own, app));
      const from = bench.other.requests.length;
      const { raw, messages, close } = await bench.browser.open(`${site.url}/`);
      await raw.waitForSelector("nomoat-chat[status=idle]");
      const consent = await raw.locator("nomoat-chat [part=consent]").textContent();
      assert.match(consent, /It comes from 127\.0\.0\.1:\d+ and stays on this device/);
      assert.match(consent, /codellama · 2\.3 MB · licence: MIT/);
      assert.deepEqual(asked(bench, from), ["/embed.js"], "more than the script before consent");
      await raw.click("nomoat-chat [part=consent] button");
      await raw.waitForSelector(READY, { timeout: 60_000 });
      assert.ok(asked(bench, from).includes("/nomoat_bg.wasm"));
      assert.ok((await conversation(raw, "Hello")).length > 0);
      await more?.(raw);
      assert.match(await raw.locator("nomoat-chat [part~=licence]").first().textContent(), /^Made by .* on this device · Licence: /);
      assert.deepEqual(messages.filter((line) => !/status of 404/.test(line)), []);
      assert.deepEqual(site.reports, []);
      await close();
      await site.close();
    },
  };
}

/** A page made with React, as one script. @param {string} model */
async function reactApp(model) {
  const contents = `
    import { useState } from "react";
    import { createRoot } from "react-dom/client";
    function App() {
      const [said, say] = useState("");
      return <main>
        <nomoat-chat model=${JSON.stringify(model)} size="2300000" licence="MIT" maxTokens={24} samplingMode="most-predictable" device="gpu"
          required={true} onnm-message={(event) => say(event.detail.message.role)} />
        <output>{said}</output>
      </main>;
    }
    createRoot(document.querySelector("#app")).render(<App />);`;
  const { outputFiles } = await build({
    stdin: { contents, loader: "jsx", resolveDir: root },
    jsx: "automatic",
    define: { "process.env.NODE_ENV": '"production"' },
    bundle: true,
    minify: true,
    write: false,
  });
  return outputFiles[0].text;
}

const SAID = 'size="2300000" licence="MIT"';

/** @type {Case[]} */
export const cases = [
  onSite("a bare page", ({ tag, model }) => ({ "/": { html: html(tag, element(model, SAID)) } })),
  onSite("a page with a strict policy and Trusted Types", ({ tag, model, cdn }) => ({
    "/": { html: html(tag, element(model, SAID)), csp: STRICT(cdn) },
  })),
  onSite(
    "a page made with React",
    ({ tag, cdn }, own, app) => ({
      "/": { html: html(tag, '<div id="app"></div><script src="/app.js"></script>'), csp: `${STRICT(cdn)}`.replace("script-src", `script-src ${own}`) },
      "/app.js": { html: app, type: "text/javascript" },
    }),
    async (raw) => {
      await raw.waitForFunction(() => document.querySelector("output")?.textContent === "assistant");
      assert.equal(await raw.evaluate(() => /** @type {any} */ (document.querySelector("nomoat-chat")).required), true);
    },
  ),
];
