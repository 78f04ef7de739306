// What runs inside the page for the tests of the conversation: hostile answers, long answers, what is read aloud.

import { markdown } from "/ui/markdown.js";
import { message } from "/ui/message.js";

/** What an answer may be made of: elements, and their attributes. @type {Record<string, string[]>} */
const ALLOWED = {
  p: ["dir", "class"],
  h3: ["dir"],
  h4: ["dir"],
  h5: ["dir"],
  h6: ["dir"],
  ul: [],
  ol: ["start"],
  li: ["dir"],
  hr: [],
  br: [],
  strong: [],
  em: [],
  del: [],
  blockquote: ["dir"],
  code: ["dir"],
  pre: ["tabindex", "role", "aria-label", "data-said"],
  div: ["class", "dir", "tabindex", "role", "aria-label", "data-said"],
  span: ["class", "data-said"],
  button: ["type", "class", "data-act", "data-said"],
  bdi: ["class", "dir"],
  a: ["href", "rel", "target", "referrerpolicy"],
  table: [],
  thead: [],
  tbody: [],
  tr: [],
  th: ["dir", "scope", "class"],
  td: ["dir", "class"],
};

/** Whatever stands below `body` that must not. @param {Element} body */
function strange(body) {
  const found = [];
  for (const node of body.querySelectorAll("*")) {
    const allowed = node.namespaceURI === "http://www.w3.org/1999/xhtml" && ALLOWED[node.localName];
    if (!allowed) found.push(`<${node.localName}>`);
    for (const { name } of node.attributes) if (!allowed || !allowed.includes(name)) found.push(`${node.localName}[${name}]`);
    if (!(node instanceof HTMLAnchorElement)) continue;
    if (!/^https?:$/.test(node.protocol) || node.origin === location.origin) found.push(`a ${node.href}`);
    if (!/\bnoopener\b/.test(node.rel) || !/\bnofollow\b/.test(node.rel)) found.push(`a rel ${node.rel}`);
    if (!(node.textContent ?? "").includes(node.host)) found.push(`a does not say ${node.host}`);
  }
  return found;
}

/** @param {string} content */
const turn = (content) => ({ id: "t", parent: null, role: /** @type {const} */ ("assistant"), content, at: 0 });

/**
 * Shows every payload in the message view, cut in two at every byte, and byte by byte; gives what went wrong.
 * @param {string[]} payloads
 */
export async function attacked(payloads) {
  /** @type {string[]} */
  const wrong = [];
  /** @type {string[]} */
  const reports = [];
  const hear = (/** @type {SecurityPolicyViolationEvent} */ event) => reports.push(`${event.violatedDirective} ${event.blockedURI}`);
  document.addEventListener("securitypolicyviolation", hear);
  const log = document.querySelector("ol.talk") ?? document.body;
  let shown = 0;
  for (const payload of payloads) {
    const bytes = new TextEncoder().encode(payload);
    const whole = message(turn(payload), 0, 1);
    const want = /** @type {Element} */ (whole.node.querySelector(".body"));
    wrong.push(...strange(want).map((what) => `${JSON.stringify(payload)}: ${what}`));
    for (let cut = 0; cut <= bytes.length; cut++) {
      const decoder = new TextDecoder();
      const parts = [bytes.subarray(0, cut), bytes.subarray(cut)];
      if (cut === bytes.length) parts.splice(0, 2, ...Array.from(bytes, (_, i) => bytes.subarray(i, i + 1)));
      const view = message(turn(""), 0, 1);
      log.append(view.node);
      let text = "";
      for (const part of parts) {
        text += decoder.decode(part, { stream: true });
        view.show(text);
        const body = /** @type {Element} */ (view.node.querySelector(".body"));
        const bad = strange(body);
        if (bad.length) wrong.push(`${JSON.stringify(text)}: ${bad}`);
        shown += 1;
      }
      view.end();
      const body = /** @type {Element} */ (view.node.querySelector(".body"));
      if (!body.isEqualNode(want)) wrong.push(`${JSON.stringify(payload)} cut at ${cut} is another`);
      view.node.remove();
    }
  }
  // what was begun would have been heard of by then
  await new Promise((resolve) => setTimeout(resolve, 200));
  const heard = reports.length;
  // and that it would have been heard: the same in earnest
  const image = new Image();
  image.src = "http://127.0.0.1:9/control.png";
  await new Promise((resolve) => setTimeout(resolve, 200));
  document.removeEventListener("securitypolicyviolation", hear);
  return { wrong: wrong.slice(0, 20), reports: reports.slice(0, heard), control: reports.length - heard, shown, pwned: Boolean(/** @type {any} */ (globalThis).pwned) };
}

