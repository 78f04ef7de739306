// <nomoat-single>: what the single file says of itself: that it may connect to nothing, which software is inside, and the model
// that is inside, if one is. Emits nomoat-source { source, name, device }.

import { embeddedName } from "../thread.js";
import { button, make, NomoatElement } from "./element.js";
import { say } from "./words.js";

export class NomoatSingle extends NomoatElement {
  static observedAttributes = ["status"];

  #model = button("singleModel", () => this.#begin(), { class: "main" });
  #text = make("pre", { tabindex: 0 });

  build() {
    const notices = make("details", {}, say(make("summary", {}), "singleNotices"), this.#text);
    notices.addEventListener("toggle", () => void this.#unpack(), { once: true });
    notices.hidden = !document.getElementById("nomoat-notices");
    this.append(this.#model, say(make("p", { class: "aside" }), "singlePromise"), notices);
  }

  changed() {
    this.#model.hidden = !document.getElementById("nomoat-model") || (this.getAttribute("status") ?? "empty") !== "empty";
  }

  #begin() {
    this.emit("nomoat-source", { source: "embedded", name: embeddedName() ?? "", device: "auto" });
  }

  /** The notices are packed, like the rest. */
  async #unpack() {
    const packed = atob(document.getElementById("nomoat-notices")?.textContent ?? "");
    const bytes = Uint8Array.from(packed, (letter) => letter.charCodeAt(0));
    this.#text.textContent = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  }
}
