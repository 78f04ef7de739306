// <nomoat-header>: the bar above everything: the panels' button, the name, whether the network is off, language, colours.
// Emits nomoat-side-show { name }; property `expanded` is whether the panels are in view.

import { button, make, NomoatElement } from "./element.js";
import { icon } from "./icon.js";
import { nextTheme, theme, wear } from "./theme.js";
import { say, toggle, words } from "./words.js";

export class NomoatHeader extends NomoatElement {
  #menu = make("button", { type: "button", class: "icon", "aria-controls": "side", "aria-expanded": "false" }, icon("panels"));
  #where = make("span", {});
  #place = make("button", { type: "button", class: "quiet place" }, this.#where);
  #colours = make("button", { type: "button", class: "icon" }, icon("theme"));

  build() {
    wear();
    const language = say(button("language", toggle, { class: "quiet" }), "languageLabel", {}, "aria-label");
    this.#menu.addEventListener("click", () => this.emit("nomoat-side-show", {}));
    this.#colours.addEventListener("click", () => {
      nextTheme();
      this.changed();
    });
    this.#place.addEventListener("click", () => this.emit("nomoat-side-show", { name: "privacy" }));
    addEventListener("online", () => this.changed());
    addEventListener("offline", () => this.changed());
    const mark = make("span", { class: "mark", "aria-hidden": "true" });
    say(this.#menu, "panels", {}, "aria-label");
    this.append(make("header", { class: "bar" }, this.#menu, make("h1", {}, mark, "nomoat"), this.#place, language, this.#colours));
  }

  /** @param {boolean} expanded */
  set expanded(expanded) {
    this.#menu.setAttribute("aria-expanded", String(expanded));
  }

  changed() {
    say(this.#colours, "theme", { theme: words(`theme_${theme()}`) }, "aria-label");
    this.#place.toggleAttribute("data-offline", !navigator.onLine);
    say(this.#where, navigator.onLine ? "onDevice" : "offlineNow");
  }
}
