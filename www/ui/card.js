// <nomoat-card>: what a model's own files state of it, and what the openness ledger knows. What is left out is "not stated".

import { make, NomoatElement } from "./element.js";
import { compact, number, say, words } from "./words.js";

export class NomoatCard extends NomoatElement {
  /** @type {any} */
  #info;
  #source = "";
  /** @type {any} */
  #hub;
  #none = say(make("p", { class: "aside" }), "card_none");
  #name = make("h2", {});
  #terms = make("dl", { class: "terms" });
  #note = say(make("p", { class: "aside" }), "card_stated");
  /** @type {any} */
  #openness = document.createElement("nomoat-openness");
  #licences = make("div", {});
  #turn = 0;

  build() {
    this.append(make("section", {}, this.#none, this.#name, this.#terms, this.#note), this.#licences, this.#openness);
  }

  /** Nobody asks the ledger who does not look. */
  shown() {
    const { name, card } = this.#info ?? {};
    void this.#openness.show(this.#info && { source: this.#source, name, card, hub: this.#hub });
    void this.#kept();
  }

  /** The licences that were kept with it: they need no ledger and no network. */
  async #kept() {
    const turn = ++this.#turn;
    const source = this.#info ? this.#source : "";
    const nodes = source ? await import("./openness/licence.js").then(({ licences }) => licences(source)).catch(() => []) : [];
    if (turn === this.#turn) this.#licences.replaceChildren(...nodes);
  }

  /** @param {any} info Of a loaded model, or nothing. @param {string} [source] Its address; empty for a file. @param {any} [hub] What its page on a hub states. */
  show(info, source = "", hub = undefined) {
    this.#info = info;
    this.#source = source;
    this.#hub = hub;
    this.changed();
    if (this.offsetParent) this.shown();
  }

  changed() {
    const info = this.#info;
    this.#none.hidden = Boolean(info);
    // its words follow the language
    if (this.#licences.firstChild) void this.#kept();
    for (const node of [this.#name, this.#terms, this.#note]) node.hidden = !info;
    if (!info) return;
    const card = info.card ?? {};
    this.#name.textContent = info.name;
    const licence = card.licence ?? card.licenceName ?? info.licence;
    /** @type {[string, (string | null | undefined)[]][]} */
    const rows = [
      ["card_name", [[card.name ?? info.name, card.version].filter(Boolean).join(" ")]],
      ["card_author", [[card.author, card.organisation].filter(Boolean).join(", ")]],
      ["card_licence", [licence, card.licenceName !== licence && card.licenceName, card.licenceLink]],
      ["card_lineage", [...(card.baseModels ?? []).map(base), card.finetune, card.source]],
      ["card_datasets", card.datasets ?? []],
      ["card_languages", [(card.languages ?? []).join(", ")]],
      ["card_quantiser", [card.quantisedBy]],
      ["card_formats", [info.formats.join(", ")]],
      ["card_family", [info.family]],
      ["card_parameters", [compact(info.parameters)]],
      ["card_context", [words("card_contextOf", { count: number(info.contextLength), trained: number(info.contextTrained) })]],
      ["card_source", [this.#source || words("card_file")]],
      ["card_hash", [info.sha256]],
    ];
    this.#terms.replaceChildren(
      ...rows.flatMap(([key, lines]) => {
        const stated = lines.filter(Boolean).map((line) => make("div", { class: key === "card_hash" ? "hash" : "" }, String(line)));
        const content = stated.length ? stated : [make("span", { class: "aside" }, words("notStated"))];
        return [say(make("dt", {}), key), make("dd", {}, ...content)];
      }),
    );
  }
}

/** @param {{ name: string, organisation?: string, version?: string, address?: string }} base */
function base({ name, organisation, version, address }) {
  return [[organisation, name].filter(Boolean).join("/"), version, address && `(${address})`].filter(Boolean).join(" ");
}
