// <nomoat-talk status="none | loading | idle | busy | unfit">: a conversation. Emits nomoat-ask { messages } and
// nomoat-stop; the page feeds what comes back through begin(), add() and end().

import { NomoatComposer, waits } from "./composer.js";
import { arrange, button, copied, labelled, make, NomoatElement } from "./element.js";
import { flow } from "./flow.js";
import { written } from "./markdown.js";
import { message } from "./message.js";
import { keeper } from "./keeper.js";
import { add, drop, fresh, path, show, title, versions } from "./tree.js";
import { hush, say } from "./words.js";

/** @typedef {import("./tree.js").Talk} Talk @typedef {import("./tree.js").Turn} Turn */
/** @typedef {import("./message.js").Message} Message */
/** @typedef {{ role: string, content: string }} Asked */

const PAUSE_MS = 300;
const SYSTEM = "nomoat-system";

export class NomoatTalk extends NomoatElement {
  static observedAttributes = ["status"];

  #talk = fresh("chat");
  #keeper = keeper("chat", () => this.#talk);
  #name = make("h2", {});
  #log = make("ol", { class: "talk" });
  #system = make("textarea", { rows: 2, name: "system", dir: "auto" });
  #composer = /** @type {NomoatComposer} */ (document.createElement("nomoat-composer"));
  #new = button("clear", () => this.start(), { class: "quiet" });
  #aloud = make("p", { class: "hidden", "aria-live": "polite" });
  #said = make("p", { class: "hidden", role: "status" });
  /** @type {Message[]} */
  #views = [];
  /** What is being written. @type {{ turn: Turn, view: Message, flow: ReturnType<typeof flow>, since: number, parts: number, before: number } | undefined} */
  #answer;
  /** Sends a new version that waits for a model, if there is one now. @type {(() => void) | undefined} */
  #held;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #counting;

  /** Counts the tokens of messages, where there is a model. @type {((messages: Asked[]) => Promise<number>) | undefined} */
  count;
  /** Tokens that the model's context holds. */
  limit = 0;

