// The licences of a model: kept with its weights, readable when their origin is gone, compared with it when somebody asks.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { commitOf, serveHub } from "../hub.mjs";
import { accessible, agree, FIND, open, quiet, READY } from "../steps.mjs";
import { deployed, KEPT } from "./offline.mjs";

/** @typedef {import("../case.mjs").Case} Case @typedef {import("../case.mjs").Bench} Bench */
/** @typedef {import("../browser.mjs").Page} Page @typedef {Awaited<ReturnType<typeof serveHub>>} Hub */

const MODEL = new URL("../../data/zoo/llama3/model-bf16.gguf", import.meta.url);
const BOTH = ["chromium", "firefox"];
const NAME = "some/llama";

/** Terms in the style of terms; what would be markup is none. */
const TERMS = ["TINY COMMUNITY LICENCE AGREEMENT", "", "1. You may use it. <b>Not</b> <img src=x onerror=document.title='gone'>", "2. You may not hold it upside down.", "3. 这一条是中文。", ""].join("\n");
const POLICY = "What it must not be used for:\n- noise\n";
const text = (/** @type {string} */ words) => ({ bytes: Buffer.from(words), small: true });
const sha256 = (/** @type {string | Buffer} */ bytes) => createHash("sha256").update(bytes).digest("hex");

/** A repository with its licences, in the order of its listing. */
const repository = () => ({
  files: /** @type {Record<string, import("../hub.mjs").Blob>} */ ({
    "LICENSE.txt": text(TERMS),
    "README.md": text("# Tiny"),
    "Tiny-BF16.gguf": { bytes: readFileSync(MODEL) },
    "USE_POLICY.md": text(POLICY),
    "docs/LICENSE": text("of its documentation"),
    "license.json": text("{}"),
  }),
  info: { tags: ["license:other"] },
});

/** @param {(world: { repos: Record<string, ReturnType<typeof repository> & { commit?: string }>, hub: Hub }) => Promise<string | void>} run */
async function withHub(run) {
  const repos = { [NAME]: repository() };
  const hub = await serveHub(repos);
  try {
    return await run({ repos, hub });
  } finally {
    await hub.close().catch(() => {});
  }
}

/** A page with nothing stored, that takes this hub for the usual one. @param {Bench} bench @param {Hub} hub @param {(page: Page) => Promise<string | void>} act */
async function fresh({ browser, server }, hub, act) {
  const page = await browser.open(`${server.url}?model=&hub=${encodeURIComponent(hub.url)}`);
  try {
    await page.run(`async () => (await import("/lab/storing.js")).clear()`);
    return await act(page);
  } finally {
    await page.close();
  }
}

/** Loads and writes, as the tests of the store do. @param {Page} page @param {Hub} hub @param {string} [source] @param {"bring" | "begin"} [how] @returns {Promise<any>} */
const bring = (page, hub, source = NAME, how = "bring") =>
  page.run(`async (what) => (await import("/lab/storing.js")).${how}(what)`, { source, options: { hub: hub.url, store: "auto", patience: 600 } });

/** The stored models. @param {Page} page @returns {Promise<any[]>} */
const list = (page) => page.run(`async () => (await import("/lab/storing.js")).list()`);

/** What is kept of a licence, as text. @param {Page} page @param {string} key @param {string} name @returns {Promise<string | null>} */
const kept = (page, key, name) =>
  page.run(`async ({ key, name }) => {
    const { store } = await import("/nomoat.js");
    try {
      const bytes = await store.licence(key, name);
      return bytes && new TextDecoder().decode(bytes);
    } catch ({ code }) {
      return code;
    }
  }`, { key, name });

/** Shows the licences of a source alone, and presses buttons by the beginning of their words. Gives what is read then. @param {Page} page @param {string[]} [press] @param {string} [source] @returns {Promise<string>} */
const read = (page, press = [], source = NAME) =>
  page.run(`async ({ source, press }) => {
    const { licences } = await import("/ui/openness/licence.js");
    document.querySelector("#alone")?.remove();
    const alone = document.createElement("div");
    alone.id = "alone";
    alone.append(...(await licences(source)));
    document.body.prepend(alone);
    for (const words of press) {
      const button = [...alone.querySelectorAll("button")].find((each) => each.textContent.startsWith(words));
      if (!button) throw new Error("no button " + words + ": " + alone.innerText);
      const before = alone.innerText;
      button.click();
      for (let tries = 0; tries < 600 && (button.disabled && button.isConnected || alone.innerText === before); tries++) await new Promise((resolve) => setTimeout(resolve, 50));
    }
    for (const each of alone.querySelectorAll("details")) each.open = true;
    return alone.innerText;
  }`, { source, press });

