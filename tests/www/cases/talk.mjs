// The conversation: hostile answers, versions, the history, what is kept, what is read aloud, the keyboard, how it looks.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { PAYLOADS } from "../payloads.mjs";
import { agree } from "../steps.mjs";

/** @typedef {import("../case.mjs").Case} Case @typedef {import("../case.mjs").Bench} Bench @typedef {import("../browser.mjs").View} View */

const CHAT = "shared/zoo/llama3/";
const STORY = "shared/models/TinyStories-656K/";
const READY = 'nomoat-page[status="ready"]';
const BUSY = 'nomoat-page[status="busy"]';
const MESSAGE = "nomoat-composer textarea";

/** @param {Bench} bench @param {View} [view] @param {string} [query] */
async function open({ browser, server }, view = {}, query = "?device=cpu") {
  const page = await browser.open(`${server.url}${query || "?"}&model=`, view);
  await page.raw.waitForSelector("nomoat-source button");
  return page;
}

/** @param {any} raw @param {string} source @param {string} [device] */
async function load(raw, source, device = "cpu") {
  // answers short enough for several in the context of the models here
  const most = raw.locator("[name=max_tokens]");
  if (!(await most.inputValue())) await most.evaluate((/** @type {HTMLInputElement} */ input) => {
    input.value = "32";
    input.dispatchEvent(new Event("input"));
  });
  await raw.evaluate((/** @type {any} */ detail) => document.querySelector("nomoat-page")?.dispatchEvent(new CustomEvent("nomoat-source", { detail })), {
    source,
    name: source,
    device,
  });
  await agree(raw);
  await raw.waitForSelector(READY, { timeout: 60_000 });
}

/** Sends and waits for the answer. @param {any} raw @param {string} text */
async function ask(raw, text) {
  const before = await raw.locator(".talk .made").count();
  await raw.fill(MESSAGE, text);
  await raw.press(MESSAGE, "Enter");
  await raw.waitForFunction((/** @type {number} */ n) => document.querySelectorAll(".talk .made").length > n, before, { timeout: 60_000 });
  await raw.waitForSelector(READY);
}

/** @param {any} raw @param {"user" | "assistant"} role */
const texts = (raw, role) => raw.locator(`.talk > .${role} .body`).allTextContents();

/** @param {any} raw @param {string} where */
async function accessible(raw, where) {
  await raw.evaluate(await readFile(new URL("../../../node_modules/axe-core/axe.min.js", import.meta.url), "utf8"));
  const found = await raw.evaluate(async () => {
    const { violations } = await /** @type {any} */ (globalThis).axe.run();
    return violations.map((/** @type {any} */ v) => `${v.id}: ${v.nodes.map((/** @type {any} */ n) => n.html).join(" ")}`);
  });
  assert.deepEqual(found, [], where);
  const wide = await raw.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(wide <= 0, `${where}: ${wide} px too wide`);
}

/** Console messages other than 404s of optional files. @param {string[]} messages */
const quiet = (messages) => assert.deepEqual(messages.filter((line) => !/status of 404/.test(line)), []);

/** Opens the history and waits for its list. @param {any} raw */
async function history(raw) {
  if (!(await raw.isVisible(".history"))) {
    if (!(await raw.isVisible(".side"))) await raw.click("nomoat-header button");
    await raw.click("#tab-history");
  }
  await raw.waitForSelector(".history input[type=search]");
}

const SAMPLE = `# Title

A first paragraph with **bold**, *slanted*, \`code\` and a [link](https://example.org/a).
A second line.

- one
- two

  still two
  1. inner
  2. inner
- [x] done

1. first

2. second

> quoted
> > deeper

\`\`\`js
const a = 1;

// more
\`\`\`

| a | b |
|---|:-:|
| 1 | \`2\` |

Setext
------

text &amp; <b>markup</b> &lt;x&gt; \\* and [named][n] and ![image](https://example.org/i.png)

***

[n]: https://example.org/named

    indented

last`;

