// <nomoat-composer status="none | loading | idle | busy | unfit">: where a message is written, also before there is a model
// to send it to. Emits nomoat-send { content }, nomoat-stop, nomoat-edit-last and nomoat-draft.

import { button, labelled, make, NomoatElement } from "./element.js";
import { number, say, size, words } from "./words.js";

const DRAFT = "nomoat-draft";
/** A second press within this is a double one, and no Stop. */
const TWICE_MS = 400;

/** What is said of a message that cannot be sent yet. @param {string} status */
export const waits = (status) => ({ none: "waitsNone", unfit: "waitsUnfit" })[status] ?? "waits";

/** @typedef {{ used?: number, total?: number, rate?: number, memory?: number }} Figures */

export class NomoatComposer extends NomoatElement {
  static observedAttributes = ["status"];

  #input = make("textarea", { rows: 1, name: "message", dir: "auto", enterkeyhint: "send" });
  // one button for both, so that the focus stays where it is when an answer begins and ends
  #go = make("button", { type: "submit", class: "main" });
  #wait = make("div", { class: "row waits" });
  #waiting = false;
  #meter = make("meter", { min: 0, max: 1, low: 0.75, high: 0.9, optimum: 0 });
  #figures = make("p", { class: "figures" });
  #full = say(make("p", { class: "aside warning", role: "status" }), "sendsFull");
  /** @type {Figures} */
  #known = {};
  /** When Stop came. */
  #since = -Infinity;

  build() {
    const form = make("form", { class: "composer" });
    say(this.#input, "messageHint", {}, "placeholder");
    say(this.#meter, "meterLabel", {}, "aria-label");
    const label = labelled("message", this.#input);
    label.className = "hidden";
    const keys = say(make("p", { class: "aside fine-pointer" }), "keys");
    this.#full.hidden = true;
    form.append(
      this.#full,
      label,
      this.#input,
      this.#wait,
      make("div", { class: "row spread" }, make("div", {}, make("div", { class: "context" }, this.#meter, this.#figures), keys), this.#go),
    );
    this.#wait.setAttribute("role", "status");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (performance.now() - this.#since < TWICE_MS) return;
      if (this.getAttribute("status") === "busy") this.emit("nomoat-stop");
      else this.#send();
    });
    this.#input.addEventListener("keydown", (event) => {
      // while an input method is open, its keys belong to it
      if (event.isComposing || event.keyCode === 229) return;
      if (event.key === "ArrowUp" && !this.#input.value) {
        event.preventDefault();
        this.emit("nomoat-edit-last");
      }
      if (event.key !== "Enter" || event.shiftKey) return;
      event.preventDefault();
      if (this.getAttribute("status") !== "busy") this.#send();
    });
    this.#input.addEventListener("input", () => this.#keep());
    this.#input.value = remembered() ?? "";
    this.append(form);
  }

  changed() {
    const status = this.getAttribute("status") ?? "none";
    if (this.#waiting && status === "idle") {
      this.#send();
      return;
    }
    const busy = status === "busy";
    const key = busy ? "stop" : "send";
    if (this.#go.dataset.act !== key) this.#since = busy ? performance.now() : -Infinity;
    this.#go.dataset.act = key;
    say(this.#go, key);
    const why = waits(status);
    if (this.#waiting && this.#wait.dataset.why !== why) {
      const stop = button("waitsStop", () => this.#hold(), { class: "quiet" });
      this.#wait.replaceChildren(say(make("p", { class: "aside" }), why), stop);
      this.#wait.dataset.why = why;
    }
    if (!this.#waiting) this.#quiet();
    this.#write();
  }

  /** @returns {void} */
  #send() {
    const content = this.#input.value.trim();
    this.#waiting = Boolean(content) && this.getAttribute("status") !== "idle";
    if (!content || this.#waiting) return this.changed();
    this.draft = "";
    this.#quiet();
    this.emit("nomoat-send", { content });
  }

  /** What waits shall not be sent. */
  #hold() {
    this.#waiting = false;
    this.changed();
    this.focus();
  }

  #quiet() {
    this.#wait.replaceChildren();
    delete this.#wait.dataset.why;
  }

  get draft() {
    return this.#input.value;
  }

  set draft(text) {
    this.#input.value = text;
    this.#keep();
  }

  #keep() {
    if (!this.#input.value.trim()) {
      this.#waiting = false;
      this.#quiet();
    }
    try {
      sessionStorage.setItem(DRAFT, this.#input.value);
    } catch {
      // it is not remembered then
    }
    this.emit("nomoat-draft");
  }

  /** What is known of the context, the pace and the memory; what is not named stays. @param {Figures} figures */
  tell(figures) {
    this.#known = { ...this.#known, ...figures };
    this.#write();
  }

  /** Tokens of the context in use, as far as known. */
  get used() {
    return this.#known.used ?? 0;
  }

  #write() {
    const { used, total, rate, memory } = this.#known;
    const whole = { maximumFractionDigits: 0 };
    const parts = [];
    const measured = used !== undefined && Boolean(total);
    if (measured) {
      const share = Math.min(1, used / /** @type {number} */ (total));
      this.#meter.value = share;
      const left = Math.max(0, /** @type {number} */ (total) - used);
      parts.push(words("meter", { used: number(used, whole), total: number(/** @type {number} */ (total), whole), left: number(left, whole) }));
      this.#meter.title = parts[0];
      this.#meter.textContent = parts[0];
    }
    this.#meter.hidden = !measured;
    if (measured) say(this.#full, used > /** @type {number} */ (total) ? "sendsOver" : "sendsFull");
    this.#full.hidden = !measured || used < 0.9 * /** @type {number} */ (total);
    if (rate) parts.push(words("meterRate", { rate: number(rate, { maximumFractionDigits: 1 }) }));
    if (memory) parts.push(words("memory", { size: size(memory) }));
    this.#figures.textContent = parts.join(" · ");
  }

  focus() {
    this.#input.focus();
  }
}

function remembered() {
  try {
    return sessionStorage.getItem(DRAFT);
  } catch {
    return null; // storage is forbidden here
  }
}
