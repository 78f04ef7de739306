// <nomoat-page status="empty | loading | ready | busy">: puts the panels together with the engine.
// The attribute embedded says that the model is the one that came with the page, which it loads without being asked to. The
// address may carry ?model= (empty: begin with none; embedded: begin with that one), device=, precision=, kv=, quantize=,
// template=, contextLength= and log=, and #model= and prompt=.

import { load, NomoatError, store } from "../nomoat.js";
import { watch } from "../requests.js";
import { begins, SEEDLING, titleOf } from "../seedling.js";
import { embeddedName } from "../thread.js";
import { awake, bears, followKeyboard, metered, stamp, uncleanEnds, unstamp } from "./device.js";
import { button, make, NomoatElement } from "./element.js";
import { reopened } from "./keeper.js";
import { hostOf, HUB, nameOf, pageOf, QUANTIZE } from "./lookup.js";
import { PANELS, SIDE } from "./panels.js";
import { hush, known, number, say, settle } from "./words.js";

/** @typedef {import("./lookup.js").Chosen} Chosen */

/** After unclean ends: tokens of context, and bytes of a model. */
const SHORT = 1024;
const TINY = 0.75e9;

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
  #start = panel("nomoat-start");
  #talk = panel("nomoat-talk");
  #write = panel("nomoat-write");
  #settings = panel("nomoat-settings");
  /** What the user opened; else the model decides. @type {"chat" | "text" | null} */
  #opened = null;
  /** The model that had the last word in it. */
  #wrote = "";
  #side = panel("nomoat-side");
  #consent = panel("nomoat-consent");
  #library = panel("nomoat-library");
  #card = panel("nomoat-card");
  #privacy = panel("nomoat-privacy");
  #diagnosis = panel("nomoat-diagnosis");
  #header = panel("nomoat-header");
  #offline = panel("nomoat-offline");
  #share = panel("nomoat-share");
  #notice = make("p", { class: "calm row spread", role: "status", hidden: true });
  /** What was loaded last, or tried. @type {Chosen | undefined} */
  #chosen;
  /** What is loaded, or on its way. @type {any} */
  #running;
  /** Counts what was agreed to: the last one is meant. */
  #turn = 0;
  /** Until a load that is under way has ended, one way or the other. @type {Promise<void> | undefined} */
  #loading;
  /** How often the page ended badly, if that is why it starts small. */
  #ends = 0;
  #status = make("p", { class: "hidden", role: "status" });
  /** Whether the warning is that the GPU was lost. */
  #lost = false;
  #warning = make("p", { class: "aside warning", role: "status" });

  build() {
    settle();
    watch((sent) => this.#privacy.sent(sent));
    const address = this.#query.get("model") ?? "";
    this.#source.setAttribute("address", address === "embedded" ? "" : address);
    this.#source.setAttribute("device", this.#query.get("device") ?? "auto");
    const main = make(
      "main",
      { id: "main", tabindex: -1 },
      make("div", { class: "lead" }, say(make("p", { class: "big" }), "lead"), say(make("p", {}), "promise")),
      this.#notice,
      this.#problem,
      this.#progress,
      this.#facts,
      this.#warning,
      this.#settings,
      this.#start,
      this.#talk,
      this.#write,
      this.#source,
      this.#offline,
      this.#share,
      this.#status,
    );
    const skip = button("skip", () => main.focus(), { class: "skip" });
    this.replaceChildren(skip, this.#header, make("div", { class: "frame" }, this.#side, main), this.#consent);
    for (const [name, element] of SIDE) if (customElements.get(element)) this.#side.add(name, this.#panelOf(element));
    this.#problem.hidden = true;
    this.#diagnosis.model = () => this.#model?.info;
    this.setAttribute("status", "empty");

    this.addEventListener("nomoat-source", (event) => void this.#choose(/** @type {CustomEvent} */ (event).detail));
    this.addEventListener("nomoat-act", (event) => void this.#act(/** @type {CustomEvent} */ (event).detail.act));
    this.addEventListener("nomoat-request", (event) => this.#privacy.sent(/** @type {CustomEvent} */ (event).detail));
    this.addEventListener("nomoat-stock", () => void this.#source.stock());
    this.addEventListener("nomoat-card", () => this.#side.open("card"));
    this.addEventListener("nomoat-side", (event) => (this.#header.expanded = /** @type {CustomEvent} */ (event).detail.open));
    this.addEventListener("nomoat-side-show", (event) => {
      const { name } = /** @type {CustomEvent} */ (event).detail;
      if (name || !this.#side.isOpen) this.#side.open(name);
      else this.#side.close();
    });
    this.addEventListener("nomoat-cancel", () => this.#stop?.abort());
    this.addEventListener("nomoat-stop", () => this.#stop?.abort());
    this.addEventListener("nomoat-another", () => {
      void this.#leave();
      this.#source.focus();
    });
    this.addEventListener("nomoat-dismiss", () => {
      this.#problem.hidden = true;
      [this.#source, this.#talk, this.#write].find((each) => !each.hidden)?.focus();
    });
    this.addEventListener("nomoat-ask", (event) => {
      const { messages } = /** @type {CustomEvent} */ (event).detail;
      void this.#generate(this.#talk, (model, more) => model.chat.completions.create({ messages, ...more }));
    });
    this.addEventListener("nomoat-continue", (event) => {
      const { prompt } = /** @type {CustomEvent} */ (event).detail;
      void this.#generate(this.#write, (model, more) => model.completions.create({ prompt, ...more }));
    });
    this.addEventListener("nomoat-suggest", (event) => {
      this.#talk.draft = /** @type {CustomEvent} */ (event).detail.text;
      this.#talk.focus();
    });
    this.addEventListener("nomoat-open", (event) => this.#open(/** @type {CustomEvent} */ (event).detail.talk));
    this.addEventListener("nomoat-gone", (event) => {
      const { id } = /** @type {CustomEvent} */ (event).detail;
      for (const view of [this.#talk, this.#write]) if (view.record.id === id) view.forget();
    });
    this.addEventListener("nomoat-renamed", (event) => {
      const { id, title } = /** @type {CustomEvent} */ (event).detail;
      // what is open is saved again, and shall not bring its old name along
      for (const view of [this.#talk, this.#write]) {
        if (view.record.id !== id) continue;
        Object.assign(view.record, { title, updated: Date.now() });
        view.changed();
      }
    });
    this.addEventListener("nomoat-started", () => {
      this.#opened = null;
      this.changed();
    });
    document.addEventListener("keydown", (event) => {
      // in a dialog, the key closes that
      const inside = event.target instanceof Element && event.target.closest("dialog:modal");
      if (event.key === "Escape" && !event.isComposing && !inside && this.getAttribute("status") === "busy") this.#stop?.abort();
    });
    if (this.#query.has("log")) this.#side.open("diagnosis", false);
    else this.#side.restore();
    this.#world();
    const found = reopened().then((talk) => talk && this.#open(talk));
    void this.#small().then(async () => {
      this.#linked();
      await found;
      this.#begin();
    });
  }

  /** Shows a conversation or a text of the history. @param {import("./tree.js").Talk} talk */
  #open(talk) {
    if (this.getAttribute("status") === "busy") this.#stop?.abort();
    this.#side.yield();
    this.#opened = talk.kind;
    this.#wrote = (talk.made ?? talk.turns.findLast(({ by }) => by))?.by?.name ?? "";
    (talk.kind === "text" ? this.#write : this.#talk).open(talk);
    this.changed();
  }

  /** @param {string} element */
  #panelOf(element) {
    /** @type {Record<string, any>} */
    const mine = { "nomoat-library": this.#library, "nomoat-card": this.#card, "nomoat-privacy": this.#privacy, "nomoat-diagnosis": this.#diagnosis };
    return mine[element] ?? panel(element);
  }

  /** Follows what happens around the page: the keyboard, being hidden, being left. */
  #world() {
    followKeyboard();
    // a small device needs its power and memory for what is seen
    const { small } = bears();
    document.addEventListener("visibilitychange", () => small && this.#model?.pause(document.hidden));
    addEventListener("pagehide", () => unstamp(!this.#ends));
    addEventListener("pageshow", () => this.#model && !this.hasAttribute("embedded") && stamp());
    addEventListener("hashchange", () => this.#linked());
  }

  /** After ends that nobody wanted, less is tried. */
  async #small() {
    this.#ends = await uncleanEnds();
    if (!this.#ends) return;
    this.#source.setAttribute("small", String(TINY));
    const usual = button("startNormally", () => {
      this.#ends = 0;
      unstamp(true);
      this.#source.removeAttribute("small");
      this.#notice.hidden = true;
    });
    this.#notice.replaceChildren(say(make("span", {}), "startedSmall", { times: number(this.#ends) }), usual);
    this.#notice.hidden = false;
  }

  /** A link may choose a model and begin a message; it may neither load nor send. */
  #linked() {
    const link = new URLSearchParams(location.hash.slice(1));
    const [source, prompt] = [link.get("model"), link.get("prompt")];
    if (prompt) this.#talk.draft = prompt;
    if (!source || !(this.getAttribute("status") === "empty" || this.hasAttribute("embedded"))) return;
    this.#source.address = source;
    void this.#choose({ source, name: nameOf(source), device: this.#query.get("device") ?? "auto", linked: true });
  }

  /** Loads the model that came with the page, once that is painted; a page that was opened for another one waits for that. */
  #begin() {
    const wanted = this.#query.get("model");
    const file = embeddedName();
    if (!file || !(wanted === null ? begins(file) : wanted === "embedded") || location.hash || this.#ends) return;
    const single = document.documentElement.hasAttribute("data-single");
    if (metered() && !single) return;
    requestAnimationFrame(() =>
      setTimeout(() => {
        // what another model wrote is not gone on with by this one
        if (this.getAttribute("status") !== "empty" || (this.#opened && this.#wrote !== titleOf(file) && wanted === null)) return;
        void this.#choose({ source: "embedded", name: titleOf(file), device: "", unasked: true });
      }),
    );
  }

  /** Whether the model that came with the page is loaded or on its way. */
  get #own() {
    return this.#running === "embedded" && this.getAttribute("status") !== "empty";
  }

  /** Asks before anything is downloaded; what runs or loads then gives way. @param {Chosen} chosen */
  async #choose(chosen) {
    if (this.#offline.old) return location.reload();
    if (!chosen.unasked) {
      this.#problem.hidden = true;
      this.#side.yield();
      this.#consent.dismiss();
    }
    const full = { ...chosen, device: chosen.device || (this.#query.get("device") ?? "auto"), contextLength: this.#context(chosen) };
    try {
      const agreed = hostOf(chosen.source) && !chosen.stored ? await this.#consent.ask(full) : full;
      if (agreed === "file") return this.#source.pick();
      if (!agreed) return;
      const turn = ++this.#turn;
      while (this.#loading) {
        this.#stop?.abort();
        await this.#loading;
        if (turn !== this.#turn) return;
      }
      if (this.#model) await this.#leave();
      if (turn !== this.#turn) return;
      this.#chosen = full;
      this.#loading = this.#load(agreed);
      await this.#loading;
    } catch (error) {
      this.#chosen = full;
      this.#fail(error);
    } finally {
      if (this.getAttribute("status") !== "loading") this.#loading = undefined;
    }
  }

  /** @param {Chosen} chosen */
  #context({ contextLength }) {
    const asked = Number(this.#query.get("contextLength"));
    return contextLength ?? (asked > 0 ? asked : this.#ends ? SHORT : undefined);
  }

  /** The one thing to do about an error. @param {string} act */
  async #act(act) {
    const chosen = this.#chosen;
    if (act === "report") return this.#side.open("diagnosis");
    if (act === "room") return this.#side.open("library");
    this.#problem.hidden = true;
    if (act === "clear") return (this.#talk.hidden ? this.#write : this.#talk).start();
    if (act === "visit" && chosen) return void open(pageOf(chosen.source), "_blank", "noopener,noreferrer");
    const again = { cpu: { device: "cpu" }, again: {}, short: { contextLength: SHORT }, memory: { store: "never" }, refetch: {} }[act];
    if (act === "refetch") for (const { key, source } of await store.list()) if (source === chosen?.source) await store.remove(key);
    if (again && chosen) return this.#choose({ ...chosen, .../** @type {any} */ (again) });
    if (this.getAttribute("status") === "ready" && this.#running === chosen?.source) await this.#leave();
    if (act === "file" || act === "downloaded") this.#source.pick();
    else this.#source.focus();
  }

  changed() {
    const status = this.getAttribute("status");
    const ready = status === "ready" || status === "busy";
    const chat = Boolean(this.#model?.info.chat);
    const lead = this.querySelector(".lead");
    // the model that came with the page may write on the first screen: until something was said, that stays
    const own = this.#own && !this.#opened && !this.#talk.filled;
    const first = (status === "empty" && !this.#opened) || own;
    this.toggleAttribute("embedded", own);
    if (lead) lead.toggleAttribute("hidden", !first);
    this.#start.hidden = !own;
    this.#start.setAttribute("status", status ?? "");
    this.#source.hidden = !(status === "empty" || own);
    this.#source.toggleAttribute("embedded", own);
    this.#progress.hidden = status !== "loading" || own;
    this.#facts.hidden = !ready || own;
    // the single file has nothing beside it that a site could load
    this.#share.hidden = !ready || own || document.documentElement.hasAttribute("data-single");
    this.#settings.hidden = !ready || own;
    // while there is no model yet, a message can be written and what was opened can be read
    const kind = this.#opened ?? (!ready || chat ? "chat" : "text");
    this.#talk.hidden = kind !== "chat" || (status === "empty" && !this.#opened);
    this.#write.hidden = kind !== "text";
    this.#warning.hidden = !this.#warning.textContent;
    const state = { loading: "loading", ready: "idle", busy: "busy" }[status ?? ""] ?? "none";
    this.#write.setAttribute("status", state);
    this.#offline.setAttribute("status", status ?? "");
    // the last, as it may send what waits
    this.#talk.setAttribute("status", state === "idle" && !chat ? "unfit" : state);
  }

  /** @param {Chosen} chosen */
  async #load({ source, name, device, contextLength, store, card, hub, unasked }) {
    this.#running = source;
    if (!unasked) this.#problem.hidden = true;
    hush(this.#warning);
    const stop = new AbortController();
    this.#stop = stop;
    for (const key of ["phase", "done", "total", "rate"]) this.#progress.removeAttribute(key);
    this.#progress.setAttribute("name", name);
    this.setAttribute("status", "loading");
    this.#privacy.expect(source);
    stamp();
    const loaded = Promise.withResolvers();
    awake(loaded.promise);
    try {
      this.#model = await load(source, {
        device: /** @type {any} */ (device),
        precision: /** @type {any} */ (this.#query.get("precision") ?? undefined),
        kv: /** @type {any} */ (this.#query.get("kv") ?? undefined),
        quantize: QUANTIZE,
        template: this.#query.get("template") ?? undefined,
        contextLength,
        store,
        hub: HUB,
        signal: stop.signal,
        log: (line) => this.#diagnosis.trace.line(line),
        onRequest: (sent) => this.#privacy.sent(sent),
        onProgress: ({ phase, done, total, bytesPerSecond }) => {
          for (const [key, value] of Object.entries({ phase, done, total, rate: Math.round(bytesPerSecond) })) {
            this.#progress.setAttribute(key, String(value));
          }
        },
        onWarning: ({ code, message }) => {
          hush(this.#warning);
          if (known(`warn_${code}`)) say(this.#warning, `warn_${code}`);
          else this.#warning.textContent = message;
          this.#lost = code === "device-lost";
          this.changed();
        },
      });
    } catch (error) {
      hush(this.#warning);
      unstamp();
      const uncalled = Boolean(unasked) && !this.#talk.filled;
      this.setAttribute("status", "empty");
      // what nobody asked for is no problem of theirs
      this.#fail(error, uncalled);
      return;
    } finally {
      loaded.resolve(undefined);
      void this.#source.stock();
    }
    const info = { ...this.#model.info };
    // what the host stated before, where the files themselves state nothing
    info.card = /** @type {any} */ ({ ...card, ...Object.fromEntries(Object.entries(info.card).filter(([, stated]) => stated !== null)) });
    info.licence ??= info.card.licence ?? info.card.licenceName ?? null;
    this.#facts.info = info;
    this.#share.show(this.#model, typeof source === "string" ? source : "", info.licence ?? "", source === "embedded" ? SEEDLING.size : (this.#chosen?.entry?.bytes ?? 0));
    this.#settle(this.#model);
    this.#card.show(info, typeof source === "string" ? source : "", hub);
    // a tab with a model that nobody asked for may be discarded like any other
    if (unasked) unstamp();
    this.setAttribute("status", "ready");
    say(this.#status, "ready", { name: this.#model.info.name });
    // who is writing already goes on writing; what came unasked opens no keyboard on a touch screen
    if (source === "embedded" && !matchMedia("(pointer: fine)").matches) return;
    if (!document.activeElement || document.activeElement === document.body) (this.#write.hidden ? this.#talk : this.#write).focus();
  }

  /** The views learn what the model is. @param {import("../engine.js").Model} model */
  #settle(model) {
    const { chat, contextLength, gpuBytes, heapBytes } = model.info;
    if (!chat && this.#opened !== "text") {
      // a text to go on with is no conversation: what was written while it loaded becomes the beginning
      this.#opened = null;
      if (!this.#write.filled && this.#talk.draft) [this.#write.text, this.#talk.draft] = [this.#talk.draft, ""];
    }
    this.#talk.limit = contextLength;
    this.#talk.count = chat
      ? async (/** @type {object[]} */ messages) => (await model.tokenize(await model.template(messages), { special: true })).length
      : undefined;
    this.#talk.tell({ memory: gpuBytes + heapBytes });
  }

  /**
   * @param {any} view @param {(model: import("../engine.js").Model, more: object) => Promise<any>} create
   */
  async #generate(view, create) {
    const model = this.#model;
    if (!model) return;
    this.#problem.hidden = true;
    // of an answer before this one
    if (this.#lost) hush(this.#warning);
    this.#lost = false;
    const stop = new AbortController();
    this.#stop = stop;
    stamp();
    this.setAttribute("status", "busy");
    const { name, sha256, device } = model.info;
    view.begin({ name, sha256, device });
    let reason = "abort";
    try {
      for await (const chunk of await create(model, { ...this.#settings.fields, stream: true, signal: stop.signal })) {
        const [choice] = chunk.choices;
        const text = choice?.delta ? choice.delta.content : choice?.text;
        if (text) view.add(text);
        reason = choice?.finish_reason ?? reason;
      }
    } catch (error) {
      if (!stop.signal.aborted) reason = "broken";
      if (this.#model === model) this.#fail(error);
    }
    // the model was left while it wrote: what is on the page belongs to another one, or to none
    if (this.#model !== model) return view.clear();
    this.setAttribute("status", "ready");
    const { gpuBytes, heapBytes, device: now, deviceReason, adapter } = model.info;
    // another one, if the GPU was lost
    const facts = this.#facts.info;
    if (facts && (now !== device || adapter !== facts.adapter)) this.#facts.info = { ...facts, device: now, deviceReason, adapter };
    view.end({ reason, stats: reason === "broken" ? undefined : model.stats(), memory: gpuBytes + heapBytes });
  }

  async #leave() {
    this.#stop?.abort();
    const model = this.#model;
    this.#model = undefined;
    this.#talk.count = undefined;
    this.#talk.tell({ used: undefined, total: undefined, rate: undefined, memory: undefined });
    this.#opened ??= this.#talk.filled ? "chat" : null;
    hush(this.#warning);
    this.#problem.hidden = true;
    this.#card.show(undefined);
    this.#share.show(undefined);
    unstamp();
    this.setAttribute("status", "empty");
    await model?.unload();
  }

  /** @param {unknown} error @param {boolean} [uncalled] Of something that nobody asked for. */
  #fail(error, uncalled = false) {
    const { code, message } = error instanceof NomoatError ? error : { code: "internal", message: String(error) };
    if (code === "aborted") return;
    if (uncalled) {
      say(this.#warning, "seedlingFailed", { code });
      return this.changed();
    }
    if (code === "device-lost") hush(this.#warning);
    this.#problem.setAttribute("code", code);
    this.#problem.setAttribute("message", message);
    this.#problem.hidden = false;
    this.#problem.scrollIntoView({ block: "nearest" });
  }
}

customElements.define("nomoat-page", NomoatPage);