/** Requests for files, by their names. @param {Hub} hub */
const files = ({ requests }) => requests.flatMap((line) => /\/resolve\/[^/]+\/([^ ?]+)/.exec(line)?.[1] ?? []);

const ASK = "Ask 127";

/** @type {Case[]} */
export const cases = [
  {
    name: "licence: the texts come with the weights, and are readable when their repository and the network are gone",
    on: BOTH,
    run: (bench) =>
      withHub(async ({ repos, hub }) => {
        const { browser, devices, name, shots } = bench;
        const { server, url } = await deployed(bench);
        const page = await browser.open(`${url}?model=&hub=${encodeURIComponent(hub.url)}`);
        const load = async (/** @type {boolean} */ stored) => {
          await page.run(`async ({ stored, device }) => {
            const find = ${FIND};
            const detail = { source: "${NAME}", name: "${NAME}", device, stored };
            (await find("nomoat-source")).dispatchEvent(new CustomEvent("nomoat-source", { detail, bubbles: true }));
            if (!stored) (await find("nomoat-consent dialog[open] .acts button.main:not([hidden]):not(:disabled)")).click();
            await find('${READY}');
          }`, { stored, device: devices[0] });
        };
        const card = () =>
          page.run(`async () => {
            const find = ${FIND};
            (await find("nomoat-page")).dispatchEvent(new CustomEvent("nomoat-side-show", { detail: { name: "card" }, bubbles: true }));
            await find("nomoat-card .licences details");
            for (const each of document.querySelectorAll("nomoat-card .licences details")) each.open = true;
            const texts = [...document.querySelectorAll("nomoat-card .licences pre")].map((each) => each.textContent);
            return { texts, words: document.querySelector("nomoat-card .licences").innerText, markup: document.querySelectorAll("nomoat-card pre *").length };
          }`);
        await load(false);
        // those at the top of the repository, once each, and before the weights, of which nothing is lost then
        const asked = files(hub).filter((one) => one !== "Tiny-BF16.gguf");
        assert.deepEqual(asked, ["LICENSE.txt", "USE_POLICY.md"]);
        const here = await card();
        assert.deepEqual(here.texts, [TERMS, POLICY]);
        assert.equal(here.markup, 0);
        assert.ok(here.words.includes(sha256(TERMS)) && here.words.includes(sha256(POLICY)), here.words);
        assert.ok(here.words.includes(`${hub.url}/${NAME}/resolve/${commitOf(NAME)}/LICENSE.txt`), here.words);
        assert.match(here.words, /LICENSE\.txt, kept on \d{4}-\d\d-\d\d/);
        assert.match(await page.run(KEPT), /kept on this device/);
        // a load of what is stored asks the hub for nothing
        const before = hub.requests.length;
        await page.raw.reload();
        await page.run(`async () => { await (${FIND})("nomoat-source button"); }`);
        await load(true);
        await card();
        assert.deepEqual(hub.requests.slice(before), [], "a stored model asked its hub");
        delete repos[NAME];
        await server.close();
        if (name === "chromium") await page.raw.context().setOffline(true);
        await page.raw.reload();
        await page.run(`async () => { await (${FIND})("nomoat-source button"); }`);
        await load(true);
        const gone = await card();
        assert.deepEqual(gone.texts, [TERMS, POLICY]);
        if (name === "chromium") {
          await page.raw.locator("nomoat-card .licences").evaluate((/** @type {Element} */ each) => each.scrollIntoView());
          await page.raw.screenshot({ path: path.join(shots, "licence-offline-1280.png") });
        }
        const said = await page.run(`async () => {
          [...document.querySelectorAll("nomoat-card .licences button")].at(-1).click();
          for (let tries = 0; tries < 600; tries++) {
            const { textContent } = document.querySelector("nomoat-card .licences [role=status]");
            if (textContent.includes("could not be asked")) return textContent;
            await new Promise((resolve) => setTimeout(resolve, 50));
          }
          throw new Error(document.querySelector("nomoat-card .licences").innerText);
        }`);
        assert.match(said, /could not be asked \([a-z-]+\)\. What is kept stays readable\./);
        await page.close();
      }),
  },
  {
    name: "licence: a text that was changed at its origin is told when it is asked for, and the one that is kept stays",
    on: BOTH,
    run: (bench) =>
      withHub(({ repos, hub }) =>
        fresh(bench, hub, async (page) => {
          const got = await bring(page, hub);
          assert.equal(got.code, null, got.message);
          const [{ key, licences }] = await list(page);
          assert.deepEqual(licences.map((/** @type {any} */ one) => [one.name, one.sha256, one.why]), [["LICENSE.txt", sha256(TERMS), null], ["USE_POLICY.md", sha256(POLICY), null]]);
          assert.match(await read(page, [ASK]), /LICENSE\.txt: unchanged at 127[^]*USE_POLICY\.md: unchanged at 127/);
          const now = TERMS.replace("upside down", "at all");
          const { files: there } = repos[NAME];
          repos[NAME].commit = "c".repeat(40);
          there["LICENSE.txt"] = text(now);
          delete there["USE_POLICY.md"];
          there.NOTICE = text("Notice");
          const told = await read(page, [ASK]);
          assert.match(told, /LICENSE\.txt at 127[^ ]* is another text by now\. The one that you have stays as it is\./);
          assert.match(told, /127[^ ]* has NOTICE, which is not kept here\./);
          assert.match(told, /USE_POLICY\.md is no longer in the repository\. The one that is kept stays\./);
          for (const hash of [sha256(TERMS), sha256(now)]) assert.ok(told.includes(`SHA-256 ${hash}`), told);
          assert.match(told, /Kept, \d{4}-\d\d-\d\d:[^]*There now, \d{4}-\d\d-\d\d, revision cccccccccccc:/);
          // line by line, and whole
          assert.match(told, /− 2\. You may not hold it upside down\.\n\+ 2\. You may not hold it at all\.\n {2}3\./);
          assert.ok(told.includes(now.split("\n")[3]));
          assert.equal(await kept(page, key, "LICENSE.txt"), TERMS, "it was replaced");
          assert.equal((await list(page))[0].licences.length, 2, "something was kept that nobody wanted");
          // whoever wants the new ones has them beside the old
          const both = await read(page, [ASK, "Keep these"]);
          for (const words of [TERMS.split("\n")[3], now.split("\n")[3], "Notice"]) assert.ok(both.includes(words), both);
          assert.equal(await kept(page, key, "LICENSE.txt"), TERMS);
          assert.equal(await kept(page, key, `LICENSE.txt@${"c".repeat(12)}`), now);
          assert.match(await read(page, [ASK]), /LICENSE\.txt: unchanged at 127[^]*NOTICE: unchanged/);
          assert.ok((await list(page))[0].complete);
          const { sound } = await page.run(`async (key) => (await import("/lab/storing.js")).verify(key)`, key);
          assert.ok(sound);
          const again = await bring(page, hub);
          assert.deepEqual([again.code, again.ids], [null, got.ids]);
        }),
      ),
  },
  {
    name: "licence: one that is huge, no text, damaged or not there is said to be, and nothing is guessed",
    on: BOTH,
    run: (bench) =>
      withHub(({ repos, hub }) =>
        fresh(bench, hub, async (page) => {
          const { files: there } = repos[NAME];
          there["LICENSE.txt"] = text("a".repeat((1 << 20) + 1));
          there["LICENSE"] = { bytes: Buffer.from([0x25, 0x50, 0x44, 0x46, 0, 0xff, 0xfe]), small: true };
          there["NOTICE"] = { ...text("listed and not there"), status: 404 };
          there["COPYING"] = { ...text("refused"), status: 403 };
          const got = await bring(page, hub);
          assert.equal(got.code, null, got.message);
          assert.ok(hub.sent() < 3e6, `${hub.sent()} bytes`);
          const [{ key, complete, licences }] = await list(page);
          assert.ok(complete);
          const why = Object.fromEntries(licences.map((/** @type {any} */ one) => [one.name, one.sha256 ? "here" : one.why]));
          assert.deepEqual(why, { LICENSE: "here", "LICENSE.txt": "too-big", NOTICE: "not-found", COPYING: "gated", "USE_POLICY.md": "here" });
          const told = await read(page);
          for (const words of ["LICENSE.txt is larger than 1 MB, so it is not kept.", "It is no plain text, so it is kept but not shown.", "NOTICE could not be had (not-found), so it is not kept.", "COPYING could not be had (gated)", POLICY.split("\n")[0]]) assert.ok(told.includes(words), told);
          assert.match(await read(page, [ASK]), /LICENSE\.txt is larger than 1 MB/);
          // a bit that turns on the disk is no licence any more; the model opens all the same
          await page.run(`async (key) => {
            const top = await (await navigator.storage.getDirectory()).getDirectoryHandle("nomoat-models-1");
            const folder = await top.getDirectoryHandle(key);
            for await (const [name, handle] of folder.entries()) {
              if (!/^\\d+$/.test(name) || !(await (await handle.getFile()).text()).startsWith("What it must")) continue;
              const out = await handle.createWritable({ keepExistingData: true });
              await out.write({ type: "write", position: 0, data: "w" });
              await out.close();
            }
          }`, key);
          assert.equal(await kept(page, key, "USE_POLICY.md"), null);
          assert.match(await read(page), /USE_POLICY\.md, kept on[^]*What is kept of it is damaged\./);
          const { code } = await bring(page, hub);
          assert.equal(code, null);
          const mended = await read(page, [ASK, "Keep these"]);
          assert.ok(mended.includes(POLICY.split("\n")[0]), mended);
          // nothing listed, and nothing that lists
          await page.run(`async () => (await import("/lab/storing.js")).clear()`);
          for (const name of Object.keys(there)) if (!name.endsWith(".gguf")) delete there[name];
          const plain = `${hub.url.replace("127.0.0.1", "localhost")}/${NAME}/resolve/${commitOf(NAME)}/Tiny-BF16.gguf`;
          assert.equal((await bring(page, hub)).code, null);
          assert.match(await read(page), /^Licence texts\s+There is no licence text in the repository, as it listed its files on \d{4}-\d\d-\d\d\.\s+Ask 127/);
          assert.match(await read(page, [ASK]), /Ask 127[^]*There is no licence text in the repository, as it listed its files on/);
          await page.run(`async () => (await import("/lab/storing.js")).clear()`);
          there.LICENSE = text(TERMS);
          const before = files(hub).length;
          assert.equal((await bring(page, hub, plain)).code, null);
          assert.deepEqual(new Set(files(hub).slice(before)), new Set(["Tiny-BF16.gguf"]));
          assert.match(await read(page, [], plain), /^Licence texts\s+No licence text is kept: an address does not list what lies beside it, and nothing is guessed\.$/);
        }),
      ),
  },
  {
    name: "licence: one that does not come keeps no model from coming, and can be had later; with the model it goes",
    on: BOTH,
    run: (bench) =>
      withHub(({ repos, hub }) =>
        fresh(bench, hub, async (page) => {
          const { files: there } = repos[NAME];
          there["LICENSE.txt"].status = 503;
          const got = await bring(page, hub);
          assert.equal(got.code, null, got.message);
          // twice before the weights, once after them, and then no more
          const tried = files(hub).filter((one) => one === "LICENSE.txt").length;
          assert.equal(tried, 3);
          const [{ key, complete }] = await list(page);
          assert.ok(complete);
          assert.equal((await bring(page, hub)).code, null);
          assert.equal(files(hub).filter((one) => one === "LICENSE.txt").length, tried, "a load asks for it");
          assert.match(await read(page), /LICENSE\.txt could not be had \(network\), so it is not kept\./);
          delete there["LICENSE.txt"].status;
          const later = await read(page, [ASK, "Keep these"]);
          assert.ok(later.includes("2. You may not hold it upside down."), later);
          assert.ok(!later.includes("could not be had"), later);
          const { licences } = (await list(page))[0];
          const name = `LICENSE.txt@${commitOf(NAME).slice(0, 12)}`;
          assert.equal(licences.find((/** @type {any} */ one) => one.name === name).sha256, sha256(TERMS));
          // what was stored by a version that kept none can have them
          await page.run(`async (key) => {
            const top = await (await navigator.storage.getDirectory()).getDirectoryHandle("nomoat-models-1");
            const folder = await top.getDirectoryHandle(key);
            const handle = await folder.getFileHandle("journal");
            const facts = (await (await handle.getFile()).text()).trim().split("\\n").map((line) => JSON.parse(line.slice(line.indexOf("{"))));
            const old = facts.filter(({ is, name }) => is !== "listed" && !/LICENSE|POLICY/.test(name ?? ""));
            const lines = old.map((fact, number) => {
              const text = number + " " + JSON.stringify(fact);
              let hash = 0x811c9dc5;
              for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
              return (hash >>> 0).toString(16).padStart(8, "0") + " " + text + "\\n";
            });
            const out = await handle.createWritable();
            await out.write(lines.join(""));
            await out.close();
            // where bytes lie goes by the order of the files
            const names = (of) => of.filter(({ is }) => is === "file").map(({ name }) => name);
            for (const [at, name] of names(old).entries()) {
              const bytes = await (await (await folder.getFileHandle(String(names(facts).indexOf(name)))).getFile()).arrayBuffer();
              const there = await (await folder.getFileHandle(String(at))).createWritable();
              await there.write(bytes);
              await there.close();
            }
          }`, key);
          assert.deepEqual((await list(page))[0].licences, []);
          assert.match(await read(page), /No licence text is kept: this download did not ask for one\./);
          const since = files(hub).length;
          assert.equal((await bring(page, hub)).code, null);
          assert.equal(files(hub).length, since, "a load of an older model asks");
          assert.ok((await read(page, [ASK, "Keep these"])).includes("2. You may not hold it upside down."));
          const held = await page.run(`async (key) => {
            const { remove } = await import("/lab/storing.js");
            await remove(key);
            const top = await (await navigator.storage.getDirectory()).getDirectoryHandle("nomoat-models-1");
            const names = [];
            for await (const [name] of top.entries()) names.push(name);
            return names;
          }`, key);
          assert.deepEqual(held, [], "something was left");
          assert.equal(await kept(page, key, name), "not-found");
          assert.equal(await read(page), "");
        }),
      ),
  },
  {
    name: "licence: texts that never come hold a model up for seconds, however many they are, and those with endless names are none",
    on: ["chromium"],
    full: true,
    run: (bench) =>
      withHub(({ repos, hub }) =>
        fresh(bench, hub, async (page) => {
          const { files: there } = repos[NAME];
          for (let n = 0; n < 12; n++) there[`LICENSE-${n}`] = { ...text(TERMS), hold: 10 };
          there[`LICENSE-${"a".repeat(300)}`] = text(TERMS);
          const got = await page.run(`async (what) => (await import("/lab/storing.js")).bring(what)`, { source: NAME, options: { hub: hub.url, store: "auto", patience: 5000 } });
          assert.equal(got.code, null, got.message);
          assert.ok(got.ms < 60_000, `${got.ms} ms`);
          const [{ complete, licences }] = await list(page);
          assert.ok(complete);
          assert.equal(licences.length, 14);
          const late = licences.filter((/** @type {any} */ { name }) => name.startsWith("LICENSE-"));
          assert.deepEqual(new Set(late.map((/** @type {any} */ { sha256, why }) => sha256 ?? why)), new Set(["network"]));
          return `${Math.round(got.ms / 1000)} s`;
        }),
      ),
  },
  {
    name: "licence: a tab that is killed between the texts and the weights loses neither",
    on: ["chromium"],
    run: (bench) =>
      withHub(({ repos, hub }) =>
        fresh(bench, hub, async (page) => {
          const { files: there } = repos[NAME];
          /** Loads in a tab that is killed once `name` was asked for. @param {string} name */
          const killed = async (name) => {
            there[name].hold = 10;
            const raw = await page.raw.context().newPage();
            await raw.goto(`${bench.server.url}?model=`);
            const before = files(hub).length;
            await raw.evaluate(async (/** @type {{ name: string, hub: string }} */ { name, hub }) => {
              const { begin } = await import(/** @type {any} */ ("/lab/storing.js"));
              begin({ source: name, options: { hub, store: "auto", patience: 60_000 } });
            }, { name: NAME, hub: hub.url });
            while (!files(hub).slice(before).includes(name)) await new Promise((resolve) => setTimeout(resolve, 20));
            // what came is on its way to the disk
            await new Promise((resolve) => setTimeout(resolve, 300));
            const session = await raw.context().newCDPSession(raw);
            const crashed = new Promise((resolve) => raw.once("crash", resolve));
            session.send("Page.crash").catch(() => {});
            await crashed;
            await raw.close();
            delete there[name].hold;
            return files(hub).slice(before);
          };
          assert.deepEqual(await killed("LICENSE.txt"), ["LICENSE.txt"]);
          assert.deepEqual(await killed("USE_POLICY.md"), ["LICENSE.txt", "USE_POLICY.md"]);
          // what is whole is not asked for again
          assert.deepEqual(await killed("Tiny-BF16.gguf"), ["USE_POLICY.md", "Tiny-BF16.gguf"]);
          const [{ key, complete, licences }] = await list(page);
          assert.ok(!complete);
          assert.deepEqual(licences.map((/** @type {any} */ one) => one.sha256), [sha256(TERMS), sha256(POLICY)]);
          assert.equal(await kept(page, key, "LICENSE.txt"), TERMS);
          const before = files(hub).length;
          const got = await bring(page, hub);
          assert.equal(got.code, null, got.message);
          assert.deepEqual(files(hub).slice(before), ["Tiny-BF16.gguf"]);
          assert.equal(await kept(page, key, "USE_POLICY.md"), POLICY);
          // a journal that was cut anywhere among the facts of the texts tells no lie
          const journal = await page.run(`async (key) => (await import("/lab/storing.js")).journal(key)`, key);
          const lines = journal.split("\n");
          const first = lines.findIndex((/** @type {string} */ line) => line.includes("USE_POLICY.md"));
          const length = lines.slice(0, first + 1).join("\n").length - 3;
          await page.run(`async (what) => (await import("/lab/storing.js")).cut(what)`, { key, length });
          const [cut] = await list(page);
          assert.deepEqual([cut.complete, cut.licences.length], [false, 1]);
          const mended = await bring(page, hub);
          assert.equal(mended.code, null, mended.message);
          assert.equal(await kept(page, key, "USE_POLICY.md"), POLICY);
          assert.equal(await kept(page, key, "LICENSE.txt"), TERMS);
        }),
      ),
  },
  ...[
    { width: 1280, locale: "en-GB", dark: false },
    { width: 390, locale: "zh-CN", dark: true },
    { width: 390, locale: "en-GB", dark: false },
  ].map(looks),
];

