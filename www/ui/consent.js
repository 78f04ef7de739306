// <nomoat-consent>: asks before anything is downloaded: how much, from where, under which licence, and whether it fits.
// ask() resolves with what to load, "file" for a file of the user's own, or null.

import { button, labelled, make, NomoatElement } from "./element.js";
import { metered } from "./device.js";
import { hostOf, lookUp } from "./lookup.js";
import { hush, known, number, say, size, words } from "./words.js";

/** @typedef {import("./lookup.js").Chosen} Chosen @typedef {import("./lookup.js").Known} Known */

export class NomoatConsent extends NomoatElement {
  #dialog = make("dialog", { class: "sheet", "aria-labelledby": "ask-title" });
  #title = make("h2", { id: "ask-title", tabindex: -1 });
  #terms = make("dl", { class: "terms" });
  #notes = make("div", {});
  /** @type {any} */
  #openness = document.createElement("nomoat-openness");
  #state = make("p", { class: "aside", role: "status" });
  #variant = make("select", { name: "variant" });
  #variants = make("p", { class: "row" }, labelled("askVariant", this.#variant), this.#variant);
  // what is restricted has to be read before
  #yes = button("askDownload", () => this.#yes.form?.reportValidity() && this.#answer(this.#chosen && { ...this.#chosen, card: this.#known.fit?.card, hub: this.#known.fit?.hub }), { class: "main" });
  #look = button("lookUp", () => void this.#find(), { class: "main" });
  /** @type {Chosen | undefined} */
  #chosen;
  /** @type {Known} */
  #known = {};
  /** @type {((answer: Chosen | "file" | null) => void) | undefined} */
  #resolve;
  /** @type {((error: unknown) => void) | undefined} */
  #reject;
  #stop = new AbortController();

