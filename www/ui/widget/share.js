// Models that the widgets of a page have in common: one load and one instance for each source, given back when the last
// widget has left. Requests of several widgets wait for each other inside the engine.

import { load, store } from "../../nomoat.js";
import { NomoatError } from "../../protocol.js";
import { isSeedling, SEEDLING } from "../../seedling.js";
import { isReference } from "./consent.js";

/** @typedef {import("../../engine.js").Model} Model @typedef {import("../../engine.js").LoadProgress} LoadProgress */

/**
 * What happens to a model, said to every widget that has it.
 * @typedef {{ type: "loading" } | { type: "progress", progress: LoadProgress } | { type: "warning", code: string, message: string }
 *   | { type: "ready", model: Model } | { type: "failed", error: unknown } | { type: "halted" }} News
 */

/** @typedef {{ device?: any, contextLength?: number, sha256?: string }} Options */

/** @type {Map<string, Share>} */
const all = new Map();

/** The model of a source on this page. @param {string} source @param {Options} options */
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

  /** @param {string} key @param {string} source @param {Options} options */
  constructor(key, source, options) {
    this.#key = key;
    this.#source = source;
    this.#options = options;
  }

  get loading() {
    return Boolean(this.#stop);
  }

  /** Whether it is on this device, so that nothing is downloaded. */
  async stored() {
    const all = await store.list().catch(() => []);
    if (this.#source === "embedded") return all.some(({ complete, sha256, source }) => complete && isSeedling(source) && sha256 === SEEDLING.sha256);
    return all.some(({ complete, source }) => complete && (source === this.#source || (typeof source !== "string" && source[0]?.url === this.#source)));
  }

  /** What `load` takes: the address, with the hash that the file must have if one is given. */
  #pinned() {
    const { sha256 } = this.#options;
    if (!sha256 || this.#source === "embedded") return this.#source;
    if (isReference(this.#source) || this.#source.endsWith("/")) {
      throw new NomoatError("unsupported-field", "sha256 goes with the address of one file: on the hub, name a revision");
    }
    const name = decodeURIComponent(new URL(this.#source).pathname.split("/").at(-1) ?? "");
    return [{ name, url: this.#source, sha256: sha256.toLowerCase() }];
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
      const { device, contextLength } = this.#options;
      const model = await load(this.#pinned(), {
        ...{ device, contextLength },
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
