// The widget as a field of a form: its value, whether it is missing, and what screen readers call it.

import { Attributed } from "./attributes.js";

/**
 * @typedef {object} Told What an element tells of itself.
 * @property {string} label Its name for screen readers; not in the tree, so that no style of a host takes it away.
 * @property {string} value
 * @property {string} state What is restored.
 * @property {string} missing Why it is not valid; empty if it is.
 * @property {HTMLElement} anchor Where that is shown.
 */

export class Field extends Attributed {
  static formAssociated = true;
  #internals = this.attachInternals();
  #off = false;

  /** @param {Field} field @param {Told} told */
  static tell(field, { label, value, state, missing, anchor }) {
    const internals = field.#internals;
    internals.role = "group";
    internals.ariaLabel = label;
    internals.setFormValue(value || null, state);
    internals.setValidity(missing ? { valueMissing: true } : {}, missing, anchor);
  }

  /** Whether it, or what it stands in, is disabled. @param {Field} field */
  static off(field) {
    return field.#off || field.disabled;
  }

  get form() {
    return this.#internals.form;
  }

  get validity() {
    return this.#internals.validity;
  }

  get validationMessage() {
    return this.#internals.validationMessage;
  }

  get willValidate() {
    return this.#internals.willValidate;
  }

  checkValidity() {
    return this.#internals.checkValidity();
  }

  reportValidity() {
    return this.#internals.reportValidity();
  }

  formResetCallback() {
    this.clear();
  }

  /** @param {boolean} disabled */
  formDisabledCallback(disabled) {
    this.#off = disabled;
    this.attributeChangedCallback();
  }

  /** Forgets the value. */
  clear() {}

  /** Follows what has changed. */
  attributeChangedCallback() {}
}
