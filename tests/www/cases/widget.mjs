// The widget for those who talk to it and for its site's script: consent, messages, events, forms, the keyboard, languages.

import assert from "node:assert/strict";
import path from "node:path";
import { accessible, conversation, element, MODEL, property, READY, SAID, start, STRICT, visit } from "../visit.mjs";

/** @typedef {import("../case.mjs").Case} Case */

/** Roles and names as the browser tells them to screen readers. @param {any} raw @returns {Promise<string[]>} */
async function named(raw) {
  const session = await raw.context().newCDPSession(raw);
  const { nodes } = await session.send("Accessibility.getFullAXTree");
  return nodes.map((/** @type {any} */ node) => `${node.role?.value}: ${node.name?.value}`);
}

/**
 * Gives the first widget a model that writes what `answer(text)` says once it is asked for an answer; `out` takes pieces of it.
 * @param {any} raw @param {boolean} [chat]
 */
const puppet = (raw, chat = true) =>
  raw.evaluate((/** @type {boolean} */ chat) => {
    const page = /** @type {any} */ (globalThis);
    page.out = undefined;
    const create = async (/** @type {{ signal: AbortSignal }} */ { signal }) => {
      const pieces = new ReadableStream({ start: (out) => (page.out = out) });
      signal.addEventListener("abort", () => page.end());
      return (async function* () {
        for await (const text of /** @type {any} */ (pieces)) yield { choices: [{ delta: { content: text }, text }] };
        if (!signal.aborted) yield { choices: [{ delta: {}, text: "", finish_reason: "stop" }] };
      })();
    };
    page.end = () => {
      page.out.close();
      page.out = undefined;
    };
    page.turn = () => new Promise((resolve) => setTimeout(resolve));
    page.answer = async (/** @type {string} */ text) => {
      while (!page.out) await page.turn();
      page.out.enqueue(text);
      page.end();
      await page.turn();
    };
    page.frames = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(resolve))));
    page.chat = document.querySelector("nomoat-chat");
    page.said = () => page.chat.messages.map((/** @type {{ content: string }} */ { content }) => content);
    const completions = { create };
    page.chat.engine = { info: { name: "A puppet", licence: null, chat }, stats() {}, chat: { completions }, completions };
  }, chat);

/** Words of the buttons that a visitor of the first widget sees. @param {any} raw @returns {Promise<string[]>} */
const buttons = (raw) => raw.locator("nomoat-chat").first().locator("button:visible").allTextContents();

