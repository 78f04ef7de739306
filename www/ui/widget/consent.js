// What a visitor is told before a byte of a model is asked for, and what they agreed to on this site before.

import { parse } from "../../hub.js";

const KEY = "nomoat-consent";

/** Whether it names a model on the hub. @param {string} model */
export const isReference = (model) => parse(model) !== null;

/**
 * Where a model's bytes come from: what `load` takes.
 * @param {string} model @param {string} src @param {string} revision
 */
export function sourceOf(model, src, revision) {
  if (!src && isReference(model)) return revision && !parse(model)?.revision ? `${model}@${revision}` : model;
  return src || model ? new URL(src || model, document.baseURI).href : "";
}

/** The host of a source; empty if it is this site's own. @param {string} source */
export function hostOf(source) {
  if (isReference(source)) return "huggingface.co";
  const { host, origin, protocol } = new URL(source);
  return origin === location.origin || !protocol.startsWith("http") ? "" : host;
}

/** What a model is called before its file says so. @param {string} source */
export function nameOf(source) {
  const last = (parse(source)?.repo ?? source.replace(/[?#].*$/, "")).split("/").filter(Boolean).at(-1) ?? "";
  return decodeURIComponent(last).replace(/\.(gguf|safetensors)$/i, "");
}

/** @returns {string[]} */
function agreed() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(kept) ? kept : [];
  } catch {
    return []; // storage is forbidden here, or what it holds is not ours
  }
}

/** Whether this visitor agreed to this source on this site. @param {string} source */
export const hasAgreed = (source) => agreed().includes(source);

/** @param {string} source */
export function remember(source) {
  try {
    localStorage.setItem(KEY, JSON.stringify([...new Set([...agreed(), source])].slice(-50)));
  } catch {
    // it is asked again next time
  }
}

/** Whether the visitor asked the browser to save data. */
export const metered = () => Boolean(/** @type {any} */ (navigator).connection?.saveData);
