// One turn of a conversation on the page: its text, what made it, and what can be done with it. Buttons carry data-act.

import { make } from "./element.js";
import { markdown } from "./markdown.js";
import { number, say, words } from "./words.js";

/** @typedef {import("./tree.js").Turn} Turn */

/** @param {string} act @param {string} key @param {Record<string, string>} [values] */
const action = (act, key, values) => say(make("button", { type: "button", class: "quiet", "data-act": act }), key, values);

export class Message {
  node;
  #body = make("div", { class: "body", dir: "auto" });
  #note = make("div", { class: "note" });
  #actions;
  /** @type {ReturnType<typeof markdown> | undefined} */
  #markdown;
  #shown = "";

  /** @param {Turn} turn @param {number} place Among its versions, from 0. @param {number} count Of versions. */
  constructor(turn, place, count) {
    this.turn = turn;
    this.count = count;
    const mine = turn.role === "user";
    const copies = mine ? [action("copy", "copy")] : [action("copy", "copyText"), action("source", "copyMarkdown")];
    this.#actions = make("div", { class: "actions" }, ...copies, mine ? action("edit", "edit") : action("again", "again"));
    if (count > 1) {
      const where = { place: number(place + 1), count: number(count) };
      this.#actions.append(
        say(make("button", { type: "button", class: "quiet turned", "data-act": "older", "aria-disabled": String(place === 0) }, "‹"), "older", {}, "aria-label"),
        say(make("span", { class: "aside" }), "version", where),
        say(make("button", { type: "button", class: "quiet turned", "data-act": "newer", "aria-disabled": String(place === count - 1) }, "›"), "newer", {}, "aria-label"),
      );
    }
    this.node = make("li", { class: turn.role, "data-turn": turn.id });
    if (!mine) this.node.setAttribute("data-machine-generated", "");
    this.node.append(say(make("span", { class: "who" }), mine ? "you" : "model"), this.#body, this.#note, this.#actions);
    if (mine) this.#body.textContent = turn.content;
    else this.#markdown = markdown(this.#body);
    if (turn.content && !mine) {
      this.show(turn.content);
      this.#markdown?.end();
    }
    if (!mine && turn.reason) this.#note.append(note(turn));
  }

  /** All of the text so far. @param {string} text */
  show(text) {
    this.#shown = text;
    this.#markdown?.show(text);
  }

  /** What the reader sees, without the marks. */
  get plain() {
    if (!this.#markdown) return this.turn.content;
    // of code blocks the code, not their buttons; of links not the host that was put beside them
    const copy = /** @type {HTMLElement} */ (this.#body.cloneNode(true));
    for (const extra of copy.querySelectorAll(".code > .row, .host")) extra.remove();
    copy.className = "copying";
    this.node.append(copy);
    const text = copy.innerText.trim();
    copy.remove();
    return text;
  }

  /** It is being written. */
  begin() {
    this.#body.setAttribute("aria-busy", "true");
    this.#actions.hidden = true;
  }

  /** It is written. */
  end() {
    this.#markdown?.show(this.#shown);
    this.#markdown?.end();
    this.#body.removeAttribute("aria-busy");
    this.#actions.hidden = false;
    this.#note.replaceChildren(note(this.turn));
  }

  /** A form in the place of the text, to write it anew. @param {HTMLElement} form */
  edit(form) {
    this.#body.replaceWith(form);
    this.#actions.hidden = true;
  }
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
    line.append(" · ", say(make("span", { class: "figures" }), "figures", values));
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
