// What this device bears: its memory, its connection, its screen's sleep, and whether the page ended well before.

import { kept, keep } from "./kept.js";

const KEY = "nomoat-open";
/** What a page may take on a small device before it is ended. */
const SMALL = 1.5e9;
/** After so many unclean ends the page starts small. */
const ENDS = 2;

/** How much a model may take here. @returns {{ small: boolean, budget: number }} */
export function bears() {
  const { userAgentData, deviceMemory, userAgent, maxTouchPoints } = /** @type {any} */ (navigator);
  // tablets that say they are desktops have a touch screen
  const mobile = userAgentData?.mobile || /Android|iPhone|iPad|Mobile/.test(userAgent) || (/Macintosh/.test(userAgent) && maxTouchPoints > 1);
  const small = mobile || deviceMemory <= 4;
  return { small, budget: small ? SMALL : (deviceMemory ?? 8) * 0.5e9 };
}

/** Whether bytes may cost the user something. */
export function metered() {
  const { saveData, type, effectiveType = "" } = /** @type {any} */ (navigator).connection ?? {};
  return Boolean(saveData) || type === "cellular" || /2g|3g/.test(effectiveType);
}

/** Keeps the screen on until `over` settles, where the browser lets it. @param {Promise<unknown>} over */
export function awake(over) {
  let done = false;
  /** @type {WakeLockSentinel | undefined} */
  let lock;
  const ask = async () => {
    if (done || document.hidden) return;
    lock = await navigator.wakeLock?.request("screen").catch(() => undefined);
    if (done) void lock?.release();
  };
  // a hidden page loses its lock
  document.addEventListener("visibilitychange", ask);
  void ask();
  const end = () => {
    done = true;
    document.removeEventListener("visibilitychange", ask);
    void lock?.release();
  };
  over.then(end, end);
}

/** @returns {{ open: string[], ends: number }} */
function record() {
  try {
    const { open, ends } = JSON.parse(kept(KEY) ?? "");
    return { open: Array.isArray(open) ? open.map(String) : [], ends: Number(ends) || 0 };
  } catch {
    return { open: [], ends: 0 };
  }
}

const self = Math.random().toString(36).slice(2);
const lockOf = (/** @type {string} */ id) => `nomoat:tab:${id}`;

/**
 * How often in a row the page ended while it had a model, without saying good-bye. A tab that lives holds a lock.
 * @returns {Promise<number>} 0 unless it is often enough to start small.
 */
export async function uncleanEnds() {
  const { held } = (await navigator.locks?.query().catch(() => undefined)) ?? {};
  const alive = new Set(held?.map(({ name }) => name));
  const { open, ends } = record();
  const dead = open.filter((id) => !alive.has(lockOf(id)));
  const all = ends + dead.length;
  if (dead.length) keep(KEY, JSON.stringify({ open: open.filter((id) => alive.has(lockOf(id))), ends: all }));
  return all >= ENDS ? all : 0;
}

/** From now on an end of this tab is unclean. */
export function stamp() {
  const { open, ends } = record();
  if (open.includes(self)) return;
  keep(KEY, JSON.stringify({ open: [...open, self], ends }));
  void navigator.locks?.request(lockOf(self), () => new Promise(() => {}));
}

/** This tab ended well. @param {boolean} [forgive] Whether that makes up for unclean ends. */
export function unstamp(forgive = false) {
  const { open, ends } = record();
  if (!open.length && !ends) return;
  keep(KEY, JSON.stringify({ open: open.filter((id) => id !== self), ends: forgive ? 0 : ends }));
}

/** Tells CSS how much of the page the on-screen keyboard covers, where the browser does not make the page smaller for it. */
export function followKeyboard() {
  const view = window.visualViewport;
  if (!view) return;
  const follow = () => {
    const covered = view.scale > 1.01 ? 0 : Math.max(0, innerHeight - view.height - view.offsetTop);
    document.documentElement.style.setProperty("--keyboard", `${Math.round(covered)}px`);
  };
  view.addEventListener("resize", follow);
  view.addEventListener("scroll", follow);
}
