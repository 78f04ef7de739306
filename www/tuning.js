// Which kernels are the fastest on this GPU: measured when nobody has asked anything for a while, and kept for the next load
// with what else was found of it.

import { remember } from "./verdicts.js";

/** @typedef {import("./pkg/nomoat.js").Model} Model */

/**
 * @typedef {object} Now What is served at the moment.
 * @property {Model | undefined} model
 * @property {{ panic: string, panicked: Promise<never> } | undefined} instance
 * @property {{ tune: boolean } | undefined} from Whether kernels are to be measured.
 * @property {boolean} busy Whether an order is under way or waits.
 *
 * @typedef {object} Served
 * @property {() => Now} now
 * @property {(act: () => Promise<void>) => void} queue Does it after the orders that came before.
 * @property {(reply: import("./protocol.js").Reply) => void} say
 * @property {(what: string, more?: unknown) => void} trace
 */

/** How long nobody asked anything before kernels are measured, and between two of them. */
const REST_MS = 1500;
const BETWEEN_MS = 50;

/** @param {Served} served */
export function tuning({ now, queue, say, trace }) {
  /** Whether anything was written, which is what kernels are measured for. */
  let wrote = false;
  /** Until kernels are measured. @type {ReturnType<typeof setTimeout> | undefined} */
  let rest;
  /** What is kept of the GPU. @type {string | undefined} */
  let kept;
  /** Whether measuring kernels failed. */
  let failed = false;
  /** What was said to be found. @type {string | undefined} */
  let said;

  /** An order came, so kernels wait. */
  const holdOff = () => clearTimeout(rest);

  /** An order is done. @param {import("./protocol.js").Order["type"]} type */
  function tuneLater(type) {
    wrote ||= type === "generate";
    // the page counts tokens after each answer, which must not put it off for ever
    if (wrote) tuneAfter(REST_MS);
  }

  /** What is known of the GPU from before. @param {string | undefined} text */
  const knew = (text) => (kept = text);

  /** Measures a form of kernels when nobody has asked anything for so long. @param {number} ms */
  function tuneAfter(ms) {
    clearTimeout(rest);
    const { from, busy } = now();
    if (!busy && from?.tune) rest = setTimeout(() => queue(tune), ms);
  }

  async function tune() {
    const { model: it, instance, from, busy } = now();
    if (!it || !instance || instance.panic || busy) return;
    try {
      if (await Promise.race([it.tune(), instance.panicked])) return tuneAfter(BETWEEN_MS);
      if (from) from.tune = false;
      await learned(it);
      tell(it);
    } catch (error) {
      // a lost GPU is noticed, and replaced, at the next order; if measuring is what it was lost by, that is not done again
      if (from) from.tune = false;
      trace("failed", { order: "tune", message: String(error) });
      failed = true;
      if (!instance.panic) await settle(it);
    }
  }

  /** Keeps that kernels are not to be measured here. @param {Model} it */
  async function settle(it) {
    it.leaveUntuned();
    await learned(it);
  }

  /** Keeps what was found of the GPU; whether that is new. @param {Model} it */
  async function learned(it) {
    const text = it.verdicts();
    if (!text || text === kept) return false;
    await remember(text, Boolean(kept));
    kept = text;
    return true;
  }

  /** Says what was found of the GPU, if that is new. @param {Model} it */
  function tell(it) {
    const { selfTest } = JSON.parse(it.info());
    if (said !== selfTest) say({ type: "tuned", selfTest });
    said = selfTest;
  }

  /** Keeps what was found of the GPU that took the place of one that was lost. @param {Model} it */
  const relearned = (it) => (failed ? settle(it) : learned(it));

  /** The page has this already. @param {string} selfTest */
  const told = (selfTest) => (said = selfTest);

  return { holdOff, tuneLater, knew, learned, relearned, tell, told };
}