/** @type {Case[]} */
export const cases = [
  {
    name: "the widgets of one page have one model: loaded once, asked in turn, given back with the last",
    shared: "zoo/llama3",
    on: ["chromium"],
    async run(bench) {
      const { raw, asked, quiet, close } = await visit(bench, ({ model }) => ({
        body: element(model, `${SAID} id="one"`) + element(model, `${SAID} id="two"`),
      }));
      await start(raw, "#one");
      await raw.waitForSelector("#two[status=ready]");
      const counted = (/** @type {string} */ name) => asked().filter((line) => line.startsWith(name)).length;
      assert.equal(counted("/nomoat_bg.wasm"), 1);
      const weights = counted(`/${MODEL}`);
      const { texts, most } = await raw.evaluate(async () => {
        const all = /** @type {any[]} */ ([...document.querySelectorAll("nomoat-chat")]);
        const [one, two] = await Promise.all(all.map((chat) => chat.send("Hello there")));
        return { texts: [one, two], most: all[0].engine === all[1].engine };
      });
      assert.ok(most, "two engines");
      assert.ok(texts[0].length > 0 && texts[0] === texts[1], `greedy answers differ: ${texts}`);
      assert.equal(counted(`/${MODEL}`), weights, "read again");
      const code = await raw.evaluate(async () => {
        const [one, two] = /** @type {any[]} */ ([...document.querySelectorAll("nomoat-chat")]);
        const { engine } = one;
        // moved, not removed
        document.body.append(one);
        two.remove();
        await new Promise((resolve) => setTimeout(resolve));
        await one.send("And again");
        one.remove();
        await new Promise((resolve) => setTimeout(resolve));
        return engine.tokenize("x").catch((/** @type {any} */ error) => error.code);
      });
      assert.equal(code, "aborted", "the model is still there");
      quiet();
      await close();
    },
  },
  {
    name: "the widget asks again when the model is larger than the site said",
    shared: "zoo/llama3",
    on: ["chromium"],
    async run(bench) {
      const { raw, close } = await visit(bench, ({ model }) => ({ body: element(model, 'size="1000"') }));
      await raw.click("nomoat-chat [part=consent] button");
      const ask = raw.locator("nomoat-chat [part=consent] p", { hasText: "This site said" });
      await ask.waitFor({ timeout: 60_000 });
      assert.match(await ask.textContent(), /This site said 0\.0 MB, but the model is 0\.2 MB\./);
      await start(raw);
      await close();
    },
  },
  {
    name: "the widget obeys its site: consent can be held back, attributes and properties, edit, regenerate, stop, export",
    shared: "zoo/llama3",
    on: ["chromium"],
    async run(bench) {
      const { raw, asked, quiet, close } = await visit(bench, ({ model }) => ({ body: element(model, `${SAID} system="Be brief."`) }));
      const held = await raw.evaluate(async () => {
        const chat = /** @type {any} */ (document.querySelector("nomoat-chat"));
        /** @type {any[]} */
        const events = ((/** @type {any} */ (globalThis)).events = []);
        for (const name of ["consent", "progress", "ready", "token", "message", "abort", "error"]) {
          document.addEventListener(`nm-${name}`, (event) => events.push([name, /** @type {CustomEvent} */ (event).detail]));
        }
        const hold = (/** @type {Event} */ event) => event.preventDefault();
        chat.addEventListener("nm-consent", hold, { once: true });
        chat.shadowRoot.querySelector("[part=consent] button").click();
        return { availability: chat.availability, consent: events[0], status: chat.getAttribute("status") };
      });
      assert.equal(held.status, "idle");
      assert.equal(held.availability, "downloadable");
      assert.deepEqual({ ...held.consent[1], source: "" }, { model: "model-bf16", source: "", host: new URL(bench.other.url).host, bytes: 234656, licence: "MIT", how: "click" });
      assert.deepEqual(asked(), ["/embed.js"]);
      const got = await raw.evaluate(async () => {
        const chat = /** @type {any} */ (document.querySelector("nomoat-chat"));
        const { events } = /** @type {any} */ (globalThis);
        const model = await chat.load({ agreed: true });
        const first = await chat.send("Hello there");
        await chat.regenerate();
        const again = chat.messages.at(-1).content;
        const edited = await chat.edit(0, "Another thing");
        const roles = chat.messages.map((/** @type {any} */ m) => m.role).join();
        chat.maxTokens = 400;
        const cut = chat.send("Go on and on");
        await new Promise((resolve) => chat.addEventListener("nm-token", resolve, { once: true }));
        chat.stop();
        await cut;
        const kept = JSON.parse(chat.exportChat());
        const { sha256 } = chat.card;
        chat.clear();
        return {
          ...{ first, again, edited, roles, kept, sha256, same: model === chat.engine, left: chat.messages.length, stats: chat.stats.generatedTokens },
          names: [...new Set(events.map((/** @type {any} */ e) => e[0]))].join(),
          tokens: events.filter((/** @type {any} */ e) => e[0] === "token").length,
        };
      });
      assert.ok(got.same && got.first === got.again, "greedy answers differ");
      assert.equal(got.roles, "user,assistant");
      assert.equal(got.kept.messages.length, 4);
      assert.equal(got.kept.messages[3].finishReason, "abort");
      assert.equal(got.kept.messages[1].sha256, got.sha256);
      assert.equal(got.left, 0);
      assert.equal(got.names, "consent,progress,ready,message,token,abort");
      quiet();
      await close();
    },
  },
  {
    name: "the widget begins by itself only where it is asked to, once seen, for a visitor who agreed before; it pauses and goes on",
    shared: "zoo/llama3",
    on: ["chromium"],
    async run(bench) {
      const { raw, asked, quiet, close } = await visit(bench, ({ model }) => ({
        body: `<div id="tall"></div>${element(model, `${SAID} autoload="visible"`)}`,
      }));
      const state = () => raw.getAttribute("nomoat-chat", "status");
      await raw.waitForSelector("nomoat-chat[status=idle]");
      // one frame is enough for what is seen to be known
      const frames = () => raw.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
      await frames();
      assert.deepEqual(asked(), ["/embed.js"]);
      // written before there is a model, sent when there is one
      await raw.locator("nomoat-chat textarea").fill("Hello");
      await raw.locator("nomoat-chat textarea").press("Enter");
      const focused = () => raw.evaluate(() => document.activeElement?.shadowRoot?.activeElement?.textContent);
      assert.equal(await focused(), "Download and start");
      const states = await raw.evaluate(() => {
        const chat = /** @type {any} */ (document.querySelector("nomoat-chat"));
        const seen = [];
        chat.shadowRoot.querySelector("[part=consent] button").click();
        seen.push(chat.getAttribute("status"));
        chat.pause();
        seen.push(chat.getAttribute("status"));
        chat.resume();
        seen.push(chat.getAttribute("status"));
        return seen;
      });
      assert.deepEqual(states, ["loading", "paused", "loading"]);
      await raw.waitForSelector("nomoat-chat article.assistant .body:not([aria-busy])", { timeout: 60_000 });
      assert.equal(await raw.evaluate(() => document.activeElement?.shadowRoot?.activeElement?.localName), "textarea", "the focus was lost");
      await raw.reload();
      await raw.waitForSelector("nomoat-chat[status]");
      await raw.waitForSelector(READY, { timeout: 60_000 });
      await raw.evaluate(async () => {
        const { style } = /** @type {HTMLElement} */ (document.querySelector("#tall"));
        style.height = "300vh";
        const chat = /** @type {HTMLElement} */ (document.querySelector("nomoat-chat"));
        const again = /** @type {HTMLElement} */ (chat.cloneNode());
        again.removeAttribute("status");
        chat.remove();
        // the model is given back in the next turn
        await new Promise((resolve) => setTimeout(resolve));
        document.body.append(again);
      });
      await frames();
      assert.equal(await state(), "idle", "it began before it was seen");
      await raw.evaluate(() => document.querySelector("nomoat-chat")?.scrollIntoView());
      await raw.waitForSelector(READY, { timeout: 60_000 });
      quiet();
      await close();
    },
  },
  {
    name: "the widget shows Markdown as nodes, in its own language: no image is fetched, no markup is made, code can be copied",
    on: ["chromium"],
    async run(bench) {
      const { raw, asked, quiet, close } = await visit(bench, ({ model, cdn }) => ({
        body: element(model, `${SAID} lang="zh"`),
        csp: STRICT(cdn),
      }));
      const content = [
        "**bold** and [a link](https://example.org/x) ![a picture](https://example.org/p.png)",
        '<img src="https://example.org/q.png" onerror="globalThis.ran = 1"><script>globalThis.ran = 1</script>',
        "```js\nlet a = 1;\n```",
        "| a | b |\n|---|---|\n| 1 | 2 |",
      ].join("\n\n");
      await raw.evaluate((/** @type {string} */ content) => {
        const chat = /** @type {any} */ (document.querySelector("nomoat-chat"));
        chat.messages = [
          { role: "user", content: "**not** Markdown" },
          { role: "assistant", content, model: "a model" },
        ];
      }, content);
      const seen = await raw.evaluate(() => {
        const root = /** @type {ShadowRoot} */ (document.querySelector("nomoat-chat")?.shadowRoot);
        return {
          user: root.querySelector(".user .body")?.textContent,
          tags: [...new Set([...root.querySelectorAll(".assistant .body *")].map((node) => node.localName))].sort().join(),
          link: root.querySelector(".assistant a")?.textContent,
          code: root.querySelector("[part=code]")?.textContent,
          button: root.querySelector("[data-act=code]")?.textContent,
          text: root.querySelector(".assistant .body")?.textContent,
          ran: /** @type {any} */ (globalThis).ran,
        };
      });
      assert.equal(seen.user, "**not** Markdown");
      assert.equal(seen.tags, "a,bdi,button,code,div,p,pre,span,strong,table,tbody,td,th,thead,tr");
      assert.equal(seen.link, "a link example.org");
      assert.equal(seen.code, "let a = 1;");
      assert.equal(seen.button, "复制代码");
      assert.match(seen.text, /图片（未加载）：a picture.*<img src=/s);
      assert.equal(seen.ran, undefined);
      assert.deepEqual(asked(), ["/embed.js"]);
      await accessible(raw, "Markdown");
      await raw.screenshot({ path: path.join(bench.shots, "widget-markdown-1280.png") });
      quiet();
      await close();
    },
  },
  {
    name: "the widget is a field of a form: required, sent, reset, disabled, kept",
    shared: "zoo/llama3",
    on: ["chromium"],
    async run(bench) {
      const { raw, quiet, close } = await visit(bench, ({ model }) => ({
        body: `<form><fieldset><label for="chat">Ask</label>${element(model, `${SAID} id="chat" name="answer" required persist`)}</fieldset><button>Send</button></form>`,
      }));
      const form = (/** @type {string} */ script) => raw.evaluate(`(() => { const form = document.forms[0], chat = form.querySelector("nomoat-chat"); return ${script}; })()`);
      assert.deepEqual(await form("[form.checkValidity(), chat.validity.valueMissing, chat.form === form, new FormData(form).get('answer')]"), [false, true, true, null]);
      await raw.click("label");
      assert.equal(await form("chat.shadowRoot.activeElement.localName"), "textarea");
      await start(raw);
      await conversation(raw, "Hello");
      const answer = await form("chat.messages.at(-1).content");
      assert.deepEqual(await form("[form.checkValidity(), new FormData(form).get('answer')]"), [true, answer]);
      await form("(form.querySelector('fieldset').disabled = true)");
      assert.deepEqual(await form("[chat.shadowRoot.querySelector('textarea').disabled, chat.matches(':disabled')]"), [true, true]);
      await raw.reload();
      await raw.waitForSelector("nomoat-chat article.assistant");
      assert.equal(await form("chat.value"), answer);
      await form("form.reset()");
      assert.deepEqual(await form("[chat.messages.length, chat.value, form.checkValidity()]"), [0, "", false]);
      quiet();
      await close();
    },
  },
  {
    name: "the widget keeps a message that is edited until the new one is sent, and all of a conversation that is readonly or disabled",
    on: ["chromium"],
    async run(bench) {
      const { raw, quiet, close } = await visit(bench, ({ model }) => ({ body: `<form><fieldset>${element(model, 'id="chat" persist')}</fieldset></form>` }));
      /** What is said after `script`, and how many messages are kept. @param {string} script */
      const page = (script) =>
        raw.evaluate(`(async () => { ${script}; return [...said(), JSON.parse(localStorage.getItem("nomoat-chat:chat")).length]; })()`);
      const all = ["New conversation", "Edit", "Copy", "Again", "Send"];
      await puppet(raw);
      await page('chat.messages = [{ role: "user", content: "Why?" }, { role: "assistant", content: "Because." }]');
      assert.deepEqual(await buttons(raw), all);
      for (const [of, left] of /** @type {[string, string[]][]} */ ([
        ["chat.readOnly", ["Copy"]],
        ["chat.disabled", ["Copy", "Send"]],
        ["document.querySelector('fieldset').disabled", ["Copy", "Send"]],
      ])) {
        await page(`${of} = true`);
        assert.deepEqual(await buttons(raw), left, of);
        await page(`${of} = false`);
        assert.deepEqual(await buttons(raw), all, of);
      }
      const input = raw.locator("nomoat-chat textarea");
      for (const leave of [() => input.press("Escape"), () => raw.getByRole("button", { name: "Cancel" }).click()]) {
        await input.press("ArrowUp");
        assert.equal(await input.inputValue(), "Why?");
        assert.ok(await raw.getByText("Sending this replaces your message").isVisible());
        assert.deepEqual(await page(""), ["Why?", "Because.", 2]);
        await leave();
        assert.equal(await input.inputValue(), "");
        assert.deepEqual(await buttons(raw), all);
      }
      await raw.getByRole("button", { name: "Edit" }).click();
      await accessible(raw, "editing");
      await input.fill("How?");
      await raw.reload();
      await puppet(raw);
      assert.deepEqual(await page(""), ["Why?", "Because.", 2]);
      await raw.getByRole("button", { name: "Edit" }).click();
      await input.fill("How?");
      await input.press("Enter");
      assert.deepEqual(await page('await answer("So.")'), ["How?", "So.", 2]);
      // what is asked meanwhile waits, and what is edited ends the answer under way
      assert.deepEqual(
        await page('const texts = Promise.all([chat.send("One"), chat.send("Two")]); await answer("1"); await answer("2"); chat.title = await texts'),
        ["How?", "So.", "One", "1", "Two", "2", 6],
      );
      assert.equal(await property(raw, "title"), "1,2");
      assert.deepEqual(
        await page(`const cut = chat.send("On?");
          while (!globalThis.out) await turn();
          out.enqueue("and");
          await turn();
          const next = chat.edit(0, "Now?");
          await cut;
          await answer("Yes.");
          chat.title = await next`),
        ["Now?", "Yes.", 2],
      );
      assert.equal(await property(raw, "title"), "Yes.");
      quiet();
      await close();
    },
  },
  {
    name: "the widget keeps its reader's place and what they selected when an answer ends; it says when a copy fails and marks what cannot be seen",
    on: ["chromium"],
    async run(bench) {
      const { raw, quiet, close } = await visit(bench, ({ model }) => ({ body: element(model) }));
      await raw.addStyleTag({ content: "nomoat-chat { --nm-max-height: 20rem }" });
      await puppet(raw);
      const kept = await raw.evaluate(async () => {
        const { chat, answer, frames, ...page } = /** @type {any} */ (globalThis);
        const root = chat.shadowRoot;
        const log = root.querySelector("[part=log]");
        const gap = () => log.scrollHeight - log.scrollTop - log.clientHeight;
        chat.messages = Array.from({ length: 20 }, (_, i) => ({ role: i % 2 ? "assistant" : "user", content: `Message ${i}` }));
        const gaps = [gap()];
        /** @param {string} first @param {string} rest @param {() => void} meanwhile */
        const write = async (first, rest, meanwhile) => {
          const done = chat.send("Go on");
          while (!(/** @type {any} */ (globalThis).out)) await page.turn();
          /** @type {any} */ (globalThis).out.enqueue(first);
          await frames();
          gaps.push(gap());
          const [node] = [...root.querySelectorAll("article.assistant")].slice(-1);
          const range = new Range();
          const body = node.querySelector(".body");
          const text = body.querySelector("p")?.firstChild ?? body.firstChild;
          range.setStart(text, 0);
          range.setEnd(text, 5);
          meanwhile();
          /** @type {any} */ (globalThis).out.enqueue(rest);
          await frames();
          const during = range.toString();
          await answer("\n\nThe end.");
          await done;
          return [during, range.toString(), node.isConnected];
        };
        const away = await write("First words", "\n\nand `x\ufe0f`\n\n```\ncode\n```", () => (log.scrollTop = 0));
        const place = log.scrollTop;
        const unseen = root.querySelector(".unseen");
        const marked = [unseen.textContent, getComputedStyle(unseen).backgroundColor !== "rgba(0, 0, 0, 0)"];
        log.scrollTop = log.scrollHeight;
        await write("Other words", " more", () => (chat.lang = "zh"));
        gaps.push(gap());
        const chinese = [...root.querySelectorAll("button.edit")].at(-1).textContent;
        chat.lang = "en";
        const { writeText } = navigator.clipboard;
        /** @type {string[]} */
        const said = [];
        for (const how of [() => Promise.reject(new Error("not here")), async () => {}]) {
          navigator.clipboard.writeText = how;
          for (const button of [root.querySelector("button.copy"), root.querySelector("[data-act=code]")]) {
            button.click();
            await page.turn();
            said.push(button.textContent);
          }
        }
        navigator.clipboard.writeText = writeText;
        return { away, place, marked, gaps, chinese, said };
      });
      assert.deepEqual(kept.away, ["First", "First", true]);
      assert.equal(kept.place, 0);
      assert.deepEqual(kept.marked, ["U+FE0F", true]);
      assert.ok(kept.gaps.length === 4 && kept.gaps.every((/** @type {number} */ gap) => gap < 2), `${kept.gaps} px from the end`);
      assert.equal(kept.chinese, "修改");
      assert.deepEqual(kept.said, ["Copy failed", "Copy failed", "Copied", "Copied"]);
      await accessible(raw, "what cannot be seen");
      // a base model's text is text alone
      await puppet(raw, false);
      const plain = await raw.evaluate(async () => {
        const { chat, answer, frames, turn } = /** @type {any} */ (globalThis);
        chat.clear();
        const done = chat.send("Once");
        while (!(/** @type {any} */ (globalThis).out)) await turn();
        /** @type {any} */ (globalThis).out.enqueue(" upon");
        await frames();
        const text = chat.shadowRoot.querySelector("article.assistant .body").firstChild;
        const range = new Range();
        range.selectNodeContents(text);
        await answer(" a time");
        return [await done, range.toString(), text.data, text.isConnected];
      });
      assert.deepEqual(plain, [" upon a time", " upon", " upon a time", true]);
      quiet();
      await close();
    },
  },
  {
    name: "the widget keeps what was said when its model is not there, changes or fails, and asks before it loads another",
    shared: "zoo/llama3",
    on: ["chromium"],
    async run(bench) {
      const { raw, asked, quiet, close } = await visit(bench, ({ model, cdn }) => ({
        body: [
          element(model, `${SAID} id="one" persist`),
          ...["two", "three"].map((id) => element(`${cdn}/missing.gguf`, `id="${id}"`).replace("></", "><p>It cannot run here</p></")),
        ].join(""),
      }));
      const one = raw.locator("#one");
      const failed = (/** @type {string} */ id) => raw.waitForSelector(`#${id}[status=failed]`, { timeout: 60_000 });
      await start(raw, "#one");
      const answer = await conversation(raw, "Hello");
      await raw.evaluate(() => localStorage.removeItem("nomoat-consent"));
      await raw.reload();
      await one.getByRole("button", { name: "Again" }).click();
      assert.equal((await property(raw, "messages")).length, 2);
      assert.equal(await raw.evaluate(() => document.activeElement?.shadowRoot?.activeElement?.parentElement?.parentElement?.getAttribute("part")), "consent");
      await raw.keyboard.press("Enter");
      const said = await raw.evaluate(
        () => new Promise((resolve) => document.addEventListener("nm-message", (event) => resolve(/** @type {CustomEvent} */ (event).detail), { once: true })),
      );
      assert.equal(said.index, 1);
      assert.equal(await one.locator("article.assistant .body").textContent(), answer);
      // another model in the middle of an answer
      const changed = await raw.evaluate(async () => {
        const chat = /** @type {any} */ (document.querySelector("#one"));
        /** @type {string[]} */
        const events = [];
        for (const name of ["consent", "abort", "error"]) document.addEventListener(`nm-${name}`, () => events.push(name));
        chat.maxTokens = 400;
        const cut = chat.send("Go on and on");
        await new Promise((resolve) => chat.addEventListener("nm-token", resolve, { once: true }));
        chat.model += "?another";
        const text = await cut;
        await new Promise((resolve) => setTimeout(resolve, 50));
        const { content, finishReason } = chat.messages.at(-1);
        return { events, status: chat.getAttribute("status"), kept: text === content && text.length > 0, finishReason };
      });
      assert.deepEqual(changed, { events: ["abort"], status: "idle", kept: true, finishReason: "abort" });
      assert.ok(await one.locator("[part=consent]").isVisible());
      assert.ok(!(await one.locator("[part=problem]").isVisible()));
      assert.deepEqual(asked().filter((line) => line.includes("another")), []);
      // one began to load what both have: the other asks before it tries again
      await raw.evaluate(() => void (/** @type {any} */ (document.querySelector("#two")).load({ agreed: true }).catch(() => {})));
      await Promise.all(["two", "three"].map(failed));
      assert.ok(!(await raw.getByText("It cannot run here").first().isVisible()), "shown though another try may help");
      const tries = () => asked().filter((line) => line.includes("missing")).length;
      const before = tries();
      await raw.locator("#three").getByRole("button", { name: "Try again" }).click();
      assert.ok(await raw.locator("#three [part=consent]").isVisible());
      assert.equal(tries(), before);
      await raw.locator("#two").getByRole("button", { name: "Try again" }).click();
      await failed("two");
      assert.ok(tries() > before);
      quiet();
      await close();
    },
  },
  {
    name: "the widget by keyboard, by input method, right to left, in forced colours, in Chinese; axe finds nothing",
    shared: "zoo/llama3",
    on: ["chromium"],
    async run(bench) {
      for (const [look, width] of /** @type {[string, number][]} */ ([
        ["light", 1280],
        ["dark", 390],
      ])) {
        const { raw, quiet, close } = await visit(bench, ({ model }) => ({ body: element(model, SAID) }), { width, height: 800, dark: look === "dark" });
        const shot = (/** @type {string} */ name) => raw.screenshot({ path: path.join(bench.shots, `widget-${name}-${width}-${look}.png`) });
        await accessible(raw, "consent");
        await shot("consent");
        await raw.keyboard.press("Tab");
        await raw.keyboard.press("Enter");
        await raw.waitForSelector(READY, { timeout: 60_000 });
        const chat = raw.locator("nomoat-chat");
        await raw.locator("nomoat-chat textarea").focus();
        await raw.keyboard.type("你好, hello");
        await raw.locator("nomoat-chat textarea").evaluate((/** @type {HTMLElement} */ input) => {
          input.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", isComposing: true, bubbles: true, cancelable: true }));
        });
        assert.equal(await raw.locator("nomoat-chat article").count(), 0, "sent while composing");
        await raw.evaluate(() => {
          const aloud = /** @type {Node} */ (document.querySelector("nomoat-chat")?.shadowRoot?.querySelector("[aria-live=polite]"));
          /** @type {any} */ (globalThis).spoken = 0;
          new MutationObserver(() => /** @type {any} */ (globalThis).spoken++).observe(aloud, { childList: true, characterData: true });
        });
        await raw.keyboard.press("Enter");
        await raw.waitForSelector("nomoat-chat article.assistant .body:not([aria-busy])", { timeout: 60_000 });
        await raw.waitForSelector(READY);
        assert.ok((await raw.evaluate(() => /** @type {any} */ (globalThis).spoken)) <= 3, "read aloud token by token");
        assert.equal(await property(raw, "value").then((/** @type {string} */ text) => text.length > 0), true);
        await accessible(raw, "conversation");
        await shot("conversation");
        // what it was made by is said even where the site hides it
        await raw.addStyleTag({ content: "nomoat-chat::part(licence), nomoat-chat::part(badge) { display: none }" });
        const names = await named(raw);
        assert.ok(names.some((name) => /^group: Chat with .*, which runs on this device\. Licence: /.test(name)), names.join("\n"));
        assert.ok(names.some((name) => /^article: .*, on this device$/.test(name)), names.join("\n"));
        await raw.keyboard.press("ArrowUp");
        assert.equal(await raw.locator("nomoat-chat textarea").inputValue(), "你好, hello");
        await raw.emulateMedia({ forcedColors: "active" });
        await accessible(raw, "forced colours");
        await shot("forced");
        await raw.emulateMedia({ forcedColors: "none" });
        await chat.evaluate((/** @type {HTMLElement} */ node) => {
          node.lang = "zh-CN";
          node.dir = "rtl";
        });
        assert.match(await raw.locator("nomoat-chat [part=composer]").textContent(), /发送/);
        assert.equal(await raw.locator("nomoat-chat .frame").evaluate((/** @type {Element} */ node) => getComputedStyle(node).direction), "rtl");
        await accessible(raw, "in Chinese, right to left");
        await shot("zh-rtl");
        const wide = await raw.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.ok(wide <= 0, `${wide} px too wide`);
        quiet();
        await close();
      }
    },
  },
];
