// What a site's owner takes from the page: the dialog with its tag and zip, and the examples of www/docs.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { copyFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { crc32 } from "node:zlib";
import { build } from "esbuild";
import { bundle, pin } from "../../../build/bundle.mjs";
import { BINARY, FLAGS } from "../chromium.mjs";
import { serve } from "../server.mjs";

/** @typedef {import("../case.mjs").Case} Case @typedef {import("../case.mjs").Bench} Bench */

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../..");
const REFERENCE = "HuggingFaceTB/SmolLM2-135M-Instruct";
const MODEL = "zoo/llama3/model-bf16.gguf";

/** @type {Awaited<ReturnType<typeof bundle>> | undefined} */
let about;
const bundled = async () => (about ??= await bundle(path.join(root, "www/pkg")));

/** @param {any} raw @param {string} where @param {string} within */
async function accessible(raw, where, within) {
  await raw.evaluate(await readFile(path.join(root, "node_modules/axe-core/axe.min.js"), "utf8"));
  const found = await raw.evaluate(async (/** @type {string} */ within) => {
    const { violations } = await /** @type {any} */ (globalThis).axe.run(within);
    return violations.map((/** @type {any} */ v) => `${v.id}: ${v.nodes.map((/** @type {any} */ n) => n.html).join(" ")}`);
  }, within);
  assert.deepEqual(found, [], where);
}

/** @param {string[]} messages */
const quiet = (messages) => assert.deepEqual(messages.filter((line) => !/status of 404/.test(line)), []);

/** Asks the page's widget something, once its visitor has agreed. @param {any} raw */
async function ask(raw) {
  await raw.locator("nomoat-chat [part=consent] button").click();
  await raw.waitForSelector('nomoat-chat[status="ready"]', { timeout: 60_000 });
  await raw.evaluate(() => (/** @type {any} */ (document.querySelector("nomoat-chat")).maxTokens = 16));
  const input = raw.locator("nomoat-chat textarea");
  await input.fill("Hello");
  await input.press("Enter");
  await raw.waitForSelector("nomoat-chat article.assistant .body:not([aria-busy])", { timeout: 60_000 });
  assert.ok((await raw.locator("nomoat-chat article.assistant .body").textContent()).length > 0);
}

/**
 * Files of a zip, checked against its own sums.
 * @param {Buffer} bytes
 */
function unzipped(bytes) {
  /** @type {Map<string, Buffer>} */
  const files = new Map();
  const end = bytes.length - 22;
  assert.equal(bytes.readUInt32LE(end), 0x06054b50);
  let at = bytes.readUInt32LE(end + 16);
  for (let left = bytes.readUInt16LE(end + 10); left > 0; left--) {
    assert.equal(bytes.readUInt32LE(at), 0x02014b50);
    const [sum, size, title, head] = [bytes.readUInt32LE(at + 16), bytes.readUInt32LE(at + 24), bytes.readUInt16LE(at + 28), bytes.readUInt32LE(at + 42)];
    const name = bytes.toString("utf8", at + 46, at + 46 + title);
    const start = head + 30 + bytes.readUInt16LE(head + 26) + bytes.readUInt16LE(head + 28);
    const file = bytes.subarray(start, start + size);
    assert.equal(crc32(file), sum, name);
    files.set(name, file);
    at += 46 + title;
  }
  return files;
}

/** The site as it is published, in a sub-folder of a host, with a model beside each example. @param {Bench} bench */
async function published({ made, shared }) {
  const folder = path.join(made, "host/a/b");
  const about = await bundled();
  cpSync(path.join(root, "www"), folder, { recursive: true });
  pin(path.join(folder, "docs"), about);
  for (const place of ["plain", "react", "site", "folder/models"]) {
    mkdirSync(path.join(folder, "docs", place), { recursive: true });
    copyFileSync(path.join(shared, MODEL), path.join(folder, "docs", place, "model.gguf"));
  }
  // where the examples go to the hub, which tests do not, and their policies let them
  for (const page of ["plain/index.html", "react/app.jsx", "site/index.html"]) {
    const file = path.join(folder, "docs", page);
    writeFileSync(file, readFileSync(file, "utf8").replace(REFERENCE, "model.gguf"));
  }
  await build({
    entryPoints: [path.join(folder, "docs/react/app.jsx")],
    outfile: path.join(folder, "docs/react/app.js"),
    nodePaths: [path.join(root, "node_modules")],
    jsx: "automatic",
    define: { "process.env.NODE_ENV": '"production"' },
    bundle: true,
    minify: true,
  });
  return folder;
}

