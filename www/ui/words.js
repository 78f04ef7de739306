// How what the page says gets its words, in English and Chinese, and how numbers read in each.

import { HISTORY } from "./words/history.js";
import { OFFLINE } from "./words/offline.js";
import { PAGE } from "./words/page.js";
import { PROBLEM } from "./words/problem.js";
import { SHARE } from "./words/share.js";
import { SHELL } from "./words/shell.js";
import { TALK } from "./words/talk.js";

/** @typedef {"en" | "zh"} Language */

/** @typedef {Record<string, Record<Language, string>>} Words One table a feature, in words/. */

/** @type {Words} */
const WORDS = { ...PAGE, ...TALK, ...HISTORY, ...OFFLINE, ...PROBLEM, ...SHARE, ...SHELL };

/** Words of a page of its own. @param {Words} more */
export const learn = (more) => void Object.assign(WORDS, more);

/** @type {Language} */
let language = initial();
/** @type {WeakMap<Element, Map<string, [string, Record<string, string>]>>} */
const said = new WeakMap();

/** @returns {Language} */
function initial() {
  const kept = remembered();
  if (kept === "en" || kept === "zh") return kept;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

function remembered() {
  try {
    return localStorage.getItem("nomoat-language");
  } catch {
    return null; // storage is forbidden here
  }
}

/** The language of the page. */
export const current = () => language;

/** Goes to the other language; everything said with `say` follows. */
export function toggle() {
  language = language === "en" ? "zh" : "en";
  try {
    localStorage.setItem("nomoat-language", language);
  } catch {
    // it is not remembered then
  }
  for (const node of document.querySelectorAll("[data-said]")) for (const where of said.get(node)?.keys() ?? []) put(node, where);
  settle();
  document.dispatchEvent(new CustomEvent("nomoat-language"));
}

/** Tells the browser the language. */
export function settle() {
  document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
}

/** @param {string} key @param {Record<string, string>} [values] */
export function words(key, values = {}) {
  const entry = WORDS[key];
  return (entry?.[language] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

/** Whether there are words for `key`. @param {string} key */
export const known = (key) => key in WORDS;

/**
 * Gives `node` the words of `key`, now and when the language changes: as its text, or as the attribute `where`.
 * @template {Element} T @param {T} node @param {string} key @param {Record<string, string>} [values] @param {string} [where]
 * @returns {T}
 */
export function say(node, key, values = {}, where = "") {
  const all = said.get(node) ?? new Map();
  all.set(where, [key, values]);
  said.set(node, all);
  node.setAttribute("data-said", "");
  put(node, where);
  return node;
}

/** @param {Element} node @param {string} where */
function put(node, where) {
  const [key, values] = said.get(node)?.get(where) ?? ["", {}];
  const text = words(key, values);
  if (where) node.setAttribute(where, text);
  else node.textContent = text;
}

/** Takes the words from `node` again. @param {Element} node */
export function hush(node) {
  said.delete(node);
  node.textContent = "";
}

/** @param {number} value @param {Intl.NumberFormatOptions} [options] */
export function number(value, options) {
  return new Intl.NumberFormat(language, options).format(value);
}

/** Bytes in the unit that suits them: 0.8 MB, 12 MB, 3.1 GB. @param {number} bytes */
export function size(bytes) {
  const [unit, scale] = bytes >= 1e9 ? ["GB", 1e9] : ["MB", 1e6];
  const value = bytes / scale;
  return `${number(value, { maximumFractionDigits: value < 10 ? 1 : 0, minimumFractionDigits: value < 10 ? 1 : 0 })} ${unit}`;
}

/** 656 K, 1.1 B. @param {number} value */
export function compact(value) {
  return new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 }).format(value);
}

/** How long ago, in words. @param {number} time Milliseconds since 1970. */
export function ago(time) {
  const seconds = (time - Date.now()) / 1000;
  const units = /** @type {const} */ ([["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]]);
  const [unit, length] = units.find(([, length]) => Math.abs(seconds) >= length) ?? ["second", 1];
  return new Intl.RelativeTimeFormat(language, { numeric: "auto" }).format(Math.round(seconds / length), unit);
}

/** 40 s, 3 min, 2 h: the unit that suits. @param {number} seconds */
export function duration(seconds) {
  const units = /** @type {const} */ ([["hour", 3600], ["minute", 60], ["second", 1]]);
  const [unit, length] = units.find(([, length]) => seconds >= length) ?? ["second", 1];
  return number(Math.max(1, Math.round(seconds / length)), { style: "unit", unit, unitDisplay: "short" });
}