  build() {
    say(this.#log, "conversation", {}, "aria-label");
    say(this.#system, "systemHint", {}, "placeholder");
    this.#system.value = this.#talk.system = remembered();
    this.#system.addEventListener("input", () => this.#instruct());
    const system = make("details", { class: "system" }, say(make("summary", {}), "system"), labelled("system", this.#system), this.#system);
    /** @type {HTMLElement} */ (system.querySelector("label")).className = "hidden";
    this.append(make("div", { class: "row spread" }, this.#name, this.#new), system, this.#log, this.#keeper.note, this.#composer, this.#aloud, this.#said);
    this.#log.addEventListener("click", (event) => this.#pressed(event));
    this.addEventListener("nomoat-send", (event) => this.#say(this.#talk.leaf, /** @type {CustomEvent} */ (event).detail.content));
    this.addEventListener("nomoat-draft", () => this.#measure());
    this.addEventListener("nomoat-edit-last", () => this.#edit(this.#views.findLast(({ turn }) => turn.role === "user")));
    this.#keeper.follow((talk) => this.#idle && (talk ? this.open(talk) : this.forget()));
  }

  changed() {
    this.#composer.setAttribute("status", this.getAttribute("status") ?? "none");
    this.#name.textContent = title(this.#talk);
    if (!this.#name.textContent) say(this.#name, "talkTitle");
    const status = this.getAttribute("status");
    const busy = status === "busy";
    this.#new.setAttribute("aria-disabled", String(busy));
    for (const node of this.#log.querySelectorAll('[data-act="edit"]')) node.setAttribute("aria-disabled", String(busy));
    for (const node of this.#log.querySelectorAll('[data-act="again"]')) node.setAttribute("aria-disabled", String(status !== "idle"));
    if (!busy) this.#measure();
    this.#held?.();
  }

  get #idle() {
    return !this.#answer && this.getAttribute("status") !== "busy";
  }

  /** Whether anything was said. */
  get filled() {
    return this.#talk.turns.length > 0;
  }

  get record() {
    return this.#talk;
  }

  get draft() {
    return this.#composer.draft;
  }

  set draft(text) {
    this.#composer.draft = text;
  }

  /** Shows a conversation, and goes on with it. @param {Talk} talk */
  open(talk) {
    this.clear();
    this.#keeper.flush();
    this.#talk = talk;
    this.#system.value = talk.system;
    this.#composer.tell({ rate: undefined });
    this.#keeper.current();
    this.#paint();
  }

  /** It was deleted: what is shown goes, and nothing is kept of it. */
  forget() {
    if (this.#answer) this.emit("nomoat-stop");
    this.#answer = undefined;
    this.#talk = fresh("chat", this.#system.value);
    this.open(this.#talk);
    this.emit("nomoat-started");
  }

  /** Begins another conversation; this one stays in the history. */
  start() {
    if (!this.#idle) return;
    this.#keeper.now();
    this.open(fresh("chat", this.#system.value));
    this.emit("nomoat-started");
    this.focus();
  }

  #instruct() {
    this.#talk.system = this.#system.value;
    this.#talk.updated = Date.now();
    try {
      localStorage.setItem(SYSTEM, this.#system.value);
    } catch {
      // it is not remembered then
    }
    this.#keeper.soon();
    this.#measure();
  }

  /** @returns {Asked[]} */
  #messages() {
    const turns = path(this.#talk).map(({ role, content }) => ({ role, content }));
    const system = this.#talk.system.trim();
    return system ? [{ role: "system", content: system }, ...turns] : turns;
  }

  /** @param {string | null} parent @param {string} content */
  #say(parent, content) {
    this.#ask(add(this.#talk, parent, "user", content));
  }

  /** Has the turn answered. @param {Turn} turn */
  #ask(turn) {
    this.#talk.leaf = turn.id;
    this.#paint();
    this.#keeper.soon();
    this.emit("nomoat-ask", { messages: this.#messages() });
  }

  /** An answer begins. @param {import("./tree.js").By} by */
  begin(by) {
    const turn = add(this.#talk, this.#talk.leaf, "assistant", "");
    turn.by = by;
    this.#paint();
    const view = /** @type {Message} */ (this.#views.at(-1));
    view.begin();
    // to the very end, past the composer that lies over the page's foot: what grows is followed from there
    const scroller = document.scrollingElement ?? document.documentElement;
    scroller.scrollTop = scroller.scrollHeight;
    const grow = flow((more) => {
      turn.content += more;
      view.show(turn.content);
      this.#pace();
      this.#keeper.soon();
    }, this.#aloud);
    this.#answer = { turn, view, flow: grow, since: 0, parts: 0, before: this.#composer.used };
  }

  /** @param {string} text */
  add(text) {
    const answer = this.#answer;
    if (!answer) return;
    answer.since ||= performance.now();
    answer.parts += 1;
    answer.flow.add(text);
  }

  /** Puts what has come on the page at once. */
  paint() {
    this.#answer?.flow.paint();
  }

  #pace() {
    const answer = this.#answer;
    if (!answer) return;
    const seconds = (performance.now() - answer.since) / 1000;
    const rate = answer.parts > 1 && seconds > 0.25 ? { rate: (answer.parts - 1) / seconds } : {};
    this.#composer.tell({ used: answer.before + answer.parts, ...rate });
  }

  /** The answer ends. @param {{ reason: string, stats?: import("../protocol.js").Stats, memory?: number }} how */
  end({ reason, stats, memory }) {
    const answer = this.#answer;
    if (!answer) return;
    answer.flow.end();
    this.#answer = undefined;
    const { turn, view } = answer;
    turn.reason = reason;
    if (stats) {
      turn.figures = { tokens: stats.generatedTokens, rate: stats.decodeTps, first: stats.firstTokenMs };
      this.#composer.tell({ used: stats.promptTokens + stats.generatedTokens, rate: stats.decodeTps });
    }
    if (memory) this.#composer.tell({ memory });
    view.end();
    if (!turn.content && (reason === "abort" || reason === "broken")) this.#takeBack(turn);
    this.#talk.updated = Date.now();
    this.#keeper.now();
    this.changed();
  }

  /** A question that got no answer goes back to where it can be asked again. @param {Turn} turn */
  #takeBack(turn) {
    const question = this.#talk.turns.find(({ id }) => id === turn.parent);
    drop(this.#talk, turn);
    if (question && !this.#talk.turns.some(({ parent }) => parent === question.id)) {
      drop(this.#talk, question);
      this.#composer.draft ||= question.content;
    }
    this.#paint();
  }

  /** The model is gone, and with it what it was writing. */
  clear() {
    this.end({ reason: "abort" });
  }

  /** Shows the turns of the version that is chosen; those that are there already stay. */
  #paint() {
    const active = /** @type {HTMLElement | null} */ (document.activeElement);
    const focused = this.#log.contains(active) ? { act: active?.dataset.act, place: this.#views.findIndex(({ node }) => node.contains(active)) } : null;
    const turns = path(this.#talk);
    this.#views = turns.map((turn, i) => {
      const all = versions(this.#talk, turn);
      const old = this.#views[i];
      if (old?.turn.id === turn.id && old.turn.content === turn.content && old.count === all.length) return old;
      return message(turn, all.indexOf(turn), all.length);
    });
    arrange(this.#log, this.#views.map(({ node }) => node));
    if (focused && !this.#log.contains(document.activeElement)) {
      const again = focused.act && this.#views[focused.place]?.node.querySelector(`[data-act="${focused.act}"]`);
      if (again instanceof HTMLElement) again.focus();
      else this.focus();
    }
    this.changed();
  }

  /** @param {MouseEvent} event */
  #pressed(event) {
    const pressed = /** @type {HTMLElement} */ (event.target).closest("[data-act]");
    const view = this.#views.find(({ node }) => node.contains(pressed));
    if (!(pressed instanceof HTMLElement) || !view) return;
    const act = pressed.dataset.act ?? "";
    /** @param {string} text @param {Element | null} [from] */
    const copy = (text, from) => void copied(pressed, text, this.#said, from);
    const [body, block] = [view.node.querySelector(".body"), /** @type {Element} */ (pressed.closest(".code"))];
    if (act === "copy") copy(view.plain(), body);
    if (act === "source") copy(view.turn.content, body);
    if (act === "hash") copy(pressed.dataset.hash ?? "");
    if (act === "code") copy(written(block), block.querySelector("code"));
    if (pressed.getAttribute("aria-disabled") === "true" || !this.#idle) return;
    if (act === "edit") this.#edit(view);
    if (act === "again" && view.turn.parent) {
      const question = this.#talk.turns.find(({ id }) => id === view.turn.parent);
      if (question && this.getAttribute("status") === "idle") this.#ask(question);
    }
    if (act === "older" || act === "newer") {
      const all = versions(this.#talk, view.turn);
      const other = all[all.findIndex(({ id }) => id === view.turn.id) + (act === "older" ? -1 : 1)];
      if (!other) return;
      show(this.#talk, other.id);
      this.#talk.updated = Date.now();
      this.#keeper.soon();
      this.#paint();
    }
  }

  /** Writes a message anew; the earlier version stays. @param {Message | undefined} view */
  #edit(view) {
    if (!view || !this.#idle) return;
    const { turn } = view;
    const input = make("textarea", { rows: 2, name: "edit", dir: "auto" });
    input.value = turn.content;
    const leave = () => {
      view.count = 0; // as no message has no version, it is made anew
      this.#paint();
      /** @type {HTMLElement | null} */ (this.#log.querySelector(`[data-turn="${turn.id}"] [data-act="edit"]`))?.focus();
    };
    const wait = make("p", { class: "aside waits", role: "status" });
    const send = () => {
      const content = input.value.trim();
      const status = this.getAttribute("status") ?? "none";
      this.#held = undefined;
      hush(wait);
      if (!content || !form.isConnected) return;
      if (content === turn.content) return leave();
      if (status === "idle") return this.#say(turn.parent, content);
      this.#held = send;
      say(wait, waits(status));
    };
    const label = labelled("editLabel", input);
    label.className = "hidden";
    const form = make("form", { class: "edit" });
    const row = make("div", { class: "row" }, say(make("button", { type: "submit", class: "main" }), "editSend"), button("editCancel", leave, { class: "quiet" }));
    form.append(label, input, wait, row);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      send();
    });
    input.addEventListener("keydown", (event) => {
      if (event.isComposing || event.keyCode === 229) return;
      if (event.key === "Escape") leave();
      if (event.key !== "Enter" || event.shiftKey) return;
      event.preventDefault();
      send();
    });
    view.edit(form);
    input.focus();
  }

  /** Counts the context that the conversation takes, once the typing pauses. */
  #measure() {
    clearTimeout(this.#counting);
    if (!this.count) return;
    this.#composer.tell({ total: this.limit });
    this.#counting = setTimeout(async () => {
      const draft = this.#composer.draft.trim();
      const messages = this.#messages();
      if (draft) messages.push({ role: "user", content: draft });
      if (!this.#idle || !this.count) return;
      try {
        const used = messages.length ? await this.count(messages) : 0;
        if (this.#idle) this.#composer.tell({ used });
      } catch {
        // a template that refuses these messages says so when they are sent
      }
    }, PAUSE_MS);
  }

  /** @param {{ memory: number }} figures */
  tell(figures) {
    this.#composer.tell(figures);
  }

  focus() {
    this.#composer.focus();
  }
}

function remembered() {
  try {
    return localStorage.getItem(SYSTEM) ?? "";
  } catch {
    return ""; // storage is forbidden here
  }
}