/** A text in pieces, character by character, and in one; whether they are the same, and what a piece costs. @param {string} text */
export function grown(text) {
  const [place, other] = [document.createElement("div"), document.createElement("div")];
  document.body.append(place);
  const [slow, quick] = [markdown(place), markdown(other)];
  let most = 0;
  /** @type {Map<Element, number>} */
  const made = new Map();
  const observer = new MutationObserver(() => {});
  observer.observe(place, { childList: true, characterData: true, subtree: true });
  for (let i = 1; i <= text.length; i++) {
    slow.show(text.slice(0, i));
    const records = observer.takeRecords();
    most = Math.max(most, records.length);
    for (const { addedNodes, target } of records) {
      if (target !== place) continue;
      for (const node of addedNodes) if (node instanceof Element) made.set(node, i);
    }
  }
  slow.end();
  quick.show(text);
  quick.end();
  const same = place.isEqualNode(other);
  const blocks = place.children.length;
  place.remove();
  return { same, most, blocks, made: made.size, html: [place, other].map((node) => [...node.children].map((one) => `${one.localName} ${one.textContent}`)) };
}

/**
 * How long the second tenth of a long answer takes, and the last; and the longest that one piece takes. Of three times the
 * shortest, as the others may have waited for the machine.
 * @param {{ unit: string, times: number, rounds?: number }} what
 */
export function paced({ unit, times, rounds = 1 }) {
  const tenth = Math.floor(times / 10);
  let [first, last, most, blocks] = [Infinity, Infinity, Infinity, 0];
  for (let round = 0; round < rounds; round++) {
    const place = document.createElement("div");
    document.body.append(place);
    const view = markdown(place);
    let text = "";
    /** @type {number[]} */
    const took = [];
    for (let i = 0; i < times; i++) {
      text += unit;
      const started = performance.now();
      view.show(text);
      took.push(performance.now() - started);
    }
    blocks = place.children.length;
    place.remove();
    const sum = (/** @type {number[]} */ some) => some.reduce((a, b) => a + b, 0);
    first = Math.min(first, sum(took.slice(tenth, 2 * tenth)));
    last = Math.min(last, sum(took.slice(-tenth)));
    most = Math.min(most, Math.max(...took));
  }
  return { first, last, most, blocks };
}

/** Streams an answer into the page's own conversation and counts what is read aloud. @param {{ text: string, size: number }} what */
export async function heard({ text, size }) {
  await customElements.whenDefined("nomoat-page");
  const talk = /** @type {any} */ (document.querySelector("nomoat-talk"));
  talk.hidden = false;
  /** @type {string[]} */
  const said = [];
  const observer = new MutationObserver((records) => {
    for (const { target } of records) said.push(target.textContent ?? "");
  });
  for (const live of talk.querySelectorAll("[aria-live], [role=status], [role=alert]")) observer.observe(live, { childList: true, characterData: true, subtree: true });
  const focused = document.activeElement;
  talk.begin({ name: "m", sha256: "", device: "cpu" });
  for (let at = 0; at < text.length; at += size) {
    talk.add(text.slice(at, at + size));
    if (at % (size * 4) === 0) await new Promise((resolve) => requestAnimationFrame(resolve));
  }
  talk.end({ reason: "stop" });
  await new Promise((resolve) => setTimeout(resolve, 50));
  observer.disconnect();
  return { said: said.filter(Boolean), moved: document.activeElement !== focused };
}

/** Presses the conversation's button in a page of that age, in ms, and while it writes; what was sent and stopped then. @param {{ age: number, waits: number }} what */
export async function pressed({ age, waits }) {
  await customElements.whenDefined("nomoat-composer");
  const composer = /** @type {any} */ (document.createElement("nomoat-composer"));
  document.body.append(composer);
  /** @type {string[]} */
  const heard = [];
  for (const name of ["nomoat-send", "nomoat-stop"]) composer.addEventListener(name, () => heard.push(name));
  const clock = performance.now;
  try {
    performance.now = () => age;
    composer.setAttribute("status", "idle");
    composer.draft = "Hello";
    composer.querySelector("form").requestSubmit();
    composer.setAttribute("status", "busy");
    performance.now = () => age + waits;
    composer.querySelector("form").requestSubmit();
  } finally {
    performance.now = clock;
  }
  composer.remove();
  return heard;
}
