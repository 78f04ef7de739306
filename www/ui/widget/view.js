// The widget's shadow tree: its nodes, slots and parts, and the words on them.

import { make } from "../make.js";
import { style } from "./style.js";

/** @typedef {import("../words/widget.js").Speaker} Speaker */

/** @param {Record<string, string | boolean>} attributes @param {(Node | string)[]} children */
const button = (attributes, ...children) => make("button", { type: "button", ...attributes }, ...children);

/** A slot that shows `fallback` unless the host fills it. @param {string} name @param {(Node | string)[]} fallback */
const slot = (name, ...fallback) => make("slot", { name }, ...fallback);

/** @param {ShadowRoot} root */
export function view(root) {
  root.adoptedStyleSheets = [style()];
  const badge = make("span", { class: "badge", part: "badge", dir: "auto" });
  const clear = button({ class: "small" });
  const empty = make("span", {});
  const log = make("div", { class: "log", part: "log", role: "log", "aria-live": "off", tabindex: 0 });
  const ask = make("p", {});
  const facts = make("p", { class: "aside" });
  const accept = button({ class: "main" });
  const consent = make("div", { class: "panel", part: "consent", role: "group" }, ask, facts, slot("consent"), make("div", { class: "row" }, accept));
  const phase = make("p", { role: "status" });
  const bar = make("progress", { max: 1 });
  const figures = make("p", { class: "aside" });
  const pause = button({});
  const cancel = button({});
  const progress = make("div", { class: "panel", part: "progress", role: "group" }, phase, bar, figures, make("div", { class: "row" }, pause, cancel));
  const advice = make("p", {});
  const detail = make("p", { class: "aside", dir: "auto" });
  const retry = button({});
  const problem = make("div", { class: "panel", part: "problem", role: "alert" }, advice, detail, make("div", { class: "row" }, retry));
  const warning = make("p", { class: "aside", role: "status" });
  const input = make("textarea", { rows: 1, dir: "auto", part: "input", enterkeyhint: "send" });
  const sendWord = make("span", {});
  const send = button({ class: "main", part: "send" }, slot("icon-send", sendWord));
  const stop = button({ class: "main", part: "stop" });
  const back = button({});
  const licence = make("p", { class: "licence", part: "licence badge", dir: "auto" });
  // no part: a host may dress everything but this
  const terms = make("span", { class: "terms", dir: "auto" });
  const waiting = make("p", { class: "aside", role: "status" });
  const aloud = make("p", { class: "away", "aria-live": "polite" });
  const welcome = make("div", { class: "aside" }, slot("empty", empty));
  const composer = make("div", { class: "composer", part: "composer" }, input, back, send, stop);
  root.append(
    make(
      "div",
      { class: "frame" },
      make("div", { class: "bar", part: "toolbar" }, slot("header", badge), clear),
      welcome,
      log,
      consent,
      progress,
      problem,
      make("slot", {}),
      warning,
      waiting,
      composer,
      licence,
      terms,
      slot("footer"),
      aloud,
    ),
  );
  const fallback = /** @type {HTMLSlotElement} */ (root.querySelector("slot:not([name])"));
  return {
    ...{ badge, clear, empty, welcome, log, consent, ask, facts, accept, progress, phase, bar, figures, pause, cancel },
    ...{ problem, advice, detail, retry, fallback, warning, waiting, composer, input, back, send, sendWord, stop, licence, terms, aloud },
  };
}

/** The words that do not depend on what goes on. @param {ReturnType<typeof view>} nodes @param {Speaker} speaker @param {boolean} chat */
export function label(nodes, { say, tag }, chat) {
  const { input, back, send, sendWord, stop, clear, cancel, log, empty, progress, bar, consent } = nodes;
  for (const [node, key] of /** @type {[Element, string][]} */ ([
    [stop, "stop"],
    [clear, "clear"],
    [cancel, "cancel"],
    [back, "cancel"],
    [sendWord, chat ? "send" : "goOn"],
    [empty, chat ? "empty" : "baseModel"],
  ])) {
    node.textContent = say(key);
  }
  send.setAttribute("aria-label", sendWord.textContent ?? "");
  input.setAttribute("aria-label", say(chat ? "message" : "text"));
  log.setAttribute("aria-label", say("conversation"));
  consent.setAttribute("aria-label", say("start"));
  for (const node of [progress, bar]) node.setAttribute("aria-label", say("phase_weights"));
  // the words are the widget's, whatever language the conversation is in
  for (const node of [clear, consent, progress, stop, back, send, empty]) node.setAttribute("lang", tag);
}
