// <nomoat-trace>: what the engine logs, to copy into a report; shown with ?log=.

import { button, make, NomoatElement } from "./element.js";
import { say } from "./words.js";

export class NomoatTrace extends NomoatElement {
  #text = make("pre", { tabindex: 0 });
  #done = make("span", { class: "aside", role: "status" });

  build() {
    say(this.#text, "trace", {}, "aria-label");
    this.#text.setAttribute("role", "region");
    const copy = button("copy", async () => {
      try {
        await navigator.clipboard.writeText(this.#text.textContent ?? "");
        say(this.#done, "copied");
      } catch {
        // not allowed to write there: select it, so that one key copies it
        getSelection()?.selectAllChildren(this.#text);
      }
    });
    this.append(make("div", { class: "row spread" }, say(make("h2", {}), "trace"), make("div", { class: "row" }, this.#done, copy)), this.#text);
  }

  /** @param {string} line */
  line(line) {
    this.#text.append(`${line}\n`);
  }
}
