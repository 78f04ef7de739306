// <nomoat-privacy>: what leaves this device, shown request by request; exportable. Fed through sent().

import { arrange, button, make, NomoatElement } from "./element.js";
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
  /** What is shown of each host and reason: it stays, and with it the focus. @type {Map<string, ReturnType<typeof row>>} */
  #made = new Map();
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
    const nodes = [...groups].map(([key, all]) => {
      const [host, why] = key.split(" ");
      const via = [...new Set(all.flatMap(({ via }) => (via && new URL(via).host !== host ? [new URL(via).host] : [])))];
      const made = this.#made.get(key) ?? row();
      this.#made.set(key, made);
      const urls = all.slice(0, LISTED).map(({ url }) => url);
      put(made.name, host === location.host ? `${words("priv_self")} (${host})` : host);
      put(made.passed, via.map((each) => ` ${words("priv_via", { host: each })}`).join(""));
      put(made.why, words(`priv_${why}`));
      if (made.list.textContent !== urls.join("")) made.list.replaceChildren(...urls.map((url) => make("li", {}, url)));
      put(made.count, number(total(all, "requests")));
      put(made.bytes, size(total(all, "bytes")));
      return made.node;
    });
    arrange(this.#rows, nodes);
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

/** Of one host and reason. */
function row() {
  const [name, passed] = [make("span", {}), make("span", { class: "aside" })];
  const [why, list] = [make("summary", {}), make("ul", { class: "hash" })];
  const [count, bytes] = [make("td", { class: "end" }), make("td", { class: "end" })];
  const node = make("tr", {}, make("th", { scope: "row" }, name, passed, make("details", {}, why, list)), count, bytes);
  return { node, name, passed, why, list, count, bytes };
}

/** Texts that stay are not written anew, as somebody may be selecting them. @param {Element} node @param {string} text */
const put = (node, text) => node.textContent === text || (node.textContent = text);

/** @param {Told[]} all @param {"requests" | "bytes"} what */
function total(all, what) {
  return all.reduce((sum, each) => sum + each[what], 0);
}
