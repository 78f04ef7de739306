// The widget's attributes and the properties that reflect them.

/** Those that are texts: property, attribute. */
const TEXTS = {
  ...{ model: "model", src: "src", revision: "revision", sha256: "sha256", device: "device", licence: "licence" },
  ...{ placeholder: "placeholder", system: "system", theme: "theme", name: "name", autoload: "autoload" },
  ...{ samplingMode: "sampling-mode", maxTokens: "max-tokens", contextLength: "context-length", size: "size" },
};
/** Those that are there or not. */
const FLAGS = { disabled: "disabled", readOnly: "readonly", required: "required", persist: "persist" };

export const ATTRIBUTES = [...Object.values(TEXTS), ...Object.values(FLAGS), "lang", "dir"];

/** @typedef {HTMLElement & Record<keyof typeof TEXTS, string> & Record<keyof typeof FLAGS, boolean>} Attributed */

/** An element with these properties. @type {new () => Attributed} */
export const Attributed = /** @type {any} */ (class extends HTMLElement {});

for (const [property, attribute] of Object.entries(TEXTS)) {
  Object.defineProperty(Attributed.prototype, property, {
    get() {
      return this.getAttribute(attribute) ?? "";
    },
    set(value) {
      if (value === null || value === undefined) this.removeAttribute(attribute);
      else this.setAttribute(attribute, String(value));
    },
  });
}
for (const [property, attribute] of Object.entries(FLAGS)) {
  Object.defineProperty(Attributed.prototype, property, {
    get() {
      return this.hasAttribute(attribute);
    },
    set(value) {
      this.toggleAttribute(attribute, Boolean(value));
    },
  });
}

/** Takes what was put on an element before it became one of ours. @param {any} element */
export function claim(element) {
  for (const property of [...Object.keys(TEXTS), ...Object.keys(FLAGS), "messages", "engine"]) {
    if (!Object.hasOwn(element, property)) continue;
    const value = element[property];
    delete element[property];
    element[property] = value;
  }
}
