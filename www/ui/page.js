// <nomoat-page status="empty | loading | ready | busy">: puts the panels together with the engine.
// The address may carry ?model=, device=, precision=, kv=, contextLength= and log=.

import { load, NomoatError } from "../nomoat.js";
import { button, make, NomoatElement } from "./element.js";
import { PANELS } from "./panels.js";
import { hush, known, number, say, settle, toggle } from "./words.js";

for (const [name, element] of PANELS) customElements.define(name, element);

/** @param {string} name @returns {any} */
const panel = (name) => document.createElement(name);

class NomoatPage extends NomoatElement {
  static observedAttributes = ["status"];

  #query = new URLSearchParams(location.search);
  /** @type {import("../engine.js").Model | undefined} */
  #model;
  /** @type {AbortController | undefined} */
  #stop;

  #source = panel("nomoat-source");
  #progress = panel("nomoat-progress");
  #problem = panel("nomoat-problem");
  #facts = panel("nomoat-facts");
  #talk = panel("nomoat-talk");
  #write = panel("nomoat-write");
  #settings = panel("nomoat-settings");
  #trace = panel("nomoat-trace");
  #offline = panel("nomoat-offline");
  #status = make("p", { class: "hidden", role: "status" });
  #warning = make("p", { class: "aside warning", role: "status" });

