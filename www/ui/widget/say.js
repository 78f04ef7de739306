// What Markdown's nodes say in a widget, in its language. A bundle has this in the place of the page's words.

import { speaker } from "../words/widget.js";

let now = speaker("en");

/** In which language the next nodes speak. @param {import("../words/widget.js").Speaker} next */
export function speaking(next) {
  now = next;
}

/**
 * @template {Element} T @param {T} node @param {string} key @param {Record<string, string>} [values] @param {string} [where]
 * @returns {T}
 */
export function say(node, key, values = {}, where = "") {
  if (where) node.setAttribute(where, now.say(key, values));
  else node.textContent = now.say(key, values);
  return node;
}
