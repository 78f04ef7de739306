// <nomoat-privacy>: what leaves this device, shown request by request; exportable. Fed through sent().

import { button, make, NomoatElement } from "./element.js";
import { number, say, size, words } from "./words.js";

/** @typedef {import("../protocol.js").Sent} Sent @typedef {Sent & { why: string }} Told */

/** Of each host and reason, addresses that are listed. */
const LISTED = 200;

export class NomoatPrivacy extends NomoatElement {
  /** By address. @type {Map<string, Told>} */
  #all = new Map();
  /** Where the models come from, as beginnings of addresses. @type {Set<string>} */
  #models = new Set();
  #off = say(make("p", { class: "calm", role: "status" }), "priv_off");
  #rows = make("tbody", {});
  #sum = make("p", { class: "figures" });
  #frame = 0;

  build() {
    const column = (/** @type {string} */ key, /** @type {string} */ cls = "") => say(make("th", { scope: "col", class: cls }), key);
    const head = make("thead", {}, make("tr", {}, column("priv_to"), column("priv_count", "end"), column("priv_bytes", "end")));
    const sentences = ["priv_words", "priv_host", "priv_try"].map((key) => say(make("li", {}), key));
    this.append(
      make("section", {}, make("ul", { class: "promise" }, ...sentences), this.#off),
      make(
        "section",
        {},
        say(make("h2", {}), "priv_all"),
        make("table", {}, head, this.#rows),
        this.#sum,
        make("div", { class: "row" }, button("priv_export", () => this.#export())),
      ),
    );
    const follow = () => (this.#off.hidden = navigator.onLine);
    addEventListener("online", follow);
    addEventListener("offline", follow);
    follow();
  }

  /** What lies there belongs to a model. @param {any} source */
  expect(source) {
    if (typeof source !== "string" || source === "embedded" || !URL.canParse(source, location.href)) return;
    this.#models.add(new URL(source, location.href).href.replace(/[^/]*$/, ""));
  }

  /** A request, or more bytes of one. @param {Sent} sent */
  sent(sent) {
    const old = this.#all.get(sent.url);
    const requests = (old?.requests ?? 0) + sent.requests;
    this.#all.set(sent.url, { ...sent, why: this.#why(sent.url), at: old?.at ?? sent.at, requests, bytes: (old?.bytes ?? 0) + sent.bytes });
    this.changed();
  }

  /** @param {string} url */
  #why(url) {
    const { origin, pathname, href } = new URL(url);
    if (origin !== location.origin) return /\/api\//.test(pathname) ? "list" : "model";
    return [...this.#models].some((model) => href.startsWith(model)) || /\.(gguf|safetensors)$/.test(pathname) ? "model" : "page";
  }

  shown() {
    this.changed();
  }

  changed() {
    // a load makes many requests; those who look see them once a frame
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#paint();
    });
  }

  #paint() {
    if (!this.isConnected || this.closest("[hidden]")) return;
    /** @type {Map<string, Told[]>} */
    const groups = new Map();
    for (const told of this.#all.values()) {
      const key = `${new URL(told.url).host} ${told.why}`;
      groups.set(key, [...(groups.get(key) ?? []), told]);
    }
    const open = new Set([...this.#rows.querySelectorAll("details[open]")].map((node) => node.getAttribute("data-key")));
    this.#rows.replaceChildren(
      ...[...groups].map(([key, all]) => {
        const [host, why] = key.split(" ");
        const via = [...new Set(all.flatMap(({ via }) => (via && new URL(via).host !== host ? [new URL(via).host] : [])))];
        const name = host === location.host ? `${words("priv_self")} (${host})` : host;
        const list = make("ul", { class: "hash" }, ...all.slice(0, LISTED).map(({ url }) => make("li", {}, url)));
        const more = make("details", { "data-key": key, open: open.has(key) }, make("summary", {}, words(`priv_${why}`)), list);
        const passed = via.map((each) => make("span", { class: "aside" }, ` ${words("priv_via", { host: each })}`));
        return make(
          "tr",
          {},
          make("th", { scope: "row" }, name, ...passed, more),
          make("td", { class: "end" }, number(total(all, "requests"))),
          make("td", { class: "end" }, size(total(all, "bytes"))),
        );
      }),
    );
    const all = [...this.#all.values()];
    say(this.#sum, "priv_sum", { count: number(total(all, "requests")), size: size(total(all, "bytes")) });
  }

  #export() {
    const requests = [...this.#all.values()].map(({ at, ...rest }) => ({ ...rest, host: new URL(rest.url).host, first: new Date(at).toISOString() }));
    const text = JSON.stringify({ page: location.href.split("#")[0], exported: new Date().toISOString(), requests }, null, 2);
    const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    make("a", { href: url, download: "nomoat-requests.json" }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }
}

/** @param {Told[]} all @param {"requests" | "bytes"} what */
function total(all, what) {
  return all.reduce((sum, each) => sum + each[what], 0);
}
