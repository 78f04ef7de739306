// <nomoat-side>: the panels at the side, as tabs: a column where there is room, else a drawer before the page. Panels may
// have shown(), which is called when they come into view.

import { make, NomoatElement } from "./element.js";
import { icon } from "./icon.js";
import { kept, keep } from "./kept.js";
import { say } from "./words.js";

const KEY = "nomoat-side";
const WIDE = matchMedia("(min-width: 64rem)");

export class NomoatSide extends NomoatElement {
  #dialog = make("dialog", { class: "side", id: "side" });
  #tabs = make("div", { class: "tabs", role: "tablist" });
  /** @type {Map<string, { tab: HTMLButtonElement, panel: HTMLElement, content: any }>} */
  #all = new Map();
  #current = "";

  build() {
    say(this.#dialog, "panels", {}, "aria-label");
    say(this.#tabs, "panels", {}, "aria-label");
    const close = say(make("button", { type: "button", class: "icon" }, icon("close")), "close", {}, "aria-label");
    close.addEventListener("click", () => this.close());
    this.#dialog.prepend(make("div", { class: "top" }, this.#tabs, close));
    this.#tabs.addEventListener("keydown", (event) => this.#walk(event));
    this.#dialog.addEventListener("click", (event) => {
      // outside of what it holds, on the veil
      if (event.target === this.#dialog && this.#dialog.matches(":modal")) this.close();
    });
    this.#dialog.addEventListener("close", () => this.emit("nomoat-side", { open: this.isOpen }));
    WIDE.addEventListener("change", () => {
      if (this.#dialog.open) this.#dialog.close();
      this.restore();
    });
    this.append(this.#dialog);
  }

  /** @param {string} name @param {HTMLElement} content */
  add(name, content) {
    const tab = say(make("button", { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": `panel-${name}` }), `tab_${name}`);
    const panel = make("div", { class: "panel", role: "tabpanel", id: `panel-${name}`, "aria-labelledby": tab.id, tabindex: 0 }, content);
    tab.addEventListener("click", () => this.open(name));
    this.#tabs.append(tab);
    this.#dialog.append(panel);
    this.#all.set(name, { tab, panel, content });
    this.#show(this.#current || name);
  }

  /** Opens as it was left, where it was left open and there is room. */
  restore() {
    const name = kept(KEY);
    if (WIDE.matches && name) this.open(name, false);
  }

  get isOpen() {
    return this.#dialog.open;
  }

  /** @param {string} [name] @param {boolean} [focus] */
  open(name = this.#current, focus = true) {
    this.#show(this.#all.has(name) ? name : this.#current);
    if (WIDE.matches) keep(KEY, this.#current);
    if (!this.#dialog.open) {
      // show() would take the focus
      if (WIDE.matches) this.#dialog.open = true;
      else this.#dialog.showModal();
      this.#all.get(this.#current)?.content.shown?.();
      this.emit("nomoat-side", { open: true });
    }
    if (focus) this.#all.get(this.#current)?.tab.focus();
  }

  close() {
    keep(KEY, null);
    // a drawer gives the focus back by itself
    const column = !this.#dialog.matches(":modal") && this.#dialog.contains(document.activeElement);
    this.#dialog.close();
    if (column) /** @type {HTMLElement | null} */ (document.querySelector('[aria-controls="side"]'))?.focus();
  }

  /** Closes a drawer, which hides what was just chosen; a column may stay. */
  yield() {
    if (this.#dialog.matches(":modal")) this.#dialog.close();
  }

  /** @param {string} name */
  #show(name) {
    this.#current = name;
    for (const [each, { tab, panel }] of this.#all) {
      tab.setAttribute("aria-selected", String(each === name));
      tab.tabIndex = each === name ? 0 : -1;
      panel.hidden = each !== name;
    }
    if (this.#dialog.open) this.#all.get(name)?.content.shown?.();
  }

  /** @param {KeyboardEvent} event */
  #walk(event) {
    const names = [...this.#all.keys()];
    const ahead = getComputedStyle(this).direction === "rtl" ? "ArrowLeft" : "ArrowRight";
    const back = ahead === "ArrowLeft" ? "ArrowRight" : "ArrowLeft";
    const at = names.indexOf(this.#current);
    const to = { [ahead]: at + 1, [back]: at - 1, Home: 0, End: names.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.open(names[(to + names.length) % names.length]);
    this.#all.get(this.#current)?.tab.focus();
  }
}
