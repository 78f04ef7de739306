// Models that the widgets of a page have in common: one load and one instance for each source, given back when the last
// widget has left. Requests of several widgets wait for each other inside the engine.

import { load } from "../../nomoat.js";

/** @typedef {import("../../engine.js").Model} Model @typedef {import("../../engine.js").LoadProgress} LoadProgress */

/**
 * What happens to a model, said to every widget that has it.
 * @typedef {{ type: "loading" } | { type: "progress", progress: LoadProgress } | { type: "warning", code: string, message: string }
 *   | { type: "ready", model: Model } | { type: "failed", error: unknown } | { type: "halted" }} News
 */

/** @type {Map<string, Share>} */
const all = new Map();

/** The model of a source on this page. @param {string} source @param {object} options */
export function shared(source, options) {
  const key = JSON.stringify([source, options]);
  let found = all.get(key);
  if (!found) all.set(key, (found = new Share(key, source, options)));
  return found;
}

class Share {
  /** @type {Set<(news: News) => void>} */
  #ears = new Set();
  /** @type {AbortController | undefined} */
  #stop;
  #key;
  #source;
  #options;

  /** @type {Model | undefined} */
  model;

  /** @param {string} key @param {string} source @param {object} options */
  constructor(key, source, options) {
    this.#key = key;
    this.#source = source;
    this.#options = options;
  }

  get loading() {
    return Boolean(this.#stop);
  }

  /** @param {(news: News) => void} hear */
  join(hear) {
    this.#ears.add(hear);
  }

  /** @param {(news: News) => void} hear */
  leave(hear) {
    this.#ears.delete(hear);
    // an element that is moved leaves and joins in one turn
    setTimeout(() => {
      if (this.#ears.size) return;
      if (all.get(this.#key) === this) all.delete(this.#key);
      this.#stop?.abort();
      void this.model?.unload();
    });
  }

  /** @param {News} news */
  #tell(news) {
    for (const hear of [...this.#ears]) hear(news);
  }

  /** Begins to load, unless that is under way or done. */
  async load() {
    if (this.model || this.#stop) return;
    const stop = new AbortController();
    this.#stop = stop;
    this.#tell({ type: "loading" });
    try {
      const model = await load(this.#source, {
        ...this.#options,
        signal: stop.signal,
        onProgress: (progress) => this.#tell({ type: "progress", progress }),
        onWarning: ({ code, message }) => this.#tell({ type: "warning", code, message }),
      });
      if (this.#stop !== stop) return void model.unload();
      this.#stop = undefined;
      this.model = model;
      this.#tell({ type: "ready", model });
    } catch (error) {
      // a load that was halted has been told of already
      if (this.#stop !== stop) return;
      this.#stop = undefined;
      this.#tell({ type: "failed", error });
    }
  }

  /** Ends a load that is under way. */
  halt() {
    const stop = this.#stop;
    if (!stop) return;
    this.#stop = undefined;
    stop.abort();
    this.#tell({ type: "halted" });
  }

  /** The model is gone: what it was is freed, and it may be loaded again. @param {unknown} error */
  lose(error) {
    const model = this.model;
    if (!model) return;
    this.model = undefined;
    void model.unload();
    this.#tell({ type: "failed", error });
  }
}
