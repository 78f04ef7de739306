// What the page's elements share: nodes made without markup, where they stand, what was copied, events that leave an element.

import { copy } from "./copy.js";
import { make } from "./make.js";
import { say, words } from "./words.js";

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

/** Makes `nodes` the children of `place`: what is there already is not moved, since that would lose the focus. @param {Element} place @param {Element[]} nodes */
export function arrange(place, nodes) {
  for (const node of [...place.children]) if (!nodes.includes(node)) node.remove();
  nodes.forEach((node, i) => place.children[i] !== node && place.insertBefore(node, place.children[i] ?? null));
}

/** How long a button says what came of it. */
const DONE_MS = 4000;

/**
 * Copies, and says aloud and on the button whether it could; where not, `from` is selected, so that one key copies it.
 * @param {HTMLElement} pressed @param {string} text @param {HTMLElement} aloud @param {Element | null} [from]
 */
export async function copied(pressed, text, aloud, from) {
  const done = await copy(text);
  const key = done ? "copied" : "copyFailed";
  say(aloud, key);
  pressed.dataset.done = words(key);
  setTimeout(() => delete pressed.dataset.done, DONE_MS);
  if (done || !from) return;
  if (!(from instanceof HTMLTextAreaElement)) return getSelection()?.selectAllChildren(from);
  from.focus();
  from.select();
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
