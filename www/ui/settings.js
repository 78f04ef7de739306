// <nomoat-settings>: how the model writes, kept in this browser; property `fields` gives it as a request has it.

import { button, labelled, make, NomoatElement } from "./element.js";
import { say } from "./words.js";

const KEPT = "nomoat-sampling";

/** @type {[string, string, string, Record<string, string>][]} field, words, hint, attributes */
const FIELDS = [
  ["temperature", "temperature", "temperatureHint", { min: "0", max: "5", step: "any" }],
  ["top_p", "topP", "topPHint", { min: "0", max: "1", step: "any" }],
  ["top_k", "topK", "topKHint", { min: "0", step: "1" }],
  ["min_p", "minP", "minPHint", { min: "0", max: "1", step: "any" }],
  ["repetition_penalty", "repetition", "repetitionHint", { min: "0.01", max: "10", step: "any" }],
  ["presence_penalty", "presence", "penaltyHint", { min: "-2", max: "2", step: "any" }],
  ["frequency_penalty", "frequency", "penaltyHint", { min: "-2", max: "2", step: "any" }],
  ["max_tokens", "maxTokens", "", { min: "1", step: "1" }],
  ["seed", "seed", "", { min: "0", max: "4294967295", step: "1" }],
];

export class NomoatSettings extends NomoatElement {
  /** @type {Map<string, HTMLInputElement>} */
  #inputs = new Map();

  build() {
    const grid = make("div", { class: "grid" });
    const kept = remembered();
    for (const [field, key, hint, attributes] of FIELDS) {
      const input = make("input", { type: "number", inputmode: "decimal", name: field, autocomplete: "off", ...attributes });
      say(input, field === "seed" ? "seedHint" : "byModel", {}, "placeholder");
      const value = kept[field];
      if (typeof value === "number") input.value = String(value);
      input.addEventListener("input", () => this.#keep());
      const cell = make("div", {}, labelled(key, input), input);
      if (hint) {
        const note = say(make("span", { class: "aside", id: `${input.id}-hint` }), hint);
        input.setAttribute("aria-describedby", note.id);
        cell.append(note);
      }
      this.#inputs.set(field, input);
      grid.append(cell);
    }
    const foot = make("div", { class: "row spread" }, say(make("p", { class: "aside" }), "keptHere"), button("reset", () => this.#reset(), { class: "quiet" }));
    this.append(make("details", {}, say(make("summary", {}), "how"), grid, foot));
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

  #keep() {
    for (const input of this.#inputs.values()) input.setAttribute("aria-invalid", String(!input.validity.valid));
    try {
      localStorage.setItem(KEPT, JSON.stringify(this.fields));
    } catch {
      // they are not remembered then
    }
  }

  #reset() {
    for (const input of this.#inputs.values()) input.value = "";
    this.#keep();
  }
}

/** @returns {Record<string, unknown>} */
function remembered() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEPT) ?? "{}");
    return kept && typeof kept === "object" ? kept : {};
  } catch {
    return {}; // storage is forbidden here, or holds something else
  }
}
