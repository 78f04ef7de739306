// <nomoat-facts>: what is known of the loaded model; property `info`. Emits nomoat-another and nomoat-card.

import { button, make, NomoatElement } from "./element.js";
import { compact, number, say, size, words } from "./words.js";

/** What the engine says of its choice, as it begins, and the words for it. */
const REASONS = [
  ["this browser has no WebGPU", "why_missing"],
  ["this browser has WebGPU, but", "why_none"],
  ["the only GPU here is emulated", "why_software"],
];

export class NomoatFacts extends NomoatElement {
  /** @type {import("../protocol.js").Info | undefined} */
  #info;
  #name = make("h2", {});
  #line = make("p", { class: "facts" });
  #licence = make("p", { class: "aside" });
  #device = make("p", { class: "aside" });

  build() {
    this.append(
      make(
        "div",
        { class: "row spread" },
        this.#name,
        make("div", { class: "row" }, button("another", () => this.emit("nomoat-another"), { class: "quiet" }), this.#card()),
      ),
      this.#line,
      this.#device,
      this.#licence,
    );
  }

  #card() {
    return button("tab_card", () => this.emit("nomoat-card"), { class: "quiet" });
  }

  get info() {
    return this.#info;
  }

  set info(info) {
    this.#info = info;
    this.changed();
  }

  changed() {
    const info = this.#info;
    if (!info) return;
    this.#name.textContent = info.name;
    this.#line.textContent = [
      info.family,
      words("parameters", { count: compact(info.parameters) }),
      info.formats.join(", "),
      words("context", { count: number(info.contextLength) }),
      words("memory", { size: size(info.gpuBytes + info.heapBytes) }),
    ].join(" · ");
    const where = words(info.device === "gpu" ? "onGpu" : "onCpu");
    // "asked for" is no news to the one who asked
    const told = info.deviceReason === "asked for" ? "" : info.deviceReason;
    const [, key] = REASONS.find(([begin]) => told.startsWith(begin)) ?? [];
    const reason = key ? words(key) : told;
    this.#device.textContent = [where, info.adapter, reason].filter(Boolean).join(" · ");
    say(this.#licence, "licence", { licence: info.licence ?? words("notStated") });
  }
}
