// <nomoat-chat>: a conversation with a model that runs on the visitor's device, to put on any site. It asks before a byte of
// the model is fetched. www/docs/ lists its attributes, properties, events, slots, parts and custom properties.

import { MODELS } from "../../models.js";
import { NomoatError } from "../../protocol.js";
import { SEEDLING } from "../../seedling.js";
import { speaker } from "../words/widget.js";
import { ATTRIBUTES, claim } from "./attributes.js";
import { hasAgreed, hostOf, metered, nameOf, remember, sourceOf } from "./consent.js";
import { Field } from "./field.js";
import { keep, kept, messagesIn } from "./kept.js";
import { shared } from "./share.js";
import { Talk } from "./talk.js";
import { label, view } from "./view.js";

/** @typedef {import("./share.js").Model} Model @typedef {import("./share.js").News} News */
/** @typedef {import("./message.js").Message} Message */

/** What the sampling modes mean to the engine; in between are the model's own settings. @type {Record<string, object>} */
const SAMPLING = {
  "most-predictable": { temperature: 0 },
  predictable: { temperature: 0.4 },
  creative: { temperature: 1 },
  "most-creative": { temperature: 1.3 },
};
/** After these the model is not there any more. */
const GONE = ["device-lost", "gpu-out-of-memory", "internal"];
/** With these no other try helps. */
const LASTING = ["no-webgpu", "too-big", "csp", "hash-mismatch"];

/** A number that an attribute gives, if it gives one. @param {string | null} text */
const positive = (text) => (Number(text) > 0 ? Number(text) : undefined);

export class NomoatChat extends Field {
  static observedAttributes = ATTRIBUTES;

  #nodes = view(this.attachShadow({ mode: "open" }));
  #words = speaker("en");
  #talk;
  /** @type {ReturnType<typeof shared> | undefined} */
  #share;
  #source = "";
  /** What a host gave instead of a source. @type {Model | undefined} */
  #given;
  /** @type {"idle" | "loading" | "paused" | "failed"} */
  #state = "idle";
  /** Whether what is written goes off as soon as the model is there. */
  #eager = false;
  /** Whether it has begun to load this model: then the visitor, or the site in their place, has agreed. */
  #begun = false;
  /** Whether it failed for good. */
  #lasting = false;
  /** Bytes of the model, where the site said fewer. */
  #bigger = 0;
  /** @type {{ resolve: (model: Model) => void, reject: (error: unknown) => void }[]} */
  #waiting = [];
  /** @type {(() => void) | undefined} */
  #unwatch;
  /** Whether the model is on this device already. */
  #stored = false;
  /** What the visitor should know that was no error. @type {{ code: string, message: string }[]} */
  #warned = [];
  #restored = false;

