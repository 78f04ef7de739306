// <nomoat-share model size licence>: a button, and the dialog that it opens: what a site's owner pastes to have this model on a
// page of theirs, what it costs the visitors, how it looks, and a zip to host oneself. show() says what is loaded.

import { parse } from "../hub.js";
import { SEEDLING } from "../seedling.js";
import { button, labelled, make, NomoatElement } from "./element.js";
import { page, policy, readme, tag } from "./snippet.js";
import { hush, number, say, size, words } from "./words.js";
import { zip } from "./zip.js";

/** @typedef {{ bytes: number, brotli: number, integrity: string }} Piece */
/** @typedef {{ version: string, script: Piece, wasm: Piece & { name: string } }} About What build/bundle.mjs writes. */

/** Beside the page, as the zip has them; those that a development copy lacks are left out. */
const TEXTS = ["LICENSE-MIT", "LICENSE-APACHE", "THIRD_PARTY_NOTICES"];
/** @param {string} path */
const beside = (path) => new URL(path, document.baseURI).href;

/** The same model from a page at another address. @param {string} model */
const elsewhere = (model) => (model === "embedded" ? "" : !model ? "model.gguf" : parse(model) || !URL.canParse(model, document.baseURI) ? model : beside(model));

export class NomoatShare extends NomoatElement {
  static observedAttributes = ["model", "size", "licence"];

  #dialog = make("dialog", { class: "sheet share", "aria-labelledby": "share-title" });
  #model = make("input", { type: "text", name: "share-model", inputmode: "url", autocomplete: "off", spellcheck: "false" });
  #file = say(make("p", { class: "aside" }), "shareFile");
  #from = make("select", { name: "share-from" });
  #tag = make("pre", { tabindex: 0, role: "region" });
  #policy = make("pre", { tabindex: 0, role: "region" });
  #costs = make("ul", {});
  #preview = make("div", { class: "part" });
  #parts = make("div", { class: "parts" });
  #cors = say(make("p", { class: "aside" }), "shareCors");
  #note = make("p", { class: "aside" });
  #state = make("p", { class: "aside", role: "status" });
  #none = say(make("p", { role: "alert" }), "shareNone");
  /** @type {About | undefined} */
  #about;
  /** @type {import("../engine.js").Model | undefined} */
  #engine;

