// <nomoat-trace>: what the engine logs, to copy into a report.

import { make, NomoatElement } from "./element.js";
import { say } from "./words.js";

/** Lines that are kept; of more, the newest. */
const LINES = 1000;

export class NomoatTrace extends NomoatElement {
  /** @type {string[]} */
  #lines = [];
  #text = make("pre", { tabindex: 0, role: "region" });
  #frame = 0;

  build() {
    say(this.#text, "trace", {}, "aria-label");
    this.append(make("section", {}, say(make("h2", {}), "trace"), this.#text));
    this.#paint();
  }

  get text() {
    return this.#lines.join("\n");
  }

  /** @param {string} line */
  line(line) {
    this.#lines.push(line);
    if (this.#lines.length > 2 * LINES) this.#lines = this.#lines.slice(-LINES);
    this.#frame ||= requestAnimationFrame(() => this.#paint());
  }

  #paint() {
    this.#frame = 0;
    this.hidden = !this.#lines.length;
    this.#text.textContent = this.text;
  }
}
