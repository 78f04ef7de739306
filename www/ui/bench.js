// <nomoat-bench>: the benchmark as a page: what to run, its rows, the roofline as a picture, and the result to copy or to compare.

import { CONTEXTS, measure } from "../measure.js";
import { probe } from "../probe.js";
import { FORMATS, SHAPES, suits } from "../shapes.js";
import { button, labelled, make, NomoatElement } from "./element.js";
import { learn, number, say, settle, toggle, words } from "./words.js";
import { BENCH } from "./words/bench.js";

/** @typedef {import("../measure.js").Row} Row @typedef {import("../probe.js").Roofline} Roofline */

learn(BENCH);

const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT, MARGIN] = [640, 320, 44];
const COLUMNS = ["model", "context", "prefill", "decode", "rate", "share", "prefillShare", "dispatches"];

/** @param {string} name @param {Record<string, string | number>} attributes @param {...(Node | string)} children */
function svg(name, attributes, ...children) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, String(value));
  node.append(...children);
  return node;
}

/** @param {string[]} values @param {string} chosen */
function select(values, chosen) {
  return /** @type {HTMLSelectElement} */ (make("select", {}, ...values.map((value) => make("option", { value, ...(value === chosen && { selected: true }) }, value))));
}

/** @param {Row} row */
const keyOf = ({ model, format, device, context }) => `${model} ${format} ${device} ${context}`;

export class NomoatBench extends NomoatElement {
  #shape = select(Object.keys(SHAPES), "S15");
  #format = select(Object.keys(FORMATS), "Q8_0");
  #device = select(["gpu", "cpu"], "gpu");
  #contexts = /** @type {HTMLInputElement} */ (make("input", { type: "text", value: CONTEXTS.join(" "), inputmode: "numeric" }));
  #run = button("bench_run", () => void this.#go(), { class: "main" });
  #state = make("p", { role: "status" });
  #best = make("p", { class: "aside" });
  #body = make("tbody", {});
  #picture = make("figure", {});
  #copied = make("span", { class: "aside", role: "status" });
  #other = /** @type {HTMLTextAreaElement} */ (make("textarea", { rows: "3", spellcheck: "false" }));
  /** @type {Row[]} */
  #rows = [];
  /** @type {Map<string, Row>} */
  #before = new Map();
  /** @type {Roofline | null | undefined} */
  #roofline;
  /** @type {AbortController | undefined} */
  #stop;

