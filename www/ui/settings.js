// <nomoat-settings>: how the model writes; property `fields` gives them as a request has them.

import { labelled, make, NomoatElement } from "./element.js";
import { say } from "./words.js";

/** @type {[string, string, string, Record<string, string>][]} field, words, hint, attributes */
const FIELDS = [
  ["temperature", "temperature", "temperatureHint", { min: "0", max: "5", step: "any" }],
  ["max_tokens", "maxTokens", "", { min: "1", step: "1" }],
  ["seed", "seed", "seedHint", { min: "0", step: "1" }],
];

export class NomoatSettings extends NomoatElement {
  /** @type {Map<string, HTMLInputElement>} */
  #inputs = new Map();

  build() {
    const grid = make("div", { class: "grid" });
    for (const [field, key, hint, attributes] of FIELDS) {
      const input = make("input", { type: "number", inputmode: "decimal", name: field, ...attributes });
      say(input, "byModel", {}, "placeholder");
      const cell = make("div", {}, labelled(key, input), input);
      if (hint) {
        const note = say(make("span", { class: "aside", id: `${input.id}-hint` }), hint);
        input.setAttribute("aria-describedby", note.id);
        cell.append(note);
      }
      this.#inputs.set(field, input);
      grid.append(cell);
    }
    const seed = this.#inputs.get("seed");
    if (seed) say(seed, "seedHint", {}, "placeholder");
    this.append(make("details", {}, say(make("summary", {}), "how"), grid));
  }

  /** @returns {Record<string, number>} */
  get fields() {
    /** @type {Record<string, number>} */
    const fields = {};
    for (const [name, input] of this.#inputs) {
      if (input.value !== "" && input.validity.valid) fields[name] = input.valueAsNumber;
    }
    return fields;
  }
}
