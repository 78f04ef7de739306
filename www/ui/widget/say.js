// How Markdown's nodes get the widget's words. A bundle has this in the place of the page's.

import { speaker } from "../words/widget.js";

/** In the language of a speaker. @param {import("../words/widget.js").Speaker} speaker */
export const saying =
  ({ say }) =>
  /**
   * @template {Element} T @param {T} node @param {string} key @param {Record<string, string>} [values] @param {string} [where]
   * @returns {T}
   */
  (node, key, values = {}, where = "") => {
    if (where) node.setAttribute(where, say(key, values));
    else node.textContent = say(key, values);
    return node;
  };

export const say = saying(speaker("en"));