/**
 * @param {string} name @param {string} address @param {(raw: any) => Promise<void>} [more]
 * @returns {Case}
 */
function example(name, address, more) {
  return {
    name: `the example ${name} runs in a sub-folder of a host`,
    shared: "zoo/llama3",
    on: ["chromium"],
    async run(bench) {
      await published(bench);
      const host = await serve({ root: path.join(bench.made, "host"), policy: "" });
      const { raw, messages, close } = await bench.browser.open(`${host.url}a/b/docs/${address}`);
      await raw.waitForSelector("nomoat-chat[status=idle]");
      assert.match(await raw.content(), /pkg\/embed\.js" integrity="sha384-/);
      await accessible(raw, address, "body");
      assert.ok(!host.requests.some((line) => /\.wasm|\.gguf/.test(line)), "something of the model before consent");
      await ask(raw);
      await more?.(raw);
      assert.ok(host.requests.every((line) => / \/(a\/b\/|favicon\.ico)/.test(line)), host.requests.join("\n"));
      quiet(messages);
      await close();
      await host.close();
    },
  };
}

/** @type {Case[]} */
export const cases = [
  {
    name: "the page's dialog gives the tag with its hash, the policy, the cost, a preview and a zip that works where it is unpacked",
    shared: "zoo/llama3",
    on: ["chromium"],
    async run(bench) {
      const { script, wasm } = await bundled();
      const { raw, messages, close } = await bench.browser.open(`${bench.server.url}?model=`);
      await raw.waitForFunction(() => customElements.get("nomoat-share"));
      // wherever the page has its button
      await raw.evaluate((/** @type {string} */ model) => {
        const share = document.querySelector("nomoat-share") ?? document.createElement("nomoat-share");
        for (const [name, value] of Object.entries({ model, size: "234656", licence: "MIT" })) share.setAttribute(name, value);
        document.querySelector("main")?.append(share);
        share.removeAttribute("hidden");
      }, `${bench.other.url}shared/${MODEL}`);
      await raw.locator("nomoat-share > button").click();
      await raw.waitForSelector("nomoat-share nomoat-chat[status=idle]");
      const [tag, policy] = await raw.locator("nomoat-share pre").allTextContents();
      assert.equal(
        tag,
        `<script type="module" src="${bench.server.url}pkg/embed.js" integrity="${script.integrity}" crossorigin="anonymous"></script>\n` +
          `<nomoat-chat model="${bench.other.url}shared/${MODEL}" size="234656" licence="MIT"></nomoat-chat>`,
      );
      const served = Buffer.from(await (await fetch(`${bench.server.url}pkg/embed.js`)).arrayBuffer());
      assert.equal(script.integrity, `sha384-${createHash("sha384").update(served).digest("base64")}`);
      const [own, other] = [bench.server.url, bench.other.url].map((url) => url.slice(0, -1));
      assert.equal(policy, `script-src ${own} 'wasm-unsafe-eval'; worker-src blob:; connect-src ${own} ${other}; trusted-types nomoat`);
      const costs = await raw.locator("nomoat-share ul").textContent();
      assert.match(costs, new RegExp(`${Math.ceil(script.brotli / 1000)} kB.*${(wasm.brotli / 1e6).toFixed(1)} MB.*0\\.2 MB`));
      await accessible(raw, "the dialog", "nomoat-share");
      await raw.screenshot({ path: path.join(bench.shots, "share-1280.png") });
      await ask(raw);
      const download = raw.waitForEvent("download");
      await raw.getByRole("button", { name: "Download the folder" }).click();
      const files = unzipped(await readFile(await (await download).path()));
      for (const [name, bytes] of files) {
        const file = path.join(bench.made, "unpacked/some/where", name);
        mkdirSync(path.dirname(file), { recursive: true });
        writeFileSync(file, bytes);
      }
      assert.ok(files.has("nomoat-widget/README.txt"));
      quiet(messages);
      await close();
      const host = await serve({ root: path.join(bench.made, "unpacked"), policy: "" });
      const own2 = await bench.browser.open(`${host.url}some/where/nomoat-widget/`);
      await own2.raw.waitForSelector("nomoat-chat[status=idle]");
      await ask(own2.raw);
      quiet(own2.messages);
      await own2.close();
      await host.close();
    },
  },
  example("of a plain page", "plain/"),
  example("in React", "react/", async (raw) => {
    await raw.getByRole("button", { name: "Ask for me" }).click();
    await raw.waitForFunction(() => document.querySelectorAll("output").length && /** @type {any} */ (document.querySelector("nomoat-chat")).messages.length === 4);
    await raw.getByRole("button", { name: "Send the form" }).click();
    await raw.waitForFunction(() => document.querySelector("output")?.textContent === /** @type {any} */ (document.querySelector("nomoat-chat")).value);
  }),
  example("of a documentation site", "site/", async (raw) => {
    const { system, kept } = await raw.evaluate(() => ({
      system: /** @type {any} */ (document.querySelector("nomoat-chat")).system,
      kept: localStorage.getItem("nomoat-chat:manual"),
    }));
    assert.match(system, /Descale every two months/);
    assert.equal(JSON.parse(kept).length, 2);
    // who has agreed before is not asked again
    await raw.reload();
    await raw.waitForSelector('nomoat-chat[status="ready"]', { timeout: 60_000 });
    assert.equal(await raw.locator("nomoat-chat article").count(), 2);
  }),
  example("of static hosting", "folder/"),
  {
    name: "the example of a browser extension runs in the extension",
    shared: "zoo/llama3",
    on: ["chromium"],
    async run({ made, other }) {
      const folder = path.join(made, "extension");
      cpSync(path.join(root, "www/docs/extension"), folder, { recursive: true });
      cpSync(path.join(root, "www"), path.join(folder, "nomoat"), { recursive: true });
      const popup = path.join(folder, "popup.html");
      writeFileSync(popup, readFileSync(popup, "utf8").replace(REFERENCE, `${other.url}shared/${MODEL}`));
      const { chromium } = await import("playwright-core");
      const context = await chromium.launchPersistentContext(path.join(made, "profile"), {
        executablePath: BINARY,
        args: [...FLAGS, `--disable-extensions-except=${folder}`, `--load-extension=${folder}`],
        chromiumSandbox: false,
        // what playwright passes on its own keeps extensions out
        ignoreDefaultArgs: ["--disable-extensions"],
      });
      try {
        const page = await context.newPage();
        /** @type {string[]} */
        const messages = [];
        page.on("console", (message) => messages.push(`${message.type()}: ${message.text()}`));
        // an unpacked extension is called by the hash of where it lies
        const hash = createHash("sha256").update(folder).digest("hex").slice(0, 32);
        const id = [...hash].map((digit) => String.fromCharCode(97 + parseInt(digit, 16))).join("");
        await page.goto(`chrome-extension://${id}/popup.html`);
        await page.waitForSelector("nomoat-chat[status=idle]");
        await ask(page);
        quiet(messages);
      } finally {
        await context.close();
      }
    },
  },
  {
    name: "the reference names every attribute, event, slot and part of the widget, in both languages; axe finds nothing",
    on: ["chromium"],
    async run(bench) {
      for (const page of ["docs/", "docs/zh.html"]) {
        const { raw, messages, close } = await bench.browser.open(bench.server.url + page);
        await accessible(raw, page, "html");
        const text = await raw.locator("main").textContent();
        const source = ["chat", "view", "message", "talk", "style"].map((name) => readFileSync(path.join(root, `www/ui/widget/${name}.js`), "utf8")).join("\n");
        const attributes = readFileSync(path.join(root, "www/ui/widget/attributes.js"), "utf8");
        const names = [
          ...[...attributes.matchAll(/\w+: "([a-z0-9-]+)"/g)].map((match) => match[1]),
          ...[...source.matchAll(/"(nm-[a-z]+)"/g)].map((match) => match[1]),
          ...[...source.matchAll(/part: "([^"]+)"/g)].flatMap((match) => match[1].split(" ")),
          ...[...source.matchAll(/slot\("([a-z-]+)"/g)].map((match) => match[1]),
          ...[...source.matchAll(/var\((--nm-[a-z-]+)/g)].map((match) => match[1]),
        ];
        assert.ok(names.length > 50);
        assert.deepEqual(names.filter((name) => !text.includes(name)), [], page);
        quiet(messages);
        await close();
      }
    },
  },
];
