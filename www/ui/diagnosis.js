// <nomoat-diagnosis>: what the browser and the device offer, and the trace, to copy into a report.

import { button, make, NomoatElement } from "./element.js";
import { bears, metered } from "./device.js";
import { hush, say } from "./words.js";

export class NomoatDiagnosis extends NomoatElement {
  #text = make("pre", { tabindex: 0, role: "region" });
  #done = make("span", { class: "aside", role: "status" });
  /** What the engine logs. */
  trace = /** @type {any} */ (document.createElement("nomoat-trace"));
  /** Of the loaded model. @type {() => unknown} */
  model = () => null;

  build() {
    say(this.#text, "diag_text", {}, "aria-label");
    const copy = button("copy", async () => {
      const all = `${this.#text.textContent}\n\n${this.trace.text}`;
      const copied = await navigator.clipboard?.writeText(all).then(
        () => true,
        () => false,
      );
      if (copied) say(this.#done, "copied");
      // not allowed to write there: select it, so that one key copies it
      else getSelection()?.selectAllChildren(this);
    });
    this.append(
      make(
        "section",
        {},
        say(make("p", { class: "aside" }), "diag_intro"),
        make("div", { class: "row" }, copy, button("diag_look", () => void this.shown()), this.#done),
        this.#text,
      ),
      this.trace,
    );
  }

  async shown() {
    hush(this.#done);
    this.#text.textContent = JSON.stringify(await facts(this.model()), null, 2);
  }
}

/** @param {unknown} model */
async function facts(model) {
  const { userAgent, language, languages, hardwareConcurrency, onLine, storage, locks, serviceWorker, wakeLock } = navigator;
  const more = /** @type {any} */ (navigator);
  const adapter = await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" }).catch(() => null);
  const info = /** @type {any} */ (adapter?.info);
  /** @type {Record<string, number>} */
  const limits = {};
  for (const name in adapter?.limits ?? {}) limits[name] = /** @type {any} */ (adapter?.limits)[name];
  const estimate = await storage?.estimate?.().catch(() => null);
  return {
    time: new Date().toISOString(),
    browser: { userAgent, language, languages, online: onLine, metered: metered() },
    device: { cores: hardwareConcurrency, memoryGB: more.deviceMemory ?? null, ...bears(), screen: `${screen.width}x${screen.height}@${devicePixelRatio}` },
    page: { secure: isSecureContext, isolated: globalThis.crossOriginIsolated, scheme: location.protocol, serviceWorker: Boolean(serviceWorker?.controller) },
    adapter: adapter && {
      vendor: info?.vendor,
      architecture: info?.architecture,
      device: info?.device,
      description: info?.description,
      fallback: Boolean(info?.isFallbackAdapter ?? /** @type {any} */ (adapter).isFallbackAdapter),
      subgroups: [info?.subgroupMinSize, info?.subgroupMaxSize],
      features: [...adapter.features].sort(),
      limits,
      language: [...(navigator.gpu.wgslLanguageFeatures ?? [])].sort(),
    },
    storage: {
      privateFiles: Boolean(storage?.getDirectory),
      usage: estimate?.usage ?? null,
      quota: estimate?.quota ?? null,
      persisted: (await storage?.persisted?.().catch(() => null)) ?? null,
      locks: Boolean(locks),
      wakeLock: Boolean(wakeLock),
    },
    model: model ?? null,
  };
}
