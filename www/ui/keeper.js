// Keeps what is written in the history while it is written, and remembers which one this tab has open.

import { make } from "./make.js";
import { get, listen, put } from "./records.js";
import { empty } from "./tree.js";
import { say } from "./words.js";

/** @typedef {import("./tree.js").Talk} Talk */

const OPEN = "nomoat-open";
const EVERY_MS = 400;

/**
 * @param {"chat" | "text"} kind
 * @param {() => Talk} talk What is open.
 */
export function keeper(kind, talk) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let due = 0;
  const note = say(make("p", { class: "aside warning", role: "status", hidden: true }), "historyMemory");

  async function now() {
    clearTimeout(timer);
    timer = undefined;
    due = performance.now() + EVERY_MS;
    const open = talk();
    if (empty(open)) return;
    current();
    note.hidden = await put(open);
  }

  function current() {
    try {
      sessionStorage.setItem(OPEN, talk().id);
    } catch {
      // the tab does not remember it then
    }
  }

  // a page that is hidden may never be shown again
  document.addEventListener("visibilitychange", () => document.hidden && timer && void now());
  addEventListener("pagehide", () => timer && void now());

  return {
    /** Says that it could not be saved, while that is so. */
    note,
    /** Saves at once. */
    now: () => void now(),
    /** Saves before long, however often it is asked. */
    soon() {
      timer ||= setTimeout(() => void now(), Math.max(0, due - performance.now()));
    },
    /** Saves what waits to be saved, before something else is opened. */
    flush: () => timer && void now(),
    /** This tab shows it now. */
    current,
    /** Calls `hear` when another tab changed what is open here; with nothing when it was deleted. @param {(talk: Talk | undefined) => void} hear */
    follow(hear) {
      listen(async ({ changed, gone }) => {
        const { id } = talk();
        if (gone === id) hear(undefined);
        if (changed !== id) return;
        const found = await get(id);
        if (found && found.kind === kind && talk().id === id) hear(found);
      });
    },
  };
}

/** What this tab had open before it was loaded again. @returns {Promise<Talk | undefined>} */
export async function reopened() {
  try {
    const id = sessionStorage.getItem(OPEN);
    return id ? await get(id) : undefined;
  } catch {
    return undefined;
  }
}
