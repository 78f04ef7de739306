// <nomoat-problem code message>: what happened, and one thing to do. Emits nomoat-dismiss.

import { button, make, NomoatElement } from "./element.js";
import { known, say } from "./words.js";

export class NomoatProblem extends NomoatElement {
  static observedAttributes = ["code", "message"];

  #message = make("p", {});
  #advice = make("p", { class: "advice" });
  #code = make("p", { class: "aside" });

  build() {
    this.setAttribute("role", "alert");
    this.append(
      say(make("h2", {}), "problem"),
      this.#message,
      this.#advice,
      make("div", { class: "row spread" }, this.#code, button("close", () => this.emit("nomoat-dismiss"), { class: "quiet" })),
    );
  }

  changed() {
    const code = this.getAttribute("code") ?? "internal";
    this.#message.textContent = this.getAttribute("message") ?? "";
    say(this.#advice, known(`do_${code}`) ? `do_${code}` : "do_other");
    say(this.#code, "code", { code });
  }
}
