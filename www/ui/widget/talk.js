// The widget's conversation: what was said, how it is shown, and the answer under way.

import { flow } from "../flow.js";
import { article, tool } from "./message.js";

/** @typedef {import("./message.js").Message} Message @typedef {import("./share.js").Model} Model */

/**
 * @typedef {object} Host What the conversation needs of its element.
 * @property {() => import("../words/widget.js").Speaker} speaker
 * @property {() => Model | undefined} model
 * @property {() => Record<string, any>} request Fields of each request.
 * @property {() => string} system
 * @property {(name: string, detail: any) => void} emit
 * @property {() => void} changed
 * @property {(error: unknown) => void} failed
 */

export class Talk {
  /** @type {Message[]} */
  #messages = [];
  /** @type {AbortController | undefined} */
  #stop;
  #log;
  #aloud;
  #host;

  /** @param {{ log: HTMLElement, aloud: HTMLElement }} nodes @param {Host} host */
  constructor({ log, aloud }, host) {
    this.#log = log;
    this.#aloud = aloud;
    this.#host = host;
  }

  get messages() {
    return this.#messages.map((message) => ({ ...message }));
  }

  set messages(messages) {
    this.stop();
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

  /** Shows all messages anew, in the language of now. */
  draw() {
    // an answer under way is drawn when it is there
    if (this.#stop) return;
    const { say } = this.#host.speaker();
    const inside = this.#log.contains(/** @type {ShadowRoot} */ (this.#log.getRootNode()).activeElement);
    this.#log.replaceChildren();
    this.#messages.forEach((message, at) => {
      const shown = article(message, this.#host.speaker());
      const last = at >= this.#messages.length - 2;
      if (message.role === "assistant") {
        const copy = tool(shown, say("copy"), async () => {
          await navigator.clipboard?.writeText(message.content).then(
            () => (copy.textContent = say("copied")),
            () => {}, // not allowed here: the text can be selected
          );
        });
        if (at === this.#messages.length - 1) tool(shown, say("again"), () => void this.regenerate());
      } else if (last) tool(shown, say("edit"), () => this.#host.emit("edit", at));
      this.#log.append(shown.node);
    });
    this.#log.scrollTop = this.#log.scrollHeight;
    // where the button was that is gone now
    if (inside) this.#log.focus();
  }

  /** @param {string} content */
  async ask(content) {
    if (this.#stop) return;
    if (content) this.#add({ role: "user", content });
    await this.#answer();
  }

  /** The last answer once more. */
  async regenerate() {
    if (this.#stop) return;
    if (this.#messages.at(-1)?.role === "assistant") this.#messages.pop();
    if (this.#messages.length) await this.#answer();
  }

  /** What comes before message `at`; the rest is dropped. @param {number} at */
  cut(at) {
    this.messages = this.#messages.slice(0, at);
  }

  stop() {
    this.#stop?.abort();
  }

  /** @param {Message} message */
  #add(message) {
    this.#messages.push(message);
    this.draw();
    this.#host.emit("nm-message", { message: { ...message }, index: this.#messages.length - 1 });
  }

  async #answer() {
    const model = this.#host.model();
    if (!model) return;
    this.draw();
    const stop = new AbortController();
    this.#stop = stop;
    this.#host.changed();
    const { name, sha256, chat } = model.info;
    const shown = article({ role: "assistant", content: "", model: name }, this.#host.speaker());
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
      if (!stop.signal.aborted) error = thrown;
    }
    running.end();
    this.#stop = undefined;
    // other messages were put in the place of these meanwhile
    if (said !== this.#messages) this.draw();
    else if (content) this.#add({ role: "assistant", content, model: name, sha256, finishReason });
    else this.draw();
    if (finishReason === "abort" && !error) this.#host.emit("nm-abort", { text: content });
    this.#host.changed();
    if (error) this.#host.failed(error);
  }
}
