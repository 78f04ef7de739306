// <nomoat-openness>: what the openness ledger knows of a model, or of two side by side. How that is drawn comes when it is wanted.

import { NomoatElement } from "./element.js";

/**
 * @typedef {object} Shown
 * @property {any} source
 * @property {string} name
 * @property {any} [card] What its files state.
 * @property {any} [hub] What its page on a hub states.
 * @property {boolean} [ask] Before it is downloaded: in short, and with a question where its use is restricted.
 */

export class NomoatOpenness extends NomoatElement {
  /** @type {Shown | {} | undefined} */
  #of;
  #turn = 0;

  /** @param {Shown | {} | undefined} of Nothing: two models that are chosen here. @returns {Promise<void>} */
  show(of) {
    this.#of = of;
    return this.#draw();
  }

  /** As a panel of its own. */
  shown() {
    void this.show({});
  }

  changed() {
    void this.#draw();
  }

  async #draw() {
    const turn = ++this.#turn;
    const of = this.#of;
    const nodes = of ? await import("./openness/draw.js").then(({ draw }) => draw(of)).catch(() => []) : [];
    if (turn === this.#turn) this.replaceChildren(...nodes);
  }
}
