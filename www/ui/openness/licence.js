// The licences of a stored model, as they were when it was downloaded, readable when their origin is gone; and, for who asks, what
// their repository has now. Nothing is asked of anybody before the button is pressed.

import { ask, keep, nameOf, originOf, storedOf, textOf } from "../../licences.js";
import { licence } from "../../store.js";
import { HUB } from "../lookup.js";
import { make } from "../make.js";
import { OPENNESS } from "../words/openness.js";
import { aside, link, say } from "./cells.js";
import { folded, today } from "./parts.js";

/** @typedef {import("../../store.js").Stored} Stored @typedef {import("../../store.js").Licence} Licence @typedef {import("../../licences.js").Found} Found */

/** Lines around what differs. */
const AROUND = 2;

/** @param {string} key @param {Record<string, any>} [values] */
const words = (key, values) => say(OPENNESS[key], values);

/** @param {number | null} time */
const day = (time) => (time ? new Date(time).toISOString().slice(0, 10) : "?");

/** @param {any} error */
const codeOf = ({ code }) => code || "internal";

/** Nothing where the source is no stored model. @param {string} source @returns {Promise<Node[]>} */
export async function licences(source) {
  const stored = await storedOf(source, HUB).catch(() => undefined);
  if (!stored || source === "embedded") return [];
  const section = make("section", { class: "licences" });
  await fillIn(section, stored);
  return [section];
}

/** @param {HTMLElement} section @param {Stored} stored */
async function fillIn(section, stored) {
  const origin = originOf(stored, HUB);
  const here = stored.licences.filter(({ sha256 }) => sha256);
  // what could be had later counts
  const missed = stored.licences.filter(({ name, sha256 }) => !sha256 && !here.some((one) => nameOf(one.name) === nameOf(name)));
  const none = !origin ? "address" : stored.listed === null ? "unasked" : stored.licences.length ? "" : "none";
  const state = make("p", { class: "aside", role: "status" });
  const found = make("div", { class: "graded" });
  section.replaceChildren(
    make("h2", {}, words("texts")),
    ...(none && !here.length ? [aside(words(none, { date: day(stored.listed) }))] : []),
    ...(await Promise.all(here.map((one) => shown(stored, one)))),
    ...missed.map(({ name, why }) => aside(words(why === "too-big" ? "big" : "missed", { name: nameOf(name), why: why ?? "…" }))),
  );
  if (origin) section.append(checker(section, stored, origin, state, found), state, found);
}

/** @param {Stored} stored @param {Licence} one */
async function shown({ key }, { name, url, sha256, at }) {
  const bytes = await licence(key, name).catch(() => null);
  const text = bytes && textOf(bytes);
  const title = words("kept", { name: nameOf(name), date: day(at) });
  const body = text === null ? aside(words(bytes ? "notText" : "damaged")) : plain(`${title}, ${sha256?.slice(0, 12)}`, text);
  return folded(title, aside(words("from", { url })), make("p", { class: "hash" }, `SHA-256 ${sha256}`), body);
}

/** What somebody else wrote: text, whatever is in it. @param {string} title @param {string} text */
const plain = (title, text) => make("pre", { tabindex: 0, role: "region", "aria-label": title }, text);

/**
 * The button that asks the repository.
 * @param {HTMLElement} section @param {Stored} stored @param {NonNullable<ReturnType<typeof originOf>>} origin
 * @param {HTMLElement} state @param {HTMLElement} found
 */
function checker(section, stored, origin, state, found) {
  const { host } = new URL(origin.hub);
  const button = make("button", { type: "button" }, words("check", { host }));
  button.addEventListener("click", async () => {
    button.disabled = true;
    state.className = "aside";
    state.textContent = words("asking", { host });
    try {
      const now = await ask(origin);
      const { lines, nodes, fresh } = await compared(stored, now, host);
      state.textContent = lines.join("\n");
      state.className = nodes.length ? "caution" : "aside";
      found.replaceChildren(...nodes, ...(fresh.length ? [keeper(section, stored, { ...now, licences: fresh }, state)] : []));
    } catch (error) {
      found.replaceChildren();
      state.textContent = words("failedAsk", { host, why: codeOf(error) });
    }
    button.disabled = false;
  });
  return make("div", { class: "row" }, button);
}

