// <nomoat-source address="…" device="auto">: where the user says which model: one that is here, one that suits this
// device, a file, an address. Emits nomoat-source with a Chosen.

import { MODELS } from "../models.js";
import { store } from "../nomoat.js";
import { begins, isSeedling, SEEDLING, titleOf } from "../seedling.js";
import { embeddedName } from "../thread.js";
import { bears } from "./device.js";
import { button, labelled, make, NomoatElement } from "./element.js";
import { HUB, nameOf } from "./lookup.js";
import { ago, current, say, size, words } from "./words.js";

/** @typedef {import("../models.js").Entry} Entry @typedef {import("./lookup.js").Chosen} Chosen */

/** On the CPU, what is bigger than this is too slow to be a pleasure. */
const SLOW = 0.8e9;

export class NomoatSource extends NomoatElement {
  static observedAttributes = ["address", "device", "small", "embedded"];

  /** Whether there is a GPU in hardware. */
  #swift = false;
  /** Whether the device was set as the page asks; after that it is the user's choice. */
  #told = false;
  #address = make("input", { type: "text", inputmode: "url", name: "address", autocomplete: "off", spellcheck: "false", required: true });
  #device = make("select", { name: "device" });
  #gpu = make("p", { class: "aside", role: "status" });
  #ways = make("div", { class: "ways" });
  #here = make("div", { class: "card here", hidden: true });
  #shelf = make("ul", { class: "shelf" });
  #offer = make("div", { class: "card offer" });
  #memory = say(make("p", { class: "aside" }), "memoryOnly");
  #file = make("input", { type: "file", multiple: true, class: "hidden", tabindex: -1 });

