// <nomoat-write status="none | loading | idle | busy | unfit">: a text that a base model goes on with. Emits
// nomoat-continue { prompt } and nomoat-stop; the page feeds what comes back through begin(), add() and end().

import { button, copied, labelled, make, NomoatElement } from "./element.js";
import { flow } from "./flow.js";
import { keeper } from "./keeper.js";
import { note } from "./message.js";
import { fresh, unique } from "./tree.js";
import { say } from "./words.js";

/** @typedef {import("./tree.js").Talk} Talk */

export class NomoatWrite extends NomoatElement {
  static observedAttributes = ["status"];

  #talk = fresh("text");
  #keeper = keeper("text", () => this.#talk);
  #text = make("textarea", { rows: 6, name: "text", dir: "auto", spellcheck: "false" });
  // one button for both, so that the focus stays where it is
  #go = button("goOn", () => this.#pressed(), { class: "main" });
  #back = button("back", () => this.#takeBack(), { class: "quiet" });
  #copy = button("copyText", () => void copied(this.#copy, this.#text.value, this.#said, this.#text), { class: "quiet" });
  #new = button("newText", () => this.start(), { class: "quiet" });
  #note = make("div", { class: "note" });
  #aloud = make("p", { class: "hidden", "aria-live": "polite" });
  #said = make("p", { class: "hidden", role: "status" });
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
      if (this.getAttribute("status") !== "busy") this.#continue();
    });
    this.#text.addEventListener("input", () => this.#changedText());
    this.#note.addEventListener("click", (event) => {
      const pressed = /** @type {HTMLElement} */ (event.target);
      if (pressed.dataset.hash) void copied(pressed, pressed.dataset.hash, this.#said);
    });
    this.append(
      say(make("p", { class: "aside" }), "baseModel"),
      label,
      this.#text,
      this.#keeper.note,
      make("div", { class: "row spread" }, this.#note, make("div", { class: "row" }, this.#new, this.#copy, this.#back, this.#go)),
      this.#aloud,
      this.#said,
    );
    this.#keeper.follow((talk) => !this.#flow && (talk ? this.open(talk) : this.forget()));
  }

  changed() {
    const status = this.getAttribute("status");
    const busy = status === "busy";
    say(this.#go, busy ? "stop" : "goOn");
    this.#go.disabled = !busy && status !== "idle";
    this.#back.hidden = busy || !this.#before.length;
    this.#new.hidden = this.#copy.hidden = busy || !this.#text.value;
    this.#text.readOnly = busy;
  }

  get record() {
    return this.#talk;
  }

  /** Whether anything is written. */
  get filled() {
    return Boolean(this.#text.value);
  }

  get text() {
    return this.#text.value;
  }

  set text(text) {
    this.#text.value = text;
    this.#changedText();
  }

  /** @param {Talk} talk */
  open(talk) {
    this.clear();
    this.#keeper.flush();
    this.#talk = talk;
    this.#before = [];
    this.#text.value = talk.text;
    this.#note.replaceChildren(...(talk.made ? [note(talk.made)] : []));
    this.#keeper.current();
    this.changed();
  }

  /** It was deleted: what is shown goes, and nothing is kept of it. */
  forget() {
    if (this.#flow) this.emit("nomoat-stop");
    this.#flow = undefined;
    this.#text.removeAttribute("aria-busy");
    this.#talk = fresh("text");
    this.open(this.#talk);
    this.emit("nomoat-started");
  }

  /** Begins another text; this one stays in the history. */
  start() {
    if (this.#flow) return;
    this.#keeper.now();
    this.open(fresh("text"));
    this.emit("nomoat-started");
    this.focus();
  }

  #changedText() {
    this.#talk.text = this.#text.value;
    this.#talk.updated = Date.now();
    this.#keeper.soon();
    this.changed();
  }

  #pressed() {
    if (this.getAttribute("status") === "busy") this.emit("nomoat-stop");
    else this.#continue();
  }

  #continue() {
    if (this.getAttribute("status") !== "idle") return;
    const prompt = this.#text.value || this.#text.placeholder;
    this.#before.push(this.#text.value);
    this.text = prompt;
    this.emit("nomoat-continue", { prompt });
  }

  #takeBack() {
    const before = this.#before.pop();
    if (before !== undefined) this.text = before;
    this.#note.replaceChildren();
    this.changed();
    this.focus();
  }

  /** @param {import("./tree.js").By} by */
  begin(by) {
    this.#talk.made = { id: unique(), parent: null, role: "assistant", content: "", at: Date.now(), by };
    this.#note.replaceChildren(say(make("p", { class: "aside" }), "writing"));
    this.#text.setAttribute("aria-busy", "true");
    this.#flow = flow((more) => {
      const atEnd = this.#text.scrollHeight - this.#text.scrollTop - this.#text.clientHeight < 48;
      // what is selected stays so, and a caret that is not at the end
      const end = this.#text.value.length;
      this.#text.setRangeText(more, end, end, this.#text.selectionStart === end ? "end" : "preserve");
      this.#changedText();
      if (atEnd) this.#text.scrollTop = this.#text.scrollHeight;
    }, this.#aloud);
  }

  /** @param {string} text */
  add(text) {
    this.#flow?.add(text);
  }

  /** @param {{ reason: string, stats?: import("../protocol.js").Stats }} how */
  end({ reason, stats }) {
    if (!this.#flow) return;
    this.#flow.end();
    this.#flow = undefined;
    this.#text.removeAttribute("aria-busy");
    const { made } = this.#talk;
    if (made) {
      made.reason = reason;
      if (stats) made.figures = { tokens: stats.generatedTokens, rate: stats.decodeTps, first: stats.firstTokenMs };
      this.#note.replaceChildren(note(made));
    }
    this.#talk.updated = Date.now();
    this.#keeper.now();
    this.changed();
  }

  /** The model is gone, and with it what it was writing; the text stays. */
  clear() {
    this.end({ reason: "abort" });
  }

  focus() {
    this.#text.focus();
  }
}
