// <nomoat-start status="loading | ready | busy">: what the model that came with the page is, and prompts to begin with, which
// can be changed before they are sent. Emits nomoat-suggest { text }.

import { SEEDLING } from "../seedling.js";
import { embeddedName } from "../thread.js";
import { button, make, NomoatElement } from "./element.js";
import { say, size } from "./words.js";

const PROMPTS = ["seedling_1", "seedling_2", "seedling_3"];

export class NomoatStart extends NomoatElement {
  static observedAttributes = ["status"];

  #what = make("p", { class: "aside" });
  #state = make("p", { class: "aside", role: "status" });
  #prompts = make("div", { class: "row prompts", role: "group" });

  build() {
    say(this.#prompts, "seedlingTry", {}, "aria-label");
    for (const key of PROMPTS) {
      const prompt = button(key, () => this.emit("nomoat-suggest", { text: prompt.textContent }));
      this.#prompts.append(prompt);
    }
    this.append(make("div", { class: "row" }, this.#what, this.#state), this.#prompts);
  }

  changed() {
    // another model may have been put inside the single file
    const own = embeddedName() === SEEDLING.file;
    this.#what.hidden = !own;
    this.#prompts.hidden = !own;
    say(this.#what, "seedlingIs", { name: SEEDLING.title, size: size(SEEDLING.size) });
    say(this.#state, this.getAttribute("status") === "loading" ? "seedlingLoading" : "seedlingReady");
  }
}