  build() {
    const folder = make("input", { type: "file", webkitdirectory: true, class: "hidden", tabindex: -1 });
    say(this.#file, "chooseFile", {}, "aria-label");
    say(folder, "chooseFolder", {}, "aria-label");
    for (const input of [this.#file, folder]) {
      input.addEventListener("change", () => {
        this.choose([...(input.files ?? [])]);
        input.value = "";
      });
    }
    const files = make(
      "div",
      { class: "card files" },
      say(make("p", { class: "over" }), "ownModel"),
      say(make("h2", { class: "name" }), "ownOpen"),
      say(make("p", { class: "aside" }), "formats"),
      make("p", { class: "aside" }, say(make("span", {}), "ownFile"), " ", say(make("span", { class: "fine-pointer" }), "ownDrop")),
      make("div", { class: "row" }, button("chooseFile", () => this.pick()), button("chooseFolder", () => folder.click())),
      this.#file,
      folder,
    );
    this.#here.append(say(make("h2", { class: "over" }), "alreadyHere"), this.#shelf);
    this.#ways.append(this.#here, this.#offer, files);

    const form = make("form", { class: "address" });
    say(this.#address, "addressExample", {}, "placeholder");
    form.append(labelled("addressOrName", this.#address), make("div", { class: "row" }, this.#address, say(make("button", { type: "submit" }), "lookUp")));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const source = this.#address.value.trim();
      // a path or a reference has a slash, a file its ending
      const none = Boolean(source) && (/\s/.test(source) || !/[/.]/.test(source));
      this.#address.setCustomValidity(none ? words("addressNone") : "");
      if (none) this.#address.reportValidity();
      else if (source) this.#chose({ source, name: nameOf(source) });
    });
    this.#address.addEventListener("input", () => this.#address.setCustomValidity(""));

    for (const device of ["auto", "gpu", "cpu"]) this.#device.append(say(make("option", { value: device }), device));
    const runOn = make("p", { class: "run-on" }, labelled("runOn", this.#device), " ", this.#device);
    this.#memory.hidden = Boolean(navigator.storage?.getDirectory);
    this.append(this.#ways, form, make("div", { class: "foot" }, runOn, this.#gpu), this.#memory);
    this.#dropping();
    void this.#look();
    void this.stock();
  }

  changed() {
    this.#address.value ||= this.getAttribute("address") ?? "";
    if (this.hasAttribute("device") && !this.#told) this.#device.value = this.getAttribute("device") ?? "auto";
    this.#told = this.hasAttribute("device");
    this.#suggest();
    void this.stock();
  }

  focus() {
    this.#address.focus();
    this.#address.select();
  }

  /** Puts an address where it can be corrected. @param {string} address */
  set address(address) {
    this.#address.value = address;
  }

  /** Opens the browser's dialog for files. */
  pick() {
    this.#file.click();
  }

  /** @param {Partial<Chosen> & { source: any, name: string }} chosen */
  #chose(chosen) {
    this.emit("nomoat-source", { device: this.#device.value, ...chosen });
  }

  /** @param {File[]} files */
  choose(files) {
    if (!files.length) return;
    const [first] = files;
    const name = first.webkitRelativePath.split("/")[0] || (files.length > 1 ? `${first.name} …` : first.name);
    this.#chose({ source: files, name });
  }

  /** Shows what is stored here. */
  async stock() {
    const stored = await store.list().catch(() => []);
    const all = stored.filter(({ source }) => !isSeedling(source)).slice(0, 4);
    // the one that came with the page, unless it is there to write already
    const own = !this.hasAttribute("embedded") && begins(embeddedName()) ? [this.#own()] : [];
    this.#here.hidden = !(all.length || own.length);
    this.#shelf.replaceChildren(
      ...own,
      ...all.map(({ name, bytes, done, complete, source, lastUsed }) => {
        const state = complete ? size(bytes) : words("lib_part", { done: size(done), size: size(bytes) });
        const when = lastUsed ? ` · ${ago(lastUsed)}` : "";
        const open = button(complete ? "open" : "resume", () => this.#chose({ source, name, stored: complete }), { class: complete ? "main" : "" });
        open.setAttribute("aria-label", `${open.textContent}: ${name}`);
        return make("li", {}, make("div", {}, make("h3", {}, name), make("p", { class: "figures" }, state + when)), open);
      }),
    );
  }

  /** The model that came with the page. */
  #own() {
    const name = titleOf(embeddedName());
    const open = button("open", () => this.#chose({ source: "embedded", name, stored: true }), { class: "main" });
    open.setAttribute("aria-label", `${open.textContent}: ${name}`);
    const about = name === SEEDLING.title ? words("seedlingShort", { size: size(SEEDLING.size) }) : "";
    return make("li", { "data-own": "" }, make("div", {}, make("h3", {}, name), make("p", { class: "figures" }, about)), open);
  }

  /** The best of the catalogue that this device bears, and the others. */
  #suggest() {
    const limit = Number(this.getAttribute("small")) || Math.min(bears().budget, this.#swift ? Infinity : SLOW);
    const speaks = (/** @type {Entry} */ { languages }) => languages.includes(current());
    const open = MODELS.filter(({ gated }) => !gated);
    const fit = open.filter(({ minMemory }) => minMemory <= limit).sort((a, b) => Number(speaks(b)) - Number(speaks(a)) || b.bytes - a.bytes);
    const [best, ...rest] = [...fit, ...open.filter((entry) => !fit.includes(entry))];
    this.#offer.hidden = !best;
    if (!best) return;
    const others = rest.map((entry) =>
      make("li", {}, make("div", {}, make("h3", {}, entry.name), about(entry)), this.#get(entry, false)),
    );
    const more = make("details", {}, say(make("summary", {}), "others"), make("ul", { class: "shelf" }, ...others));
    more.hidden = !others.length;
    this.#offer.replaceChildren(
      say(make("p", { class: "over" }), "forDevice"),
      make("h2", { class: "name" }, best.name),
      about(best),
      make("p", { class: "aside" }, words("speaks", { languages: spoken(best.languages) })),
      make("div", { class: "row" }, this.#get(best, true)),
      more,
    );
  }

  /** @param {Entry} entry @param {boolean} main */
  #get(entry, main) {
    const node = button("get", () => this.#chose({ source: entry.reference, name: entry.name, entry }), { class: main ? "main" : "quiet" });
    return say(say(node, "get", { size: size(entry.bytes) }), "getOf", { name: entry.name, size: size(entry.bytes) }, "aria-label");
  }

  /** Files may be dropped anywhere. */
  #dropping() {
    const page = document.documentElement;
    /** @param {boolean} over */
    const over = (over) => page.toggleAttribute("data-dropping", over);
    page.addEventListener("dragover", (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      over(this.isConnected && !this.closest("[hidden]"));
    });
    page.addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) over(false);
    });
    page.addEventListener("drop", async (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      over(false);
      if (!this.closest("[hidden]")) this.choose(await dropped(event.dataTransfer));
    });
  }

  /** Says whether there is a GPU before anything is loaded. */
  async #look() {
    const gpu = navigator.gpu;
    const adapter = await gpu?.requestAdapter().catch(() => null);
    const software = Boolean(/** @type {any} */ (adapter?.info)?.isFallbackAdapter ?? /** @type {any} */ (adapter)?.isFallbackAdapter);
    this.#swift = Boolean(adapter && !software);
    this.#suggest();
    say(this.#gpu, software ? "gpuSoftware" : adapter ? "gpuReady" : gpu ? "gpuNone" : "gpuMissing");
  }
}

/** Its badge, as its row of the ledger gives it, and what is known without asking anyone. @param {Entry} entry */
function about({ bytes, licence, origin, terms }) {
  const badge = make("span", { class: "terms-badge" }, words(`terms_${terms}`));
  return make("p", { class: "figures" }, badge, " ", words("offerFrom", { size: size(bytes), licence, origin, host: new URL(HUB).host }));
}

/** @param {string[]} languages */
function spoken(languages) {
  const names = new Intl.DisplayNames(current(), { type: "language" });
  return new Intl.ListFormat(current()).format(languages.slice(0, 4).map((tag) => names.of(tag) ?? tag));
}

/** The files of a drop, those of a dropped folder too, with `config.json` of folders inside it. @param {DataTransfer} data @returns {Promise<File[]>} */
async function dropped(data) {
  const entries = [...data.items].map((item) => item.webkitGetAsEntry?.()).filter((entry) => entry !== null && entry !== undefined);
  const plain = [...data.files];
  const [folder] = entries.filter((entry) => entry.isDirectory);
  if (!folder) return plain;
  const files = [];
  for (const entry of await listed(folder)) {
    if (entry.isFile) files.push(await opened(entry));
    for (const inner of entry.isDirectory ? await listed(entry) : []) {
      if (inner.name === "config.json") files.push(new File([await opened(inner)], `${entry.name}/config.json`));
    }
  }
  return files;
}

/** @param {FileSystemEntry} folder @returns {Promise<FileSystemEntry[]>} */
async function listed(folder) {
  const reader = /** @type {FileSystemDirectoryEntry} */ (folder).createReader();
  const all = [];
  for (;;) {
    /** @type {FileSystemEntry[]} */
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return all;
    all.push(...some);
  }
}

/** @param {FileSystemEntry} entry @returns {Promise<File>} */
const opened = (entry) => new Promise((resolve, reject) => /** @type {FileSystemFileEntry} */ (entry).file(resolve, reject));
