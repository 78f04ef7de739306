// <nomoat-library>: the models that are stored here: open, verify, delete; and how much room there is.
// Emits nomoat-source for one to open, nomoat-stock when one was deleted.

import { store } from "../nomoat.js";
import { button, make, NomoatElement } from "./element.js";
import { ago, hush, known, say, size, words } from "./words.js";

export class NomoatLibrary extends NomoatElement {
  #used = make("meter", { min: 0, max: 1, low: 0, high: 1 });
  #room = make("p", { class: "figures" });
  #kept = make("p", { class: "aside" });
  #keep = button("lib_keep", () => void this.#persist());
  #list = make("ul", { class: "stock" });
  #none = make("p", { class: "aside" });
  #said = make("p", { class: "hidden", role: "status" });
  /** How many are being verified: their rows stay. */
  #verifying = 0;

  build() {
    say(this.#used, "lib_used", {}, "aria-label");
    this.append(make("section", {}, this.#none, this.#list, this.#said), make("section", {}, this.#used, this.#room, this.#kept, this.#keep));
  }

  changed() {
    if (this.isConnected) void this.shown();
  }

  /** Looks again. */
  async shown() {
    const [all, room] = await Promise.all([store.list().catch(() => []), store.estimate().catch(() => null)]);
    if (!this.#verifying) this.#list.replaceChildren(...all.map((stored) => this.#item(stored)));
    this.#none.hidden = Boolean(all.length);
    const able = Boolean(navigator.storage?.getDirectory);
    say(this.#none, able ? "lib_empty" : "lib_none");
    for (const node of [this.#used, this.#room, this.#kept, this.#keep]) node.hidden = !able || !room;
    if (!room) return;
    const { usage, quota, persisted } = room;
    this.#used.value = quota ? usage / quota : 0;
    const models = all.reduce((sum, { done }) => sum + done, 0);
    const values = { used: size(usage), quota: size(quota), size: size(models) };
    say(this.#used, "lib_used", values, "aria-label");
    this.#room.textContent = `${words("lib_used", values)} · ${words("lib_models", values)}`;
    say(this.#kept, persisted ? "lib_kept" : "lib_loose");
    this.#keep.hidden ||= persisted;
  }

  async #persist() {
    const granted = await store.persist().catch(() => false);
    await this.shown();
    if (!granted) say(this.#kept, "lib_refused");
  }

  /** @param {HTMLElement} state @param {unknown} error */
  #failed(state, error) {
    const { code, message } = /** @type {any} */ (error);
    if (known(`do_${code}`)) say(state, `do_${code}`);
    else state.textContent = message;
  }

  /** @param {import("../store.js").Stored} stored */
  #item(stored) {
    const { key, name, bytes, done, complete, sha256, source, lastUsed } = stored;
    const state = make("p", { class: "aside", role: "status" });
    const part = complete ? size(bytes) : words("lib_part", { done: size(done), size: size(bytes) });
    const when = lastUsed ? ` · ${words("lib_last", { when: ago(lastUsed) })}` : "";
    const open = button(complete ? "open" : "resume", () => this.emit("nomoat-source", { source, name, device: "", stored: true }));
    const verify = button(
      "lib_verify",
      async () => {
        verify.disabled = true;
        this.#verifying += 1;
        say(state, "lib_verifying");
        try {
          const { files } = await store.verify(key);
          const wrong = files.filter(({ sound }) => !sound);
          say(state, !wrong.length ? "lib_sound" : wrong.every(({ licence }) => licence) ? "lib_textBroken" : "lib_broken");
        } catch (error) {
          this.#failed(state, error);
        }
        verify.disabled = false;
        this.#verifying -= 1;
      },
      { class: "quiet" },
    );
    // a second press is the confirmation; going elsewhere takes it back
    const remove = button(
      "lib_delete",
      async () => {
        if (!remove.hasAttribute("data-sure")) {
          remove.setAttribute("data-sure", "");
          say(remove, "lib_sure");
          return;
        }
        try {
          await store.remove(key);
        } catch (error) {
          return this.#failed(state, error);
        }
        say(this.#said, "lib_deleted", { name });
        await this.shown();
        const next = this.querySelector("li button") ?? this.closest("dialog")?.querySelector("[role=tab][aria-selected=true]");
        /** @type {HTMLElement | null | undefined} */ (next)?.focus();
        this.emit("nomoat-stock");
      },
      { class: "quiet" },
    );
    remove.addEventListener("blur", () => {
      remove.removeAttribute("data-sure");
      say(remove, "lib_delete");
    });
    verify.hidden = !complete;
    hush(state);
    const figures = make("p", { class: "figures" }, part + when);
    const hash = sha256 ? [make("p", { class: "hash" }, `${words("lib_hash")} ${sha256}`)] : [];
    return make("li", {}, make("h2", { class: "name" }, name), figures, ...hash, make("div", { class: "row" }, open, verify, remove), state);
  }
}
