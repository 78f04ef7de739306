// <nomoat-source address="…" device="auto">: where the user says which model. Emits nomoat-source { source, name, device }.

import { button, labelled, make, NomoatElement } from "./element.js";
import { say } from "./words.js";

export class NomoatSource extends NomoatElement {
  static observedAttributes = ["address", "device"];

  #address = make("input", { type: "text", inputmode: "url", name: "address", autocomplete: "off", spellcheck: "false", required: true });
  #device = make("select", { name: "device" });
  #gpu = make("p", { class: "aside", role: "status" });

  build() {
    const file = make("input", { type: "file", multiple: true, class: "hidden", tabindex: -1 });
    const folder = make("input", { type: "file", webkitdirectory: true, class: "hidden", tabindex: -1 });
    say(file, "chooseFile", {}, "aria-label");
    say(folder, "chooseFolder", {}, "aria-label");
    for (const input of [file, folder]) {
      input.addEventListener("change", () => {
        this.choose([...(input.files ?? [])]);
        input.value = "";
      });
    }
    const files = make(
      "div",
      { class: "files" },
      make(
        "div",
        { class: "row" },
        button("chooseFile", () => file.click(), { class: "main" }),
        button("chooseFolder", () => folder.click()),
        say(make("span", { class: "aside fine-pointer" }), "drop"),
      ),
      say(make("p", { class: "aside" }), "formats"),
      file,
      folder,
    );

    const form = make("form", { class: "address" });
    say(this.#address, "addressHint", {}, "placeholder");
    form.append(
      labelled("address", this.#address),
      make("div", { class: "row" }, this.#address, say(make("button", { type: "submit" }), "load")),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const source = this.#address.value.trim();
      if (source) this.emit("nomoat-source", { source, name: last(source), device: this.#device.value });
    });

    for (const device of ["auto", "gpu", "cpu"]) this.#device.append(say(make("option", { value: device }), device));
    const runOn = make("p", { class: "run-on" }, labelled("runOn", this.#device), " ", this.#device);

    this.append(files, form, make("div", { class: "foot" }, runOn, this.#gpu));
    this.#dropping();
    void this.#look();
  }

  changed() {
    this.#address.value ||= this.getAttribute("address") ?? "";
    if (this.hasAttribute("device")) this.#device.value = this.getAttribute("device") ?? "auto";
  }

  /** @param {File[]} files */
  choose(files) {
    if (!files.length) return;
    const [first] = files;
    const name = first.webkitRelativePath.split("/")[0] || (files.length > 1 ? `${first.name} …` : first.name);
    this.emit("nomoat-source", { source: files, name, device: this.#device.value });
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
    say(this.#gpu, software ? "gpuSoftware" : adapter ? "gpuReady" : gpu ? "gpuNone" : "gpuMissing");
  }
}

/** @param {string} address */
function last(address) {
  const parts = address.split(/[?#]/)[0].split("/").filter(Boolean);
  return parts.at(-1) ?? address;
}

/** The files of a drop, those of a dropped folder too (not of folders inside it). @param {DataTransfer} data @returns {Promise<File[]>} */
async function dropped(data) {
  const entries = [...data.items].map((item) => item.webkitGetAsEntry?.()).filter((entry) => entry !== null && entry !== undefined);
  const plain = [...data.files];
  const [folder] = entries.filter((entry) => entry.isDirectory);
  if (!folder) return plain;
  const reader = /** @type {FileSystemDirectoryEntry} */ (folder).createReader();
  /** @type {File[]} */
  const files = [];
  for (;;) {
    /** @type {FileSystemEntry[]} */
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return files;
    for (const entry of some.filter((entry) => entry.isFile)) {
      files.push(await new Promise((resolve, reject) => /** @type {FileSystemFileEntry} */ (entry).file(resolve, reject)));
    }
  }
}