  build() {
    settle();
    this.#source.setAttribute("address", this.#query.get("model") ?? "");
    this.#source.setAttribute("device", this.#query.get("device") ?? "auto");
    const language = say(button("language", toggle, { class: "quiet" }), "languageLabel", {}, "aria-label");
    this.replaceChildren(
      make("header", {}, make("h1", {}, "nomoat"), language),
      make(
        "main",
        {},
        make("div", { class: "lead" }, say(make("p", { class: "big" }), "lead"), say(make("p", {}), "promise")),
        this.#problem,
        this.#source,
        this.#progress,
        this.#facts,
        this.#warning,
        this.#talk,
        this.#write,
        this.#settings,
        this.#trace,
        this.#offline,
        this.#status,
      ),
    );
    this.#problem.hidden = true;
    this.#trace.hidden = !this.#query.has("log");
    this.setAttribute("status", "empty");

    this.addEventListener("nomoat-source", (event) => void this.#load(/** @type {CustomEvent} */ (event).detail));
    this.addEventListener("nomoat-cancel", () => this.#stop?.abort());
    this.addEventListener("nomoat-stop", () => this.#stop?.abort());
    this.addEventListener("nomoat-another", () => void this.#leave());
    this.addEventListener("nomoat-dismiss", () => (this.#problem.hidden = true));
    this.addEventListener("nomoat-ask", (event) => {
      const { messages } = /** @type {CustomEvent} */ (event).detail;
      void this.#generate(this.#talk, (model, more) => model.chat.completions.create({ messages, ...more }));
    });
    this.addEventListener("nomoat-continue", (event) => {
      const { prompt } = /** @type {CustomEvent} */ (event).detail;
      void this.#generate(this.#write, (model, more) => model.completions.create({ prompt, ...more }));
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.isComposing && this.getAttribute("status") === "busy") this.#stop?.abort();
    });
  }

  changed() {
    const status = this.getAttribute("status");
    const ready = status === "ready" || status === "busy";
    const chat = Boolean(this.#model?.info.chat);
    const lead = this.querySelector(".lead");
    if (lead) lead.toggleAttribute("hidden", status !== "empty");
    this.#source.hidden = status !== "empty";
    this.#progress.hidden = status !== "loading";
    this.#facts.hidden = !ready;
    this.#settings.hidden = !ready;
    this.#talk.hidden = !ready || !chat;
    this.#write.hidden = !ready || chat;
    this.#warning.hidden = !this.#warning.textContent;
    const busy = status === "busy" ? "busy" : "idle";
    this.#talk.setAttribute("status", busy);
    this.#write.setAttribute("status", busy);
    this.#offline.setAttribute("status", status ?? "");
  }

  /** @param {{ source: any, name: string, device: string }} chosen */
  async #load({ source, name, device }) {
    this.#problem.hidden = true;
    hush(this.#warning);
    const stop = new AbortController();
    this.#stop = stop;
    for (const key of ["phase", "done", "total", "rate"]) this.#progress.removeAttribute(key);
    this.#progress.setAttribute("name", name);
    this.setAttribute("status", "loading");
    const length = Number(this.#query.get("contextLength"));
    try {
      this.#model = await load(source, {
        device: /** @type {any} */ (device),
        precision: /** @type {any} */ (this.#query.get("precision") ?? undefined),
        kv: /** @type {any} */ (this.#query.get("kv") ?? undefined),
        contextLength: length > 0 ? length : undefined,
        signal: stop.signal,
        log: this.#query.has("log") ? (line) => this.#trace.line(line) : undefined,
        onProgress: ({ phase, done, total, bytesPerSecond }) => {
          for (const [key, value] of Object.entries({ phase, done, total, rate: Math.round(bytesPerSecond) })) {
            this.#progress.setAttribute(key, String(value));
          }
        },
        onWarning: ({ code, message }) => {
          hush(this.#warning);
          if (known(`warn_${code}`)) say(this.#warning, `warn_${code}`);
          else this.#warning.textContent = message;
        },
      });
    } catch (error) {
      hush(this.#warning);
      this.setAttribute("status", "empty");
      this.#fail(error);
      return;
    }
    this.#facts.info = this.#model.info;
    this.setAttribute("status", "ready");
    say(this.#status, "ready", { name: this.#model.info.name });
    (this.#model.info.chat ? this.#talk : this.#write).focus();
  }

  /**
   * @param {any} view @param {(model: import("../engine.js").Model, more: object) => Promise<any>} create
   */
  async #generate(view, create) {
    const model = this.#model;
    if (!model) return;
    this.#problem.hidden = true;
    const stop = new AbortController();
    this.#stop = stop;
    this.setAttribute("status", "busy");
    view.begin();
    let reason = "abort";
    try {
      for await (const chunk of await create(model, { ...this.#settings.fields, stream: true, signal: stop.signal })) {
        const [choice] = chunk.choices;
        const text = choice?.delta ? choice.delta.content : choice?.text;
        if (text) view.add(text);
        reason = choice?.finish_reason ?? reason;
      }
    } catch (error) {
      if (this.#model === model) this.#fail(error);
    }
    // the model was left while it wrote: what is on the page belongs to another one, or to none
    if (this.#model !== model) return view.clear();
    this.setAttribute("status", "ready");
    view.end(this.#note(reason));
  }

  /** What stands under an answer. @param {string} reason */
  #note(reason) {
    const stats = this.#model?.stats();
    const note = make("p", { class: "aside" });
    if (stats) {
      const round = { maximumFractionDigits: 1 };
      const figures = {
        tokens: number(stats.generatedTokens),
        rate: number(stats.decodeTps, round),
        first: number(stats.firstTokenMs, { maximumFractionDigits: 0 }),
      };
      note.append(say(make("span", {}), "figures", figures));
    }
    const key = { abort: "stopped", length: "endLength", context: "endContext" }[reason];
    if (key) note.append(" ", say(make("span", {}), key));
    return note;
  }

  async #leave() {
    this.#stop?.abort();
    const model = this.#model;
    this.#model = undefined;
    this.#talk.clear();
    hush(this.#warning);
    this.#problem.hidden = true;
    this.setAttribute("status", "empty");
    await model?.unload();
  }

  /** @param {unknown} error */
  #fail(error) {
    const { code, message } = error instanceof NomoatError ? error : { code: "internal", message: String(error) };
    if (code === "aborted") return;
    this.#problem.setAttribute("code", code);
    this.#problem.setAttribute("message", message);
    this.#problem.hidden = false;
  }
}

customElements.define("nomoat-page", NomoatPage);
