// <nomoat-offline status="empty | loading | ready | busy">: has the page kept for use without a network, brings new versions in
// when no answer is running, and takes files that the system opens with the app. Emits nomoat-source { source, name, device }
// and, for each request of the service worker, nomoat-request.

import { button, make, NomoatElement } from "./element.js";
import { hush, say } from "./words.js";

/** How long a page that was opened for a look is left in peace before it is kept. */
const PEACE_MS = 5_000;
const RETRY_MS = 500;
const LOOK_AGAIN_MS = 3_600_000;

/** Held, shared by all tabs, while there is an answer or a load that a change of version would break. */
const ANSWER = `nomoat-answer ${new URL("./", location.href).pathname}`;

export class NomoatOffline extends NomoatElement {
  static observedAttributes = ["status"];

  #said = make("span", { class: "aside", role: "status" });
  #reload = button("offlineReload", () => void this.#renew(), { class: "quiet" });
  #install = button("offlineInstall", () => void this.#ask(), { class: "quiet" });
  /** @type {ServiceWorkerRegistration | undefined} */
  #registration;
  /** In the single file all is kept already. @type {HTMLElement | undefined} */
  #single = document.documentElement.hasAttribute("data-single") ? make(/** @type {any} */ ("nomoat-single")) : undefined;
  #asked = false;
  #old = false;
  #waits = false;
  #looked = 0;
  /** @type {(() => void) | undefined} */
  #release;
  /** The browser's offer to install. @type {any} */
  #offer;

  build() {
    this.append(this.#said, this.#reload, this.#install);
    this.#reload.hidden = this.#install.hidden = true;
    if (this.#single) this.append(this.#single);
    if (this.#single) return;
    this.#launched();
    if (!navigator.serviceWorker || !isSecureContext) return;
    const standalone = matchMedia("(display-mode: standalone)").matches;
    if (standalone || navigator.serviceWorker.controller) void this.#keep();
    else if (!(/** @type {any} */ (navigator).connection?.saveData)) this.#later();
    addEventListener("appinstalled", () => void this.#keep());
    addEventListener("beforeinstallprompt", (event) => {
      // as a line on the page, never as a banner over it
      event.preventDefault();
      this.#offer = event;
      this.changed();
    });
  }

  changed() {
    const status = this.getAttribute("status");
    if (this.#single) return this.#single.setAttribute("status", status ?? "");
    const running = status === "busy" || status === "loading";
    this.#hold(running);
    if (status === "ready") void this.#keep();
    const renewed = Boolean(this.#registration?.waiting && this.#registration.active);
    let key = this.#registration?.active ? "offlineKept" : "";
    if (!running && renewed) key = "offlineNew";
    if (!running && this.#old) key = "offlineOld";
    if (this.#waits) key = "offlineWaits";
    // said again only when it is another thing: it is read aloud
    if (key !== this.#said.dataset.key) {
      this.#said.dataset.key = key;
      if (key) say(this.#said, key);
      else hush(this.#said);
    }
    // without a model nothing is lost: what was being written is kept
    if (this.#old && status === "empty") location.reload();
    this.#reload.hidden = key !== "offlineNew" && key !== "offlineOld";
    this.#install.hidden = !this.#offer;
  }

  /** After the page has been looked at for a while, when there is nothing else to do. */
  #later() {
    const keep = () => void this.#keep();
    const idle = () => ("requestIdleCallback" in globalThis ? requestIdleCallback(keep) : keep());
    const begin = () => setTimeout(idle, PEACE_MS);
    if (document.readyState === "complete") begin();
    else addEventListener("load", begin, { once: true });
  }

  /** Registers the service worker, once. */
  async #keep() {
    if (this.#asked || !navigator.serviceWorker || !isSecureContext) return;
    this.#asked = true;
    const { serviceWorker } = navigator;
    let controlled = Boolean(serviceWorker.controller);
    try {
      serviceWorker.addEventListener("message", ({ data }) => data?.sent && this.emit("nomoat-request", data.sent));
      serviceWorker.startMessages();
      const registration = await serviceWorker.register("sw.js", { updateViaCache: "none" });
      this.#registration = registration;
      this.#follow(registration.installing);
      registration.addEventListener("updatefound", () => this.#follow(registration.installing));
      serviceWorker.addEventListener("controllerchange", () => {
        if (controlled) this.#replaced();
        controlled = true;
      });
      document.addEventListener("visibilitychange", () => {
        if (document.hidden || performance.now() - this.#looked < LOOK_AGAIN_MS) return;
        this.#looked = performance.now();
        registration.update().catch(() => {}); // there is no network
      });
    } catch {
      // storage is refused here, or the host has changed a file: the page works as long as there is a network
    }
    this.changed();
  }

  /** @param {ServiceWorker | null} worker */
  #follow(worker) {
    worker?.addEventListener("statechange", () => this.changed());
  }

  /** Tells all tabs whether something runs here. @param {boolean} running */
  #hold(running) {
    if (running === Boolean(this.#release)) return;
    this.#release?.();
    this.#release = undefined;
    if (!running) return;
    const done = new Promise((/** @type {(value: void) => void} */ resolve) => (this.#release = resolve));
    void navigator.locks?.request(ANSWER, { mode: "shared" }, () => done);
  }

  /** Goes to the new version, as soon as no tab has something running. */
  async #renew() {
    const waiting = this.#registration?.waiting;
    if (this.#old || !waiting) return location.reload();
    const taken = await this.#alone(() => {
      const over = new Promise((resolve) => {
        navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true });
        // a still newer one may have taken its place
        waiting.addEventListener("statechange", () => waiting.state === "redundant" && resolve(null));
      });
      waiting.postMessage("take over");
      return over;
    });
    this.#waits = !taken;
    // nobody stands in line: an answer that began behind this would not be seen
    if (!taken) setTimeout(() => void this.#renew(), RETRY_MS);
    else location.reload();
    this.changed();
  }

  /** Does it while nothing runs in any tab; else not. @param {() => Promise<unknown>} act @returns {Promise<boolean>} */
  async #alone(act) {
    if (!navigator.locks) return act().then(() => true);
    return navigator.locks.request(ANSWER, { ifAvailable: true }, async (lock) => {
      if (lock) await act();
      return Boolean(lock);
    });
  }

  /** Another tab has brought the new version in: this page's own files are gone, so it may start no more workers. */
  #replaced() {
    this.#old = true;
    this.changed();
  }

  /** Whether this page is of an earlier version than the files that it would start workers from. */
  get old() {
    return this.#old;
  }

  async #ask() {
    const offer = this.#offer;
    this.#offer = undefined;
    this.changed();
    await offer?.prompt();
  }

  /** Files that were opened with the app from the system's file manager. */
  #launched() {
    /** @type {any} */ (globalThis).launchQueue?.setConsumer(async (/** @type {{ files?: FileSystemFileHandle[] }} */ { files }) => {
      if (!files?.length) return;
      const source = await Promise.all(files.map((handle) => handle.getFile()));
      this.emit("nomoat-source", { source, name: source[0].name, device: "auto" });
    });
  }
}
