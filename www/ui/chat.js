// <nomoat-talk status="idle | busy">: a conversation. Emits nomoat-ask { messages } and nomoat-stop; the page feeds
// what comes back through begin(), add() and end().

import { button, labelled, make, NomoatElement } from "./element.js";
import { flow } from "./flow.js";
import { say } from "./words.js";

/** @typedef {{ role: string, content: string }} Message */

export class NomoatTalk extends NomoatElement {
  static observedAttributes = ["status"];

  /** @type {Message[]} */
  #messages = [];
  #log = make("ol", { class: "talk" });
  #input = make("textarea", { rows: 1, name: "message", dir: "auto" });
  #send = say(make("button", { type: "submit", class: "main" }), "send");
  #stop = button("stop", () => this.emit("nomoat-stop"), { class: "main" });
  #clear = button("clear", () => this.clear(), { class: "quiet" });
  #aloud = make("p", { class: "hidden", "aria-live": "polite" });
  /** @type {ReturnType<typeof flow> | undefined} */
  #flow;
  /** @type {HTMLElement | undefined} */
  #answer;

  build() {
    const form = make("form", { class: "composer" });
    say(this.#log, "conversation", {}, "aria-label");
    say(this.#input, "messageHint", {}, "placeholder");
    const label = labelled("message", this.#input);
    label.className = "hidden";
    const keys = say(make("p", { class: "aside fine-pointer" }), "keys");
    form.append(label, this.#input, make("div", { class: "row spread" }, keys, make("div", { class: "row" }, this.#clear, this.#send, this.#stop)));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#ask();
    });
    this.#input.addEventListener("keydown", (event) => {
      // while an input method is open, Enter belongs to it
      if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      this.#ask();
    });
    this.append(this.#log, form, this.#aloud);
  }

  changed() {
    const busy = this.getAttribute("status") === "busy";
    this.#send.hidden = busy;
    this.#stop.hidden = !busy;
    this.#clear.hidden = busy || !this.#messages.length;
  }

  #ask() {
    const content = this.#input.value.trim();
    if (!content || this.getAttribute("status") === "busy") return;
    this.#input.value = "";
    this.#messages.push({ role: "user", content });
    this.#show("user", content);
    this.emit("nomoat-ask", { messages: [...this.#messages] });
  }

  /** @param {"user" | "assistant"} role @param {string} text */
  #show(role, text) {
    const body = make("div", { class: "body", dir: "auto" }, text);
    this.#log.append(make("li", { class: role }, say(make("span", { class: "who" }), role === "user" ? "you" : "model"), body));
    body.scrollIntoView({ block: "nearest" });
    return body;
  }

  /** An answer begins. */
  begin() {
    const body = this.#show("assistant", "");
    const text = document.createTextNode("");
    body.append(text);
    body.setAttribute("aria-busy", "true");
    this.#answer = body;
    this.#flow = flow((more) => text.appendData(more), this.#aloud);
  }

  /** @param {string} text */
  add(text) {
    this.#flow?.add(text);
  }

  /** @param {Node} note What to say under the answer. */
  end(note) {
    this.#flow?.end();
    const answer = this.#answer;
    answer?.removeAttribute("aria-busy");
    const content = answer?.textContent ?? "";
    if (content) {
      this.#messages.push({ role: "assistant", content });
      answer?.after(note);
    } else {
      // a question that got no answer goes back to where it can be asked again
      const question = this.#messages.pop();
      this.#log.lastElementChild?.remove();
      this.#log.lastElementChild?.remove();
      this.#input.value ||= question?.content ?? "";
    }
    this.changed();
  }

  clear() {
    this.#flow?.end();
    this.#messages = [];
    this.#log.replaceChildren();
    this.changed();
    this.focus();
  }

  focus() {
    this.#input.focus();
  }
}
