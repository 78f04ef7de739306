// <nomoat-write status="idle | busy">: a text that a base model goes on with. Emits nomoat-continue { prompt } and
// nomoat-stop; the page feeds what comes back through begin(), add() and end().

import { button, labelled, make, NomoatElement } from "./element.js";
import { flow } from "./flow.js";
import { say } from "./words.js";

export class NomoatWrite extends NomoatElement {
  static observedAttributes = ["status"];

  #text = make("textarea", { rows: 6, name: "text", dir: "auto", spellcheck: "false" });
  #goOn = button("goOn", () => this.#continue(), { class: "main" });
  #stop = button("stop", () => this.emit("nomoat-stop"), { class: "main" });
  #back = button("back", () => this.#takeBack(), { class: "quiet" });
  #note = make("div", { class: "note" });
  #aloud = make("p", { class: "hidden", "aria-live": "polite" });
  /** What the text was before each continuation. @type {string[]} */
  #before = [];
  /** @type {ReturnType<typeof flow> | undefined} */
  #flow;

  build() {
    say(this.#text, "textHint", {}, "placeholder");
    const label = labelled("text", this.#text);
    label.className = "hidden";
    this.#text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
      event.preventDefault();
      this.#continue();
    });
    this.append(
      say(make("p", { class: "aside" }), "baseModel"),
      label,
      this.#text,
      make("div", { class: "row spread" }, this.#note, make("div", { class: "row" }, this.#back, this.#goOn, this.#stop)),
      this.#aloud,
    );
  }

  changed() {
    const busy = this.getAttribute("status") === "busy";
    this.#goOn.hidden = busy;
    this.#stop.hidden = !busy;
    this.#back.hidden = busy || !this.#before.length;
    this.#text.readOnly = busy;
  }

  #continue() {
    if (this.getAttribute("status") === "busy") return;
    const prompt = this.#text.value || this.#text.placeholder;
    this.#before.push(this.#text.value);
    this.#text.value = prompt;
    this.emit("nomoat-continue", { prompt });
  }

  #takeBack() {
    const before = this.#before.pop();
    if (before !== undefined) this.#text.value = before;
    this.#note.replaceChildren();
    this.changed();
    this.focus();
  }

  begin() {
    this.#note.replaceChildren(say(make("p", { class: "aside" }), "writing"));
    this.#text.setAttribute("aria-busy", "true");
    this.#flow = flow((more) => {
      const atEnd = this.#text.scrollHeight - this.#text.scrollTop - this.#text.clientHeight < 48;
      this.#text.value += more;
      if (atEnd) this.#text.scrollTop = this.#text.scrollHeight;
    }, this.#aloud);
  }

  /** @param {string} text */
  add(text) {
    this.#flow?.add(text);
  }

  /** @param {Node} note */
  end(note) {
    this.#flow?.end();
    this.#text.removeAttribute("aria-busy");
    this.#note.replaceChildren(note);
    this.changed();
  }

  /** Forgets what was under way; the text stays. */
  clear() {
    this.#flow?.end();
    this.#text.removeAttribute("aria-busy");
    this.#note.replaceChildren();
    this.changed();
  }

  focus() {
    this.#text.focus();
  }
}