/** @param {HTMLElement} section @param {Stored} stored @param {{ revision: string, licences: Found[] }} fresh @param {HTMLElement} state */
function keeper(section, stored, fresh, state) {
  const button = make("button", { type: "button" }, words("keep"));
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await keep(stored, fresh, (sent) => section.dispatchEvent(new CustomEvent("nomoat-request", { detail: sent, bubbles: true })));
      const again = await storedOf(/** @type {string} */ (stored.source), HUB);
      if (again) await fillIn(section, again);
      section.querySelector("button")?.focus();
    } catch (error) {
      state.textContent = words("failedKeep", { why: codeOf(error) });
      button.disabled = false;
    }
  });
  return make("div", { class: "row" }, button);
}

/**
 * What the repository has now beside what is kept.
 * @param {Stored} stored @param {{ revision: string, licences: Found[] }} now @param {string} host
 */
async function compared({ key, licences, listed }, { revision, licences: all }, host) {
  const read = licences.filter(({ sha256 }) => sha256).map(async (one) => ({ ...one, bytes: await licence(key, one.name).catch(() => null) }));
  // one that is damaged can be had again
  const here = (await Promise.all(read)).filter(({ bytes }) => bytes);
  /** @type {string[]} */
  const lines = [];
  /** @type {HTMLElement[]} */
  const nodes = [];
  /** @type {Found[]} */
  const fresh = [];
  const date = today();
  for (const one of all) {
    const { name, sha256, text, why } = one;
    const kept = here.filter((each) => nameOf(each.name) === name);
    if (!sha256) lines.push(words(kept.length ? "unread" : why === "too-big" ? "big" : "missed", { name, host, why }));
    else if (kept.some((each) => each.sha256 === sha256)) lines.push(words("same", { name, host, date }));
    else {
      const last = kept.at(-1);
      const before = last?.bytes && textOf(last.bytes);
      fresh.push(one);
      lines.push(words(last ? "changed" : "fresh", { name, host }));
      nodes.push(
        make("h2", {}, name),
        ...(last ? [make("p", { class: "hash" }, `${words("then", { date: day(last.at ?? listed) })} SHA-256 ${last.sha256}`)] : []),
        make("p", { class: "hash" }, `${words("now", { date, revision: revision.slice(0, 12) })} SHA-256 ${sha256}`),
        make("p", { class: "hash" }, link(one.url, one.url)),
        ...(before && text ? [folded(words("differ"), plain(`${name}: −, +`, difference(before, text)))] : []),
        text ? folded(words("whole", { name }), plain(words("whole", { name }), text)) : aside(words("notText")),
      );
    }
  }
  for (const name of new Set(here.map((each) => nameOf(each.name)))) if (!all.some((one) => one.name === name)) lines.push(words("gone", { name }));
  if (!lines.length) lines.push(words("none", { date }));
  return { lines, nodes, fresh };
}

/** The lines from the first that differs to the last, of both, with some around. @param {string} before @param {string} after */
function difference(before, after) {
  const [old, now] = [before, after].map((text) => text.split(/\r?\n/));
  let start = 0;
  while (start < Math.min(old.length, now.length) && old[start] === now[start]) start++;
  let end = 0;
  while (end < Math.min(old.length, now.length) - start && old.at(-1 - end) === now.at(-1 - end)) end++;
  const marked = (/** @type {string[]} */ lines, /** @type {string} */ mark) => lines.map((line) => `${mark} ${line}`);
  return [
    ...marked(now.slice(Math.max(0, start - AROUND), start), " "),
    ...marked(old.slice(start, old.length - end), "−"),
    ...marked(now.slice(start, now.length - end), "+"),
    ...marked(now.slice(now.length - end).slice(0, AROUND), " "),
  ].join("\n");
}