/** @param {{ width: number, locale: string, dark: boolean }} view @returns {Case} */
function looks({ width, locale, dark }) {
  const look = `${width}-${locale.slice(0, 2)}`;
  return {
    name: `licence: the card with a text, and with a changed one, is accessible at ${look}`,
    on: ["chromium"],
    run: (bench) =>
      withHub(async ({ repos, hub }) => {
        const { raw, messages, close } = await open(bench, { width, height: width > 600 ? 800 : 844, dark, locale, still: true }, `?device=gpu&hub=${encodeURIComponent(hub.url)}`);
        const view = async (/** @type {string} */ what) => {
          await accessible(raw, `${what} ${look}`);
          const wide = await raw.locator("#panel-card").evaluate((/** @type {Element} */ each) => [each, each.parentElement].map((one) => Number(one?.scrollWidth) - Number(one?.clientWidth)));
          assert.ok(Math.max(...wide) <= 0, `${what} ${look}: ${wide} px too wide`);
          await raw.screenshot({ path: path.join(bench.shots, `licence-${what}-${look}.png`) });
        };
        await raw.fill("[name=address]", NAME);
        await raw.click("nomoat-source form button");
        await raw.waitForSelector("nomoat-consent dialog[open] .acts button.main:not([hidden]):not(:disabled)");
        await agree(raw);
        await raw.waitForSelector(READY, { timeout: 60_000 });
        if (!(await raw.isVisible(".side"))) await raw.click("nomoat-header button");
        await raw.click("#tab-card");
        const texts = raw.locator("nomoat-card .licences");
        await texts.locator("summary").first().click();
        await texts.evaluate((/** @type {Element} */ each) => each.scrollIntoView());
        await view("card");
        repos[NAME].files["LICENSE.txt"] = text(TERMS.replace("upside down", "at all"));
        await texts.locator("button").first().click();
        await texts.locator(".caution").waitFor();
        await texts.locator(".graded summary").first().click();
        await texts.locator(".caution").evaluate((/** @type {Element} */ each) => each.scrollIntoView());
        await view("changed");
        // the list of requests has them, those of the download and those of the question
        await raw.click("#tab-privacy");
        await raw.waitForFunction(() => /resolve\/[0-9a-f]{40}\/LICENSE\.txt/.test(document.querySelector("#panel-privacy")?.textContent ?? ""));
        const rows = await raw.locator("#panel-privacy tbody tr").evaluateAll((/** @type {Element[]} */ all) => all.map((each) => each.querySelector("td")?.textContent));
        assert.ok(rows.length >= 3, rows.join());
        const asked = await raw.locator("#panel-privacy").evaluate((/** @type {Element} */ each) => each.textContent);
        assert.match(asked, /\/api\/models\/some\/llama[^]*USE_POLICY\.md/);
        quiet(messages);
        await close();
      }),
  };
}