  constructor() {
    super();
    const { accept, pause, cancel, retry, clear, input, back, send, stop } = this.#nodes;
    this.#talk = new Talk(this.#nodes, {
      speaker: () => this.#words,
      model: () => this.engine,
      request: () => ({ max_tokens: positive(this.getAttribute("max-tokens")), ...SAMPLING[this.getAttribute("sampling-mode") ?? ""] }),
      system: () => this.getAttribute("system") ?? "",
      emit: (name, detail) => (name === "edit" ? this.edit(detail) : name === "again" ? this.#again() : this.#emit(name, detail)),
      changed: () => this.#changed(),
      failed: (error) => this.#failed(error),
    });
    /** @param {HTMLElement} node @param {() => void} pressed */
    const on = (node, pressed) => node.addEventListener("click", pressed);
    on(accept, () => this.#begin("click"));
    on(retry, () => this.#retry());
    on(pause, () => (this.#state === "paused" ? this.resume() : this.pause()));
    on(cancel, () => this.#cancel());
    on(clear, () => {
      this.clear();
      this.focus();
    });
    on(back, () => this.#back());
    on(send, () => this.#submit());
    on(stop, () => this.stop());
    input.addEventListener("input", () => this.#changed());
    input.addEventListener("keydown", (event) => this.#key(event));
    this.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.isComposing) return;
      if (this.#talk.busy) this.stop();
      else this.#back();
    });
    // what a label's click does
    this.addEventListener("click", (event) => {
      if (event.composedPath()[0] === this) this.focus();
    });
  }

  // ---- the element's life --------------------------------------------------------------------------------------------

  connectedCallback() {
    claim(this);
    this.#attach();
    if (this.persist && !this.#restored && !this.messages.length) this.#talk.messages = kept(this.#place);
    this.#restored = true;
    this.#watch();
    this.#changed();
  }

  disconnectedCallback() {
    this.#unwatch?.();
    this.stop();
    this.#detach();
  }

  attributeChangedCallback() {
    if (!this.isConnected) return;
    this.#attach();
    this.#watch();
    this.#changed();
  }

  /** Follows the attributes that say which model it is. */
  #attach() {
    const source = sourceOf(this.model, this.src, this.revision);
    const sha256 = this.sha256 || undefined;
    const options = { device: this.device || undefined, contextLength: positive(this.contextLength), sha256 };
    const share = source ? shared(source, options) : undefined;
    if (share === this.#share) return;
    this.#detach();
    this.#source = source;
    this.#share = share;
    this.#state = share?.loading ? "loading" : "idle";
    share?.join(this.#hear);
    void share?.stored().then((stored) => {
      if (share !== this.#share) return;
      this.#stored = stored;
      this.#changed();
    });
  }

  #detach() {
    // what a host gave instead answers on
    if (!this.#given) this.stop();
    this.#share?.leave(this.#hear);
    this.#share = undefined;
    this.#source = "";
    this.#bigger = 0;
    this.#stored = false;
    this.#begun = false;
    this.#settle(new NomoatError("aborted", "the element has left the page, or has another model"));
  }

  /** Begins by itself when `autoload` says so, for a visitor who has agreed before. */
  #watch() {
    this.#unwatch?.();
    this.#unwatch = undefined;
    const go = () => {
      this.#unwatch?.();
      if (this.#state === "idle" && !this.engine && !Field.off(this) && hasAgreed(this.#source) && !metered()) this.#begin("remembered");
    };
    if (this.autoload === "visible") {
      const seen = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && go());
      seen.observe(this);
      this.#unwatch = () => seen.disconnect();
    } else if (this.autoload === "idle") {
      const idle = "requestIdleCallback" in globalThis;
      const late = idle ? requestIdleCallback(go) : Number(setTimeout(go, 300));
      this.#unwatch = () => (idle ? cancelIdleCallback(late) : clearTimeout(late));
    } else if (this.autoload === "interaction") {
      for (const type of ["focusin", "pointerdown"]) this.addEventListener(type, go);
      this.#unwatch = () => {
        for (const type of ["focusin", "pointerdown"]) this.removeEventListener(type, go);
      };
    }
  }

  // ---- the model -----------------------------------------------------------------------------------------------------

  /**
   * Asks the visitor, if they have not agreed, and loads; settles when the model is there or cannot be.
   * @param {{ agreed?: boolean }} [settings] `agreed`: the site has asked the visitor itself.
   * @returns {Promise<Model>}
   */
  load({ agreed = false } = {}) {
    const { engine } = this;
    if (this.#state === "paused" || this.#state === "failed") this.#state = "idle";
    if (engine) {
      this.#changed();
      return Promise.resolve(engine);
    }
    if (!this.#source) return Promise.reject(new NomoatError("unsupported-field", "this element names no model: give it the attribute model or src"));
    const loaded = new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
    if (this.#state !== "loading" && (agreed || hasAgreed(this.#source))) this.#begin(agreed ? "site" : "remembered");
    this.#changed();
    return loaded;
  }

  /** Holds the download; `resume` goes on with it. */
  pause() {
    if (this.#state !== "loading") return;
    this.#share?.halt();
    this.#state = "paused";
    this.#changed();
  }

  resume() {
    if (this.#state === "paused") void this.#share?.load();
  }

  #cancel() {
    this.#share?.halt();
    this.#state = "idle";
    this.#eager = false;
    this.#settle(new NomoatError("aborted", "the visitor cancelled the load"));
    this.#changed();
    this.#nodes.accept.focus();
  }

  #retry() {
    if (this.engine) this.#again();
    else if (this.#begun) void this.#share?.load();
    else this.load().catch(() => {});
  }

  /** The last answer once more; before there is a model it waits for the visitor's word. What goes wrong is shown. */
  #again() {
    this.regenerate().catch(() => {});
    if (!this.#nodes.consent.hidden) this.#nodes.accept.focus();
  }

  /** @param {"click" | "remembered" | "site"} how How the visitor agreed. */
  #begin(how) {
    const { host, bytes, licence, name } = this.card;
    const detail = { model: name, source: this.#source, host, bytes, licence, how };
    if (!this.#share?.loading && !this.#share?.model && !this.#emit("nm-consent", detail, true)) return;
    this.#begun = true;
    if (how === "click") remember(this.#source);
    void this.#share?.load();
  }

  /** @param {News} news */
  #hear = (news) => {
    const { bar } = this.#nodes;
    if (news.type === "loading") {
      this.#state = "loading";
      this.#warned = [];
      bar.removeAttribute("value");
      this.#phase("module");
    } else if (news.type === "progress") return this.#progress(news.progress);
    else if (news.type === "warning") {
      if (!this.#warned.some(({ code }) => code === news.code)) this.#warned.push(news);
    } else if (news.type === "ready") {
      this.#state = "idle";
      for (const { resolve } of this.#waiting.splice(0)) resolve(news.model);
      this.#changed();
      this.#nodes.aloud.textContent = this.#words.say("ready", { model: news.model.info.name });
      this.#emit("nm-ready", { card: this.card });
      if (this.#eager) this.#submit();
      return;
    } else if (news.type === "halted") {
      // another widget's wish, unless this one's own follows
      if (this.#state === "loading") this.#state = "idle";
    } else return this.#failed(news.error);
    this.#changed();
  };

  /** @param {import("./share.js").LoadProgress} progress */
  #progress({ phase, done, total, bytesPerSecond }) {
    const { bar, figures } = this.#nodes;
    const { say, size } = this.#words;
    this.#phase(phase);
    const moving = ["download", "weights"].includes(phase) && total > 0;
    const said = this.#bigger || this.card.bytes;
    if (moving && !this.#stored && said && total > said * 1.1 + 2e5) {
      this.#bigger = total;
      this.#share?.halt();
      return;
    }
    if (total > 0) bar.value = done / total;
    else bar.removeAttribute("value");
    const parts = moving ? [say("bytes", { done: size(done), total: size(total) })] : [];
    if (moving && bytesPerSecond > 0) parts.push(say("rate", { rate: size(bytesPerSecond) }));
    figures.textContent = parts.join(" · ");
    const eta = bytesPerSecond > 0 && total > 0 ? (total - done) / bytesPerSecond : null;
    this.#emit("nm-progress", { phase, loaded: done, total, bps: bytesPerSecond, eta });
  }

  #shown = "";

  /** Says the phase when it changes, not at every byte. @param {string} phase */
  #phase(phase) {
    const text = this.#words.say(`phase_${phase}`);
    if (this.#shown === text) return;
    this.#shown = text;
    this.#nodes.phase.textContent = text;
  }

  /** @param {unknown} thrown */
  #failed(thrown) {
    const error = thrown instanceof NomoatError ? thrown : new NomoatError("internal", String(thrown), thrown);
    const { code, message } = error;
    if (GONE.includes(code) && this.#share?.model) return this.#share.lose(error);
    const { say, knows } = this.#words;
    this.#state = "failed";
    this.#lasting = LASTING.includes(code);
    this.#eager = false;
    this.#nodes.advice.textContent = say(knows(`do_${code}`) ? `do_${code}` : "do_other");
    this.#nodes.detail.textContent = `${message} · ${say("code", { code })}`;
    this.#settle(error);
    this.#changed();
    if (code === "device-lost") this.#emit("nm-devicelost", { message });
    if (code === "quota") this.#emit("nm-quota", { message });
    this.#emit("nm-error", { code, message, recoverable: !this.#lasting });
  }

  /** @param {unknown} error */
  #settle(error) {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  // ---- what is seen --------------------------------------------------------------------------------------------------

  #changed() {
    const nodes = this.#nodes;
    const { engine, card } = this;
    const near = /** @type {HTMLElement | null} */ (this.closest("[lang]"))?.lang;
    const tag = near || document.documentElement.lang || navigator.language;
    const before = this.#words.tag;
    this.#words = speaker(tag);
    const { say, size, knows, tag: now } = this.#words;
    const active = this.shadowRoot?.activeElement;
    if (before !== now) this.#talk.draw();
    const chat = engine?.info.chat ?? true;
    label(nodes, this.#words, chat);
    const state = this.#talk.busy ? "busy" : engine && this.#state === "idle" ? "ready" : this.#state;
    if (this.getAttribute("status") !== state) this.setAttribute("status", state);
    const licence = card.licence ?? say("notStated");
    const values = { model: card.name, licence };
    nodes.badge.textContent = card.name;
    nodes.licence.textContent = engine ? say("made", values) : "";
    nodes.licence.hidden = !engine;
    nodes.terms.textContent = say(`terms_${card.terms}`);
    nodes.terms.hidden = !card.name;

    const off = Field.off(this) || this.readOnly;
    const asking = state === "idle" && !engine && Boolean(this.#source);
    nodes.consent.hidden = !asking;
    nodes.accept.disabled = Field.off(this);
    nodes.accept.textContent = say(this.#bigger ? "startBig" : this.#stored ? "startStored" : "start");
    const bytes = this.#bigger || card.bytes;
    nodes.ask.textContent = this.#bigger
      ? say("bigger", { said: size(card.bytes ?? 0), size: size(this.#bigger) })
      : this.#stored
        ? say("askStored")
        : say("ask", { host: card.host || say("itself") });
    nodes.facts.textContent = [say("facts", { ...values, size: bytes ? size(bytes) : say("sizeUnknown") }), metered() ? say("metered") : ""]
      .filter(Boolean)
      .join(" · ");
    nodes.progress.hidden = state !== "loading" && state !== "paused";
    nodes.pause.textContent = say(state === "paused" ? "resume" : "pause");
    if (state === "paused") this.#phase("paused");
    nodes.problem.hidden = state !== "failed";
    nodes.retry.textContent = say("retry");
    nodes.retry.disabled = Field.off(this);
    nodes.fallback.hidden = state !== "failed" || !this.#lasting || Boolean(engine);
    const warnings = this.#warned.map(({ code, message }) => (knows(code) ? say(code) : message)).join(" ");
    if (nodes.warning.textContent !== warnings) nodes.warning.textContent = warnings;
    nodes.warning.hidden = !warnings;

    const { messages, busy, editing } = this.#talk;
    nodes.welcome.hidden = messages.length > 0 || busy;
    nodes.clear.hidden = busy || !messages.length || off;
    nodes.log.classList.toggle("off", off);
    nodes.input.placeholder = this.placeholder || say(chat ? "message" : "text");
    nodes.input.disabled = off;
    nodes.send.hidden = busy;
    nodes.back.hidden = busy || editing === undefined;
    nodes.stop.hidden = !busy;
    nodes.send.disabled = off;
    nodes.composer.hidden = this.readOnly;
    // one thing at a time is what a visitor should do next
    nodes.send.classList.toggle("main", !asking);
    const waiting = this.#eager && !engine ? say("waiting") : nodes.back.hidden ? "" : say("editing");
    if (nodes.waiting.textContent !== waiting) nodes.waiting.textContent = waiting;
    nodes.waiting.hidden = !waiting;
    const { answer } = this.#talk;
    Field.tell(this, {
      label: say(engine ? "name" : "nameBefore", values),
      value: answer,
      state: JSON.stringify(messages),
      missing: this.required && !answer ? say("required") : "",
      anchor: nodes.input,
    });
    // a button that goes away must not take the keyboard's place with it; a touch screen would show its keys
    if (active && !active.checkVisibility() && matchMedia("(pointer: fine)").matches) nodes.input.focus();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const { input } = this.#nodes;
    // while an input method is open, keys belong to it
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.#submit();
    } else if (event.key === "ArrowUp" && !input.value && !this.#talk.busy) {
      const at = this.messages.findLastIndex(({ role }) => role === "user");
      if (at < 0) return;
      event.preventDefault();
      this.edit(at);
    }
  }

  /** Sends what is written; before there is a model it waits for it, and for the visitor's word. */
  #submit() {
    const { input, accept } = this.#nodes;
    if (this.#talk.busy || input.disabled) return;
    const content = input.value.trim();
    const { engine } = this;
    const { editing } = this.#talk;
    const before = editing ?? this.messages.length;
    const goOn = engine && !engine.info.chat && before > 0 && editing === undefined;
    if (!content && !goOn) return;
    if (!engine) {
      this.#eager = true;
      this.#changed();
      if (!this.#nodes.consent.hidden) accept.focus();
      return;
    }
    this.#eager = false;
    input.value = "";
    if (this.#state === "failed") this.#state = "idle";
    void this.#talk.ask(engine.info.chat ? content : content && `${before ? "\n" : ""}${content}`, editing);
  }

  /** Leaves a message as it was that is being written anew. */
  #back() {
    if (this.#talk.editing === undefined) return;
    this.#talk.editing = undefined;
    this.#eager = false;
    this.#nodes.input.value = "";
    this.focus();
    this.#changed();
  }

  /** @param {string} name @param {unknown} detail @param {boolean} [cancelable] */
  #emit(name, detail, cancelable = false) {
    if (name === "nm-message") this.#keep();
    return this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true, cancelable }));
  }

  // ---- the conversation ----------------------------------------------------------------------------------------------

  /** Asks, after the answer under way; settles with the answer. @param {string} content @returns {Promise<string>} */
  send(content) {
    return this.#ask(content);
  }

  /** @param {string} content @param {number} [at] The message that it replaces, with what follows. */
  async #ask(content, at) {
    if (typeof content !== "string" || !content.trim()) throw new NomoatError("unsupported-field", "send: expected a text");
    do {
      await this.load();
      await this.#talk.running;
    } while (this.#talk.busy || !this.engine);
    return this.#talk.ask(content, at);
  }

  stop() {
    this.#talk.stop();
  }

  async regenerate() {
    await this.load();
    await this.#talk.regenerate();
  }

  /**
   * Goes back to the visitor's message `at`: asks again with `content`, or lets the visitor write it anew. It and what follows
   * stay until that is asked.
   * @param {number} at @param {string} [content]
   */
  edit(at, content) {
    const message = this.messages[at];
    if (message?.role !== "user") throw new NomoatError("unsupported-field", `edit: message ${at} is not the visitor's`);
    if (content !== undefined) {
      this.stop();
      return this.#ask(content, at);
    }
    this.#talk.editing = at;
    this.#eager = false;
    this.#nodes.input.value = message.content;
    this.focus();
    this.#changed();
  }

  clear() {
    this.#talk.messages = [];
    this.#keep();
    if (this.#state === "failed" && this.engine) this.#state = "idle";
    this.#changed();
  }

  /** The conversation with what made it, as JSON. */
  exportChat() {
    return JSON.stringify({ app: "nomoat", card: this.card, system: this.system, messages: this.messages }, null, 2);
  }

  focus() {
    this.#nodes.input.focus();
  }

  /** @returns {Message[]} */
  get messages() {
    return this.#talk.messages;
  }

  set messages(messages) {
    this.#talk.messages = messages;
    this.#keep();
  }

  /** The model, as `load` of the module gives it; one that the host has loaded may be put here. */
  get engine() {
    return this.#given ?? this.#share?.model;
  }

  set engine(model) {
    this.#given = model;
    this.#state = "idle";
    this.#changed();
    if (model) this.#emit("nm-ready", { card: this.card });
  }

  /** The source, unless the host gave a model and named none. */
  get #named() {
    return this.#given && !this.model && !this.src ? "" : this.#source;
  }

  /** What is known of the model; what is not stated is `null`. */
  get card() {
    const info = this.engine?.info;
    const source = this.#named;
    const own = { name: SEEDLING.title, bytes: SEEDLING.size, licence: SEEDLING.licence, terms: "published" };
    const entry = source === "embedded" ? own : MODELS.find(({ reference }) => reference === source);
    return {
      source,
      name: info?.name ?? (((this.src || !source) && this.model) || (entry?.name ?? (source ? nameOf(source) : ""))),
      host: source ? hostOf(source) : "",
      bytes: positive(this.size) ?? entry?.bytes ?? null,
      licence: info?.licence ?? (this.licence || entry?.licence || null),
      terms: entry?.terms ?? null,
      sha256: info?.sha256 ?? (this.sha256 || null),
      info: info ?? null,
    };
  }

  get stats() {
    return this.engine?.stats();
  }

  /** @returns {"unavailable" | "downloadable" | "downloading" | "available"} In the words of the browsers' own interface. */
  get availability() {
    if (this.engine) return "available";
    if (this.#state === "loading") return "downloading";
    return !this.#source || typeof WebAssembly === "undefined" ? "unavailable" : "downloadable";
  }

  // ---- as a field of a form ------------------------------------------------------------------------------------------

  /** What a form sends: the last answer. */
  get value() {
    return this.#talk.answer;
  }

  /** @param {unknown} state */
  formStateRestoreCallback(state) {
    if (typeof state === "string") this.#talk.messages = messagesIn(state);
  }

  /** Keeps the conversation for the next visit, where `persist` asks for it. */
  #keep() {
    if (this.persist) keep(this.#place, this.messages);
  }

  get #place() {
    return `nomoat-chat:${this.id || this.name || this.#named}`;
  }
}
