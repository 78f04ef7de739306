// <nomoat-progress name phase done total rate>: how far loading is. Emits nomoat-cancel.

import { button, make, NomoatElement } from "./element.js";
import { duration, say, size, words } from "./words.js";

export class NomoatProgress extends NomoatElement {
  static observedAttributes = ["name", "phase", "done", "total", "rate"];

  #title = make("h2", {});
  #phase = make("p", { class: "phase", role: "status" });
  #figures = make("p", { class: "figures" });
  #bar = make("progress", { max: 1 });
  #said = "";

  build() {
    say(this.#bar, "phase_weights", {}, "aria-label");
    this.append(
      this.#title,
      this.#bar,
      make("div", { class: "row spread" }, make("div", {}, this.#phase, this.#figures), button("cancel", () => this.emit("nomoat-cancel"))),
    );
  }

  changed() {
    say(this.#title, "loading", { name: this.getAttribute("name") ?? "" });
    const [done, total, rate] = ["done", "total", "rate"].map((name) => Number(this.getAttribute(name) ?? 0));
    const phase = `phase_${this.getAttribute("phase") || "start"}`;
    // announced when it changes, not at every byte
    if (this.#said !== phase) say(this.#phase, phase);
    this.#said = phase;
    if (total > 0) this.#bar.value = done / total;
    else this.#bar.removeAttribute("value");
    const parts = total > 0 ? [`${size(done)} / ${size(total)}`] : ["\u00a0"];
    if (total > 0 && rate > 0) parts.push(`${size(rate)}/s`);
    // the first seconds tell little
    if (total - done > 5 * rate && rate > 0) parts.push(words("left", { time: duration((total - done) / rate) }));
    this.#figures.textContent = parts.join(" · ");
  }
}
