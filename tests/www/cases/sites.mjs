// The widget on other people's sites: one script tag with a hash, consent before a byte, strict policies, React, budgets.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { build } from "esbuild";
import { foreign } from "../foreign.mjs";
import { accessible, asked, conversation, element, embed, html, MODEL, property, READY, root, SAID, start, STRICT, tag, visit } from "../visit.mjs";

/** @typedef {import("../case.mjs").Case} Case */

/**
 * @param {string} name @param {(made: Awaited<ReturnType<typeof embed>>, own: string, app: string) => Record<string, import("../foreign.mjs").Site>} pages
 * @param {(raw: any) => Promise<void>} [more]
 * @returns {Case}
 */
function onSite(name, pages, more) {
  return {
    name: `the widget on ${name}: one tag with its hash, no byte before consent, an answer, no report`,
    shared: "zoo/llama3",
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
      assert.match(consent, /model-bf16 · 0\.2 MB · licence: MIT/);
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
        <nomoat-chat model=${JSON.stringify(model)} size="234656" licence="MIT" maxTokens={24} samplingMode="most-predictable" device="gpu"
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

/** @type {Case[]} */
export const cases = [
  onSite("a bare page", ({ tag, model }) => ({ "/": { html: html(tag, element(model, SAID, "gpu")) } })),
  onSite("a page with a strict policy and Trusted Types", ({ tag, model, cdn }) => ({
    "/": { html: html(tag, element(model, SAID, "gpu")), csp: STRICT(cdn) },
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
  {
    name: "the widget's script is not run when it is not the one that the tag names",
    on: ["chromium"],
    async run(bench) {
      const wrong = `sha384-${"A".repeat(64)}`;
      const { raw, asked, close } = await visit(bench, ({ src, model }) => ({ head: tag(src, wrong), body: element(model) }));
      await raw.waitForLoadState("networkidle");
      assert.equal(await raw.evaluate(() => customElements.get("nomoat-chat")), undefined);
      assert.deepEqual(asked(), ["/embed.js"]);
      await close();
    },
  },
  {
    name: "the widget refuses a wasm that is not the one it was built with: hash-mismatch",
    shared: "zoo/llama3",
    on: ["chromium"],
    async run(bench) {
      const { folder, cdn } = await embed(bench);
      const other = path.join(folder, "tampered");
      mkdirSync(other, { recursive: true });
      copyFileSync(path.join(folder, "embed.js"), path.join(other, "embed.js"));
      const bytes = readFileSync(path.join(folder, "nomoat_bg.wasm"));
      bytes[bytes.length - 1] ^= 1;
      writeFileSync(path.join(other, "nomoat_bg.wasm"), bytes);
      const { raw, close } = await visit(bench, ({ about, model }) => ({
        head: tag(`${cdn}/made/widget/tampered/embed.js`, about.script.integrity),
        body: element(model, SAID),
      }));
      const failed = raw.evaluate(
        () => new Promise((resolve) => document.addEventListener("nm-error", (event) => resolve(/** @type {CustomEvent} */ (event).detail))),
      );
      await raw.click("nomoat-chat [part=consent] button");
      const { code, recoverable } = await failed;
      assert.deepEqual({ code, recoverable }, { code: "hash-mismatch", recoverable: false });
      assert.match(await raw.locator("nomoat-chat [part=problem]").textContent(), /not what this site's owner chose.*Code: hash-mismatch/);
      await accessible(raw, "a problem");
      await close();
    },
  },
  {
    name: "the widget runs on the page where the site forbids workers from blobs, and says so",
    shared: "zoo/llama3",
    on: ["chromium"],
    async run(bench) {
      const { raw, close } = await visit(bench, ({ cdn, model }) => ({
        body: element(model, SAID),
        csp: STRICT(cdn).replace("worker-src blob:", "worker-src 'none'"),
      }));
      await start(raw);
      assert.match(await raw.locator("nomoat-chat .frame > [role=status] >> nth=0").textContent(), /run on the page itself/);
      assert.ok((await conversation(raw, "Hello")).length > 0);
      await close();
    },
  },
  {
    name: "the widget refuses a model that is not the one its site named, and reads the one that is there without asking anyone",
    shared: "zoo/llama3",
    on: ["chromium"],
    async run(bench) {
      const right = createHash("sha256").update(readFileSync(path.join(bench.shared, "zoo/llama3/model-bf16.gguf"))).digest("hex");
      const wrong = await visit(bench, ({ model }) => ({ body: element(model, `${SAID} sha256="${"0".repeat(64)}"`) }));
      await wrong.raw.click("nomoat-chat [part=consent] button");
      await wrong.raw.waitForSelector("nomoat-chat[status=failed]");
      assert.match(await wrong.raw.locator("nomoat-chat [part=problem]").textContent(), /Code: hash-mismatch/);
      await wrong.close();
      const { raw, asked, quiet, close } = await visit(bench, ({ model }) => ({ body: element(model, `${SAID} sha256="${right}"`) }));
      await start(raw);
      assert.equal(await property(raw, "availability"), "available");
      const before = asked().length;
      await raw.reload();
      await raw.locator("nomoat-chat [part=consent]", { hasText: "already on this device" }).waitFor();
      await start(raw);
      assert.deepEqual(
        asked().slice(before).filter((line) => line.includes(MODEL)),
        [],
      );
      quiet();
      await close();
    },
  },
  {
    name: "the widget says that the site's policy forbids WebAssembly, where it does",
    shared: "zoo/llama3",
    on: ["chromium"],
    async run(bench) {
      const { raw, close } = await visit(bench, ({ cdn, model }) => ({
        body: element(model, SAID).replace("></", "><p>Write to us instead.</p></"),
        csp: STRICT(cdn).replace(" 'wasm-unsafe-eval'", ""),
      }));
      const instead = raw.getByText("Write to us instead.");
      assert.ok(!(await instead.isVisible()));
      await raw.click("nomoat-chat [part=consent] button");
      await raw.waitForSelector("nomoat-chat[status=failed]", { timeout: 60_000 });
      assert.match(await raw.locator("nomoat-chat [part=problem]").textContent(), /Code: csp/);
      assert.ok(await instead.isVisible());
      await close();
    },
  },
  {
    name: "the widget writes in this browser, on another's site",
    shared: "zoo/llama3",
    async run(bench) {
      const { run, close } = await visit(bench, ({ model, cdn }) => ({
        body: element(model, SAID, bench.devices.includes("gpu") ? "gpu" : "auto"),
        csp: STRICT(cdn),
      }));
      const got = await run(`async () => {
        await customElements.whenDefined("nomoat-chat");
        const chat = document.querySelector("nomoat-chat");
        await chat.load({ agreed: true });
        return { text: await chat.send("Hello there"), device: chat.card.info.device };
      }`);
      assert.ok(got.text.length > 0);
      await close();
      return got.device;
    },
  },
  {
    name: "the widget of the package speaks its own language; the documents count the ledger's models and say which example is empty on a site",
    on: ["chromium"],
    async run(bench) {
      const { raw, quiet, close } = await visit(bench, ({ cdn, model }) => ({
        head: `<script type="module" src="${cdn}/ui/widget.js"></script>`,
        body: element(model, 'lang="zh"'),
      }));
      await raw.waitForSelector("nomoat-chat[status=idle]");
      const text = await raw.evaluate(() => {
        const chat = /** @type {any} */ (document.querySelector("nomoat-chat"));
        chat.messages = [{ role: "assistant", content: "![x](https://example.org/p.png)\n\n```\nlet a;\n```" }];
        return chat.shadowRoot.querySelector(".body").textContent;
      });
      assert.match(text, /图片（未加载）：x.*复制代码/);
      quiet();
      await close();
      const { length } = JSON.parse(readFileSync(path.join(root, "www/ledger/index.json"), "utf8"));
      for (const name of ["README.md", "CHANGELOG.md"]) {
        assert.match(readFileSync(path.join(root, name), "utf8"), new RegExp(`ledger.{0,40} ${length} models`), name);
      }
      const popup = await bench.browser.open(`${bench.server.url}docs/extension/popup.html`);
      assert.match(await popup.raw.locator("body").innerText(), /works in an extension/);
      await popup.close();
    },
  },
  {
    name: "the widget's script and wasm are within their budgets",
    on: ["chromium"],
    async run(bench) {
      const { about } = await embed(bench);
      assert.ok(about.script.brotli <= 60_000, `${about.script.brotli} bytes of script`);
      assert.ok(about.script.brotli + about.wasm.brotli <= 1_000_000, `${about.script.brotli + about.wasm.brotli} bytes in all`);
      return `${about.script.brotli} and ${about.wasm.brotli} bytes of brotli`;
    },
  },
];
