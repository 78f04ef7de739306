// The widget's conversation: what was said, how it is shown, and the answer under way.

import { copy } from "../copy.js";
import { atEnd, flow } from "../flow.js";
import { written } from "../markdown.js";
import { article, tool } from "./message.js";

/** @typedef {import("./message.js").Message} Message @typedef {import("./message.js").Article} Article */
/** @typedef {import("./share.js").Model} Model */

/**
 * @typedef {object} Host What the conversation needs of its element.
 * @property {() => import("../words/widget.js").Speaker} speaker
 * @property {() => Model | undefined} model
 * @property {() => Record<string, any>} request Fields of each request.
 * @property {() => string} system
 * @property {(name: string, detail: any) => void} emit Tells of something, or passes on what a visitor asks for: `edit`, `again`.
 * @property {() => void} changed
 * @property {(error: unknown) => void} failed
 */

export class Talk {
  /** @type {Message[]} */
  #messages = [];
  /** @type {AbortController | undefined} */
  #stop;
  /** Whether all is to be drawn anew when the answer under way is there. */
  #stale = false;
  #log;
  #aloud;
  #host;

  /** The visitor's message that is being written anew: it and what follows stay until that is sent. @type {number | undefined} */
  editing;
  /** The last answer, when it is there. */
  running = Promise.resolve("");

  /** @param {{ log: HTMLElement, aloud: HTMLElement }} nodes @param {Host} host */
  constructor({ log, aloud }, host) {
    this.#log = log;
    this.#aloud = aloud;
    this.#host = host;
    log.addEventListener("click", (event) => {
      const button = event.target instanceof Element ? event.target.closest("[data-act=code]") : null;
      const block = button?.closest(".code");
      if (button && block) void this.#copy(button, written(block));
    });
  }

  get messages() {
    return this.#messages.map((message) => ({ ...message }));
  }

  set messages(messages) {
    this.stop();
    this.editing = undefined;
    this.#messages = messages.filter(({ role, content }) => (role === "user" || role === "assistant") && typeof content === "string");
    this.draw();
    this.#host.changed();
  }

  get busy() {
    return Boolean(this.#stop);
  }

  /** What the last answer says. */
  get answer() {
    return this.#messages.findLast(({ role }) => role === "assistant")?.content ?? "";
  }

  /** Whether answers are Markdown; what a base model goes on with is a text like any. */
  get #rich() {
    return this.#host.model()?.info.chat ?? true;
  }

  /** Shows all messages anew, in the language of now. */
  draw() {
    // an answer under way is drawn when it is there
    this.#stale = this.busy;
    if (this.#stale) return;
    const log = this.#log;
    const inside = log.contains(/** @type {ShadowRoot} */ (log.getRootNode()).activeElement);
    const { scrollTop } = log;
    const follow = atEnd(log);
    log.replaceChildren();
    this.#messages.forEach((message, at) => {
      const shown = article(message, this.#host.speaker(), message.role === "assistant" && this.#rich);
      this.#tools(shown, message, at);
      log.append(shown.node);
    });
    log.scrollTop = follow ? log.scrollHeight : scrollTop;
    // where the button was that is gone now
    if (inside) log.focus();
  }

  /**
   * What can be done with a message; the style shows it where it can be.
   * @param {Article} shown @param {Message} message @param {number} at
   */
  #tools(shown, { role, content }, at) {
    const speaker = this.#host.speaker();
    if (role === "user") return tool(shown, "edit", speaker, () => this.#host.emit("edit", at));
    tool(shown, "copy", speaker, (button) => void this.#copy(button, content));
    tool(shown, "again", speaker, () => this.#host.emit("again", at));
  }

  /** Copies, and says whether the browser let it. @param {Element} button @param {string} text */
  async #copy(button, text) {
    button.textContent = this.#aloud.textContent = this.#host.speaker().say((await copy(text)) ? "copied" : "copyFailed");
  }

  /** @param {string} content @param {number} [at] The visitor's message that this replaces, with what follows it. */
  async ask(content, at) {
    if (this.#stop) return "";
    if (at !== undefined && this.#messages[at]?.role === "user") this.messages = this.#messages.slice(0, at);
    if (content) this.#add({ role: "user", content });
    return (this.running = this.#answer(this.#messages));
  }

  /** The last answer once more. */
  async regenerate() {
    const before = this.#messages;
    const said = before.at(-1)?.role === "assistant" ? before.slice(0, -1) : before;
    if (this.#stop || !said.length || !this.#host.model()) return;
    this.#messages = said;
    await (this.running = this.#answer(before));
  }

  stop() {
    this.#stop?.abort();
  }

  /** @param {Message} message @param {Article} [shown] What shows it already. */
  #add(message, shown) {
    const index = this.#messages.push(message) - 1;
    if (!shown || this.#stale) this.draw();
    else this.#tools(shown, message, index);
    this.#host.emit("nm-message", { message: { ...message }, index });
  }

  /** @param {Message[]} before What it is again if no answer comes. */
  async #answer(before) {
    const model = this.#host.model();
    if (!model) return "";
    this.draw();
    const stop = new AbortController();
    this.#stop = stop;
    this.#host.changed();
    const { name, sha256, chat } = model.info;
    const shown = article({ role: "assistant", content: "", model: name }, this.#host.speaker(), chat);
    this.#log.append(shown.node);
    this.#log.scrollTop = this.#log.scrollHeight;
    const running = flow(shown.add, this.#aloud, this.#log);
    const said = this.#messages;
    let content = "";
    /** @type {import("../../protocol.js").Finish} */
    let finishReason = "abort";
    /** @type {unknown} */
    let error;
    try {
      const how = { ...this.#host.request(), stream: true, signal: stop.signal };
      const system = this.#host.system();
      const messages = said.map((message) => ({ role: message.role, content: message.content }));
      const stream = chat
        ? await model.chat.completions.create({ ...how, messages: system ? [{ role: "system", content: system }, ...messages] : messages })
        : await model.completions.create({ ...how, prompt: messages.map((message) => message.content).join("") });
      for await (const { choices } of stream) {
        const [choice] = choices;
        const text = (chat ? choice?.delta.content : choice?.text) ?? "";
        finishReason = choice?.finish_reason ?? finishReason;
        if (!text) continue;
        content += text;
        running.add(text);
        this.#host.emit("nm-token", { text });
      }
    } catch (thrown) {
      // a model that was unloaded meanwhile is no fault either
      if (!stop.signal.aborted && /** @type {any} */ (thrown)?.code !== "aborted") error = thrown;
    }
    running.end();
    this.#stop = undefined;
    const follow = atEnd(this.#log);
    // unless other messages were put in the place of these meanwhile
    if (said === this.#messages && content) {
      shown.ended(finishReason);
      this.#add({ role: "assistant", content, model: name, sha256, finishReason }, shown);
    } else {
      if (said === this.#messages) this.#messages = before;
      this.draw();
    }
    if (finishReason === "abort" && !error) this.#host.emit("nm-abort", { text: content });
    this.#host.changed();
    if (error) this.#host.failed(error);
    if (follow) this.#log.scrollTop = this.#log.scrollHeight;
    return content;
  }
}
