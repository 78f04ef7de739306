// <nomoat-history>: the conversations that are kept on this device: list, search, rename, delete, files out and in.
// Emits nomoat-open { talk }, nomoat-renamed { id, title } and nomoat-gone { id }.

import { download, fileName } from "./copy.js";
import { button, labelled, make, NomoatElement } from "./element.js";
import { fromJson, toJson, toMarkdown } from "./exchange.js";
import { made } from "./message.js";
import { all, clear, get, lasting, listen, put, remove, search } from "./records.js";
import { title } from "./tree.js";
import { current, number, say, words } from "./words.js";

/** @typedef {import("./records.js").Entry} Entry */

/** Before the list follows what was saved meanwhile. */
const LATER_MS = 500;

export class NomoatHistory extends NomoatElement {
  #frame = make("div", { class: "history" });
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #later;
  #query = make("input", { type: "search", name: "search", autocomplete: "off", dir: "auto" });
  #list = make("ul", {});
  #said = make("p", { class: "aside", role: "status" });
  #notice = say(make("p", { class: "aside warning" }), "historyMemory");
  #problem = make("p", { class: "aside warning", role: "alert" });
  #turn = 0;

  build() {
    const file = make("input", { type: "file", accept: ".json,application/json", class: "hidden", tabindex: -1 });
    say(file, "historyImport", {}, "aria-label");
    file.addEventListener("change", () => void this.#import(file));
    say(this.#list, "historyTitle", {}, "aria-label");
    this.#query.addEventListener("input", () => void this.#fill());
    this.#frame.append(
      make("div", { class: "field" }, labelled("historySearch", this.#query), this.#query),
      this.#notice,
      this.#problem,
      this.#said,
      this.#list,
      make(
        "div",
        { class: "row" },
        button("historyExport", () => void this.#export(), { class: "quiet" }),
        button("historyImport", () => file.click(), { class: "quiet" }),
        this.#sure(button("historyClear", () => {}, { class: "quiet" }), () => this.#clear()),
      ),
      file,
    );
    this.append(this.#frame);
    listen(() => this.#soon(), true);
    this.#list.addEventListener("focusout", () => this.#soon());
  }

  changed() {
    if (this.offsetParent) void this.#fill();
  }

  /** It came into view. */
  shown() {
    this.#query.value = "";
    this.#problem.textContent = "";
    this.#said.textContent = "";
    void this.#fill();
  }

  /** Follows what was saved, where it is seen and nobody is at work in it. */
  #soon() {
    this.#later ||= setTimeout(() => {
      this.#later = undefined;
      if (this.offsetParent && !this.#list.matches(":focus-within, :has(form)")) void this.#fill(true);
    }, LATER_MS);
  }

  /** @param {boolean} [unasked] Then what would be the same again stays. */
  async #fill(unasked) {
    const turn = unasked ? this.#turn : ++this.#turn;
    const [entries, kept] = [await search(this.#query.value), await lasting()];
    if (turn !== this.#turn) return; // a later key was pressed
    this.#notice.hidden = kept;
    const rows = entries.map((entry) => this.#row(entry));
    const old = this.#list.children;
    if (unasked && rows.length === old.length && rows.every((row, i) => row.isEqualNode(old[i]))) return;
    this.#list.replaceChildren(...rows);
    if (!entries.length) say(this.#said, this.#query.value ? "historyNoHit" : "historyNone");
    else if (this.#query.value) say(this.#said, "historyFound", { count: number(entries.length) });
    else this.#said.textContent = "";
  }

  /** @param {Entry} entry */
  #row(entry) {
    const { id, title: name, updated, turns, kind, found } = entry;
    const when = new Intl.DateTimeFormat(current(), { dateStyle: "medium", timeStyle: "short" }).format(updated);
    const about = [when, kind === "text" ? words("historyText") : words("historyTurns", { count: number(turns) })].join(" · ");
    const open = make("button", { type: "button", class: "quiet open", dir: "auto" }, name);
    say(open, "historyOpen", { title: name }, "aria-label");
    open.addEventListener("click", () => void this.#open(id));
    /** @param {string} key @param {() => void} pressed */
    const action = (key, pressed) => say(button(key, pressed, { class: "quiet" }), `${key}Of`, { title: name }, "aria-label");
    const row = make("li", { "data-talk": id });
    row.append(
      open,
      make("p", { class: "aside" }, about),
      ...(found ? [make("p", { class: "found", dir: "auto" }, found)] : []),
      make(
        "div",
        { class: "row" },
        action("historyRename", () => this.#rename(row, entry)),
        action("historyMarkdown", () => void this.#markdown(id)),
        this.#sure(action("historyDelete", () => {}), () => this.#delete(id)),
      ),
    );
    return row;
  }

  /** A press asks, the next one does it. @param {HTMLButtonElement} node @param {() => Promise<void>} act */
  #sure(node, act) {
    const idle = [...node.attributes].find(({ name }) => name === "aria-label")?.value;
    let [asked, key] = [false, node.textContent];
    node.addEventListener("click", () => {
      if (asked) return void act();
      asked = true;
      say(node, "historySure");
      node.setAttribute("aria-label", `${words("historySure")}: ${idle ?? key}`);
    });
    node.addEventListener("blur", () => {
      if (!asked) return;
      asked = false;
      node.textContent = key;
      if (idle) node.setAttribute("aria-label", idle);
      else node.removeAttribute("aria-label");
    });
    return node;
  }

  /** @param {string} id */
  async #open(id) {
    const talk = await get(id);
    if (talk) this.emit("nomoat-open", { talk });
  }

  /** @param {HTMLElement} row @param {Entry} entry */
  #rename(row, { id, title: name }) {
    const input = make("input", { type: "text", name: "name", maxlength: 200, dir: "auto" });
    input.value = name;
    const form = make("form", { class: "row" });
    const label = labelled("historyName", input);
    label.className = "hidden";
    form.append(label, input, say(make("button", { type: "submit" }), "historyKeep"));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const talk = await get(id);
      if (talk) {
        talk.title = input.value.trim();
        talk.updated = Date.now();
        await put(talk);
        this.emit("nomoat-renamed", { id, title: talk.title });
      }
      await this.#fill();
      this.#query.focus();
    });
    row.firstElementChild?.replaceWith(form);
    input.select();
  }

  /** @param {string} id */
  async #delete(id) {
    await remove(id);
    this.emit("nomoat-gone", { id });
    await this.#fill();
    say(this.#said, "historyDeleted");
    this.#query.focus();
  }

  async #clear() {
    const gone = await all();
    await clear();
    for (const { id } of gone) this.emit("nomoat-gone", { id });
    await this.#fill();
    say(this.#said, "historyDeleted");
    this.#query.focus();
  }

  async #export() {
    download(`nomoat ${new Date().toISOString().slice(0, 10)}.json`, "application/json", toJson(await all()));
  }

  /** @param {string} id */
  async #markdown(id) {
    const talk = await get(id);
    if (!talk) return;
    download(`${fileName(title(talk))}.md`, "text/markdown", toMarkdown(talk, { you: words("you"), model: words("model"), made }));
  }

  /** @param {HTMLInputElement} input */
  async #import(input) {
    const [file] = input.files ?? [];
    input.value = "";
    if (!file) return;
    this.#problem.textContent = "";
    try {
      const talks = fromJson(await file.text());
      for (const talk of talks) await put(talk);
      await this.#fill();
      say(this.#said, "historyImported", { count: number(talks.length) });
    } catch (error) {
      this.#problem.textContent = error instanceof Error ? error.message : String(error);
    }
  }
}
