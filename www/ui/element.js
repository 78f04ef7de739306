// What the page's elements share: nodes made without markup, and events that leave an element.

import { make } from "./make.js";
import { say } from "./words.js";

export { make };

/**
 * A button with words.
 * @param {string} key @param {() => void} pressed @param {Record<string, string | boolean>} [attributes]
 */
export function button(key, pressed, attributes = {}) {
  const node = say(make("button", { type: "button", ...attributes }), key);
  node.addEventListener("click", pressed);
  return node;
}

let ids = 0;
/** A labelled control: label and control, joined by an id. @param {string} key @param {HTMLElement} control */
export function labelled(key, control) {
  control.id ||= `nm-${++ids}`;
  return say(make("label", { for: control.id }), key);
}

/** An element of the page: built once, then driven by attributes; what it has to say are events. */
export class NomoatElement extends HTMLElement {
  #built = false;

  connectedCallback() {
    if (this.#built) return;
    this.#built = true;
    this.build();
    document.addEventListener("nomoat-language", () => this.changed());
    this.changed();
  }

  attributeChangedCallback() {
    if (this.#built) this.changed();
  }

  /** Makes the children. */
  build() {}

  /** Follows the attributes and the language. */
  changed() {}

  /** @param {string} name @param {unknown} [detail] */
  emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }
}