  build() {
    const acts = make(
      "div",
      { class: "acts" },
      this.#yes,
      this.#look,
      button("askOwn", () => this.#answer("file")),
      button("cancel", () => this.#answer(null), { class: "quiet" }),
    );
    const form = make("form", { method: "dialog" }, this.#title, this.#terms, this.#variants, this.#openness, this.#notes, this.#state, acts);
    form.addEventListener("submit", (event) => event.preventDefault());
    this.#variant.addEventListener("change", () => {
      this.#known.variant = this.#variant.value;
      if (this.#chosen) this.#chosen = { ...this.#chosen, source: `${this.#known.id}:${this.#variant.value}` };
      void this.#find();
    });
    // it is told late: by then the sheet may ask about another one
    this.#dialog.addEventListener("close", () => this.#dialog.open || this.#answer(null));
    this.#dialog.append(form);
    this.append(this.#dialog);
  }

  /**
   * Fails with what keeps the model from being loaded at all.
   * @param {Chosen} chosen @returns {Promise<Chosen | "file" | null>}
   */
  ask(chosen) {
    this.#answer(null);
    this.#chosen = chosen;
    const { bytes, licence } = chosen.entry ?? {};
    this.#known = { bytes, licence };
    const answer = new Promise((/** @type {(answer: Chosen | "file" | null) => void} */ resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    void this.#openness.show(undefined);
    this.#dialog.showModal();
    // a link may not make the page ask anyone anything
    if (chosen.linked) this.changed();
    else void this.#find();
    if (chosen.linked) this.#look.focus();
    return answer;
  }

  /** Takes the question back. */
  dismiss() {
    this.#answer(null);
  }

  /** @param {Chosen | "file" | null | undefined} answer */
  #answer(answer) {
    this.#stop.abort();
    const resolve = this.#resolve;
    this.#resolve = this.#reject = undefined;
    if (this.#dialog.open) this.#dialog.close();
    resolve?.(answer ?? null);
  }

  async #find() {
    this.#stop.abort();
    const stop = new AbortController();
    this.#stop = stop;
    const chosen = this.#chosen;
    if (!chosen) return;
    this.#chosen = { ...chosen, linked: false };
    say(this.#state, "askLooking", { host: hostOf(chosen.source) });
    this.changed();
    // who goes through the variants goes on from there
    if (document.activeElement !== this.#variant) (this.#yes.disabled ? this.#title : this.#yes).focus();
    try {
      const found = await lookUp(chosen, stop.signal, (sent) => this.emit("nomoat-request", sent));
      if (stop.signal.aborted) return;
      this.#known = { ...this.#known, ...found };
      const { card, hub } = found.fit;
      await this.#openness.show({ source: chosen.source, name: chosen.name, card, hub, ask: true });
      if (stop.signal.aborted) return;
    } catch (error) {
      if (stop.signal.aborted) return;
      hush(this.#state);
      const reject = this.#reject;
      this.#resolve = this.#reject = undefined;
      this.#dialog.close();
      reject?.(error);
      return;
    }
    hush(this.#state);
    this.changed();
    if (document.activeElement === this.#title) this.#yes.focus();
  }

  changed() {
    const chosen = this.#chosen;
    if (!chosen) return;
    const { bytes, licence, fit, room, variants, variant } = this.#known;
    const host = hostOf(chosen.source);
    const looking = Boolean(this.#state.textContent);
    say(this.#title, "askTitle", { name: chosen.name });
    const unknown = looking ? "…" : words("askUnknown");
    const short = room !== undefined && bytes !== undefined && bytes > room;
    /** @type {[string, (string | Node)[]][]} */
    const rows = [
      ["askSize", [bytes ? size(bytes) : unknown]],
      ["askFrom", [host === location.host ? `${words("priv_self")} (${host})` : host, small(typeof chosen.source === "string" ? chosen.source : "")]],
      ["askLicence", licence ? [licence, small(words("askStated"))] : [fit || bytes ? words("notStated") : unknown]],
      ["askFits", fit ? [verdict(fit), ...reasons(fit)] : [unknown]],
    ];
    if (room !== undefined) rows.push(["askRoom", [words(short ? "askTight" : "askFree", { size: size(room) })]]);
    this.#terms.replaceChildren(...rows.flatMap(([key, content]) => [say(make("dt", {}), key), make("dd", {}, ...content)]));
    this.#variants.hidden = !(variants && variants.length > 1);
    this.#variant.replaceChildren(
      ...(variants ?? []).map((each) =>
        make("option", { value: each.label, selected: each.label === variant }, `${each.label} · ${size(each.bytes)}`),
      ),
    );
    const notes = [];
    if (chosen.linked) notes.push(say(make("p", { class: "calm" }), "askLink", { host }));
    else if (host !== location.host) notes.push(say(make("p", { class: "aside" }), "askSees", { host }));
    if (chosen.entry?.gated) notes.push(say(make("p", { class: "caution" }), "askGated"));
    if (metered()) notes.push(say(make("p", { class: "caution" }), "askMetered"));
    this.#notes.replaceChildren(...notes);
    this.#look.hidden = !chosen.linked;
    this.#yes.hidden = Boolean(chosen.linked);
    // nobody agrees to what is not known yet
    this.#yes.disabled = looking && chosen.entry?.terms !== "open-weights";
    if (fit && !fit.fits) say(this.#yes, "askAnyway");
    else if (bytes) say(this.#yes, "askDownloadSize", { size: size(bytes) });
    else say(this.#yes, "askDownload");
  }
}

/** @param {string} text */
function small(text) {
  return make("span", { class: "aside" }, text);
}

/** @param {any} fit */
function verdict(fit) {
  if (!fit.fits) return words("askNo");
  return words("askYes", { context: number(fit.contextLength), memory: size(fit.needs?.total ?? 0) });
}

/** In the page's words where it has them, else in the engine's. @param {any} fit */
function reasons(fit) {
  const told = (fit.reasons ?? []).filter((/** @type {any} */ { code }) => code !== "fits");
  return told.map((/** @type {any} */ { code, message, values }) => small(known(`fit_${code}`) ? words(`fit_${code}`, shown(values)) : message));
}

/** @param {Record<string, unknown>} values @returns {Record<string, string>} Numbers as they are read. */
function shown(values = {}) {
  const read = (/** @type {string} */ name, /** @type {unknown} */ value) =>
    typeof value !== "number" ? String(value) : /context|trained|wanted/.test(name) ? number(value) : size(value);
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, read(name, value)]));
}
