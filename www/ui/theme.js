// Light, dark, or as the device has it; the browser's own frame follows.

import { kept, keep } from "./kept.js";

const KEY = "nomoat-theme";
const THEMES = /** @type {const} */ (["auto", "light", "dark"]);
/** What stands in the page's head, by scheme. */
const HEADS = [...document.querySelectorAll('meta[name="theme-color"]')].map((meta) => ({ meta, media: meta.getAttribute("media") ?? "" }));

/** @returns {(typeof THEMES)[number]} */
export function theme() {
  return THEMES.find((name) => name === kept(KEY)) ?? "auto";
}

/** Goes on to the next. */
export function nextTheme() {
  keep(KEY, THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length]);
  wear();
}

/** Puts the theme on. */
export function wear() {
  const name = theme();
  if (name === "auto") document.documentElement.removeAttribute("data-theme");
  else document.documentElement.setAttribute("data-theme", name);
  for (const { meta, media } of HEADS) meta.setAttribute("media", name === "auto" ? media : media.includes(name) ? "all" : "not all");
}