  build() {
    const field = (/** @type {string} */ key, /** @type {HTMLElement} */ control) => make("p", {}, labelled(key, control), control);
    const copy = button("bench_copy", async () => {
      const copied = await navigator.clipboard?.writeText(this.json).then(() => true, () => false);
      say(this.#copied, copied ? "bench_copied" : "bench_uncopied");
    });
    this.#other.addEventListener("input", () => this.#compare());
    this.append(
      make("header", { class: "row spread" }, say(make("h1", {}), "bench_title"), button("bench_language", toggle, { class: "quiet" })),
      say(make("p", {}), "bench_intro"),
      make("form", { class: "row" }, field("bench_shape", this.#shape), field("bench_format", this.#format), field("bench_device", this.#device), field("bench_contexts", this.#contexts)),
      make("p", { class: "row" }, this.#run, copy, this.#copied),
      this.#state,
      this.#best,
      make("div", { class: "table", tabindex: "0", role: "region" }, make("table", {}, make("thead", {}, make("tr", {}, ...COLUMNS.map((key) => say(make("th", { scope: "col" }), `bench_${key}`)))), this.#body)),
      this.#picture,
      field("bench_other", this.#other),
    );
    say(/** @type {HTMLElement} */ (this.querySelector(".table")), "bench_rows", {}, "aria-label");
    this.#shape.addEventListener("change", () => this.changed());
    settle();
  }

  changed() {
    for (const option of this.#format.options) option.disabled = !suits(this.#shape.value, option.value);
    if (this.#format.selectedOptions[0]?.disabled) this.#format.value = "Q8_0";
    document.title = words("bench_title");
    this.#show();
  }

  /** The result, a line a row. */
  get json() {
    const agent = { kind: "browser", agent: navigator.userAgent, time: new Date().toISOString() };
    return [agent, { kind: "device", device: "gpu", ...this.#roofline }, ...this.#rows].map((row) => JSON.stringify(row)).join("\n");
  }

  async #go() {
    if (this.#stop) return this.#stop.abort();
    const stop = new AbortController();
    this.#stop = stop;
    say(this.#run, "bench_stop");
    try {
      say(this.#state, "bench_probing");
      if (this.#device.value === "gpu") this.#roofline ??= await probe();
      this.#show();
      say(this.#state, "bench_running", { name: `${this.#shape.value} ${this.#format.value}` });
      const contexts = this.#contexts.value.split(/[\s,]+/).map(Number).filter((n) => Number.isInteger(n) && n > 0 && n < 1e5);
      const what = { shape: this.#shape.value, format: this.#format.value, device: /** @type {"gpu" | "cpu"} */ (this.#device.value), contexts: contexts.length ? contexts : CONTEXTS };
      await measure(what, this.#roofline ?? null, (row) => this.#add(row), stop.signal);
      say(this.#state, "bench_done");
    } catch (error) {
      const { code, message } = /** @type {any} */ (error);
      if (stop.signal.aborted) say(this.#state, "bench_stopped");
      else say(this.#state, "bench_failed", { message: `${message}${code ? ` (${code})` : ""}` });
    } finally {
      this.#stop = undefined;
      say(this.#run, "bench_run");
    }
  }

  /** @param {Row} row */
  #add(row) {
    this.#rows = [...this.#rows.filter((other) => keyOf(other) !== keyOf(row)), row];
    this.#show();
  }

  /** Another result, whose rows of the same name stand beside. */
  #compare() {
    this.#before.clear();
    for (const line of this.#other.value.split("\n")) {
      try {
        const row = JSON.parse(line);
        if (row.kind === "model" && row.decodeTps > 0) this.#before.set(keyOf(row), row);
      } catch {
        // a line that is none
      }
    }
    this.#show();
  }

  #show() {
    const best = this.#roofline;
    if (best) say(this.#best, "bench_best", { name: best.name, read: number(best.readGBps, { maximumFractionDigits: 1 }), fma: number(best.fmaGflops, { maximumFractionDigits: 0 }), dispatch: number(1e3 * best.dispatchMs, { maximumFractionDigits: 1 }), back: number(best.readBackMs, { maximumFractionDigits: 2 }) });
    else if (best === null) say(this.#best, "bench_none");
    this.#body.replaceChildren(...this.#rows.map((row) => this.#line(row)));
    this.#picture.replaceChildren(...(best && this.#rows.some(({ device }) => device === "gpu") ? [this.#draw(best)] : []));
  }

  /** @param {Row} row */
  #line(row) {
    const before = this.#before.get(keyOf(row));
    const few = (/** @type {number} */ value) => number(value, { maximumSignificantDigits: 3 });
    const share = (/** @type {number | null} */ value) => (value === null ? "" : number(value, { style: "percent", maximumFractionDigits: 0 }));
    const rate = (/** @type {"prefillTps" | "decodeTps"} */ name) => (before ? `${few(row[name])} (×${few(row[name] / before[name])})` : few(row[name]));
    const cells = [`${row.model} ${row.format}, ${row.device}`, number(row.context), rate("prefillTps"), rate("decodeTps"), few(row.GBps), share(row.roofline), share(row.prefillRoofline), few(row.dispatchesPerToken)];
    return make("tr", {}, ...cells.map((cell) => make("td", {}, cell)));
  }

  /** Operations a second over operations a byte, both by powers of ten. @param {Roofline} best */
  #draw(best) {
    const points = this.#rows
      .filter(({ device }) => device === "gpu")
      .flatMap((row) => {
        const each = row.flopsPerToken / row.weightBytesPerToken;
        const name = `${row.model} ${row.format} ${row.context}`;
        return [
          { name: `${name}: ${words("bench_decode")}`, x: each, y: (row.flopsPerToken * row.decodeTps) / 1e9, kind: "decode" },
          { name: `${name}: ${words("bench_prefill")}`, x: each * Math.min(row.context, 512), y: (row.prefillFlopsPerToken * row.prefillTps) / 1e9, kind: "prefill" },
        ];
      });
    const [left, right] = [-1, 4];
    const top = Math.ceil(Math.log10(best.fmaGflops)) + 0.3;
    const bottom = top - 5;
    const at = (/** @type {number} */ x, /** @type {number} */ y) => [
      MARGIN + ((Math.log10(x) - left) / (right - left)) * (WIDTH - 2 * MARGIN),
      HEIGHT - MARGIN - ((Math.log10(y) - bottom) / (top - bottom)) * (HEIGHT - 2 * MARGIN),
    ];
    const knee = best.fmaGflops / best.readGBps;
    const roof = [at(10 ** left, Math.max(best.readGBps * 10 ** left, 10 ** bottom)), at(knee, best.fmaGflops), at(10 ** right, best.fmaGflops)];
    return svg(
      "svg",
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": words("bench_picture") },
      svg("rect", { x: MARGIN, y: MARGIN, width: WIDTH - 2 * MARGIN, height: HEIGHT - 2 * MARGIN, class: "frame" }),
      svg("polyline", { points: roof.map((point) => point.join(",")).join(" "), class: "roof" }),
      ...points.map(({ name, x, y, kind }) => {
        const [cx, cy] = at(x, y);
        return svg("circle", { cx, cy, r: 5, class: kind }, svg("title", {}, name));
      }),
      svg("text", { x: WIDTH / 2, y: HEIGHT - 12, "text-anchor": "middle" }, words("bench_x")),
      svg("text", { x: 14, y: HEIGHT / 2, "text-anchor": "middle", transform: `rotate(-90 14 ${HEIGHT / 2})` }, words("bench_y")),
      svg("text", { x: at(knee, best.fmaGflops)[0] + 8, y: at(knee, best.fmaGflops)[1] - 8 }, `${number(best.fmaGflops, { maximumSignificantDigits: 3 })} GFLOP/s`),
    );
  }
}

customElements.define("nomoat-bench", NomoatBench);