/** @type {Case[]} */
export const cases = [
  {
    name: "a hundred evil answers, cut at every byte: no script, no request, no report",
    async run(bench) {
      assert.equal(new Set(PAYLOADS).size, 100);
      const page = await bench.browser.open(`${bench.server.url}?model=`);
      const before = bench.server.requests.length;
      const got = await page.run(`async (payloads) => (await import("/lab/talking.js")).attacked(payloads)`, PAYLOADS);
      assert.deepEqual(got.wrong, []);
      assert.deepEqual(got.reports, []);
      assert.equal(got.pwned, false);
      assert.ok(got.control > 0, "a real image was not heard of, so nothing would have been");
      // the page keeps itself meanwhile, its icons too
      const asked = bench.server.requests.slice(before).filter((line) => !/\/(lab|ui|vendor|pkg|icons)\/|\.(js|css)\b/.test(line));
      assert.deepEqual(asked.filter((line) => /secret|steal|\.png|icon\.svg\?/.test(line)), []);
      await page.close();
      return `${got.shown} renderings`;
    },
  },
  {
    name: "evil words in a question, a model's name and an imported file are words",
    shared: true,
    on: ["chromium"],
    async run(bench) {
      const { raw, messages, close } = await open(bench);
      await load(raw, bench.server.url + CHAT);
      const evil = "<img src=x onerror=pwned=1>";
      await ask(raw, evil);
      assert.deepEqual(await texts(raw, "user"), [evil]);
      const talk = { id: "evil", kind: "chat", title: `imported ${evil}`, created: 1, updated: 2, system: evil, leaf: "a" };
      const by = { name: evil, sha256: evil, device: evil };
      const turns = [
        { id: "q", parent: null, role: "user", content: evil, at: 1 },
        { id: "a", parent: "q", role: "assistant", content: evil, at: 2, by, reason: evil, figures: { tokens: evil } },
      ];
      await history(raw);
      const file = { name: "h.json", mimeType: "application/json", buffer: Buffer.from(JSON.stringify({ format: "nomoat-history", version: 1, talks: [{ ...talk, turns }] })) };
      await raw.setInputFiles("nomoat-history input[type=file]", file);
      await raw.click('.history button.open[aria-label*="imported"]');
      await raw.waitForFunction(() => document.querySelector(".talk .made")?.textContent?.includes("onerror"));
      assert.equal(await raw.locator("nomoat-page img").count(), 0);
      assert.equal(await raw.evaluate(() => "pwned" in globalThis), false);
      for (const broken of ["{", "[]", JSON.stringify({ format: "nomoat-history", version: 1, talks: [{ ...talk, turns: [turns[1]] }] })]) {
        await history(raw);
        await raw.setInputFiles("nomoat-history input[type=file]", { ...file, buffer: Buffer.from(broken) });
        await raw.waitForFunction(() => /file/.test(document.querySelector(".history [role=alert]")?.textContent ?? ""));
        await raw.keyboard.press("Escape");
      }
      quiet(messages);
      await close();
    },
  },
  {
    name: "an answer that grows is the one that comes whole, and touches only its end",
    async run(bench) {
      const page = await bench.browser.open(`${bench.server.url}?model=`);
      const run = (/** @type {string} */ name, /** @type {any} */ argument) =>
        page.run(`async (argument) => (await import("/lab/talking.js")).${name}(argument)`, argument);
      const got = await run("grown", SAMPLE);
      assert.ok(got.same, JSON.stringify(got.html));
      assert.ok(got.most <= 12, `${got.most} changes for one character`);
      // 40 kB of paragraphs
      const long = await run("paced", { unit: "Some words of a paragraph, and then some. ".repeat(2) + "\n\n", times: 480, rounds: 3 });
      assert.equal(long.blocks, 480);
      assert.ok(long.last < 4 * long.first + 4, `48 blocks took ${long.first.toFixed(1)} ms, the last 48 ${long.last.toFixed(1)} ms`);
      const hard = [];
      for (const unit of ["[", "*a_", "`", "> ", "1. ", "![", "|a", "<a ", "- ", "[a](", "**a*", "~~a~", "[[]]"]) {
        const { most } = await run("paced", { unit: unit.repeat(500), times: 10 });
        hard.push([unit, Math.round(most)]);
        assert.ok(most < 3000, `${JSON.stringify(unit)}: ${most.toFixed(0)} ms`);
      }
      await page.close();
      return `${got.most} changes at most, ${long.first.toFixed(1)} and ${long.last.toFixed(1)} ms for 48 blocks, hardest ${Math.max(...hard.map(([, ms]) => Number(ms)))} ms`;
    },
  },
  {
    name: "what hides in code is shown, and copied as it was written",
    on: ["chromium"],
    async run(bench) {
      const { raw, close } = await open(bench);
      const got = await raw.evaluate(async () => {
        const { markdown, written } = await import(/** @type {any} */ ("/ui/markdown.js"));
        const { message } = await import(/** @type {any} */ ("/ui/message.js"));
        const place = document.createElement("div");
        const source = "if (a\u202e) {\u200b // \u2066x\u2069\n}";
        markdown(place).show(`\`\`\`js\n${source}\n\`\`\`\n\n\`a\u200bb\` ![pic](https://example.org/p.png) [shown](https://user:word@example.org/x)`);
        const block = place.querySelector(".code");
        const answer = message({ id: "t", parent: null, role: "assistant", content: "`⚠️` a `b\u200bc`\n\n```\n\u2066x\n```", at: 0 }, 0, 1);
        document.body.append(answer.node);
        return {
          plain: answer.plain(),
          code: place.querySelector("pre")?.textContent,
          same: written(block) === source,
          rest: place.lastElementChild?.textContent,
          links: [...place.querySelectorAll("a")].map(({ href }) => href),
        };
      });
      assert.equal(got.code, "if (aU+202E) {U+200B // U+2066xU+2069\n}");
      assert.ok(got.same);
      assert.equal(got.plain.replace(/\s+/g, " "), "⚠️ a b\u200bc \u2066x");
      assert.match(got.rest, /^aU\+200Bb Image, not loaded: pic example\.org shown example\.org$/);
      assert.deepEqual(got.links, ["https://example.org/p.png", "https://example.org/x"]);
      await close();
    },
  },
  {
    name: "at most one announcement a sentence, and the focus stays",
    async run(bench) {
      const page = await bench.browser.open(`${bench.server.url}?model=`);
      const sentences = Array.from({ length: 24 }, (_, i) => (i % 3 ? `Sentence ${i} has a **few** words.` : `第 ${i} 句话有几个字。`));
      const got = await page.run(`async (argument) => (await import("/lab/talking.js")).heard(argument)`, { text: sentences.join(" "), size: 3 });
      assert.ok(got.said.length > 1, "nothing was read aloud");
      assert.ok(got.said.length <= sentences.length, `${got.said.length} announcements of ${sentences.length} sentences`);
      assert.ok(!got.moved, "the focus moved");
      const spoken = got.said.join(" ").replace(/\s+/g, " ");
      assert.equal(spoken.replace(/\s/g, ""), sentences.join("").replace(/[\s*]/g, ""));
      await page.close();
      return `${got.said.length} for ${sentences.length} sentences`;
    },
  },
  {
    name: "edit and write again keep every version, and a reload keeps them too",
    shared: true,
    on: ["chromium"],
    async run(bench) {
      const { raw, messages, close } = await open(bench);
      await load(raw, bench.server.url + CHAT);
      await ask(raw, "first question");
      const [first] = await texts(raw, "assistant");
      assert.match(await raw.textContent(".talk .made"), /made by .+ on this device.*[0-9a-f]{8}….*tokens\/s/);
      assert.equal(await raw.locator("[data-machine-generated]").count(), 1);
      await raw.click("[data-act=again]");
      await raw.waitForSelector("[data-act=older]");
      await raw.waitForSelector(READY);
      // the button went with the answer that it stood under
      assert.equal(await raw.evaluate(() => /** @type {any} */ (document.activeElement)?.name), "message", "the focus is lost");
      const [second] = await texts(raw, "assistant");
      assert.notEqual(first, second);
      await ask(raw, "second question");
      await raw.click(".user >> nth=0 >> [data-act=edit]");
      await raw.fill("[name=edit]", "first question, written anew");
      await raw.press("[name=edit]", "Enter");
      await raw.waitForFunction(() => document.querySelectorAll(".talk .user").length === 1);
      await raw.waitForSelector(READY);
      await raw.waitForFunction(() => document.querySelectorAll(".talk .made").length === 1);
      assert.deepEqual(await texts(raw, "user"), ["first question, written anew"]);
      await raw.click(".user [data-act=older]");
      assert.deepEqual(await texts(raw, "user"), ["first question", "second question"]);
      assert.equal((await texts(raw, "assistant"))[0], second);
      await raw.click(".assistant >> nth=0 >> [data-act=older]");
      assert.deepEqual(await texts(raw, "assistant"), [first]);
      await raw.fill(MESSAGE, "not sent yet");
      await raw.waitForTimeout(700); // the time in which a change is saved
      await raw.reload();
      await raw.waitForSelector(".talk .made");
      assert.deepEqual(await texts(raw, "assistant"), [first]);
      await raw.click(".assistant [data-act=newer]");
      assert.deepEqual(await texts(raw, "user"), ["first question", "second question"]);
      assert.equal(await raw.inputValue(MESSAGE), "not sent yet");
      // without a model nothing is written again, and a new version waits for one
      assert.equal(await raw.getAttribute("[data-act=again]", "aria-disabled"), "true");
      await raw.click(".user >> nth=1 >> [data-act=edit]");
      await raw.fill("[name=edit]", "second question, written anew");
      await raw.press("[name=edit]", "Enter");
      assert.match(await raw.textContent(".edit .waits"), /sent when a model is loaded/);
      await load(raw, bench.server.url + CHAT);
      await raw.waitForFunction(() => document.querySelectorAll(".talk .made").length === 2 && !document.querySelector(".edit"));
      await raw.waitForSelector(READY);
      assert.deepEqual(await texts(raw, "user"), ["first question", "second question, written anew"]);
      assert.equal(await raw.getAttribute("[data-act=again]", "aria-disabled"), "false");
      assert.equal(await raw.inputValue(MESSAGE), "not sent yet");
      await ask(raw, "third question");
      assert.equal((await texts(raw, "user")).length, 3);
      quiet(messages);
      await close();
    },
  },
  {
    name: "the first press sends however young the page is, and a double one is no Stop",
    on: ["chromium"],
    async run(bench) {
      const page = await open(bench);
      const press = (/** @type {object} */ what) => page.run(`async (what) => (await import("/lab/talking.js")).pressed(what)`, what);
      assert.deepEqual(await press({ age: 5, waits: 200 }), ["nomoat-send"]);
      assert.deepEqual(await press({ age: 5, waits: 600 }), ["nomoat-send", "nomoat-stop"]);
      await page.close();
    },
  },
  {
    name: "Stop ends an answer within a token and what is there is kept, also when the tab dies",
    shared: true,
    each: "gpu",
    on: ["chromium"],
    async run(bench) {
      const { raw, messages, close } = await open(bench, {}, "?device=gpu");
      await load(raw, bench.server.url + CHAT, "gpu");
      await raw.click("nomoat-settings summary");
      // a seed with which this model goes on to the end of its context
      await raw.fill("[name=max_tokens]", "");
      await raw.fill("[name=seed]", "22");
      await raw.fill("[name=temperature]", "5");
      await raw.fill("[name=top_k]", "0");
      await raw.fill("[name=top_p]", "1");
      await raw.fill("[name=min_p]", "0");
      await raw.fill(MESSAGE, "go on");
      await raw.press(MESSAGE, "Enter");
      await raw.waitForFunction(() => (document.querySelector(".assistant .body")?.textContent?.length ?? 0) > 20);
      await raw.keyboard.press("Escape");
      await raw.waitForSelector(READY);
      const [stopped] = await texts(raw, "assistant");
      await raw.waitForTimeout(150);
      assert.deepEqual(await texts(raw, "assistant"), [stopped], "it wrote on after Stop");
      assert.match(await raw.textContent(".made"), /Stopped/);
      assert.equal(await raw.evaluate(() => /** @type {any} */ (document.activeElement)?.name), "message");
      // the tab is loaded again in the middle of an answer
      await raw.click("[data-act=again]");
      await raw.waitForFunction(() => (document.querySelector(".assistant .body")?.textContent?.length ?? 0) > 60);
      await raw.waitForTimeout(500); // the time in which it is saved
      assert.ok(await raw.isVisible(BUSY), "it ended before the tab could");
      const part = (await texts(raw, "assistant"))[0].slice(0, 30);
      await raw.reload();
      await raw.waitForSelector(".talk .made");
      assert.ok((await texts(raw, "assistant"))[0].startsWith(part), "the half answer is gone");
      assert.match(await raw.textContent(".made"), /Broke off/);
      assert.equal(await raw.inputValue("[name=temperature]"), "5", "the settings are gone");
      quiet(messages);
      await close();
    },
  },
  {
    name: "the history lists, finds, renames, exports, deletes and imports",
    shared: true,
    on: ["chromium"],
    async run(bench) {
      const { raw, messages, close } = await open(bench);
      await load(raw, bench.server.url + CHAT);
      await raw.click(".system summary");
      await raw.fill("[name=system]", "Be brief.");
      await ask(raw, "Where do herons build their nests, and why up there?");
      await raw.click("text=New conversation");
      await ask(raw, "苍鹭为什么在高处筑巢？");
      await history(raw);
      await raw.waitForFunction(() => document.querySelectorAll(".history li").length === 2);
      const names = () => raw.locator(".history .open").allTextContents();
      assert.deepEqual(await names(), ["苍鹭为什么在高处筑巢？", "Where do herons build their nests, and why up…"]);
      await accessible(raw, "history");
      await raw.fill("[name=search]", "NESTS herons");
      await raw.waitForFunction(() => document.querySelectorAll(".history li").length === 1);
      assert.match(await raw.textContent(".found"), /Where do herons/);
      await raw.fill("[name=search]", "筑巢");
      await raw.waitForFunction(() => document.querySelector(".history .open")?.textContent?.startsWith("苍鹭"));
      await raw.fill("[name=search]", "");
      await raw.waitForFunction(() => document.querySelectorAll(".history li").length === 2);
      await raw.click('.history li >> nth=0 >> text="Rename"');
      await raw.fill("[name=name]", "Nests");
      await raw.keyboard.press("Enter");
      await raw.waitForFunction(() => document.querySelector(".history .open")?.textContent === "Nests");
      const [markdown] = await Promise.all([raw.waitForEvent("download"), raw.click('.history li >> nth=1 >> text="Markdown"')]);
      const text = await readFile(await markdown.path(), "utf8");
      assert.match(text, /^# Where do herons/);
      assert.match(text, /> Be brief\.\n\n## You\n\nWhere do herons/);
      assert.match(text, /\*Machine-generated: made by .+ on this device · SHA-256 [0-9a-f]{64}\*/);
      const [file] = await Promise.all([raw.waitForEvent("download"), raw.click('text="Export all (JSON)"')]);
      const json = await readFile(await file.path(), "utf8");
      assert.equal(JSON.parse(json).talks.length, 2);
      await raw.click('.history li >> nth=0 >> text="Delete"');
      assert.equal(await raw.locator(".history li").count(), 2, "one press deleted it");
      await raw.click('text="Really delete"');
      await raw.waitForFunction(() => document.querySelectorAll(".history li").length === 1);
      // the one that was open is gone from the page too
      assert.equal(await raw.locator(".talk li").count(), 0);
      await raw.setInputFiles("nomoat-history input[type=file]", { name: "h.json", mimeType: "application/json", buffer: Buffer.from(json) });
      await raw.waitForFunction(() => document.querySelectorAll(".history li").length === 2);
      await raw.click('.history .open:text("herons")');
      await raw.waitForFunction(() => document.querySelector(".talk .user")?.textContent?.includes("herons"));
      assert.equal(await raw.inputValue("[name=system]"), "Be brief.");
      await history(raw);
      await raw.click('text="Delete all"');
      await raw.click('text="Really delete"');
      await raw.waitForFunction(() => document.querySelectorAll(".history li").length === 0);
      await raw.reload();
      await raw.waitForSelector("nomoat-source button");
      await history(raw);
      await raw.waitForFunction(() => /Nothing here/.test(document.querySelector(".history [role=status]")?.textContent ?? ""));
      quiet(messages);
      await close();
    },
  },
  {
    name: "a message can be written while the model loads, and goes when it is ready",
    shared: true,
    on: ["chromium"],
    async run(bench) {
      const { raw, messages, close } = await open(bench);
      const begin = (/** @type {string} */ source) =>
        raw.evaluate((/** @type {any} */ detail) => document.querySelector("nomoat-page")?.dispatchEvent(new CustomEvent("nomoat-source", { detail })), { source, name: "m", device: "cpu" });
      await begin(`${bench.server.url}${CHAT}model-bf16.gguf`);
      await raw.waitForSelector("nomoat-consent .acts button.main:not([hidden]):not(:disabled)");
      let answer = () => {};
      const held = new Promise((resolve) => (answer = () => resolve(undefined)));
      await raw.context().route("**/model-bf16.gguf", async (/** @type {any} */ route) => {
        await held;
        await route.continue();
      });
      await agree(raw);
      await raw.fill(MESSAGE, "are you there?");
      await raw.press(MESSAGE, "Enter");
      assert.match(await raw.textContent(".waits"), /sent when the model is ready/);
      await raw.click('text="Do not send"');
      assert.equal(await raw.textContent(".waits"), "");
      await raw.press(MESSAGE, "Enter");
      assert.equal(await raw.inputValue(MESSAGE), "are you there?");
      assert.equal(await raw.locator(".talk li").count(), 0);
      answer();
      await raw.waitForSelector(".talk .made", { timeout: 60_000 });
      assert.deepEqual(await texts(raw, "user"), ["are you there?"]);
      assert.equal(await raw.inputValue(MESSAGE), "");
      quiet(messages);
      await close();
    },
  },
  {
    name: "a base model gets what was written as a beginning, and its text is kept",
    shared: true,
    on: ["chromium"],
    async run(bench) {
      const { raw, messages, close } = await open(bench);
      await raw.evaluate((/** @type {any} */ detail) => document.querySelector("nomoat-page")?.dispatchEvent(new CustomEvent("nomoat-source", { detail })), {
        source: `${bench.server.url}${STORY}`,
        name: "m",
        device: "cpu",
      });
      await agree(raw);
      await raw.fill(MESSAGE, "Once upon a time, ");
      await raw.waitForSelector(READY);
      assert.ok(await raw.isHidden("nomoat-talk"));
      assert.equal(await raw.inputValue("[name=text]"), "Once upon a time, ");
      // what is longer than its context leads to a new text
      await raw.fill("[name=text]", "word ".repeat(600));
      await raw.click('text="Continue"');
      await raw.waitForSelector("nomoat-problem[code=context-full]:not([hidden])");
      await raw.click("nomoat-problem .main");
      assert.equal(await raw.inputValue("[name=text]"), "");
      await raw.fill("[name=text]", "Once upon a time, ");
      const selected = (/** @type {boolean} */ set) =>
        raw.locator("[name=text]").evaluate((/** @type {HTMLTextAreaElement} */ text, /** @type {boolean} */ set) => {
          if (set) text.setSelectionRange(0, 4);
          return [text.selectionStart, text.selectionEnd];
        }, set);
      await selected(true);
      await raw.click('text="Continue"');
      await raw.waitForFunction(() => /tokens\/s/.test(document.querySelector("nomoat-write .note")?.textContent ?? ""), null, { timeout: 60_000 });
      assert.match(await raw.textContent("nomoat-write .made"), /Machine-generated: made by .* on this device/);
      const text = await raw.inputValue("[name=text]");
      assert.ok(text.length > 40);
      assert.deepEqual(await selected(false), [0, 4], "what was selected is not any more");
      await raw.waitForTimeout(500); // the time in which it is saved
      await raw.reload();
      await raw.waitForFunction((/** @type {string} */ text) => /** @type {any} */ (document.querySelector("[name=text]"))?.value === text, text);
      await history(raw);
      await raw.waitForFunction(() => /Once upon a time/.test(document.querySelector(".history .open")?.textContent ?? ""));
      quiet(messages);
      await close();
    },
  },
  {
    name: "the whole task by keyboard alone",
    shared: true,
    on: ["chromium"],
    async run(bench) {
      const { raw, messages, close } = await open(bench, { width: 390, height: 844 });
      await load(raw, bench.server.url + CHAT);
      const { keyboard } = raw;
      const here = () =>
        raw.evaluate(() => {
          const node = /** @type {any} */ (document.activeElement);
          return node?.dataset.act || node?.name || node?.textContent || node?.ariaLabel || "";
        });
      /** @param {string} what @param {string} [key] */
      const reach = async (what, key = "Tab") => {
        for (let presses = 0; presses < 40; presses++) {
          if ((await here()) === what) return;
          await keyboard.press(key);
        }
        assert.fail(`${what} is not reached by ${key}, but ${await here()}`);
      };
      const done = async (/** @type {number} */ count) => {
        await raw.waitForFunction((/** @type {number} */ n) => document.querySelectorAll(".talk .made").length === n, count);
        await raw.waitForSelector(READY);
      };
      assert.equal(await here(), "message", "loading does not end in the composer");
      await keyboard.type("a question");
      await keyboard.press("Shift+Enter");
      await keyboard.type("in two lines");
      await keyboard.press("Enter");
      await done(1);
      assert.equal(await here(), "message");
      assert.deepEqual(await texts(raw, "user"), ["a question\nin two lines"]);
      await keyboard.press("ArrowUp");
      assert.equal(await here(), "edit");
      await keyboard.press("Escape");
      assert.equal(await here(), "edit"); // now the button of that name
      await keyboard.press("Enter");
      await keyboard.type(", the second");
      await keyboard.press("Enter");
      await raw.waitForSelector("[data-act=older]");
      await done(1);
      await reach("again", "Shift+Tab");
      await keyboard.press("Enter");
      await raw.waitForFunction(() => document.querySelectorAll(".assistant [data-act=older]").length === 1);
      await done(1);
      await reach("older", "Shift+Tab");
      await keyboard.press("Enter");
      assert.match(await raw.textContent(".assistant .actions"), /1 \/ 2/);
      await reach("Conversations, models, privacy", "Shift+Tab");
      await keyboard.press("Enter");
      await raw.waitForSelector(".history .open");
      await keyboard.press("Escape");
      assert.ok(!(await raw.isVisible(".history")));
      assert.equal(await here(), "Conversations, models, privacy");
      quiet(messages);
      await close();
    },
  },
  ...["en-GB", "zh-CN"].flatMap((locale) => [390, 1280].flatMap((width) => [false, true].map((dark) => looks(locale, width, dark)))),
];

/** @param {string} locale @param {number} width @param {boolean} dark @returns {Case} */
function looks(locale, width, dark) {
  const zh = locale.startsWith("zh");
  const name = `${width}-${dark ? "dark" : "light"}${zh ? "-zh" : ""}`;
  return {
    name: `the conversation is accessible at ${name}`,
    shared: true,
    on: ["chromium"],
    async run(bench) {
      const { raw, messages, close } = await open(bench, { width, height: width > 600 ? 800 : 844, dark, locale });
      await load(raw, bench.server.url + CHAT);
      /** All of the page in one picture: what sticks to the window's end would stand in its middle. @param {string} what */
      const shot = async (what) => {
        const height = await raw.evaluate(() => document.documentElement.scrollHeight);
        await raw.setViewportSize({ width, height: Math.max(height, 800) });
        await raw.screenshot({ path: path.join(bench.shots, `${what}-${name}.png`) });
        await raw.setViewportSize({ width, height: width > 600 ? 800 : 844 });
      };
      const turns = zh
        ? [
            { id: "a", parent: null, role: "user", content: "苍鹭为什么在高处筑巢？", at: 1 },
            { id: "b", parent: "a", role: "assistant", content: "苍鹭在**高树**上筑巢，原因有三：\n\n1. 远离狐狸等地面的捕食者。\n2. 便于起飞。\n3. 成群筑巢时可以互相警戒。\n\n参见[苍鹭](https://zh.wikipedia.org/wiki/苍鹭)。\n\n```py\nprint(\"巢\")\n```\n", at: 2 },
          ]
        : [
            { id: "a", parent: null, role: "user", content: "Why do herons build their nests so high?", at: 1 },
            { id: "b", parent: "a", role: "assistant", content: "## Three reasons\n\nHerons nest in **tall trees** because\n\n- foxes cannot climb there,\n- a heavy bird starts more easily from above,\n- and a colony sees danger *early*.\n\n| tree | height |\n|---|--:|\n| oak | 20 m |\n| pine | 25 m |\n\nSee [grey heron](https://en.wikipedia.org/wiki/Grey_heron).\n\n```js\nconst nest = { height: 25, eggs: 4 }; // metres, and how many eggs there are in it on an ordinary day\u200b\n```\n\n> ![a heron](https://example.org/heron.jpg)\n", at: 2 },
          ];
      Object.assign(turns[1], { by: { name: "llama3", sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", device: "gpu" }, reason: "stop", figures: { tokens: 96, rate: 21.4, first: 310 } });
      const talk = { id: "looks", kind: "chat", title: "", created: 1, updated: 2, system: "", leaf: "b", turns: [...turns, { ...turns[1], id: "c", at: 1, content: "…" }], dropped: [], text: "", made: null };
      await raw.evaluate((/** @type {any} */ talk) => document.querySelector("nomoat-history")?.dispatchEvent(new CustomEvent("nomoat-open", { detail: { talk }, bubbles: true })), talk);
      await raw.waitForSelector(".talk .made");
      await raw.waitForFunction(() => !(/** @type {any} */ (document.querySelector("meter"))?.hidden));
      await accessible(raw, "conversation");
      await shot("talk");
      await raw.click("nomoat-settings summary");
      await raw.click(".user [data-act=edit]");
      await accessible(raw, "editing and settings");
      await shot("talk-settings");
      await raw.keyboard.press("Escape");
      await ask(raw, zh ? "再说一点" : "Tell me more");
      await history(raw);
      await raw.waitForSelector(".history .open");
      await accessible(raw, "history");
      await raw.screenshot({ path: path.join(bench.shots, `history-${name}.png`) });
      quiet(messages);
      await close();
    },
  };
}
