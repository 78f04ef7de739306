// One turn of a conversation on the page: its text, what made it, and what can be done with it. Buttons carry data-act.

import { make } from "./element.js";
import { markdown } from "./markdown.js";
import { number, say, words } from "./words.js";

/** @typedef {import("./tree.js").Turn} Turn */

/** @param {string} act @param {string} key @param {Record<string, string>} [values] */
const action = (act, key, values) => say(make("button", { type: "button", class: "quiet", "data-act": act }), key, values);

/** @typedef {ReturnType<typeof message>} Message */

/** @param {Turn} turn @param {number} place Among its versions, from 0. @param {number} count Of versions. */
export function message(turn, place, count) {
  const mine = turn.role === "user";
  const body = make("div", { class: "body", dir: "auto" });
  const under = make("div", { class: "note" });
  const copies = mine ? [action("copy", "copy")] : [action("copy", "copyText"), action("source", "copyMarkdown")];
  const actions = make("div", { class: "actions" }, ...copies, mine ? action("edit", "edit") : action("again", "again"));
  if (count > 1) {
    /** @param {"older" | "newer"} act @param {string} mark @param {boolean} last */
    const turned = (act, mark, last) =>
      say(make("button", { type: "button", class: "quiet turned", "data-act": act, "aria-disabled": String(last) }, mark), act, {}, "aria-label");
    const where = { place: number(place + 1), count: number(count) };
    actions.append(turned("older", "‹", place === 0), say(make("span", { class: "aside" }), "version", where), turned("newer", "›", place === count - 1));
  }
  const node = make("li", { class: turn.role, "data-turn": turn.id });
  if (!mine) node.setAttribute("data-machine-generated", "");
  node.append(say(make("span", { class: "who" }), mine ? "you" : "model"), body, under, actions);
  const shown = mine ? null : markdown(body);
  if (mine) body.textContent = turn.content;
  else if (turn.content) {
    shown?.show(turn.content);
    shown?.end();
  }
  if (!mine && (turn.reason || turn.content)) under.append(note(turn));

  return {
    node,
    turn,
    count,
    /** All of the text so far. @param {string} text */
    show: (text) => shown?.show(text),

    /** What the reader sees, without the marks. */
    plain() {
      if (!shown) return turn.content;
      // of code blocks the code, not their buttons; of links not the host that was put beside them
      const copy = /** @type {HTMLElement} */ (body.cloneNode(true));
      for (const extra of copy.querySelectorAll(".code > .row, .host")) extra.remove();
      // of what cannot be seen itself, not its number
      for (const mark of copy.querySelectorAll(".unseen")) mark.replaceWith(String.fromCodePoint(parseInt(mark.textContent.slice(2), 16)));
      copy.classList.add("copying");
      node.append(copy);
      const text = copy.innerText.trim();
      copy.remove();
      return text;
    },

    /** It is being written. */
    begin() {
      body.setAttribute("aria-busy", "true");
      actions.hidden = true;
      under.replaceChildren();
    },

    /** It is written. */
    end() {
      shown?.end();
      body.removeAttribute("aria-busy");
      actions.hidden = false;
      under.replaceChildren(note(turn));
    },

    /** A form in the place of the text, to write it anew. @param {HTMLElement} form */
    edit(form) {
      body.replaceWith(form);
      actions.hidden = true;
    },
  };
}

/** What stands under an answer: that a machine made it, which, how fast, and why it ended. @param {Turn} turn */
export function note({ by, reason, figures }) {
  const line = make("p", { class: "aside made" });
  if (by) {
    line.append(say(make("span", {}), "madeBy", { name: by.name }));
    if (by.sha256) {
      const short = action("hash", "hash", { hash: by.sha256.slice(0, 8) });
      short.setAttribute("data-hash", by.sha256);
      line.append(" · ", say(short, "hashCopy", { hash: by.sha256 }, "title"));
    }
  }
  const round = { maximumFractionDigits: 1 };
  if (figures) {
    const values = { tokens: number(figures.tokens), rate: number(figures.rate, round), first: number(figures.first, { maximumFractionDigits: 0 }) };
    // one token tells no pace
    line.append(" · ", say(make("span", { class: "figures" }), figures.rate ? "figures" : "figuresFew", values));
  }
  const key = { abort: "stopped", length: "endLength", context: "endContext", broken: "endBroken" }[reason ?? "broken"];
  if (key) line.append(" · ", say(make("span", {}), key));
  return line;
}

/** The same in one line of text, for files. @param {Turn} turn */
export function made({ by }) {
  if (!by) return words("machine");
  return `${words("madeBy", { name: by.name })} · SHA-256 ${by.sha256}`;
}
