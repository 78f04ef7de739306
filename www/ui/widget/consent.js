// What a visitor is told before a byte of a model is asked for, and what they agreed to on this site before.

import { parse } from "../../hub.js";
import { SEEDLING } from "../../seedling.js";
import { embedded } from "../../thread.js";

const KEY = "nomoat-consent";

/** Whether it names a model on the hub. @param {string} model */
export const isReference = (model) => parse(model) !== null;

/**
 * Where a model's bytes come from: what `load` takes. A site that names none has the one that comes with the script, if that is any good.
 * @param {string} model @param {string} src @param {string} revision
 */
export function sourceOf(model, src, revision) {
  if (!src && (model === "embedded" || (!model && SEEDLING.passes))) return "embedded";
  if (!src && isReference(model)) return revision && !parse(model)?.revision ? `${model}@${revision}` : model;
  return src || model ? new URL(src || model, document.baseURI).href : "";
}

/** The host of a source; empty if it is this site's own. @param {string} source */
export function hostOf(source) {
  if (isReference(source)) return "huggingface.co";
  const [own] = (source === "embedded" && embedded()) || [];
  const { host, origin, protocol } = new URL(own && "url" in own ? own.url : source);
  return origin === location.origin || !protocol.startsWith("http") ? "" : host;
}

/** What a model is called before its file says so. @param {string} source */
export function nameOf(source) {
  if (source === "embedded") return SEEDLING.title;
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

/** What is agreed to: also whom the model that comes with the script is asked of. @param {string} source */
function placeOf(source) {
  const [own] = (source === "embedded" && embedded()) || [];
  return own && "url" in own ? own.url.split("?")[0] : source;
}

/** Whether this visitor agreed to this source on this site. @param {string} source */
export const hasAgreed = (source) => agreed().includes(placeOf(source));

/** @param {string} source */
export function remember(source) {
  try {
    localStorage.setItem(KEY, JSON.stringify([...new Set([...agreed(), placeOf(source)])].slice(-50)));
  } catch {
    // it is asked again next time
  }
}

/** Whether the visitor asked the browser to save data. */
export const metered = () => Boolean(/** @type {any} */ (navigator).connection?.saveData);