  build() {
    for (const key of ["shareHere", "shareOwn"]) this.#from.append(say(make("option", { value: key }), key));
    for (const input of [this.#model, this.#from]) input.addEventListener("input", () => this.#write());
    say(this.#tag, "shareTag", {}, "aria-label");
    say(this.#policy, "sharePolicy", {}, "aria-label");
    /** @param {string} key @param {Node[]} nodes */
    const part = (key, ...nodes) => make("section", { class: "part" }, say(make("h3", {}), key), ...nodes);
    this.#parts.append(
      say(make("p", {}), "shareLead"),
      make("div", { class: "part" }, labelled("shareModel", this.#model), this.#model, this.#file),
      make("p", {}, labelled("shareFrom", this.#from), " ", this.#from),
      this.#cors,
      part("shareTag", this.#tag, make("div", { class: "row spread" }, say(make("p", { class: "aside" }), "sharePinned"), this.#copy(this.#tag))),
      part("sharePolicy", this.#policy, make("div", { class: "row spread" }, this.#state, this.#copy(this.#policy))),
      part("shareCost", this.#costs),
      part("sharePreview", this.#preview),
      make("div", { class: "part" }, make("div", { class: "row" }, button("shareZip", () => void this.#download())), this.#note),
    );
    this.#dialog.append(
      make(
        "div",
        { class: "row spread" },
        say(make("h2", { id: "share-title" }), "shareOpen"),
        button("close", () => this.#dialog.close(), { class: "quiet" }),
      ),
      this.#none,
      this.#parts,
    );
    this.#dialog.addEventListener("close", () => this.#preview.replaceChildren());
    this.append(button("shareOpen", () => void this.open(), { class: "quiet", "aria-haspopup": "dialog" }), this.#dialog);
  }

  changed() {
    if (this.#dialog.open) this.#write();
  }

  /**
   * What the page has loaded, or that it has nothing.
   * @param {import("../engine.js").Model | undefined} model @param {string} [source] Empty for a file. @param {string} [licence] @param {number} [bytes]
   */
  show(model, source = "", licence = "", bytes = 0) {
    this.#engine = model;
    for (const [name, value] of Object.entries({ model: source, licence, size: bytes || "" })) this.setAttribute(name, String(value));
  }

  /** @param {HTMLElement} shown */
  #copy(shown) {
    return button("shareCopy", async () => {
      try {
        await navigator.clipboard.writeText(shown.textContent ?? "");
        say(this.#state, "shareCopied");
      } catch {
        // not allowed to write there: select it, so that one key copies it
        getSelection()?.selectAllChildren(shown);
      }
    });
  }

  async open() {
    const source = this.getAttribute("model") ?? "";
    this.#model.value = source;
    this.#file.hidden = Boolean(source);
    hush(this.#state);
    this.#dialog.showModal();
    this.#about ??= await fetch(beside("pkg/embed.json")).then(
      (response) => (response.ok ? response.json() : undefined),
      () => undefined,
    );
    this.#none.hidden = Boolean(this.#about);
    this.#parts.hidden = !this.#about;
    if (!this.#about) return;
    this.#write();
    await this.#show();
  }

  /** @param {About} about @param {boolean} own Whether the owner's site has the script. */
  #wish({ script }, own) {
    return {
      script: own ? "nomoat.js" : beside("pkg/embed.js"),
      integrity: script.integrity,
      model: elsewhere(this.#model.value.trim()),
      // of another model they are not known
      ...(this.#model.value.trim() === (this.getAttribute("model") ?? "")
        ? { bytes: Number(this.getAttribute("size")) || 0, licence: this.getAttribute("licence") ?? "" }
        : { bytes: 0, licence: "" }),
    };
  }

  #write() {
    const about = this.#about;
    if (!about) return;
    const own = this.#from.value === "shareOwn";
    const wish = this.#wish(about, own);
    this.#cors.hidden = own;
    this.#tag.textContent = tag(wish);
    this.#policy.textContent = policy(wish);
    this.#costs.replaceChildren(
      ...[
        words("shareBefore", { size: `${number(Math.ceil(about.script.brotli / 1000))} kB` }),
        words("shareAfter", { size: size(about.wasm.brotli) }),
        wish.bytes ? words("shareWeights", { size: size(wish.bytes) }) : words("shareWeightsUnknown"),
      ].map((text) => make("li", {}, text)),
    );
    say(this.#note, "shareZipNote", { size: size(about.script.bytes + about.wasm.bytes + (wish.model ? 0 : SEEDLING.size)) });
  }

  /** The widget itself, with the model that is loaded here. */
  async #show() {
    // the page needs the widget for nothing else
    await import("./widget.js");
    const wish = this.#about && this.#wish(this.#about, false);
    if (!wish || !this.#dialog.open) return;
    const { model, bytes, licence } = wish;
    const chat = /** @type {import("./widget/chat.js").NomoatChat} */ (make(/** @type {any} */ ("nomoat-chat"), { model, licence, ...(bytes ? { size: bytes } : {}) }));
    this.#preview.replaceChildren(chat);
    if (this.#engine) chat.engine = this.#engine;
  }

  async #download() {
    const about = this.#about;
    if (!about) return;
    /** @param {string} path @returns {Promise<Uint8Array<ArrayBuffer> | undefined>} */
    const bytes = async (path) => {
      const response = await fetch(beside(path)).catch(() => undefined);
      return response?.ok ? new Uint8Array(await response.arrayBuffer()) : undefined;
    };
    const wish = this.#wish(about, true);
    const written = Object.entries({ "index.html": page(wish), "README.txt": readme(wish) }).map(([name, text]) => ({ name, bytes: new TextEncoder().encode(text) }));
    /** @type {[string, string][]} */
    const wanted = [["nomoat.js", "pkg/embed.js"], [about.wasm.name, `pkg/${about.wasm.name}`], ...TEXTS.map((name) => /** @type {[string, string]} */ ([name, name]))];
    if (!wish.model) wanted.push([SEEDLING.file, `pkg/${SEEDLING.file}`]);
    const fetched = await Promise.all(wanted.map(async ([name, path]) => ({ name, bytes: await bytes(path) })));
    const found = fetched.flatMap(({ name, bytes }) => (bytes ? [{ name, bytes }] : []));
    if (found.length < 2 || (!wish.model && !found.some(({ name }) => name === SEEDLING.file))) return void say(this.#state, "shareNone");
    const url = URL.createObjectURL(zip([...found, ...written].map(({ name, bytes }) => ({ name: `nomoat-widget/${name}`, bytes }))));
    make("a", { href: url, download: `nomoat-widget-${about.version}.zip` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  }
}
