// <nomoat-problem code message>: what happened, what was done about it, and one thing to do, as a button.
// Emits nomoat-act { act } and nomoat-dismiss.

import { button, make, NomoatElement } from "./element.js";
import { known, say } from "./words.js";

/** What is offered, by code. @type {Record<string, string>} */
export const ACTS = {
  "no-webgpu": "cpu",
  "no-gpu-in-worker": "cpu",
  "software-gpu": "cpu",
  "self-test-failed": "cpu",
  "template-chosen": "other",
  "too-big": "other",
  "gpu-out-of-memory": "short",
  "device-lost": "again",
  "bad-file": "file",
  "unsupported-architecture": "other",
  "unsupported-format": "other",
  "unsupported-tokenizer": "other",
  "unsupported-field": "address",
  network: "again",
  cors: "downloaded",
  "no-range": "file",
  gated: "visit",
  "not-found": "address",
  "hash-mismatch": "refetch",
  quota: "room",
  "storage-unavailable": "memory",
  offline: "again",
  sealed: "file",
  "context-full": "clear",
  busy: "again",
  aborted: "again",
  internal: "again",
};

export class NomoatProblem extends NomoatElement {
  static observedAttributes = ["code", "message"];

  #title = make("h2", {});
  #did = make("p", {});
  #advice = make("p", { class: "advice" });
  #act = button("act_again", () => this.emit("nomoat-act", { act: this.#name }), { class: "main" });
  #message = make("p", { lang: "en", dir: "auto", class: "aside" });
  #code = make("span", {});
  #name = "again";

  build() {
    this.setAttribute("role", "alert");
    this.append(
      this.#title,
      this.#did,
      this.#advice,
      make("details", {}, make("summary", {}, say(make("span", {}), "saidBy"), " · ", this.#code), this.#message),
      make("div", { class: "row" }, this.#act, this.#report()),
    );
  }

  #report() {
    const report = button("act_report", () => this.emit("nomoat-act", { act: "report" }), { class: "quiet" });
    const close = button("close", () => this.emit("nomoat-dismiss"), { class: "quiet" });
    return make("div", { class: "row" }, report, close);
  }

  changed() {
    this.querySelector("details")?.removeAttribute("open");
    const stated = this.getAttribute("code") ?? "internal";
    const code = known(`is_${stated}`) ? stated : "internal";
    const message = this.getAttribute("message") ?? "";
    say(this.#title, `is_${code}`);
    say(this.#did, `did_${code}`);
    say(this.#advice, `do_${code}`);
    this.#message.textContent = message;
    this.#name = ACTS[code];
    say(this.#act, `act_${this.#name}`);
    say(this.#code, "code", { code: stated });
  }
}
